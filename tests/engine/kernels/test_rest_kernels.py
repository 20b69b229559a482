"""The kernels of normalisation and convolution against the NumPy equations.

Both are held against the equations in float64. With ``u`` the unit roundoff of what is computed in
(2^-24 or 2^-53), a sum of N terms is wrong by at most ``N u`` of the sum of their sizes in any
order, and each further operation by ``u`` of its result. Where an activation follows, its value and
slope move with the pre-activation by at most their largest derivatives (`BENDS`), and a secant is
wrong by the rounding of two values over the distance of its ends.
"""

from dataclasses import replace

import numpy as np
import pytest

from networks import chain, forecaster
from rnnlens.engine import activations
from rnnlens.engine.forward import entries, forward, predict
from rnnlens.engine.kernels import affine, buffers, norm
from rnnlens.engine.kernels.cells import packing
from rnnlens.engine.operations import linear, norms
from rnnlens.engine.operations.registry import pull, run
from rnnlens.engine.schedule import plan
from rnnlens.engine.schedule.context import equations
from rnnlens.engine.schedule.threads import threads
from rnnlens.network.activations import Activation
from rnnlens.network.layers import Conv1D, Dense, LayerNormalization

TYPES = (np.float32, np.float64)
LINEAR = Activation("linear")
#: Largest first, second and third derivative.
BENDS = {
    "linear": (1.0, 0.0, 0.0),
    "relu": (1.0, 0.0, 0.0),
    "tanh": (1.0, 0.77, 2.0),
    "sigmoid": (0.25, 0.0963, 0.125),
    "softsign": (1.0, 2.0, 6.0),
}
FUNCTION = 8


def within(found, expected, bound):
    """Hold what was found against the truth, entry by entry."""
    assert found.shape == expected.shape
    excess = np.abs(found.astype(float) - expected) / (bound + 1e-300)
    assert np.isfinite(excess).all()
    assert (excess <= 1).all(), f"{excess.max():.3g} times the bound"


def both_ways(layer, x, x0, m):
    """Value, derivatives and secants by the kernels, and in float64 by the equations."""
    here, there = (run(layer, (points,), (None,), None) for points in (x, x0))
    found = [here.outputs[0], pull(layer, here, here, (m,))[0], pull(layer, here, there, (m,))[0]]
    assert all(one.dtype == x.dtype for one in found)
    with equations():
        here, there = (run(layer, (one.astype(float),), (None,), None) for one in (x, x0))
        wide = m.astype(float)
        truth = [here.outputs[0], *(pull(layer, here, one, (wide,))[0] for one in (here, there))]
    return found, truth


def compare_norm(layer, dtype, rng, *, shape):
    x, x0, m = rng.normal(size=(3, *shape)).astype(dtype)
    x0[::3] = x[::3]
    found, truth = both_ways(layer, x, x0, m)
    u = float(np.finfo(dtype).eps)
    entries = shape[-1]
    gamma = np.ones(entries) if layer.gamma is None else np.abs(layer.gamma)
    beta = np.zeros(entries) if layer.beta is None else np.abs(layer.beta)
    size = np.abs(x).max(-1, keepdims=True) + np.abs(x0).max(-1, keepdims=True)
    spread = [
        1 / np.sqrt(one.astype(float).var(-1, keepdims=True) + layer.epsilon) for one in (x, x0)
    ]
    s = np.maximum(*spread)
    # A mean is wrong by N u size, a deviation by as much, the variance by three times N u size^2:
    # the scale, whose relative change is half the variance's times s^2, by 2 N u (size s)^2.
    relative = 8 * (entries + 8) * u * (1 + size * s) ** 3
    within(found[0], truth[0], relative * gamma + 4 * u * beta)
    # Multipliers: m gamma s, and sums of them with factors (size s)^2 at most; each factor is wrong
    # by the relative error above.
    most = (np.abs(m) * gamma).max(-1, keepdims=True) * s * (1 + size * s) ** 2
    for one, other in zip(found[1:], truth[1:], strict=True):
        within(one, other, np.broadcast_to(4 * relative * most, one.shape))


