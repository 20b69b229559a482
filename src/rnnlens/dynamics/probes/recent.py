"""Recent inputs and their moving means: what of a concept can be said without any memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.operations.registry import Array

__all__ = ["NEWEST", "moving_means", "recent_inputs", "reduced"]

#: Newest steps that are taken one by one, and the numbers that they may be in all.
NEWEST, NUMBERS = 30, 300
#: Columns beyond which their leading principal components stand for them.
COLUMNS = 400

#: Inputs with steps, (sample, step, number), and those without, (sample, number).
Inputs = Mapping[str, Array]


def recent_inputs(inputs: Inputs, steps: NDArray[np.int64]) -> Array:
    """Give each sequence's newest steps up to a step, and inputs without steps as they are.

    Shapes: steps (step,) counted from the oldest -> (sample, step, column). What lies before the
    window is 0 there.
    """
    wide = sum(array.shape[-1] for array in inputs.values() if array.ndim == 3)
    count = max(1, min(NEWEST, NUMBERS // max(wide, 1)))
    parts = []
    for array in inputs.values():
        if array.ndim == 2:
            parts.append(np.repeat(array[:, None], len(steps), axis=1))
            continue
        for back in range(min(count, array.shape[1])):
            at = _places(array, steps) - back
            parts.append(np.where(at[:, None] >= 0, array[:, np.maximum(at, 0)], 0.0))
    return np.concatenate(parts, axis=2)


def moving_means(
    inputs: Inputs, steps: NDArray[np.int64], real: NDArray[np.bool_] | None = None
) -> Array:
    """Give each sequence's means over the newest 1, 2, 4, ... steps up to a step, and over all.

    Shapes: steps (step,), real (sample, step) of bool -> (sample, step, column). Steps that are not
    real, and those before the window, count for nothing.
    """
    parts = []
    for array in inputs.values():
        if array.ndim == 2:
            parts.append(np.repeat(array[:, None], len(steps), axis=1))
            continue
        there = np.ones(array.shape[:2]) if real is None or real.shape != array.shape[:2] else real
        there = np.asarray(there, dtype=np.float64)[:, :, None]
        total, count = (_summed(one) for one in (array * there, there))
        at = _places(array, steps) + 1
        for width in _widths(array.shape[1]):
            since = np.maximum(at - width, 0)
            number = count[:, at] - count[:, since]
            parts.append((total[:, at] - total[:, since]) / np.maximum(number, 1.0))
    return np.concatenate(parts, axis=2)


def _places(array: Array, steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the places of steps in a sequence that may be of another length: its last for the last.

    Another sequence, a known future for one, is seen whole where it is not step by step beside.
    """
    return np.minimum(steps, array.shape[1] - 1)


def _summed(array: Array) -> Array:
    """Sum up from the oldest step on, 0 before it: (sample, step + 1, number)."""
    return np.concatenate([np.zeros_like(array[:, :1]), np.cumsum(array, axis=1)], axis=1)


def _widths(steps: int) -> list[int]:
    """Give the widths of moving means: powers of two, and the whole window.

    Examples
    --------
    >>> _widths(24)
    [1, 2, 4, 8, 16, 24]
    """
    return [*(1 << k for k in range(steps.bit_length()) if 1 << k < steps), steps]


def reduced(columns: Array) -> Array:
    """Give leading principal components where columns are many: (row, column) likewise."""
    if columns.shape[1] <= COLUMNS:
        return columns
    spread = columns.std(axis=0)
    Z = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    _, turn = np.linalg.eigh(Z.T @ Z)
    return Z @ turn[:, -COLUMNS:]
