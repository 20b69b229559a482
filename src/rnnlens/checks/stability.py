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

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.games.mixing import flat_steps
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.checks.attributions import Attribute
from rnnlens.engine.forward import forward, outputs
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
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    attribute: Attribute,
    contribution: Array,
    *,
    ends: tuple[Array, Array],
    of: str,
    noise: float = 0.02,
    draws: int = 8,
    seed: int = 0,
) -> Stability:
    """Add small noise to each window and see what becomes of its contributions.

    Shapes: contribution (sample, lag, feature), ends tuple of two (sample,).
    """
    if _tokens(network, of):
        return Stability(sensitivity=np.nan, forecast_sensitivity=np.nan, noise=noise)
    size = np.linalg.norm(contribution.reshape(len(contribution), -1), axis=1)
    worst, moved = np.zeros((2, len(contribution)))
    for x in _shaken(network, inputs, baseline, of, (noise, draws, seed)):
        found = attribute(network, {**inputs, of: x}, target, baseline, of=of)
        change = np.linalg.norm((found - contribution).reshape(len(x), -1), axis=1)
        worst = np.maximum(worst, change)
        forecast = target.pick(outputs(network, {**inputs, of: x}))
        moved = np.maximum(moved, np.abs(forecast - ends[0]))
    there = size > 0
    scale = float(np.sqrt(np.mean((ends[0] - ends[1]) ** 2)))
    return Stability(
        sensitivity=float((worst[there] / size[there]).mean()) if there.any() else np.nan,
        forecast_sensitivity=float(moved.mean() / scale) if scale > 0 else np.nan,
        noise=noise,
    )


def _shaken(
    network: Network,
    inputs: Mapping[str, Array],
    baseline: Baseline,
    of: str,
    how: tuple[float, int, int],
) -> Iterator[Array]:
    """Give the windows with noise on all that may move."""
    noise, draws, seed = how
    x = flat_steps(inputs[of])
    radius = noise * x.std(axis=(0, 1))
    radius[baseline.held] = 0.0
    real = real_steps(forward(network, inputs), of)
    free = np.ones(x.shape[:2], bool) if real is None else np.broadcast_to(real, x.shape[:2])
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        shift = rng.uniform(-1, 1, size=x.shape) * radius * free[..., None]
        yield (x + shift).reshape(inputs[of].shape)


def _tokens(network: Network, of: str) -> bool:
    takers = [node.layer for node in network.nodes if (of, 0) in node.inputs]
    return any(isinstance(layer, Embedding) for layer in takers)
