"""Roundings of certificates, against rational arithmetic, which has none.

Where centres and coefficients are zero or exact, nothing of a bound's own padding is needed for
them: then a single factor left out shows.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from networks import cell, chain, head
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import predict
from rnnlens.errors import DataError
from rnnlens.evidence.proof.answers import Aims
from rnnlens.evidence.proof.boxes import RangeQuestions
from rnnlens.evidence.proof.certificate import certify
from rnnlens.evidence.proof.limits import SearchLimits
from rnnlens.evidence.proof.ranges import Ranges
from rnnlens.evidence.proof.search import answer
from rnnlens.evidence.proof.zonotope.bounds import Boxes, _interval, bounds, free_input, start
from rnnlens.evidence.proof.zonotope.forms import Forms, added, affine, constant
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import BatchNormalization, Dense, Flatten, Recurrent

FIRST = ResolvedTarget((0,))
LINEAR = Activation("linear")
#: Terms of a sum: its rounding is some dozen units in the last place.
MANY = 400


def exactly(values):
    """The numbers as fractions, in an array of objects."""
    given = np.asarray(values, dtype=float)
    return np.array([Fraction(one) for one in given.ravel().tolist()]).reshape(given.shape)


def rest_alone(rng, units):
    return constant(np.zeros((1, 1, units)), rng.random((1, 1, units)), sequence=False)


def test_what_no_symbol_stands_for_is_never_too_small_after_a_dense_layer(rng):
    x, W = rest_alone(rng, MANY), rng.normal(size=(MANY, 200))
    found = affine(x, W, None).rest[0, 0]
    wanted = exactly(x.rest[0, 0]) @ np.abs(exactly(W))
    assert all(Fraction(one) >= exact for one, exact in zip(found.tolist(), wanted, strict=True))


def test_sums_of_coefficients_are_never_too_small(rng):
    rows = rng.normal(size=(1, 1, MANY, 200))
    ids = np.arange(MANY)[None, None]
    x = Forms(np.zeros((1, 1, 200)), np.zeros((1, 1, 200)), rows, ids, np.full((1, 1), MANY), False)
    sums = np.abs(exactly(rows[0, 0])).sum(axis=0)
    for found in (x.reach[0, 0], x.radius[0, 0]):
        assert all(Fraction(one) >= exact for one, exact in zip(found.tolist(), sums, strict=True))


def test_weighted_sums_of_forms_are_never_too_small(rng):
    parts = [rest_alone(rng, 300) for _ in range(7)]
    weights = rng.normal(size=7).tolist()
    found = added(parts, weights).rest[0, 0].tolist()
    wanted = sum(
        abs(Fraction(k)) * exactly(one.rest[0, 0]) for k, one in zip(weights, parts, strict=True)
    )
    assert all(Fraction(one) >= exact for one, exact in zip(found, wanted, strict=True))


def dense_chain(rng, steps):
    """Two linear layers about a batch normalization whose factors are exact."""
    middle = BatchNormalization(
        rng.normal(size=60), np.full(60, 0.25), 2 * rng.normal(size=60), rng.normal(size=60), 0.0
    )
    first, last = rng.normal(size=(steps, 60)), rng.normal(size=(60, 1))
    network = chain(
        Flatten(), Dense(first, rng.normal(size=60)), middle, Dense(last), shape=(steps, 1)
    )
    return network, first, middle, last


def rational_output(network, middle, first, last, x):
    """The same in fractions: gamma (v - mean) / (1/2) + beta."""
    b = network.nodes[2].layer.b
    hidden = exactly(x.ravel()) @ exactly(first) + exactly(b)
    factor = exactly(middle.gamma) * 2
    normal = (hidden - exactly(middle.mean)) * factor + exactly(middle.beta)
    return (normal @ exactly(last))[0]


def test_the_interval_of_a_chain_of_many_terms_holds_the_rational_output(rng):
    network, first, middle, last = dense_chain(rng, 80)
    X = rng.normal(size=(20, 80, 1))
    known = start(network, {"x": X}, FIRST, of="x")
    plain = predict(network, X)[:, 0]
    for n in range(20):
        exact = rational_output(network, middle, first, last, X[n])
        assert Fraction(float(known.low[n])) <= exact <= Fraction(float(known.high[n]))
        # it is narrow: rounding alone
        assert known.high[n] - known.low[n] < 1e-9
        assert known.low[n] < plain[n] < known.high[n]


def test_a_box_holds_the_ends_of_its_range_exactly(rng):
    """One weight of 1, nothing else: the interval is the range, rounded outward at the most."""
    network = chain(Flatten(), Dense(np.array([[1.0], [0.0]])), shape=(2, 1))
    low = rng.normal(size=2000) * 10.0 ** rng.integers(-8, 8, size=2000)
    high = low + np.abs(rng.normal(size=2000)) * 10.0 ** rng.integers(-8, 8, size=2000)
    X = np.zeros((1, 2, 1))
    boxes = Boxes(np.zeros(2000, int), 0, np.zeros((2000, 1), int), low[:, None], high[:, None])
    known = start(network, {"x": X}, FIRST, of="x")
    found = bounds(known, boxes)
    assert (found.low < low).all()
    assert (found.high > high).all()
    form = free_input(known, boxes)
    middle, half = exactly(form.centre[:, 0, 0]), exactly(form.rows[:, 0, 0, 0])
    assert (middle - half <= exactly(low)).all()
    assert (middle + half >= exactly(high)).all()


def test_the_ends_of_an_interval_are_rounded_outward(rng):
    centre, rest = rng.normal(size=(500, 1, 1)), rng.random((500, 1, 1)) * 1e-14
    form = constant(centre, rest, sequence=False)
    low, high = _interval(form, FIRST)
    assert (exactly(low) <= exactly(centre[:, 0, 0]) - exactly(form.radius[:, 0, 0])).all()
    assert (exactly(high) >= exactly(centre[:, 0, 0]) + exactly(form.radius[:, 0, 0])).all()


#: ``a x + b x - (a + b) x``: constant in exact arithmetic, and not in a plain run.
A, B = 16777215.0, 16777213.0


def cancelling(slope=0.0):
    """``(a + (b + slope) - (a + b)) x`` of the newest step, and the exact factor."""
    W = np.array([[A, B + slope, A + B]])
    core = SimpleRNN(Gate(W, np.zeros((3, 3))), LINEAR)
    out = Dense(np.array([[1.0], [1.0], [-1.0]]))
    exact = Fraction(A) + Fraction(float(W[0, 1])) - Fraction(A + B)
    return chain(Recurrent(core), out, shape=(2, 1)), exact


def test_rounding_of_a_plain_run_is_no_counter_example():
    (network, _), X = cancelling(), np.array([[[0.3], [0.7]]])
    own = X[:, 1:, :]
    found = certify(
        Question(network=network, inputs={"x": X}, of="x", target=FIRST),
        Ranges([1], [0], own - 0.1, own + 0.1),
        SearchLimits(tolerance=1e-9),
    )
    other = X.copy()
    other[0, 1, 0] = 0.61
    assert abs(predict(network, other) - predict(network, X)).item() > 1e-9  # a plain run moves
    assert found.attained.item() == 0.0
    assert found.verdict.item() == "undecided"
    assert found.bound.item() > 1e-9


@pytest.mark.parametrize("slope", [1e-7, 1e-6, 1e-3])
def test_what_is_attained_is_never_more_than_the_rational_change(rng, slope):
    """A true slope beneath rounding of its own size: ``attained`` is below, the bound above."""
    network, exact_slope = cancelling(slope)
    X = rng.normal(size=(8, 2, 1))
    # half of them with values whose own rounding is less, and half with more, than that of the end
    X[:4, 1] = -3.0 - rng.random((4, 1))
    X[4:, 1] = 3.0 + rng.random((4, 1))
    own = X[:, 1:, :]
    low, high = own - 1.5, own + 1.5
    found = certify(
        Question(network=network, inputs={"x": X}, of="x", target=FIRST),
        Ranges([1], [0], low, high),
        SearchLimits(tolerance=1e-12),
    )
    for n in range(8):
        reach = max(
            abs(exact_slope * (Fraction(end[n, 0, 0]) - Fraction(own[n, 0, 0])))
            for end in (low, high)
        )
        assert Fraction(float(found.attained[n, 0])) <= reach <= Fraction(float(found.bound[n, 0]))
        moved = abs(exact_slope * (Fraction(found.value[n, 0, 0]) - Fraction(own[n, 0, 0])))
        assert Fraction(float(found.attained[n, 0])) <= moved


@pytest.mark.parametrize("slope", [2e-6, -2e-6])
def test_a_bound_allows_for_the_far_end_of_the_windows_own_interval(rng, slope):
    """Where rounding is as wide as what moves, the wrong end of it shows, upward and downward."""
    network, _ = cancelling(slope)
    X = rng.normal(size=(5, 2, 1))
    known = start(network, {"x": X}, FIRST, of="x")
    low, high = X[:, 1, :] - 0.1, X[:, 1, :] + 0.001
    asked = RangeQuestions(np.arange(5), np.ones(5, int), np.zeros((5, 1), int), low, high)
    found = answer(known, asked, Aims(tolerance=1e-9, gap=0.0, share=0.0, budget=1))
    for n in range(5):
        # one box may be taken: the whole range
        output = bounds(
            known, Boxes(np.array([n]), 1, np.zeros((1, 1), int), low[n : n + 1], high[n : n + 1])
        )
        rise = max(map(Fraction, output.high.tolist())) - Fraction(float(known.low[n]))
        fall = Fraction(float(known.high[n])) - min(map(Fraction, output.low.tolist()))
        width = Fraction(float(known.high[n])) - Fraction(float(known.low[n]))
        assert Fraction(float(found.bound[n])) >= max(rise, fall) * (1 - Fraction(1, 2**40))
        assert width > max(rise, fall) / 4  # the wrong end would be seen


def test_bounds_of_what_overflows_are_not_numbers_that_are_none(rng):
    """Gates without a limit, over a range of 1e90: nothing is known, and nothing is NaN."""
    core = replace(
        cell("lstm", rng, 1, phi=Activation("relu")), recurrent_activation=Activation("relu")
    )
    network = chain(Recurrent(core), head(rng, 5, 1), shape=(12, 1))
    X = rng.normal(size=(3, 12, 1))
    own = X[:, :1, :]
    found = certify(
        Question(network=network, inputs={"x": X}, of="x", target=FIRST),
        Ranges([12], [0], own - 1e90, own + 1e90),
        SearchLimits(tolerance=0.1, budget=20),
    )
    assert not np.isnan(found.bound).any()
    assert not np.isnan(found.attained).any()
    assert not (found.verdict == "proven").any()


def test_a_range_beyond_what_floats_hold_is_refused(rng):
    network = chain(Recurrent(cell("lstm", rng)), head(rng, 5, 1), shape=(4, 3))
    X = rng.normal(size=(2, 4, 3))
    own = X[:, 3:, :1]
    with pytest.raises(DataError, match=r"window 0 at lag 1 goes from -1e\+200 to 1e\+200, and"):
        certify(
            Question(network=network, inputs={"x": X}, of="x", target=FIRST),
            Ranges([1], [0], own - 1e200, own + 1e200),
            SearchLimits(tolerance=0.1),
        )
