"""Every choice of hidden and shown steps, evaluated on a device.

Both ways of a step double the histories, so that one product serves all of them; where they would
be too many for the device's memory, the first steps are gone through one way after the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlens.engine.arrays import as_numpy, as_tensor
from rnnlens.engine.cells import Ready
from rnnlens.engine.device.cells import ready_on
from rnnlens.engine.operations.registry import Array
from rnnlens.network.cells import Cell

__all__ = ["evaluate_leaves"]

#: Numbers of the states of all histories at once.
MOST_NUMBERS = 1 << 27


def evaluate_leaves(
    cell: Cell, device: str, x: Array, states: tuple[Array, ...], readout: Array, constant: float
) -> Array:
    """Evaluate a linear readout for every choice of hidden and shown steps.

    Shapes: x (2, step, feature), states tuple of (history, unit), readout (output,) -> (2 ** steps,
    history).
    """
    ready = ready_on(cell, device, x.dtype)
    both = ready.project(as_tensor(x, ready.W))
    before = tuple(as_tensor(state, ready.W) for state in states)
    # of double precision: the readout is where contributions of many units meet
    weights = as_tensor(np.asarray(readout, float), ready.W).double()
    found = as_numpy(_below(ready, both, before, weights)) + constant
    return found.astype(x.dtype)


def _below(ready: Ready, both: Any, states: tuple[Any, ...], weights: Any) -> Any:
    """Give the readout after every choice of the steps that are left.

    Shapes: both (2, step, gate * unit), states tuple of (history, unit) -> (2 ** steps, history).
    """
    import torch

    histories, steps = len(states[0]), both.shape[1]
    after = [_step(ready, both[way, 0], states) for way in range(2)]
    if steps == 1:
        return torch.stack([state[0].double() @ weights for state in after])
    if (histories << steps) * ready.cell.units > MOST_NUMBERS:
        parts = [_below(ready, both[:, 1:], state, weights) for state in after]
        # the first step's choice is the lowest bit
        return torch.stack(parts, dim=1).reshape(1 << steps, histories)
    joined = tuple(torch.cat(pair) for pair in zip(*after, strict=True))
    return _below(ready, both[:, 1:], joined, weights).reshape(1 << steps, histories)


def _step(ready: Ready, xW: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
    """Take one step of all histories with the same input: xW (gate * unit,)."""
    return ready.advance(xW.expand(len(states[0]), -1), states)[0]