@pytest.mark.parametrize("entries", [1, 2, 7, 32, 33])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("centred", [True, False])
def test_normalisation_agrees_with_its_equations(centred, dtype, entries, rng):
    gamma, beta = rng.normal(size=(2, entries))
    layer = LayerNormalization(gamma, beta, epsilon=1e-2, centred=centred)
    compare_norm(layer, dtype, rng, shape=(5, 4, entries))
    compare_norm(replace(layer, gamma=None, beta=None), dtype, rng, shape=(41, entries))


def test_normalisation_over_other_axes_takes_the_equations(rng, monkeypatch):
    monkeypatch.setattr(norm, "forward", None)
    for axes in ((1,), (1, 2)):
        x = rng.normal(size=(4, 3, 5))
        shape = tuple(x.shape[axis] for axis in axes)
        layer = LayerNormalization(rng.normal(size=shape), axes=axes)
        tape = run(layer, (x,), (None,), None)
        pull(layer, tape, tape, (np.ones_like(x),))


def convolution(rng, features, units, taps, phi=LINEAR, **options):
    W = rng.normal(size=(taps, features, units)) / np.sqrt(taps * features)
    return Conv1D(W, rng.normal(size=units), phi, **options)


def compare_convolution(layer, dtype, rng, *, steps, samples=37):
    taps, features, units = layer.W.shape
    x, x0 = rng.normal(size=(2, samples, steps, features)).astype(dtype)
    x0[::3] = x[::3]
    with equations():
        shape = run(layer, (x,), (None,), None).outputs[0].shape
    m = rng.normal(size=shape).astype(dtype)
    found, truth = both_ways(layer, x, x0, m)
    u = float(np.finfo(dtype).eps)
    first, second, third = BENDS[layer.activation.name]
    plain = replace(layer, activation=LINEAR)
    size = replace(plain, W=np.abs(layer.W), b=None if layer.b is None else np.abs(layer.b))
    with equations():
        a, a0 = (run(plain, (one.astype(float),), (None,), None).outputs[0] for one in (x, x0))
        sizes = [run(size, (np.abs(one.astype(float)),), (None,), None) for one in (x, x0)]
        terms = (taps * features + 3) * u
        error, error0 = (terms * one.outputs[0] for one in sizes)
        y = np.abs(activations.value(layer.activation, a))
        value_error = first * error + FUNCTION * u * (y + (second > 0))
        within(found[0], truth[0], value_error)
        slope = np.abs(activations.derivative(layer.activation, a))
        rough = second * error + 2 * FUNCTION * u * (1 + second)
        wrong = np.abs(m) * rough
        way_back = (units * taps + 3) * u
        bound = pull(size, sizes[0], sizes[0], (wrong + way_back * np.abs(m) * (slope + rough),))[0]
        within(found[1], truth[1], bound)
        d, both = np.abs(a - a0), error + error0
        near = buffers.NEAR[np.dtype(dtype)] if second else 0.0
        apart = np.maximum(np.maximum(d - both, near / 2), 1e-300)
        height = FUNCTION * u * (y + np.abs(a0) + 1) if layer.activation != LINEAR else 0 * d
        secant = (
            second * both + np.where(d > 0, (height + 2 * first * both * (second == 0)), 0) / apart
        )
        secant += (d < near + both) * (near + both) ** 2 * (second + third) + 2 * FUNCTION * u
        wrong = np.abs(m) * (np.minimum(secant, 2 * first) if second else secant)
        m_a = wrong + way_back * np.abs(m) * first
        within(found[2], truth[2], pull(size, sizes[0], sizes[0], (m_a,))[0])


