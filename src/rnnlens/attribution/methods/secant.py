"""Contributions by lag and feature that sum exactly, at the cost of four forward runs.

The secant method runs a window and its baseline and carries multipliers from the forecast back to
the inputs. Between the two runs a linear map hands its multipliers to its transpose, an activation
multiplies by the slope of its secant (DeepLIFT's Rescale rule: Shrikumar, Greenside and Kundaje
2017, "Learning important features through propagating activation differences"), and a product of
two factors gives each the mean of the other (the Shapley value of a product: Lundberg and Lee
2017, "A unified approach to interpreting model predictions"). Every such rule keeps the
change of its output whole, so the contributions sum to ``f(x) - f(baseline)`` whatever the
weights.

Exact for additive networks and single products; elsewhere an approximation of the Shapley value
whose *sum* is exact. Cost: 2T cell evaluations forward and 2T back for each baseline. Known
failures: multipliers may be large and cancel in chaotic networks; and as with every method that
compares with a baseline, another baseline gives another answer.
"""

from __future__ import annotations

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.question import Progress, Question
from rnnlens.attribution.result import Contribution, additive
from rnnlens.engine.backward import multipliers
from rnnlens.engine.device.choice import sums_dtype
from rnnlens.engine.forward import forward
from rnnlens.engine.kernels.ready import BACK
from rnnlens.engine.recurrent_layers import cells_of
from rnnlens.engine.schedule.little import runs_of_windows
from rnnlens.engine.schedule.plan import gathered

__all__ = ["secant", "secant_cells"]


def secant_cells(question: Question) -> int:
    """Say how many cells a question takes: a way back counts as two ways forward."""
    passes = 1 + 3 * len(question.one_window("secant").windows)
    return question.windows * passes * question.steps * cells_of(question.network)


def secant(question: Question, *, progress: Progress | None = None) -> Contribution:
    """Split each forecast among lags and features by secant multipliers."""
    network, backgrounds = question.network, len(question.one_window("secant").windows)
    contribution = np.empty_like(question.x, order="C")

    def part(chunk: slice) -> tuple[Array, ...]:
        # written where it belongs: chunks of its own would be so much more memory
        return _part(question.part(chunk), contribution[chunk])

    with runs_of_windows(network, question.inputs, BACK, runs=1 + 4 * backgrounds):
        forecast, baseline_forecast, total, *carried = gathered(
            part,
            network,
            question.inputs,
            runs=3,
            passes=1 + 4 * backgrounds,
            progress=progress,
        )
    residual = additive(total, forecast, baseline_forecast, "secant")
    own = carried[0] if carried else None
    # lag 1, the newest step, comes first
    return Contribution(contribution[:, ::-1], forecast, baseline_forecast, residual, own)


def _part(question: Question, total: Array) -> tuple[Array, ...]:
    """Fill in the contributions of some windows; give forecasts, sums, and what was carried in."""
    samples = len(total)
    forecast = value = carried = np.zeros(samples)
    total.fill(0)
    # where that is the precision of the contributions they are summed in their place
    sums = total.astype(sums_dtype(total.dtype), copy=False)
    count = len(question.one_window("secant").windows)
    # memory of their own would be as much as the contributions of a chunk
    place = sums if count == 1 and sums.dtype == question.x.dtype else None
    for asked in question.beside_backgrounds(runs=3):
        forecast, of_these, from_states = _compared(asked, sums, place)
        value, carried = value + of_these, carried + from_states
    sums /= count
    value, carried = value / count, carried / count
    summed = sums.sum(axis=(1, 2))
    if sums is not total:
        total[...] = sums
    if question.carried:
        return forecast, value, summed + carried, carried
    return forecast, value, summed


def _compared(
    question: Question, total: Array, place: Array | None = None
) -> tuple[Array, Array, Array]:
    """Add the contributions of windows, which may stand here once a background, onto the total.

    An only background may take the total as the place of its windows. Gives their forecasts, and
    the sums of the baselines' forecasts and of what was carried in.
    """
    network, target, of, x = question.network, question.target, question.of, question.x
    states, samples = question.states(), len(total)
    run = forward(network, question.inputs, initial_state=states)
    zeros = {name: [np.zeros_like(state) for state in given] for name, given in states.items()}
    value, carried = np.zeros(samples), np.zeros(samples)
    for x0 in question.stand_ins(run, place):
        hidden = question.replaced(x0)
        run0 = forward(network, hidden, initial_state=zeros, masks_of=run)
        m = multipliers(run, run0, target.weight(run))
        value += _by_window(target.pick(run0.outputs), samples)
        if (of, 0) in m:
            np.subtract(x, x0, out=x0)  # of what this run took nothing is needed any more
            np.multiply(x0, m[of, 0].reshape(x.shape), out=x0)
        else:
            x0.fill(0)
        # in place it is all there is, and zeros lose their sign as they do in a sum
        total += 0 if place is not None else _by_window(x0, samples)
        for name, given in states.items():
            for k, state in enumerate(given):
                if (f"{name} initial state", k) in m:
                    moved = (m[f"{name} initial state", k] * state).sum(axis=1)
                    carried += _by_window(moved, samples)
        del x0, hidden, run0, m  # before the next background takes as much
    return target.pick(run.outputs)[:samples], value, carried


def _by_window(array: Array, samples: int) -> Array:
    """Sum over the backgrounds that windows stand beside: array (background * sample, ...)."""
    if len(array) == samples:
        return array
    by_background = array.reshape(-1, samples, *array.shape[1:])
    return by_background.sum(axis=0, dtype=sums_dtype(array.dtype))
