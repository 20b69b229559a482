"""A bucket model of a catchment: snow and soil, whose own answer can be computed exactly.

Rain falls as snow below zero, snow melts with warmth, soil fills, evaporates and drains. Each
window starts from the same half-full soil without snow, so that the discharge on the last day is a
function g of the window. An LSTM learns g; the truth for a lag is the Shapley value of the
simulator itself, found by running it on all mixed windows: another function of the same inputs,
asked the same question. The network's own R2 is the ceiling. Run it from ``benchmarks``:
``python -m oracles.bucket``. Takes two minutes or so on one core.
"""

from __future__ import annotations

from oracles.training import Net, read, train  # first: it holds the threads

# isort: split

from math import factorial

import numpy as np
from harness.question import question
from numpy.typing import NDArray

from oracles.record import Oracle
from oracles.scores import r2
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.network.network import Network
from rnnlens.series.scaling import Scaling

Array = NDArray[np.float64]

STEPS, UNITS, EPOCHS, TRAINED, TESTED, NEWEST = 30, 32, 60, 20_000, 40, 8


def weather(count: int, seed: int) -> Array:
    """Draw windows of rain (mm), temperature (degrees) and possible evaporation (mm)."""
    rng = np.random.default_rng(seed)
    day = rng.integers(0, 365, (count, 1)) + np.arange(STEPS)
    warm = 2 + 8 * np.sin(2 * np.pi * (day / 365 - 0.3)) + 3 * rng.normal(size=day.shape)
    rain = (rng.random(day.shape) < 0.35) * rng.exponential(6, day.shape)
    return np.stack([rain, warm, np.clip(0.15 * (warm + 5), 0, None)], axis=-1)


def discharge(x: Array) -> Array:
    """Run the stores over windows and give the last day's discharge (mm)."""
    snow, soil, flow = np.zeros(len(x)), np.full(len(x), 50.0), np.zeros(len(x))
    for rain, warm, dry in x.transpose(1, 2, 0):
        frozen = np.where(warm < 0, rain, 0.0)
        melt = np.minimum(snow, np.maximum(0.0, 1.5 * warm))
        snow += frozen - melt
        soil += rain - frozen + melt
        soil -= np.minimum(soil, dry * np.minimum(1.0, soil / 80))
        flow = 0.04 * soil * np.minimum(1.0, soil / 100)
        soil -= flow
    return flow


def shapley(x: Array, x0: Array) -> Array:
    """Give the Shapley values of the simulator, newest lag first, older lags together; naive."""
    blocks = [range(STEPS - NEWEST), *(range(t, t + 1) for t in range(STEPS - NEWEST, STEPS))]
    count = len(blocks)
    mixed = np.repeat(x0[None, None], 1 << count, axis=0).repeat(STEPS, axis=1)
    for coalition in range(1 << count):
        for player, block in enumerate(blocks):
            if coalition >> player & 1:
                mixed[coalition, list(block)] = x[list(block)]
    v = discharge(mixed)
    phi = np.zeros(count)
    for coalition in range(1 << count):
        size = coalition.bit_count()
        for player in range(count):
            if not coalition >> player & 1:
                weight = factorial(size) * factorial(count - size - 1) / factorial(count)
                phi[player] += weight * (v[coalition | 1 << player] - v[coalition])
    return phi[::-1]


def by_player(contribution: Array) -> Array:
    """Sum features, and the lags that the tree takes together."""
    by_lag = contribution.sum(axis=2)
    return np.column_stack([by_lag[:, :NEWEST], by_lag[:, NEWEST:].sum(axis=1)])


def forecast_r2(network: Network, target: ResolvedTarget, feature: Scaling) -> float:
    """Give the network's own R2, on 2,000 windows of another seed."""
    x = weather(2000, 2)
    guess = target.pick((np.asarray(predict(network, feature.apply(x))),))
    return r2(guess - target.offset, discharge(x) - target.offset)


def main() -> None:
    """Simulate, train, explain and compare."""
    oracle = Oracle(
        "bucket",
        f"{TRAINED:,} windows of {STEPS} days (seed 0), LSTM H={UNITS}, {EPOCHS} epochs, network "
        f"seed 0; {TESTED} test windows (seed 1); newest {NEWEST} lags and all older together, "
        "against the mean day",
    )
    X = weather(TRAINED, 0)
    feature, flow = Scaling(X.mean(axis=(0, 1)), X.std(axis=(0, 1))), discharge(X)
    target = ResolvedTarget((0,), scale=float(flow.std()), offset=float(flow.mean()))
    net = train(
        lambda: Net("LSTM", 3, UNITS),
        feature.apply(X),
        ((flow - target.offset) / target.scale)[:, None],
        epochs=4 if oracle.quick else EPOCHS,
        seed=0,
        batch=128,
    )
    network = read(net, STEPS)
    own = forecast_r2(network, target, feature)
    oracle.figure("R2 of the forecast, the network's own", own)
    x = weather(TESTED, 1)
    inputs, baseline = entries(network, feature.apply(x)), make_baseline("zero", x)
    tree = shapley_tree(question(network, inputs, target, baseline, newest=NEWEST)).contribution
    fast = by_player(secant(question(network, inputs, target, baseline)).contribution)
    wanted = np.array([shapley(window, X.mean(axis=(0, 1))) for window in x])
    oracle.figure("R2 to the simulator's Shapley values, tree", r2(tree, wanted), least=0.95)
    oracle.figure("R2 to the simulator's Shapley values, secant", r2(fast, wanted))
    oracle.figure("R2 to the network's own tree, secant", r2(fast, tree))
    oracle.save()


if __name__ == "__main__":
    main()
