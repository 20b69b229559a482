"""Whether contributions hold still where the input hardly moves.

*Max-sensitivity* (Yeh et al. 2019, "On the (in)fidelity and sensitivity of explanations"), relative
to the size of what is compared: the largest change of a window's contributions under small noise,

    max over d in [-r, r] of ||phi(x + d) - phi(x)|| / ||phi(x)||

with r a stated fraction of each feature's standard deviation over the windows. The maximum is
taken over a few random draws and is therefore a bound from below. A network whose forecast jumps
has contributions that jump with it, so the forecast's own change is given beside it. Masked steps,
held features and the baseline stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.masks import steps_of
from rnnlens.attribution.baselines.windows import RealWindows
from rnnlens.attribution.joined import Layout
from rnnlens.attribution.question import Question
from rnnlens.checks.attributions import Attribute
from rnnlens.checks.hidden import Ends
from rnnlens.engine.forward import outputs
from rnnlens.names import declared
from rnnlens.network.layers import Embedding
from rnnlens.network.network import Network

__all__ = ["Stability", "stability"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Stability:
    """How much small noise moves contributions and forecasts.

    Parameters
    ----------
    sensitivity : float
        Mean over windows of the largest relative change of the contributions; NaN where the input
        holds tokens, which cannot move a little.
    forecast_sensitivity : float
        Mean over windows of the largest change of the forecast, relative to the root mean square
        change from the baseline.
    noise : float
        The radius, in standard deviations of each feature.
    """

    sensitivity: float = declared()
    forecast_sensitivity: float = declared()
    noise: float = declared()


def stability(
    question: Question,
    attribute: Attribute,
    contribution: Array,
    ends: Ends,
    *,
    noise: float = 0.02,
    draws: int = 8,
    seed: int = 0,
) -> Stability:
    """Add small noise to each window and see what becomes of its contributions.

    Shapes: contribution (sample, lag, feature).
    """
    inputs = question.layout.inputs if question.layout else ()
    named = [one.name for one in inputs] or [question.of]
    if all(_tokens(question.network, name) for name in named):
        return Stability(sensitivity=np.nan, forecast_sensitivity=np.nan, noise=noise)
    size = np.linalg.norm(contribution.reshape(len(contribution), -1), axis=1)
    worst, moved = np.zeros((2, len(contribution)))
    for shaken in _shaken(question, noise, draws, seed):
        change = attribute(shaken) - contribution
        worst = np.maximum(worst, np.linalg.norm(change.reshape(len(change), -1), axis=1))
        forecast = question.target.pick(outputs(shaken.network, shaken.inputs))
        moved = np.maximum(moved, np.abs(forecast - ends.forecast))
    there = size > 0
    return Stability(
        sensitivity=float((worst[there] / size[there]).mean()) if there.any() else np.nan,
        forecast_sensitivity=float(moved.mean() / ends.scale) if ends.scale > 0 else np.nan,
        noise=noise,
    )


def _shaken(question: Question, noise: float, draws: int, seed: int) -> Iterator[Question]:
    """Ask the same of the windows with noise on all that may move."""
    x = question.x
    real = steps_of(question.network, question.inputs, question.of)
    if question.layout is None:
        radius = RealWindows(x, real).steps.std(axis=(0, 1))
        radius[question.stand_in.held] = 0.0
    else:
        radius = _by_input(question, question.layout, real)
    radius = noise * radius
    free = np.ones(x.shape[:2], bool) if real is None else np.broadcast_to(real, x.shape[:2])
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        shift = rng.uniform(-1, 1, size=x.shape) * radius * free[..., None]
        yield replace(question, inputs=question.replaced((x + shift).astype(x.dtype, copy=False)))


def _by_input(question: Question, layout: Layout, real: NDArray[np.bool_] | None) -> Array:
    """Give the standard deviation of each feature of each input that may move: (row, feature)."""
    radius = np.zeros(question.x.shape[1:])
    for one in layout.inputs:
        if not _tokens(question.network, one.name):
            own = layout.taken(question.x, one.name)
            there = None if real is None else layout.taken_steps(real, one.name)
            steps = RealWindows(own, there).steps
            radius[list(one.rows), : one.features] = steps.std(axis=(0, 1))
    baseline = question.stand_in
    if isinstance(baseline, Baseline) and baseline.kept is not None:
        radius[baseline.kept] = 0.0
    return radius


def _tokens(network: Network, of: str) -> bool:
    takers = [node.layer for node in network.nodes if (of, 0) in node.inputs]
    return any(isinstance(layer, Embedding) for layer in takers)