SHAPES = [
    {"features": 8, "units": 32, "taps": 3, "padding": "same"},
    {"features": 3, "units": 5, "taps": 4, "padding": "causal", "dilation": 2},
    {"features": 2, "units": 35, "taps": 2, "padding": "same", "stride": 2},
    {"features": 1, "units": 1, "taps": 1, "stride": 3},
    {"features": 4, "units": 40, "taps": 3, "stride": 2, "dilation": 3},
    {"features": 5, "units": 9, "taps": 2, "stride": 4},
    {"features": 6, "units": 3, "taps": 9, "padding": "same"},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", TYPES)
def test_convolution_agrees_with_its_equations(dtype, shape, rng):
    compare_convolution(convolution(rng, **shape), dtype, rng, steps=9)
    layer = convolution(rng, **shape, phi=Activation("tanh"))
    compare_convolution(layer, dtype, rng, steps=11)


@pytest.mark.parametrize("name", BENDS)
@pytest.mark.parametrize("dtype", TYPES)
def test_convolution_agrees_whatever_the_activation(dtype, name, rng):
    layer = convolution(rng, 3, 6, 3, Activation(name), padding="same")
    compare_convolution(layer, dtype, rng, steps=7)
    compare_convolution(replace(layer, b=None), dtype, rng, steps=7, samples=1)


def test_groups_and_wide_kernels_take_the_equations(rng, monkeypatch):
    monkeypatch.setattr(affine, "forward", None)
    x = rng.normal(size=(3, 6, 4))
    grouped = replace(convolution(rng, 2, 6, 2), groups=2)
    for layer in (grouped, convolution(rng, 4, linear.MOST + 1, 2)):
        tape = run(layer, (x,), (None,), None)
        pull(layer, tape, tape, (np.ones_like(tape.outputs[0]),))


@pytest.mark.parametrize("units", [1, 3, 8, 32, 33, 70])
@pytest.mark.parametrize("dtype", TYPES)
def test_multipliers_of_one_unit_are_spread_over_its_weights(dtype, units, rng):
    layer = Dense(rng.normal(size=(units, 1)), rng.normal(size=1))
    for shape in ((7,), (5, 4), (affine.STRETCH + 3,)):
        x = rng.normal(size=(*shape, units)).astype(dtype)
        m = rng.normal(size=(*shape, 1)).astype(dtype)
        tape = run(layer, (x,), (None,), None)
        (found,) = pull(layer, tape, tape, (m,))
        # one product each, rounded once: equal to the last bit
        np.testing.assert_array_equal(found, m * layer.W.astype(dtype)[:, 0])
        assert found.dtype == dtype


def layers(rng):
    return {
        "norm": (LayerNormalization(*rng.normal(size=(2, 6))), 6),
        "convolution": (convolution(rng, 6, 7, 3, Activation("tanh"), padding="same"), 7),
        "dense": (Dense(rng.normal(size=(6, 1)), rng.normal(size=1)), 1),
    }


@pytest.mark.parametrize("name", ["norm", "convolution", "dense"])
def test_a_result_is_the_same_for_any_batch_and_any_number_of_threads(name, rng, monkeypatch):
    layer, width = layers(rng)[name]
    x, x0 = rng.normal(size=(2, 70, 5, 6))
    m = rng.normal(size=(70, 5, width))

    def every(part):
        tape, tape0 = (run(layer, (one[part],), (None,), None) for one in (x, x0))
        return tape.outputs[0], *(pull(layer, tape, one, (m[part],))[0] for one in (tape, tape0))

    monkeypatch.setenv("RNNLENS_THREADS", "1")
    whole = every(slice(None))
    singles = [every(slice(k, k + 1)) for k in range(70)]
    monkeypatch.setenv("RNNLENS_THREADS", "3")
    for k, (one, other) in enumerate(zip(whole, every(slice(None)), strict=True)):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, np.concatenate([single[k] for single in singles]))


@pytest.mark.parametrize("name", ["norm", "convolution", "dense"])
def test_nan_and_infinity_stay_where_they_are(name, rng):
    layer, _ = layers(rng)[name]
    x = rng.normal(size=(6, 9, 6))
    clean = run(layer, (x,), (None,), None)
    bad = x.copy()
    bad[1, 4, 2], bad[3, 0, 1] = np.nan, np.inf
    tape = run(layer, (bad,), (None,), None)
    m = (np.ones_like(tape.outputs[0]),)
    ways = tape.outputs[0], pull(layer, tape, tape, m)[0]
    with equations(), np.errstate(invalid="ignore"):
        expected = run(layer, (bad,), (None,), None)
        others = expected.outputs[0], pull(layer, expected, expected, m)[0]
    for one, other in zip(ways, others, strict=True):
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
    np.testing.assert_array_equal(tape.outputs[0][[0, 2, 4, 5]], clean.outputs[0][[0, 2, 4, 5]])


