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

from collections.abc import Callable, Mapping

import numpy as np

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.conditional import GaussianConditional, refuse_conditional
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.games.mixing import flat_steps
from rnnlens.attribution.result import Contribution, additive
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.backward import multipliers
from rnnlens.engine.forward import States, forward
from rnnlens.engine.schedule.plan import gathered
from rnnlens.network.network import Network

__all__ = ["secant", "states_of"]


def secant(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline | GaussianConditional,
    *,
    of: str,
    initial_state: States | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Contribution:
    """Split each forecast among lags and features by secant multipliers.

    Shapes: inputs mapping of str to (sample, ...), initial_state mapping of str to sequence of
    (sample, unit).
    """
    if isinstance(baseline, GaussianConditional):
        refuse_conditional("secant")

    x = flat_steps(inputs[of])
    contribution = np.empty_like(x, order="C")

    def part(chunk: slice) -> tuple[Array, ...]:
        given = {name: array[chunk] for name, array in inputs.items()}
        states = states_of(initial_state, chunk)
        # written where it belongs: chunks of its own would be so much more memory
        total = contribution[chunk]
        found = _part(network, given, target, baseline.part(chunk), of, states, total=total)
        return found if initial_state is not None else found[:-1]

    forecast, baseline_forecast, total, *carried = gathered(
        part, network, inputs, runs=3, passes=1 + 4 * len(baseline.windows), progress=progress
    )
    residual = additive(total, forecast, baseline_forecast, "secant")
    own = carried[0] if carried else None
    # lag 1, the newest step, comes first
    return Contribution(contribution[:, ::-1], forecast, baseline_forecast, residual, own)


def _part(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    of: str,
    states: dict[str, list[Array]],
    *,
    total: Array,
) -> tuple[Array, ...]:
    """Fill in the contributions of some windows; give forecasts, sums, and what was carried in."""
    run = forward(network, inputs, initial_state=states)
    zeros = {name: [np.zeros_like(state) for state in given] for name, given in states.items()}
    x = flat_steps(inputs[of])
    real = real_steps(run, of)
    value, carried = np.zeros(len(x)), np.zeros(len(x))
    total.fill(0)
    for number in range(len(baseline.windows)):
        x0 = baseline.stand_in(x, real, number)
        hidden = {**inputs, of: x0.reshape(inputs[of].shape)}
        run0 = forward(network, hidden, initial_state=zeros, masks_of=run)
        m = multipliers(run, run0, target.weight(run))
        value += target.pick(run0.outputs)
        if (of, 0) in m:
            np.subtract(x, x0, out=x0)  # of what this run took nothing is needed any more
            x0 *= m[of, 0].reshape(x.shape)
            total += x0
        for name, given in states.items():
            for k, state in enumerate(given):
                if (f"{name} initial state", k) in m:
                    carried += (m[f"{name} initial state", k] * state).sum(axis=1)
        del x0, hidden, run0, m  # before the next background takes as much
    count = len(baseline.windows)
    total /= count
    value /= count
    carried /= count
    summed = total.sum(axis=(1, 2))
    return target.pick(run.outputs), value, summed + carried if states else summed, carried


def states_of(given: States | None, samples: slice) -> dict[str, list[Array]]:
    """Cut some samples out of carried states.

    Shapes: given mapping of str to sequence of (sample, unit).
    """
    return {
        name: [np.asarray(state, np.float64)[samples] for state in states]
        for name, states in (given or {}).items()
    }
