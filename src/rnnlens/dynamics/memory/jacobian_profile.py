"""How the forecast's derivative is spread over the lags: the input-output Jacobian profile.

``mean over windows of |d forecast / d input at the lag| * sd of the input``, summed over features;
k50 and k95 are the lags within which half and 95 % of it lie. One way forward and one back for
all lags, 3 T cell evaluations a window. Exact for small changes; what a change of usual size does
is `rnnlens.dynamics.memory.histories`' matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.engine import last_state
from rnnlens.engine.backward import backward
from rnnlens.engine.forward import forward, inputs_of
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.plan import gathered

__all__ = ["JacobianProfile", "jacobian_profile", "lag_within", "slopes_by_lag"]


class JacobianProfile(NamedTuple):
    """The profile: (lag, feature); its shares (lag,) with their intervals; lags with theirs."""

    sensitivity: Array
    share: Array
    share_low: Array
    share_high: Array
    within_half: Array
    within_most: Array


def lag_within(shares: Array, part: float) -> Array:
    """Give the lag within which a part of the shares lies: shares (..., lag)."""
    reached = np.cumsum(shares, axis=-1) >= part * shares.sum(axis=-1, keepdims=True) * (1 - 1e-12)
    return reached.argmax(axis=-1) + 1.0


def jacobian_profile(
    question: MemoryQuestion, draws: int, progress: Callable[[int, int], None] | None = None
) -> JacobianProfile:
    """Differentiate all forecasts, and say how the derivatives are spread over lags.

    Each of ``within_half`` and ``within_most`` is the lag, and the ends of its interval: (3,).
    """
    slopes = slopes_by_lag(question, progress)
    by_window = np.abs(slopes) * question.spread
    sensitivity, by_lag = by_window.mean(axis=0), by_window.sum(axis=2)
    whole = by_lag.sum(axis=1)
    drawn = question.drawn_blocks(whole, draws, 1) @ by_lag
    share = _normed(sensitivity.sum(axis=1))
    low, high = np.quantile(_normed(drawn), question.tails, axis=0)
    lags = []
    for part in (0.5, 0.95):
        ends = np.quantile(lag_within(drawn, part), question.tails)
        lags.append(np.array([float(lag_within(share, part)), *ends]))
    if not whole.any():
        lags = [np.zeros(3), np.zeros(3)]
    return JacobianProfile(sensitivity, share, low, high, *lags)


def _normed(values: Array) -> Array:
    total = values.sum(axis=-1, keepdims=True)
    return np.divide(values, total, out=np.zeros_like(values), where=total > 0)


def slopes_by_lag(
    question: MemoryQuestion, progress: Callable[[int, int], None] | None = None
) -> Array:
    """Differentiate each forecast with respect to its window: (sample, lag, feature)."""
    network, inputs, of = question.network, question.inputs, question.of

    def part(chunk: slice) -> tuple[Array]:
        run = forward(network, inputs_of(inputs, chunk))
        slope = backward(run, question.weight(run)).get((of, 0))
        return (np.zeros_like(run.value((of, 0))) if slope is None else slope,)

    both = last_state.derivatives(network, inputs, of, question.value, progress)
    (slope, *_) = both or gathered(part, network, inputs, runs=2, passes=3, progress=progress)
    return slope.reshape(*slope.shape[:2], -1)[:, ::-1]
