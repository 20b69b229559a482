"""Integrated and expected gradients: the mean derivative on the way from baseline to window.

    contribution_j = (x_j - b_j) * integral over u from 0 to 1 of df/dx_j at b + u (x - b)

(Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks"); over several
baselines the mean of it (Erion, Janizek, Sturmfels, Lundberg and Lee 2021, "Improving performance
of deep learning models with axiomatic attribution priors and expected gradients").

The integral sums to ``f(x) - f(b)``; what is computed is a Gauss-Legendre quadrature of it, with
8, 16, 32, ... nodes until it sums too. The forecast of a network with smooth activations is
analytic along the way, so that the error falls exponentially with the number of nodes, and a few
suffice. Where 512 do not, the way is taken in panels, finer where the forecast bends most
(`rnnlens.attribution.methods.panels`). Cost: 3T cell evaluations a node, baseline and window; all
numbers of nodes that were tried count.

Exact to the stated tolerance, or refused. Known failures: steep gates need thousands of nodes;
corners (relu, hard sigmoid) make the error fall with ``1 / nodes`` only; in chaotic networks no
number of nodes suffices. A sum that is right does not prove every part right, though parts that
are wrong rarely sum. And as with every method that compares with a baseline, another baseline
gives another answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.mixing import flat_steps, mixed_runs, refuse_tokens
from rnnlens.attribution.methods.panels import PER_PANEL, by_panels
from rnnlens.attribution.question import Question
from rnnlens.attribution.result import Contribution
from rnnlens.engine import last_state
from rnnlens.engine.backward import backward
from rnnlens.engine.device.choice import sums_dtype
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.schedule.plan import chunks
from rnnlens.errors import DataError, NotAdditive
from rnnlens.names import declared

__all__ = ["FEWEST_NODES", "TOLERANCE", "IntegratedGradients", "integrated_gradients", "quadrature"]

#: Nodes of the first attempt; each further one takes twice as many.
FEWEST_NODES = 8
#: Nodes that a window may take in panels, those that were tried and halved counted.
MOST_IN_PANELS = 2048
#: Largest residual allowed, relative to the size of the forecasts, where nothing else is said.
TOLERANCE = 1e-6


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


@dataclass(frozen=True)
class _Limits:
    """What is allowed, and how the windows at hand are counted in a refusal."""

    tolerance: float
    most_nodes: int
    in_panels: int
    first: int


def integrated_gradients(
    question: Question,
    *,
    tolerance: float = TOLERANCE,
    most_nodes: int = 512,
    in_panels: int = MOST_IN_PANELS,
) -> IntegratedGradients:
    """Split each forecast among lags and features by integrated gradients."""
    if not tolerance > 0:
        raise DataError(f"the tolerance must be above 0, but is {tolerance}")
    if most_nodes < FEWEST_NODES:
        raise DataError(f"most_nodes must be at least {FEWEST_NODES}, but is {most_nodes}")
    refuse_tokens(question.network, question.of, "integrated gradients")
    total = np.empty_like(question.x, order="C")
    parts = [
        _part(question.part(k), _Limits(tolerance, most_nodes, in_panels, k.start), total[k])
        for k in chunks(question.network, question.inputs, runs=3)
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
    question: Question, limits: _Limits, total: Array
) -> tuple[NDArray[np.int64], Array, Array]:
    """Fill in the contributions of some windows; give nodes, forecasts and baseline forecasts."""
    network, target = question.network, question.target
    backgrounds = len(question.one_window("integrated_gradients").windows)
    run = forward(network, question.inputs)
    forecast, value = target.pick(run.outputs), np.zeros(question.windows)
    sums = np.zeros(total.shape, sums_dtype(total.dtype))
    nodes = np.zeros(question.windows, np.int64)
    for x0 in question.stand_ins(run):
        run0 = forward(network, question.replaced(x0), masks_of=run)
        f0 = target.pick(run0.outputs)
        integral, used = _adaptive(question, run, x0, f0, limits)
        sums += integral
        nodes = np.maximum(nodes, used)
        value += f0
    np.divide(sums, backgrounds, out=total, casting="same_kind")
    return nodes, forecast, value / backgrounds


def _adaptive(
    question: Question, run: Run, x0: Array, f0: Array, limits: _Limits
) -> tuple[Array, NDArray[np.int64]]:
    """Double the nodes of those windows that do not sum yet."""
    f = question.target.pick(run.outputs)
    allowed = limits.tolerance * np.maximum(1.0, np.maximum(np.abs(f), np.abs(f0)))
    total = np.zeros(question.x.shape, sums_dtype(question.x.dtype))
    gap = np.zeros(len(f))
    nodes = np.zeros(len(f), np.int64)
    left, count = np.arange(len(f)), FEWEST_NODES
    while left.size and count <= limits.most_nodes:
        total[left] = quadrature(question, run, x0, left, count)
        nodes[left] = count
        gap[left] = f[left] - f0[left] - total[left].sum(axis=(1, 2))
        left = left[~(np.abs(gap[left]) <= allowed[left])]
        count *= 2
    for window in left:
        found = _in_panels(question, run, x0, int(window), float(allowed[window]), limits)
        if found is None:
            break
        total[window], nodes[window] = found
        left = left[left != window]
    if left.size:
        excess = np.where(np.isnan(gap[left]), np.inf, np.abs(gap[left]) / allowed[left])
        worst = int(left[np.argmax(excess)])
        raise NotAdditive(
            f"integrated gradients miss the change of the forecast by {gap[worst]:.3g} in sample "
            f"{limits.first + worst} with {nodes[worst]} nodes (forecast {f[worst]:.6g}, baseline "
            f"forecast {f0[worst]:.6g}, tolerance {allowed[worst]:.1g}): use method 'secant', "
            "which sums whatever the weights"
        )
    return total, nodes


def _in_panels(
    question: Question, run: Run, x0: Array, window: int, allowed: float, limits: _Limits
) -> tuple[Array, int] | None:
    """Integrate one window's way in panels; None where that takes too many nodes."""
    of, x = question.of, question.x
    samples = np.array([window])

    def at(place: float) -> float:
        def along(which: NDArray[np.int64], _: NDArray[np.int64]) -> Array:
            return x0[which] + place * (x[which] - x0[which])

        ((_, _, here),) = mixed_runs(run, of, 1, along, samples=samples)
        return float(question.target.pick(here.outputs)[0])

    def integral(start: float, stop: float) -> Array:
        u, weight = _nodes(PER_PANEL)
        rule = start + (stop - start) * u, (stop - start) * weight
        return _integrated(question, run, x0, samples, rule)[0]

    return by_panels(integral, at, allowed, limits.in_panels)


