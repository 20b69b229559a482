"""Taking one input out of an array that holds several: a choice of numbers, so linear."""

from __future__ import annotations

import numpy as np

from rnnlens.engine.operations.registry import Array, Mask, Multipliers, Tape, pull, run
from rnnlens.network.layers.joined import Unjoin

__all__: list[str] = []


@run.register
def _(layer: Unjoin, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    x = inputs[0][:, layer.places, : layer.width]
    return Tape(inputs, (np.ascontiguousarray(x).reshape(len(x), *layer.shape),), (None,))


@pull.register
def _(layer: Unjoin, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    pulled = np.zeros((len(m[0]), *tape.inputs[0].shape[1:]), m[0].dtype)
    pulled[:, layer.places, : layer.width] = m[0].reshape(len(m[0]), len(layer.rows), -1)
    return (pulled,)
