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

from collections.abc import Mapping

import numpy as np

from rnnlens.attribution.baseline import Array, Baseline
from rnnlens.attribution.contribution import Contribution, additive
from rnnlens.attribution.masks import real_steps
from rnnlens.attribution.target import Target
from rnnlens.engine.backward import multipliers
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.plan import chunks
from rnnlens.network.network import Network

__all__ = ["secant"]


def secant(
    network: Network,
    inputs: Mapping[str, Array],
    target: Target,
    baseline: Baseline,
    *,
    of: str,
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
    baseline : Baseline
        What stands in for hidden inputs.
    of : str
        The input that is explained; the others keep their values.

    Returns
    -------
    Contribution
        In the target's own unit.

    Raises
    ------
    NotAdditive
        If rounding spoils the sum beyond the stated tolerance.
    """
    parts = [
        _part(
            network,
            {name: array[chunk] for name, array in inputs.items()},
            target,
            baseline.part(chunk),
            of,
        )
        for chunk in chunks(network, inputs, runs=2)
    ]
    contribution, forecast, baseline_forecast = (
        np.concatenate(pieces) for pieces in zip(*parts, strict=True)
    )
    residual = additive(contribution.sum(axis=(1, 2)), forecast, baseline_forecast, "secant")
    return Contribution(contribution, forecast, baseline_forecast, residual)


def _part(
    network: Network, inputs: Mapping[str, Array], target: Target, baseline: Baseline, of: str
) -> tuple[Array, Array, Array]:
    run = forward(network, inputs)
    x = inputs[of].reshape(*inputs[of].shape[:2], -1)
    real = real_steps(run, of)
    total, value = np.zeros_like(x), np.zeros(len(x))
    for number in range(len(baseline.windows)):
        x0 = baseline.stand_in(x, real, number)
        run0 = forward(network, {**inputs, of: x0.reshape(inputs[of].shape)}, masks_of=run)
        total += _between(run, run0, target, of).reshape(x.shape) * (x - x0)
        value += target.pick(run0.outputs)
    count = len(baseline.windows)
    # lag 1, the newest step, comes first
    return total[:, ::-1] / count, target.pick(run.outputs), value / count


def _between(run: Run, run0: Run, target: Target, of: str) -> Array:
    found = multipliers(run, run0, target.weight(run)).get((of, 0))
    return np.zeros_like(run.value((of, 0))) if found is None else found
