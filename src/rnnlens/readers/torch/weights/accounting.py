"""Every array of a state dict accounted for: used, refused as another cell's, or left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rnnlens.errors import UnsupportedModel
from rnnlens.names import told
from rnnlens.readers.torch.weights.lazy import LazyArray
from rnnlens.readers.torch.weights.names import CELL_ARRAY

__all__ = ["check_plain_cell", "fitting_heads", "left_out", "module_of"]

#: Names that are said of many.
SHOWN = 12


def module_of(key: str) -> str | None:
    """Give the recurrent module that an array is of; None for one that is of none."""
    match = CELL_ARRAY.fullmatch(key)
    return None if match is None else match["module"] or ""


def check_plain_cell(name: str, kind: str, arrays: Collection[str], used: Collection[str]) -> None:
    """Refuse arrays that stand among a cell's own and that a plain cell does not have.

    A module without a name stands at the top: what is its own there has no dot in its name.
    """
    within = (
        [key for key in arrays if key.startswith(f"{name}.")]
        if name
        else [key for key in arrays if "." not in key]
    )
    own = sorted(key for key in within if module_of(key) is None and key not in used)
    if own:
        raise UnsupportedModel(
            f"{name or 'the module'} has arrays of its own that a plain {kind} has not "
            f"({listed(own)}), such as those of layer norms, peepholes or learned states: it "
            "computes something else, which is in its forward code; read the live model with "
            "rnnlens.read(model, example=x)"
        )


def listed(names: Collection[str]) -> str:
    """List names, a dozen at most."""
    some = list(names)[:SHOWN]
    shown = ", ".join(some)
    if len(names) <= SHOWN:
        return shown
    return told("{names} and {more} more", names=shown, more=len(names) - SHOWN)


def fitting_heads(arrays: Mapping[str, LazyArray], used: Collection[str], width: int) -> list[str]:
    """Give the linear layers that take so many numbers, by name."""
    heads = []
    for key, array in arrays.items():
        name = key.removesuffix(".weight")
        if key == name or key in used or len(array.shape) != 2 or array.shape[1] != width:
            continue
        bias = arrays.get(f"{name}.bias")
        if bias is None or bias.shape == array.shape[:1]:
            heads.append(name)
    return heads


def left_out(arrays: Collection[str], used: Collection[str]) -> tuple[str, ...]:
    """Say which arrays are not used; counters of the batches that a norm has seen are none."""
    unused = sorted(
        key for key in set(arrays) - set(used) if key.rpartition(".")[2] != "num_batches_tracked"
    )
    return (told("arrays that are not used: {names}", names=listed(unused)),) if unused else ()