@lru_cache(maxsize=16)
def _nodes(count: int) -> tuple[Array, Array]:
    place, weight = np.polynomial.legendre.leggauss(count)
    return (place + 1) / 2, weight / 2


def quadrature(
    question: Question, run: Run, x0: Array, samples: NDArray[np.int64], count: int
) -> Array:
    """Integrate the derivative along some windows' ways from x0 with one number of nodes.

    Shapes: x0 (sample, step, feature) -> (len(samples), step, feature).
    """
    return _integrated(question, run, x0, samples, _nodes(count))


def _integrated(
    question: Question,
    run: Run,
    x0: Array,
    samples: NDArray[np.int64],
    rule: tuple[Array, Array],
) -> Array:
    """Integrate with stated nodes and weights."""
    x, of, target = question.x, question.of, question.target
    u, weight = rule
    count = len(u)
    network, change = run.network, (x - x0)[samples]
    if len(network.inputs) == 1 and samples.size:
        given = {of: x[samples].reshape(-1, *run.value((of, 0)).shape[1:])}
        at_once = last_state.mean_derivatives(
            network, given, of, target.pick, x0[samples], (u, weight)
        )
        if at_once is not None:
            return at_once * change
    mean = np.zeros(x.shape, sums_dtype(x.dtype))

    def along(which: NDArray[np.int64], node: NDArray[np.int64]) -> Array:
        return x0[which] + u[node][:, None, None] * (x[which] - x0[which])

    for which, node, here in mixed_runs(run, of, count, along, samples=samples):
        slope = backward(here, target.weight(here)).get((of, 0))
        if slope is not None:
            np.add.at(mean, which, weight[node][:, None, None] * flat_steps(slope))
    return mean[samples] * change
