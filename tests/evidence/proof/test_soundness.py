"""Certificates against interval arithmetic by others, and against networks whose range is known."""

import mpmath
import numpy as np
import pytest

from networks import cell, chain, equations
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import predict
from rnnlens.evidence.proof.certificate import certify
from rnnlens.evidence.proof.limits import SearchLimits
from rnnlens.evidence.proof.ranges import Ranges
from rnnlens.network.activations import Activation
from rnnlens.network.cells import LSTM, Gate, SimpleRNN
from rnnlens.network.layers import Dense, Recurrent

iv = mpmath.iv


def iv_logistic(a):
    return 1 / (1 + iv.exp(-a))


def iv_tanh(a):
    return 1 - 2 / (1 + iv.exp(2 * a))


def iv_sides(p, gate, x, h):
    return [
        sum((x[k] * p["W_" + gate][k][u] for k in range(len(x))), iv.mpf(p["b_" + gate][u]))
        + sum((h[k] * p["U_" + gate][k][u] for k in range(len(h))), iv.mpf(0))
        for u in range(len(p["b_" + gate]))
    ]


def iv_lstm(p, window, h, c):
    units = len(p["b_i"])
    for x in window:
        i, f, o = ([iv_logistic(a) for a in iv_sides(p, gate, x, h)] for gate in "ifo")
        g = [iv_tanh(a) for a in iv_sides(p, "c", x, h)]
        c = [f[u] * c[u] + i[u] * g[u] for u in range(units)]
        h = [o[u] * iv_tanh(c[u]) for u in range(units)]
    return h, c


def iv_forecaster(p, w, b, x, step):
    """The forecast as a function of the first value of a step; what stands before it runs once."""
    window = [[iv.mpf(float(v)) for v in row] for row in x]
    zero = [iv.mpf(0)] * len(p["b_i"])
    before = iv_lstm(p, window[:step], zero, zero)

    def forecast(value):
        h, _ = iv_lstm(p, [[value, *window[step][1:]], *window[step + 1 :]], *before)
        return sum((h[u] * float(w[u, 0]) for u in range(len(h))), iv.mpf(float(b[0])))

    return forecast


@pytest.fixture
def small(rng):
    core = cell("lstm", rng, 2, 3, 1.0)
    w, b = rng.normal(size=(3, 1)), rng.normal(size=1)
    return chain(Recurrent(core), Dense(w, b), shape=(4, 2)), equations(core), w, b


@pytest.mark.parametrize("step", [3, 1])
def test_certificates_hold_and_are_near_in_interval_arithmetic(rng, small, step):
    """1,000 intervals of mpmath cover the range: D lies above all that they prove to be attained,
    and the union of them lies above what the network attains, so the two must be near."""
    network, p, w, b = small
    x = rng.normal(size=(4, 2))
    low, high = float(x[step, 0]) - 1.5, float(x[step, 0]) + 1.0
    tolerance = 1e-3
    found = asked(network, x[None], 4 - step, low, high, tolerance)
    bound = mpmath.mpf(float(found.bound[0, 0]))
    forecast = iv_forecaster(p, w, b, x, step)
    own = forecast(iv.mpf(float(x[step, 0])))
    ends = np.linspace(low, high, 1001)
    proven, most = mpmath.mpf(0), mpmath.mpf(0)
    for k in range(1000):
        point = forecast(iv.mpf(float(ends[k]))) - own
        piece = forecast(iv.mpf([float(ends[k]), float(ends[k + 1])])) - own
        proven = max(proven, mpmath.mpf(abs(point).a))
        most = max(most, mpmath.mpf(abs(piece).b))
    assert proven <= bound
    assert bound <= proven + tolerance + 0.01
    assert float(found.attained[0, 0]) <= float(most)