@pytest.mark.parametrize("name", ["norm", "convolution", "dense"])
def test_the_callers_arrays_are_not_written(name, rng):
    layer, width = layers(rng)[name]
    x, m = rng.normal(size=(3, 5, 6)), rng.normal(size=(3, 5, width))
    copies = x.copy(), m.copy()
    x.flags.writeable = m.flags.writeable = False
    tape = run(layer, (x,), (None,), None)
    pull(layer, tape, tape, (m,))
    np.testing.assert_array_equal(x, copies[0])
    np.testing.assert_array_equal(m, copies[1])


@pytest.mark.parametrize("name", ["norm", "convolution", "dense"])
def test_arrays_that_do_not_lie_together_are_read_right(name, rng):
    layer, width = layers(rng)[name]
    x, m = rng.normal(size=(6, 5, 3)).T, rng.normal(size=(width, 5, 3)).T
    found, truth = both_ways(layer, x, x[::-1], m)
    for one, other in zip(found, truth, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("dtype", "drift"), [(np.float32, 1e-2), (np.float64, 1e-10)])
def test_a_wrong_scale_or_a_wrong_tap_would_be_found(dtype, drift, rng, monkeypatch):
    with monkeypatch.context() as patch:
        numbers = norms._numbers
        patch.setattr(norms, "_numbers", lambda *given: numbers(*given) * dtype(1 + drift))
        with pytest.raises(AssertionError, match="times the bound"):
            compare_norm(LayerNormalization(rng.normal(size=8)), dtype, rng, shape=(9, 8))
    with monkeypatch.context() as patch:
        lay = affine.lay
        patch.setattr(affine, "lay", lambda W: lay(np.roll(W, 3, axis=0)))
        with pytest.raises(AssertionError, match="times the bound"):
            compare_convolution(convolution(rng, 3, 4, 3), dtype, rng, steps=6)


def test_weights_are_compared_once_a_round_of_work(rng, monkeypatch):
    network = forecaster("lstm", rng, steps=4, units=5)
    x = rng.normal(size=(300, 4, 3))
    expected = predict(network, x)
    calls = []
    arrays = packing._arrays
    monkeypatch.setattr(packing, "_arrays", lambda cell: calls.append(1) or arrays(cell))
    monkeypatch.setattr(plan, "_chunk_size", lambda *_: 32)
    np.testing.assert_allclose(predict(network, x), expected, rtol=1e-12)
    assert len(calls) <= threads()  # threads may begin together
    calls.clear()
    inputs = entries(network, x)
    forward(network, inputs)
    forward(network, inputs)
    assert len(calls) == 2  # outside of a round each call compares


def test_weights_that_change_between_two_calls_are_seen(rng):
    network = forecaster("lstm", rng, steps=4, units=5)
    x = rng.normal(size=(40, 4, 3))
    before = predict(network, x)
    node = next(node for node in network.nodes if hasattr(node.layer, "cell"))
    bias = node.layer.cell.output.b
    bias.flags.writeable = True
    bias += 1.0
    assert np.abs(predict(network, x) - before).min() > 1e-6


def test_a_convolution_whose_weights_change_between_two_calls_is_seen(rng, monkeypatch):
    layer = convolution(rng, 3, 4, 2)
    network = chain(layer, shape=(5, 3))
    monkeypatch.setattr(plan, "_chunk_size", lambda *_: 8)
    x = rng.normal(size=(40, 5, 3))
    before = np.asarray(predict(network, x))
    layer.W.flags.writeable = True
    layer.W[0] += 1.0
    with equations():
        expected = np.asarray(predict(network, x))
    found = np.asarray(predict(network, x))
    assert np.abs(found - before).max() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
