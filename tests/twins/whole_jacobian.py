"""The whole derivative of a step of a cell, one direction of the state after the other."""

from __future__ import annotations

import numpy as np

from rnnlens.dynamics.step_jacobian import push
from rnnlens.engine.cells import Ready, Step
from rnnlens.engine.operations.registry import Array

__all__ = ["state_jacobian"]


def state_jacobian(ready: Ready, saved: Step) -> Array:
    """Give the derivative of the state after a step by the state before it.

    Shapes: gives (sample, state after, state before), hidden state first.
    """
    sizes = ready.cell.state_sizes
    samples = len(saved.before[0])
    every = np.broadcast_to(np.eye(sum(sizes)), (samples, sum(sizes), sum(sizes)))
    parts = np.split(every, np.cumsum(sizes)[:-1], axis=2)
    return np.concatenate(push(ready, saved, tuple(parts)), axis=2).swapaxes(1, 2)