def test_a_bound_over_almost_nothing_still_holds_in_interval_arithmetic(rng, small):
    """Boxes as narrow as rounding itself: only the padding keeps such a bound sound."""
    network, p, w, b = small
    for _ in range(20):
        x = rng.normal(size=(4, 2))
        low, high = float(x[1, 0]), float(np.nextafter(x[1, 0], np.inf))
        found = asked(network, x[None], 3, low, high, 1e-6)
        iv.dps = 40
        forecast = iv_forecaster(p, w, b, x, 1)
        change = forecast(iv.mpf(high)) - forecast(iv.mpf(low))
        iv.dps = 15
        assert mpmath.mpf(abs(change).b) <= mpmath.mpf(float(found.bound[0, 0]))
        assert found.bound[0, 0] < 1e-11


def leaky(rho):
    """``h' = rho h + x``."""
    gate = Gate(np.ones((1, 1)), np.full((1, 1), rho), np.zeros(1))
    core = SimpleRNN(gate, Activation("linear"))
    return chain(Recurrent(core), Dense(np.ones((1, 1))), shape=(12, 1))


def delay(lag):
    """A line of units that hands each input on: ``y = x`` of that lag."""
    W, U = np.zeros((1, lag)), np.zeros((lag, lag))
    W[0, 0] = 1.0
    U[np.arange(lag - 1), np.arange(1, lag)] = 1.0
    w = np.zeros((lag, 1))
    w[-1, 0] = 1.0
    core = SimpleRNN(Gate(W, U, np.zeros(lag)), Activation("linear"))
    return chain(Recurrent(core), Dense(w), shape=(12, 1))


def product():
    """An LSTM whose gates stand open: ``c' = c + tanh(u) sigmoid(x)``, seen through ``tanh``."""
    open_, zero = np.full(1, 40.0), np.zeros(1)
    W, U = np.zeros((1, 1)), np.zeros((1, 1))
    gates = (
        Gate(np.ones((1, 1)), U, zero),
        Gate(W, U, open_),
        Gate(0.5 * np.ones((1, 1)), U, zero),
        Gate(W, U, open_),
    )
    return chain(Recurrent(LSTM(*gates)), Dense(np.ones((1, 1))), shape=(1, 1))


def asked(network, X, lag, low, high, tolerance=1e-7, **options):
    question = Question(network=network, inputs={"x": X}, of="x", target=ResolvedTarget((0,)))
    limits = SearchLimits(tolerance=tolerance, **options)
    return certify(question, Ranges([lag], [0], low, high), limits)


@pytest.mark.parametrize("lag", [1, 4, 12])
def test_the_leaky_integrator_moves_by_its_own_formula(rng, lag):
    X = rng.uniform(-1, 1, size=(2, 12, 1))
    found = asked(leaky(0.7), X, lag, -2.0, 3.0)
    own = X[:, 12 - lag, 0]
    truth = 0.7 ** (lag - 1) * np.maximum(3 - own, own + 2)
    assert (found.bound[:, 0] >= truth).all()
    np.testing.assert_allclose(found.bound[:, 0], truth, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.attained[:, 0], truth, rtol=0, atol=1e-9)


def test_the_delay_line_moves_by_its_one_lag_alone(rng):
    X = rng.uniform(-1, 1, size=(2, 12, 1))
    for lag in (4, 5, 6):
        found = asked(delay(5), X, lag, -2.0, 3.0)
        own = X[:, 12 - lag, 0]
        truth = np.maximum(3 - own, own + 2) if lag == 5 else np.zeros(2)
        np.testing.assert_allclose(found.bound[:, 0], truth, rtol=0, atol=1e-6)
        assert (found.bound[:, 0] >= truth).all()
        expected = "refuted" if lag == 5 else "structural"
        assert (found.verdict[:, 0] == expected).all()


def test_a_product_of_gates_is_bounded_to_a_millionth():
    x = np.full((1, 1, 1), 0.3)
    found = asked(product(), x, 1, -3.0, 3.0, tolerance=5e-7, budget=200_000)
    grid = np.linspace(-3, 3, 200_001)
    sigma = 1 / (1 + np.exp(-40.0))

    def forecast(v):
        return sigma * np.tanh(np.tanh(0.5 * v) / (1 + np.exp(-v)))

    truth = np.abs(forecast(grid) - forecast(0.3)).max()
    assert truth <= found.bound[0, 0] <= truth + 1e-6
    assert predict(product(), x)[0, 0] == pytest.approx(forecast(0.3), abs=1e-14)
