"""Arrays without an architecture: named as far as their shapes allow, and no further."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from rnnlens.names import Told, told
from rnnlens.network.describe import describe_array
from rnnlens.network.description import LayerDescription, NetworkDescription
from rnnlens.network.formula import parameter_formula, parameters_of
from rnnlens.network.inventory import NamedArray
from rnnlens.network.layers import Bidirectional, Layer, Recurrent
from rnnlens.network.network import Origin

__all__ = ["ArrayGroup", "Arrays", "describe_arrays"]


@dataclass(frozen=True, eq=False)
class ArrayGroup:
    """The arrays of one layer.

    Parameters
    ----------
    name : str
        The layer's name in the file.
    kind : str
        What the shapes say it is, ``"Dense or Embedding"`` where they leave it open.
    arrays : tuple of NamedArray
        Named by gate where the kind is sure, in the file's own names where it is not.
    layer : Layer or None
        The layer with options that nobody stated, where the kind is sure: good for counting.
    """

    name: str
    kind: str
    arrays: tuple[NamedArray, ...]
    layer: Layer | None = None


@dataclass(frozen=True, eq=False)
class Arrays:
    """The layers of a file that holds weights alone.

    Parameters
    ----------
    groups : tuple of ArrayGroup
        Layer by layer, in the file's order.
    origin : Origin
        Where they came from; its notes say what cannot be known.
    until : str
        The last layer up to which the model can be read as a network; empty where there is none.
    """

    groups: tuple[ArrayGroup, ...]
    origin: Origin
    until: str = ""

    def __repr__(self) -> str:
        kinds = ", ".join(group.kind or "unknown" for group in self.groups)
        return f"<Arrays from {self.origin.format}: {kinds}>"


def describe_arrays(arrays: Arrays, *, values: bool = False) -> NetworkDescription:
    """Say what a file of weights holds, in the form of `rnnlens.network.describe.describe`."""
    origin = arrays.origin
    return {
        "name": "weights",
        "format": origin.format,
        "version": origin.version,
        "path": origin.path,
        "sha256": origin.digest,
        "parameters": sum(array.values.size for group in arrays.groups for array in group.arrays),
        "notes": list(origin.notes),
        "assumed": list(origin.assumed),
        "left_out": list(origin.left_out),
        "time_steps": _time_steps(arrays),
        "inputs": {},
        "layers": [_group(group, values=values) for group in arrays.groups],
    }


def _group(group: ArrayGroup, *, values: bool) -> LayerDescription:
    features, units = _sizes(group.layer)
    return {
        "name": group.name,
        "kind": group.kind or "unknown",
        "units": units,
        "features": features,
        "parameters": sum(array.values.size for array in group.arrays),
        "formula": parameter_formula(group.layer) if group.layer is not None else "",
        "options": {},
        "inputs": [],
        "output_shape": None,
        "shares_arrays_of": None,
        "arrays": [describe_array(array, values=values) for array in group.arrays],
    }


def _sizes(layer: Layer | None) -> tuple[int | None, int | None]:
    if isinstance(layer, Bidirectional):
        layer = layer.forward
    if isinstance(layer, Recurrent):
        return layer.cell.features, layer.cell.units
    return None, None


def _time_steps(arrays: Arrays) -> Told:
    recurrent = [
        group
        for group in arrays.groups
        if group.layer is not None and isinstance(group.layer, Recurrent | Bidirectional)
    ]
    unknown = [group.name for group in arrays.groups if not group.kind]
    if not recurrent and unknown:
        return told(
            "Whether an array here serves every step cannot be told, for the class of {names} "
            "cannot.",
            names=", ".join(unknown[:4]),
        )
    if not recurrent:
        return told("No array here is that of a recurrent layer, so none is used once a step.")
    counts = [
        told("{name} has {numbers} parameters", name=group.name,
             numbers=f"{parameters_of(group.layer):,}")
        for group in recurrent
        if group.layer is not None
    ]  # fmt: skip
    return told(
        "The number of steps is in no array: the same ones serve every step, so {counts} whatever "
        "the window.",
        counts=reduce(lambda all_, more: told("{first} and {last}", first=all_, last=more), counts),
    )
