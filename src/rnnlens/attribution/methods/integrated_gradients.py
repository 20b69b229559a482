"""Integrated and expected gradients: the mean derivative on the way from baseline to window.

    contribution_j = (x_j - b_j) * integral over u from 0 to 1 of df/dx_j at b + u (x - b)

(Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks"); over several
baselines the mean of it (Erion, Janizek, Sturmfels, Lundberg and Lee 2021, "Improving performance
of deep learning models with axiomatic attribution priors and expected gradients").

The integral sums to ``f(x) - f(b)``; what is computed is a Gauss-Legendre quadrature of it, with
8, 16, 32, ... nodes until it sums too. The forecast of a network with smooth activations is
analytic along the way, so that the error falls exponentially with the number of nodes, and a few
suffice. Cost: 3T cell evaluations a node, baseline and window; all numbers of nodes that were
tried count.

Exact to the stated tolerance, or refused. Known failures: steep gates need hundreds of nodes;
corners (relu, hard sigmoid) make the error fall with ``1 / nodes`` only; in chaotic networks no
number of nodes suffices. A sum that is right does not prove every part right, though parts that
are wrong rarely sum. And as with every method that compares with a baseline, another baseline
gives another answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.games.mixing import flat_steps, inputs_of, mixed_runs, refuse_tokens
from rnnlens.attribution.result import Contribution
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine import last_state
from rnnlens.engine.backward import backward
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.schedule.plan import chunks
from rnnlens.errors import DataError, NotAdditive
from rnnlens.names import declared
from rnnlens.network.network import Network

__all__ = ["FEWEST_NODES", "IntegratedGradients", "integrated_gradients", "quadrature"]

#: Nodes of the first attempt; each further one takes twice as many.
FEWEST_NODES = 8


@dataclass(frozen=True, eq=False, kw_only=True)
class IntegratedGradients(Contribution):
    """Contributions with the number of nodes that each window took.

    Parameters
    ----------
    nodes : array (sample,) of int
        Nodes of the quadrature that is given; the largest over the window's baselines.
    tolerance : float
        Largest residual allowed, relative to the size of the forecasts (at least 1).
    """

    nodes: NDArray[np.int64] = declared("sample")
    tolerance: float


class _Limits(NamedTuple):
    tolerance: float
    most_nodes: int


class _Part(NamedTuple):
    nodes: NDArray[np.int64]
    forecast: Array
    value: Array


def integrated_gradients(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    *,
    of: str,
    tolerance: float = 1e-6,
    most_nodes: int = 512,
) -> IntegratedGradients:
    """Split each forecast among lags and features by integrated gradients.

    Shapes: inputs mapping of str to (sample, ...).
    """
    if not tolerance > 0:
        raise DataError(f"the tolerance must be above 0, but is {tolerance}")
    if most_nodes < FEWEST_NODES:
        raise DataError(f"most_nodes must be at least {FEWEST_NODES}, but is {most_nodes}")
    refuse_tokens(network, of, "integrated gradients")
    limits = _Limits(tolerance, most_nodes)
    total = np.empty_like(flat_steps(inputs[of]), order="C")
    parts = [
        _part(network, inputs_of(inputs, k), target, baseline.part(k), of, limits, into=(total, k))
        for k in chunks(network, inputs, runs=3)
    ]
    nodes, forecast, value = (np.concatenate(p) for p in zip(*parts, strict=True))
    return IntegratedGradients(
        contribution=total[:, ::-1],  # lag 1, the newest step, comes first
        forecast=forecast,
        baseline_forecast=value,
        residual=forecast - value - total.sum(axis=(1, 2)),
        nodes=nodes,
        tolerance=tolerance,
    )


def _part(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    of: str,
    limits: _Limits,
    *,
    into: tuple[Array, slice],
) -> _Part:
    """Fill in the contributions of a chunk of the windows, and give the rest."""
    whole, chunk = into
    run = forward(network, inputs)
    x, real = flat_steps(inputs[of]), real_steps(run, of)
    forecast = target.pick(run.outputs)
    total, value = whole[chunk], np.zeros(len(x))
    total.fill(0)
    nodes = np.zeros(len(x), np.int64)
    for number in range(len(baseline.windows)):
        x0 = baseline.stand_in(x, real, number)
        run0 = forward(network, {**inputs, of: x0.reshape(inputs[of].shape)}, masks_of=run)
        f0 = target.pick(run0.outputs)
        found, used = _adaptive(run, (x, x0), (forecast, f0), target, of, (limits, chunk.start))
        total += found
        nodes = np.maximum(nodes, used)
        value += f0
    count = len(baseline.windows)
    total /= count
    return _Part(nodes, forecast, value / count)


def _adaptive(
    run: Run,
    ends: tuple[Array, Array],
    forecasts: tuple[Array, Array],
    target: ResolvedTarget,
    of: str,
    how: tuple[_Limits, int],
) -> tuple[Array, NDArray[np.int64]]:
    """Double the nodes of those windows that do not sum yet."""
    limits, first = how
    f, f0 = forecasts
    allowed = limits.tolerance * np.maximum(1.0, np.maximum(np.abs(f), np.abs(f0)))
    total, gap = np.zeros_like(ends[0]), np.zeros(len(f))
    nodes = np.zeros(len(f), np.int64)
    left, count = np.arange(len(f)), FEWEST_NODES
    while left.size and count <= limits.most_nodes:
        total[left] = quadrature(run, ends, left, count, target, of)
        nodes[left] = count
        gap[left] = f[left] - f0[left] - total[left].sum(axis=(1, 2))
        left = left[~(np.abs(gap[left]) <= allowed[left])]
        count *= 2
    if left.size:
        excess = np.where(np.isnan(gap[left]), np.inf, np.abs(gap[left]) / allowed[left])
        worst = int(left[np.argmax(excess)])
        raise NotAdditive(
            f"integrated gradients miss the change of the forecast by {gap[worst]:.3g} in sample "
            f"{first + worst} with {nodes[worst]} nodes (forecast {f[worst]:.6g}, baseline "
            f"forecast {f0[worst]:.6g}, tolerance {allowed[worst]:.1g}): raise most_nodes, or use "
            "method 'secant', which sums whatever the weights"
        )
    return total, nodes


@lru_cache(maxsize=16)
def _nodes(count: int) -> tuple[Array, Array]:
    place, weight = np.polynomial.legendre.leggauss(count)
    return (place + 1) / 2, weight / 2


def quadrature(
    run: Run,
    ends: tuple[Array, Array],
    samples: NDArray[np.int64],
    count: int,
    target: ResolvedTarget,
    of: str,
) -> Array:
    """Integrate the derivative along some windows' ways with one number of nodes.

    Shapes: ends tuple of two (sample, step, feature) -> (len(samples), step, feature).
    """
    x, x0 = ends
    u, weight = _nodes(count)
    network, change = run.network, (x - x0)[samples]
    if len(network.inputs) == 1 and samples.size:
        given = {of: x[samples].reshape(-1, *run.value((of, 0)).shape[1:])}
        found = last_state.mean_derivatives(
            network, given, of, target.pick, x0[samples], (u, weight)
        )
        if found is not None:
            return found * change
    mean = np.zeros_like(x)

    def along(which: NDArray[np.int64], node: NDArray[np.int64]) -> Array:
        return x0[which] + u[node][:, None, None] * (x[which] - x0[which])

    for which, node, here in mixed_runs(run, of, count, along, samples=samples):
        slope = backward(here, target.weight(here)).get((of, 0))
        if slope is not None:
            np.add.at(mean, which, weight[node][:, None, None] * flat_steps(slope))
    return mean[samples] * change
