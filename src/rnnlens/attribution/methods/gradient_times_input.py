"""Gradient times input: each derivative times its input's distance from the baseline.

    product_j = df/dx_j (x_j - b_j)

(Shrikumar, Greenside, Shcherbina and Kundaje 2016, "Not just a black box"). One forward and one
backward run, 3T cell evaluations, and one forward run a baseline for the residual. Exact for
affine networks, where it is the contribution; elsewhere the first term of a series about the
window, which does not sum to the change of the forecast: a sensitivity, not a contribution. Known
failures: saturated gates give nothing though the input decided, and the two factors of a product
are both credited with the whole of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.games.mixing import flat_steps, inputs_of, refuse_tokens
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.backward import backward
from rnnlens.engine.forward import forward
from rnnlens.engine.schedule.plan import gathered
from rnnlens.names import declared
from rnnlens.network.network import Network

__all__ = ["GradientTimesInput", "gradient_times_input"]


@dataclass(frozen=True, eq=False)
class GradientTimesInput:
    """Derivatives times changes of the inputs. They do not sum to the change of the forecast.

    Parameters
    ----------
    product : array (sample, lag, feature)
        In the target's own unit; lag 1, the newest step, comes first.
    forecast, baseline_forecast : array (sample,)
        For the window, and for the baseline (the mean over backgrounds).
    residual : array (sample,)
        ``forecast - baseline_forecast - sum of products``: how far they are from summing.
    """

    product: Array = declared("sample", "lag", "feature")
    forecast: Array = declared("sample")
    baseline_forecast: Array = declared("sample")
    residual: Array = declared("sample")


def gradient_times_input(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    *,
    of: str,
) -> GradientTimesInput:
    """Multiply each derivative by its input's distance from the baseline.

    Shapes: inputs mapping of str to (sample, ...).
    """
    refuse_tokens(network, of, "gradient times input")

    def part(chunk: slice) -> tuple[Array, ...]:
        return _part(network, inputs_of(inputs, chunk), target, baseline.part(chunk), of)

    passes = 3 + len(baseline.windows)
    product, forecast, value = gathered(part, network, inputs, runs=3, passes=passes)
    residual = forecast - value - product.sum(axis=(1, 2))
    return GradientTimesInput(product[:, ::-1], forecast, value, residual)


def _part(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    of: str,
) -> tuple[Array, Array, Array]:
    run = forward(network, inputs)
    x, real = flat_steps(inputs[of]), real_steps(run, of)
    found = backward(run, target.weight(run)).get((of, 0))
    slope = np.zeros_like(x) if found is None else flat_steps(found)
    change, value = np.zeros_like(x), np.zeros(len(x))
    for number in range(len(baseline.windows)):
        x0 = baseline.stand_in(x, real, number)
        run0 = forward(network, {**inputs, of: x0.reshape(inputs[of].shape)}, masks_of=run)
        change += x - x0
        value += target.pick(run0.outputs)
    count = len(baseline.windows)
    return slope * change / count, target.pick(run.outputs), value / count
