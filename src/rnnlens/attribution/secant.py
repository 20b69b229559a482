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

from rnnlens.attribution.baseline import Array, Baseline
from rnnlens.attribution.conditional import GaussianConditional, refuse_conditional
from rnnlens.attribution.contribution import Contribution, additive
from rnnlens.attribution.masks import real_steps
from rnnlens.attribution.target import Target
from rnnlens.engine.backward import multipliers
from rnnlens.engine.forward import States, forward
from rnnlens.engine.plan import gathered
from rnnlens.network.network import Network

__all__ = ["secant", "states_of"]


def secant(
    network: Network,
    inputs: Mapping[str, Array],
    target: Target,
    baseline: Baseline | GaussianConditional,
    *,
    of: str,
    initial_state: States | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Contribution:
    """Split each forecast among lags and features by secant multipliers.

    Parameters
    ----------
    network : Network
        The network.
    inputs : mapping of str to array (sample, ...)
        From `rnnlens.engine.forward.entries`, in the network's own units.
    target : Target
        What is explained.
    baseline : Baseline or GaussianConditional
        What stands in for hidden inputs; a conditional one is refused.
    of : str
        The input that is explained; the others keep their values.
    initial_state : mapping of str to sequence of array (sample, unit), optional
        States carried into the windows, by recurrent layer. What they do against a state of zero
        is a contribution of its own.
    progress : callable, optional
        Called with windows done and windows in all.

    Returns
    -------
    Contribution
        In the target's own unit; with `carried` where a state is carried in.

    Raises
    ------
    InputError
        If the baseline is conditional: it stands in for no window by itself.
    NotAdditive
        If rounding spoils the sum beyond the stated tolerance.
    """
    if isinstance(baseline, GaussianConditional):
        refuse_conditional("secant")

    def part(chunk: slice) -> tuple[Array, ...]:
        given = {name: array[chunk] for name, array in inputs.items()}
        states = states_of(initial_state, chunk)
        return _part(network, given, target, baseline.part(chunk), of, states)

    contribution, forecast, baseline_forecast, carried = gathered(
        part, network, inputs, runs=3, passes=1 + 4 * len(baseline.windows), progress=progress
    )
    total = contribution.sum(axis=(1, 2)) + carried
    residual = additive(total, forecast, baseline_forecast, "secant")
    own = None if initial_state is None else carried
    return Contribution(contribution, forecast, baseline_forecast, residual, own)


def _part(
    network: Network,
    inputs: Mapping[str, Array],
    target: Target,
    baseline: Baseline,
    of: str,
    states: dict[str, list[Array]],
) -> tuple[Array, Array, Array, Array]:
    run = forward(network, inputs, initial_state=states)
    zeros = {name: [np.zeros_like(state) for state in given] for name, given in states.items()}
    x = inputs[of].reshape(*inputs[of].shape[:2], -1)
    real = real_steps(run, of)
    total, value, carried = np.zeros_like(x), np.zeros(len(x)), np.zeros(len(x))
    for number in range(len(baseline.windows)):
        x0 = baseline.stand_in(x, real, number)
        hidden = {**inputs, of: x0.reshape(inputs[of].shape)}
        run0 = forward(network, hidden, initial_state=zeros, masks_of=run)
        m = multipliers(run, run0, target.weight(run))
        if (of, 0) in m:
            np.subtract(x, x0, out=x0)  # of what this run took nothing is needed any more
            x0 *= m[of, 0].reshape(x.shape)
            total += x0
        for name, given in states.items():
            for k, state in enumerate(given):
                if (f"{name} initial state", k) in m:
                    carried += (m[f"{name} initial state", k] * state).sum(axis=1)
        value += target.pick(run0.outputs)
    count = len(baseline.windows)
    total /= count
    # lag 1, the newest step, comes first
    return total[:, ::-1], target.pick(run.outputs), value / count, carried / count


def states_of(given: States | None, samples: slice) -> dict[str, list[Array]]:
    """Cut some samples out of carried states.

    Parameters
    ----------
    given : mapping of str to sequence of array (sample, unit), or None
        By recurrent layer.
    samples : slice
        Of the sample axis.

    Returns
    -------
    dict of str to list of array
        In float64.
    """
    return {
        name: [np.asarray(state, np.float64)[samples] for state in states]
        for name, states in (given or {}).items()
    }
