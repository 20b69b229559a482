"""Networks written down by hand: a leaky integrator, a delay line, a gated adder, a multiplier.

Run it from ``benchmarks``: ``python -m oracles.constructed``. Takes seconds.
"""

from __future__ import annotations

import numpy as np
from harness.question import question
from numpy.typing import NDArray

from oracles.hand_made import delay_line, gated_adder, leaky_integrator, multiplier
from oracles.record import Oracle
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.gradient import gradient
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.network.network import Network

Array = NDArray[np.float64]

STEPS, COUNT, TARGET = 12, 20, ResolvedTarget((0,))
#: tanh(a) is a to a^3 / 3, with a = 1e-4 times a few: relative 1e-7 at the most. The product of
#: two small numbers is read back through 1 / SMALL^2, which leaves rounding of 1e-16 / 1e-8.
BOUND = 1e-6


def errors(
    network: Network, x: Array, truth: Array, *, held: tuple[int, ...] = ()
) -> dict[str, float]:
    """Give the largest errors of secant and tree against a truth (sample, lag)."""
    inputs = entries(network, x)
    baseline = make_baseline("zero", x, held=np.array(held, np.int64))
    fast = secant(question(network, inputs, TARGET, baseline)).contribution.sum(axis=2)
    exact = shapley_tree(question(network, inputs, TARGET, baseline, newest=STEPS)).contribution
    return {
        "secant": float(np.abs(fast - truth).max()),
        "tree": float(np.abs(exact - truth).max()),
    }


def main() -> None:
    """Compare every network with its truth."""
    oracle = Oracle(
        "constructed",
        f"{COUNT} windows of {STEPS} steps of standard normal numbers (seed 0), baseline zero; "
        "largest absolute error over all lags and windows, where the truth is known by "
        "construction",
    )
    rng = np.random.default_rng(0)
    x = rng.normal(size=(COUNT, STEPS, 1))
    lagged = x[:, ::-1, 0]
    for rho in (0.5, 0.8, 0.95):
        truth = rho ** np.arange(STEPS) * lagged
        for method, error in errors(leaky_integrator(rho), x, truth).items():
            oracle.figure(f"leaky integrator, rho {rho}: {method}", error, most=BOUND)
    for lag in (1, 3, 7):
        truth = np.where(np.arange(1, STEPS + 1) == lag, lagged, 0.0)
        network = delay_line(lag)
        for method, error in errors(network, x, truth).items():
            oracle.figure(f"delay line, lag {lag}: {method}", error, most=BOUND)
        slope = gradient(question(network, entries(network, x), TARGET)).sensitivity[..., 0]
        beyond = float(np.abs(np.delete(slope, lag - 1, axis=1)).max())
        oracle.figure(f"delay line, lag {lag}: derivative at other lags", beyond, most=BOUND)
    marked = np.zeros((COUNT, STEPS, 2))
    marked[..., 0] = x[..., 0]
    for window in marked:
        window[rng.choice(STEPS, 2, replace=False), 1] = 1.0
    truth = (marked[..., 0] * marked[..., 1])[:, ::-1]
    for method, error in errors(gated_adder(), marked, truth, held=(1,)).items():
        oracle.figure(f"gated adder, marker held: {method}", error, most=BOUND)
    pair = rng.normal(size=(COUNT, STEPS, 2))
    network, baseline = multiplier(), make_baseline("zero", pair)
    found = secant(question(network, entries(network, pair), TARGET, baseline)).contribution
    half = pair[:, -1].prod(axis=1) / 2
    error = float(np.abs(found[:, 0] - half[:, None]).max())
    oracle.figure("multiplier, half the product to each factor: secant", error, most=BOUND)
    oracle.save()


if __name__ == "__main__":
    main()
