"""What every layer can do: run, carry multipliers back, and say whether its numbers are finite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import UnsupportedModel
from rnnlens.network.layers import Layer
from rnnlens.network.network import Node, layer_kind

__all__ = [
    "Array",
    "Mask",
    "Multipliers",
    "Tape",
    "always_finite",
    "infer",
    "join",
    "pull",
    "reduce_to",
    "run",
    "taken_by",
]

Array = NDArray[np.float64]
#: Per sample and step, whether the step is real; ``None`` where nothing is hidden.
Mask = NDArray[np.bool_] | None
#: One multiplier array per input or output; ``None`` where nothing depends on it.
Multipliers = tuple[Array | None, ...]


@dataclass(frozen=True, eq=False)
class Tape:
    """What one layer took and gave, and what its way back needs.

    Parameters
    ----------
    inputs, outputs : tuple of array
        What it took and gave.
    masks : tuple of Mask
        One an output.
    saved : object
        Private to the layer.
    """

    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    masks: tuple[Mask, ...]
    saved: Any = None


@singledispatch
def run(layer: Layer, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    """Run one layer."""
    return _unknown(layer)


@singledispatch
def infer(layer: Layer, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    """Run one layer for what it gives alone."""
    return run(layer, inputs, masks, forced)


@singledispatch
def pull(layer: Layer, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    """Carry multipliers from a layer's outputs back to its inputs."""
    return _unknown(layer)


@singledispatch
def always_finite(layer: Layer) -> bool:
    """Say whether it is plain that a layer makes finite numbers of all that are not huge.

    So it is where nothing divides and no state can grow step by step, which each kind of layer
    tells of itself; of the others a run tells.
    """
    return False


def taken_by(node: Node, tapes: Mapping[str, Tape]) -> tuple[tuple[Array, ...], tuple[Mask, ...]]:
    """Give what the nodes before a node hand on to it, and the masks of that."""
    taken = tuple(tapes[name].outputs[k] for name, k in node.inputs)
    return taken, tuple(tapes[name].masks[k] for name, k in node.inputs)


def _unknown(layer: Layer) -> NoReturn:
    raise UnsupportedModel(f"rnnlens has no operation for the layer {layer_kind(layer)}")


def reduce_to(m: Array, shape: tuple[int, ...]) -> Array:
    """Undo broadcasting: sum multipliers over the axes that were stretched: m (sample, ...)."""
    extra = m.ndim - len(shape)
    if extra:
        m = m.sum(axis=tuple(range(1, 1 + extra)))
    stretched = [k for k in range(1, m.ndim) if shape[k] == 1 and m.shape[k] != 1]
    return m.sum(axis=tuple(stretched), keepdims=True) if stretched else m


def join(*parts: Array | None) -> Array | None:
    """Add multipliers, leaving out those that are not there."""
    total = None
    for part in parts:
        if part is not None:
            total = part if total is None else total + part
    return total
