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

from dataclasses import dataclass

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.mixing import flat_steps, refuse_tokens
from rnnlens.attribution.question import Question
from rnnlens.engine.backward import backward
from rnnlens.engine.forward import forward
from rnnlens.engine.schedule.plan import gathered
from rnnlens.names import declared

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


def gradient_times_input(question: Question) -> GradientTimesInput:
    """Multiply each derivative by its input's distance from the baseline."""
    refuse_tokens(question.network, question.of, "gradient times input")
    backgrounds = len(question.one_window("gradient_times_input").windows)

    def part(chunk: slice) -> tuple[Array, Array, Array]:
        return _part(question.part(chunk), backgrounds)

    product, forecast, value = gathered(
        part, question.network, question.inputs, runs=3, passes=3 + backgrounds
    )
    residual = forecast - value - product.sum(axis=(1, 2))
    return GradientTimesInput(product[:, ::-1], forecast, value, residual)


def _part(question: Question, backgrounds: int) -> tuple[Array, Array, Array]:
    """Give the products (sample, step, feature), the forecasts, and those of the baseline."""
    network, target, x = question.network, question.target, question.x
    run = forward(network, question.inputs)
    pulled = backward(run, target.weight(run)).get((question.of, 0))
    slope = np.zeros_like(x) if pulled is None else flat_steps(pulled)
    change, value = np.zeros_like(x), np.zeros(len(x))
    for x0 in question.stand_ins(run):
        run0 = forward(network, question.replaced(x0), masks_of=run)
        change += x - x0
        value += target.pick(run0.outputs)
    return slope * change / backgrounds, target.pick(run.outputs), value / backgrounds
