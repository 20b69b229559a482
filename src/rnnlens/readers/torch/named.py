"""State dicts that make no network alone: their arrays named by gate, layer by layer.

Two recurrent modules, whose connection is in the forward code, or plain recurrent layers whose
activation nobody stated: what each array is can be said all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnlens.errors import UnsupportedModel
from rnnlens.network.arrays import ArrayGroup, Arrays
from rnnlens.network.inventory import NamedArray, arrays_of
from rnnlens.network.layers import Bidirectional, Recurrent
from rnnlens.network.network import Origin, Source
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.torch.state import modules_of
from rnnlens.readers.torch.weights.folded import folded
from rnnlens.readers.torch.weights.lazy import LazyArray
from rnnlens.readers.torch.weights.names import CELL_ARRAY

__all__ = ["named"]

NOTE = (
    "a state dict holds no forward code: how its layers are connected, and what a plain recurrent "
    "layer computes, cannot be known from it; state them with layers= (--layers), or read the live "
    "model with rnnlens.read(model, example=x)"
)


def named(
    arrays: Mapping[str, LazyArray], origin: Origin, parts: tuple[str, ...] = ()
) -> Arrays | None:
    """Name the arrays of a state dict; parts: where each of several was found in its file."""
    arrays = folded(arrays)
    groups: dict[str, list[NamedArray]] = {}
    for key, array in arrays.items():
        match = CELL_ARRAY.fullmatch(key)
        if match is None:
            prefix, _, name = key.rpartition(".")
            groups.setdefault(prefix, []).extend(_single(prefix, name, array))
        else:
            groups.setdefault(match["module"] or "", [])
    modules = modules_of(arrays)
    if not modules:
        return None
    listed: list[ArrayGroup] = []
    for prefix, single in groups.items():
        if prefix in modules:
            # the activation is a placeholder: it changes no count and no name
            levels = modules[prefix].levels_of(
                prefix, ReadOptions(nonlinearity="tanh"), strict=False
            )
            listed += [_level(label, level.layer, level.sources) for label, level in levels]
        if single:
            listed.append(_joined(prefix, single))
    several = ()
    if parts:
        which = ", ".join(repr(one) for one in parts)
        several = (f"the file holds {len(parts)} state dicts ({which}): part= (--part) picks one",)
    return Arrays(tuple(listed), replace(origin, notes=(*origin.notes, *several, NOTE)))


def _single(prefix: str, name: str, array: LazyArray) -> list[NamedArray]:
    try:
        loaded = array.load()
    except UnsupportedModel:  # counters, such as the batches that a norm has seen, are no weights
        return []
    place = Source(loaded.text, loaded.stored_at)
    return [NamedArray(prefix or "module", name, "", "", loaded.values, (), place)]


def _joined(prefix: str, arrays: list[NamedArray]) -> ArrayGroup:
    shapes = {array.local_name: array.values.shape for array in arrays}
    weight = shapes.get("weight", ())
    linear = len(weight) == 2 and shapes.get("bias") == weight[:1]
    return ArrayGroup(prefix or "module", "Linear" if linear else "", tuple(arrays))


def _level(
    label: str, layer: Recurrent | Bidirectional, sources: Mapping[str, Source]
) -> ArrayGroup:
    one = layer.forward if isinstance(layer, Bidirectional) else layer
    kind = f"Bidirectional {one.cell.kind}" if isinstance(layer, Bidirectional) else one.cell.kind
    arrays = tuple(array.within(label, sources) for array in arrays_of(layer))
    return ArrayGroup(label, kind, arrays, layer)
