"""Networks whose answers are known: what the methods say is what is true.

The networks are those of ``benchmarks/oracles``, where the longer ones run.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.carry import carry
from rnnlens.attribution.methods.gradient import gradient
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.readers.open import read

FIRST, STEPS = ResolvedTarget((0,)), 10
#: tanh(a) = a - a^3 / 3 with a = 1e-4 times a few, read back through 1e4.
SMALL_ENOUGH = 1e-6


@pytest.fixture(scope="module")
def hand_made():
    path = Path(__file__).parents[3] / "benchmarks" / "oracles" / "hand_made.py"
    spec = spec_from_file_location("hand_made", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def both(network, x, held=()):
    """Contributions by lag from the secant and from the exact tree, against zero."""
    inputs = entries(network, x)
    baseline = make_baseline("zero", x, held=np.array(held, np.int64))
    fast = secant(question(network, inputs, FIRST, baseline)).contribution.sum(axis=2)
    tree = shapley_tree(question(network, inputs, FIRST, baseline, newest=STEPS)).contribution
    return fast, tree


@pytest.mark.parametrize("rho", [0.5, 0.9])
def test_a_leaky_integrator_gives_each_lag_its_power_of_rho(rho, rng, hand_made):
    x = rng.normal(size=(5, STEPS, 1))
    truth = [[rho ** (k - 1) * x[n, -k, 0] for k in range(1, STEPS + 1)] for n in range(5)]
    for found in both(hand_made.leaky_integrator(rho), x):
        np.testing.assert_allclose(found, truth, atol=SMALL_ENOUGH)


@pytest.mark.parametrize("lag", [1, 4, 7])
def test_a_delay_line_gives_its_lag_everything_and_the_others_nothing(lag, rng, hand_made):
    x = rng.normal(size=(5, STEPS, 1))
    network = hand_made.delay_line(lag)
    for found in both(network, x):
        np.testing.assert_allclose(found[:, lag - 1], x[:, -lag, 0], atol=SMALL_ENOUGH)
        np.testing.assert_allclose(np.delete(found, lag - 1, axis=1), 0.0, atol=SMALL_ENOUGH)
    slope = gradient(question(network, entries(network, x), FIRST)).sensitivity[..., 0]
    np.testing.assert_allclose(slope[:, lag - 1], 1.0, atol=SMALL_ENOUGH)
    # the memory that the forecast reads was written at the newest step, whatever it was made of:
    # the carry says when a state was written, and not which input is in it
    written = carry(question(network, entries(network, x), FIRST)).written[:, 0]
    np.testing.assert_allclose(written[:, 0], x[:, -lag, 0], atol=SMALL_ENOUGH)
    np.testing.assert_allclose(written[:, 1:], 0.0, atol=SMALL_ENOUGH)


def test_a_gated_adder_credits_the_marked_values_and_no_other(rng, hand_made):
    x = np.zeros((5, STEPS, 2))
    x[..., 0] = rng.normal(size=(5, STEPS))
    marked = [(1, 8), (0, 9), (4, 5), (2, 3), (6, 9)]
    truth = np.zeros((5, STEPS))
    for n, steps in enumerate(marked):
        for t in steps:
            x[n, t, 1] = 1.0
            truth[n, STEPS - 1 - t] = x[n, t, 0]
    for found in both(hand_made.gated_adder(), x, held=(1,)):
        np.testing.assert_allclose(found, truth, atol=SMALL_ENOUGH)


def test_a_product_is_shared_in_halves(rng, hand_made):
    x = rng.normal(size=(5, STEPS, 2))
    network = hand_made.multiplier()
    found = secant(question(network, entries(network, x), FIRST, make_baseline("zero", x)))
    half = x[:, -1, 0] * x[:, -1, 1] / 2
    np.testing.assert_allclose(found.contribution[:, 0, 0], half, atol=SMALL_ENOUGH)
    np.testing.assert_allclose(found.contribution[:, 0, 1], half, atol=SMALL_ENOUGH)
    np.testing.assert_allclose(found.contribution[:, 1:], 0.0, atol=SMALL_ENOUGH)


def arx(length, seed):
    rng = np.random.default_rng(seed)
    y, u = [0.0] * 5, [0.0] * 5
    for _ in range(length):
        y.append(0.6 * y[-1] - 0.3 * y[-2] + 0.5 * u[-5] + 0.3 * rng.normal())
        u.append(0.5 * u[-1] + 0.8 * rng.normal())
    return np.column_stack([y, u])[100:]


def test_a_network_trained_on_an_arx_process_is_found_to_use_its_three_lags():
    """To nearly the network's own R2, the ceiling; the exact tree is no worse than the secant."""
    network = read(Path(__file__).parents[1] / "arx.npz")
    test = arx(900, seed=11)
    x = np.array([test[t : t + STEPS] for t in range(len(test) - STEPS)])
    x0 = test.mean(axis=0)
    truth = np.zeros_like(x)
    truth[:, 0, 0] = 0.6 * (x[:, -1, 0] - x0[0])
    truth[:, 1, 0] = -0.3 * (x[:, -2, 0] - x0[0])
    truth[:, 4, 1] = 0.5 * (x[:, -5, 1] - x0[1])

    def r2(found, wanted):
        return 1 - ((found - wanted) ** 2).sum() / (wanted**2).sum()

    best = 0.6 * x[:, -1, 0] - 0.3 * x[:, -2, 0] + 0.5 * x[:, -5, 1]
    forecast = predict(network, x)[:, 0]
    ceiling = 1 - ((forecast - best) ** 2).mean() / best.var()
    baseline = make_baseline(x0, x)
    fast = secant(question(network, entries(network, x), FIRST, baseline)).contribution
    assert r2(fast, truth) > 0.96
    assert r2(fast, truth) > ceiling - 0.025
    some = slice(0, None, 20)
    tree = shapley_tree(question(network, {"x": x[some]}, FIRST, baseline, newest=STEPS))
    by_lag = truth[some].sum(axis=2)
    exact, quick = r2(tree.contribution, by_lag), r2(fast[some].sum(axis=2), by_lag)
    assert exact > quick - 0.005
    assert r2(fast[:, ::-1], truth) < 0  # the score sees lags that are the wrong way round
