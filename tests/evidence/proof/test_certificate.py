"""Verdicts: what is proven holds, what is refuted replays, what is neither is said to be open."""

import numpy as np
import pytest

from certificate_attacks import outputs, placed, strongest_attack
from networks import CELLS, cell, chain, forecaster, head, stacked_bidirectional
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.errors import DataError, InputError, UnsupportedModel
from rnnlens.evidence.proof import search as certificate_search
from rnnlens.evidence.proof.certificate import certify
from rnnlens.evidence.proof.limits import SearchLimits
from rnnlens.evidence.proof.ranges import Ranges, values_at
from rnnlens.network.activations import Activation
from rnnlens.network.cells import LSTM
from rnnlens.network.layers import (
    Bidirectional,
    LayerNormalization,
    Masking,
    Recurrent,
)

TARGET = ResolvedTarget((1,), scale=2.5, offset=-3.0)


def question(network, X, target=TARGET):
    return Question(network=network, inputs={"x": X}, of="x", target=target)


def asked(network, X, *, lags=(1, 4), features=(0,), reach=1.0, tolerance=0.05, **limits):
    own = values_at(X, lags, features)
    ranges = Ranges(lags, features, own - reach, own + reach)
    return certify(question(network, X), ranges, SearchLimits(tolerance=tolerance, **limits))


@pytest.mark.parametrize("kind", CELLS)
def test_every_verdict_is_what_its_numbers_say(rng, kind):
    network = forecaster(kind, rng)
    X = rng.normal(size=(6, 7, 3))
    found = asked(network, X, lags=(1, 3, 7), tolerance=0.1)
    assert (found.undecided == 0).all()
    assert {"proven", "refuted"} >= set(found.verdict.ravel())
    np.testing.assert_array_equal(found.verdict == "proven", found.bound <= 0.1)
    np.testing.assert_array_equal(found.verdict == "refuted", found.attained > 0.1)
    assert (found.attained <= found.bound).all()
    # a refuted lag's bound is brought within the tolerance of what was attained
    assert (found.bound <= found.attained + 0.1).all()
    np.testing.assert_array_equal(found.proven + found.refuted, [6, 6, 6])
    np.testing.assert_array_equal(found.worst, found.bound.argmax(axis=0))


def test_a_counter_example_replays_in_a_plain_run(rng):
    network = stacked_bidirectional(rng)
    X = rng.normal(size=(4, 6, 3))
    found = asked(network, X, lags=(1, 6), features=(0, 2), tolerance=0.02)
    own = outputs(network, {"x": X}, TARGET)
    assert (found.verdict == "refuted").any()
    for n in range(4):
        for k, lag in enumerate((1, 6)):
            value = found.value[n, k]
            assert (found.low[n, k] <= value).all()
            assert (value <= found.high[n, k]).all()
            moved = outputs(network, {"x": placed(X[n], 6 - lag, [0, 2], value[None])}, TARGET)
            # what is attained has the rounding of both runs taken off: some 1e-12 by intervals
            assert abs(abs(moved[0] - own[n]) - found.attained[n, k]) < 1e-10
            assert found.attained[n, k] < abs(moved[0] - own[n])


@pytest.mark.parametrize(("kind", "scale"), [("lstm", 0.5), ("gru_after", 1.5), ("lstm", 3.0)])
def test_ten_thousand_attacks_do_not_escape(rng, kind, scale):
    network = forecaster(kind, rng, steps=12, units=16, scale=scale)
    X = rng.normal(size=(1, 12, 3))
    for lag, features in ((1, (0,)), (5, (1, 2)), (12, (0,))):
        found = asked(network, X, lags=(lag,), features=features, reach=2.0, tolerance=0.02)
        best = strongest_attack(
            network, TARGET, X[0], 12 - lag, list(features), found.low[0, 0], found.high[0, 0],
            count=10_000, rng=rng,
        )  # fmt: skip
        assert best <= found.bound[0, 0]


def test_a_feature_with_zero_weights_is_structural_and_moves_nothing(rng):
    core = cell("lstm", rng)
    for gate in core.gates.values():
        gate.W[1] = 0.0
    network = chain(Recurrent(core), head(rng, 5), shape=(7, 3))
    X = rng.normal(size=(3, 7, 3))
    found = asked(network, X, features=(1,), reach=100.0)
    assert (found.bound == 0).all()
    assert (found.attained == 0).all()
    assert (found.verdict == "structural").all()
    np.testing.assert_array_equal(found.structural, [3, 3])
    both = asked(network, X, features=(0, 1))
    assert (both.verdict != "structural").all()


def test_a_step_that_the_forecast_never_sees_is_structural(rng):
    """At the output of an early step of a forward layer, later inputs have no way in."""
    network = chain(
        Recurrent(cell("gru_after", rng), return_sequences=True), head(rng, 5), shape=(7, 3)
    )
    X = rng.normal(size=(2, 7, 3))
    target = ResolvedTarget((2, 0))
    ranges, limits = Ranges([1, 4, 5, 7], [0], -9, 9), SearchLimits(tolerance=1e-3)
    found = certify(question(network, X, target), ranges, limits)
    np.testing.assert_array_equal((found.verdict == "structural").all(axis=0), [1, 1, 0, 0])
    assert (found.bound[:, :2] == 0).all()


def test_one_box_leaves_a_wide_question_undecided_and_says_so(rng):
    network = forecaster("lstm", rng, steps=7, scale=2.0)
    X = rng.normal(size=(3, 7, 3))
    found = asked(network, X, features=(0, 1, 2), reach=0.4, tolerance=0.5, budget=1)
    assert (found.undecided > 0).any()
    open_ = found.verdict == "undecided"
    assert (found.bound[open_] > 0.5).all()
    assert (found.attained[open_] <= 0.5).all()
    assert (found.attained <= found.bound).all()


def test_a_larger_budget_never_loosens_a_bound(rng):
    network = forecaster("lstm", rng, steps=7, scale=1.5)
    X = rng.normal(size=(4, 7, 3))
    bounds = [
        asked(network, X, features=(0, 1), tolerance=1e-4, gap=1e-4, budget=budget).bound
        for budget in (1, 30, 300)
    ]
    assert (bounds[1] <= bounds[0] * (1 + 1e-12)).all()
    assert (bounds[2] <= bounds[1] * (1 + 1e-12)).all()


def test_a_smaller_range_has_a_smaller_bound(rng):
    network = forecaster("gru_before", rng)
    X = rng.normal(size=(4, 7, 3))
    wide = asked(network, X, reach=1.0, tolerance=1e-3).bound
    narrow = asked(network, X, reach=0.5, tolerance=1e-3).bound
    assert (narrow <= wide + 1e-3).all()


def test_the_deviation_of_another_framework_is_added_twice(rng):
    network = forecaster("lstm", rng)
    X = rng.normal(size=(3, 7, 3))
    plain = asked(network, X, gap=0.0, tolerance=0.4, budget=50)
    added = asked(network, X, gap=0.0, tolerance=0.4, budget=50, deviation=0.01)
    assert added.deviation == 0.01
    assert (added.bound >= added.attained + 0.02).all()
    assert ((added.verdict == "refuted") <= (added.attained > 0.42)).all()
    # between what is attained and what is proven of the other framework lies what is not known
    close = asked(network, X, tolerance=float(plain.attained[0, 0]) - 0.001, deviation=0.01)
    assert close.verdict[0, 0] == "undecided"


def test_windows_together_are_as_each_alone(rng):
    network = stacked_bidirectional(rng)
    X = rng.normal(size=(5, 6, 3))
    together = asked(network, X, tolerance=0.03)
    for n in (0, 4):
        alone = asked(network, X[n : n + 1], tolerance=0.03)
        np.testing.assert_allclose(alone.bound[0], together.bound[n], rtol=1e-9)
        np.testing.assert_array_equal(alone.verdict[0], together.verdict[n])


def test_the_callers_arrays_are_left_alone(rng):
    network = forecaster("lstm", rng)
    X = rng.normal(size=(2, 7, 3))
    X.flags.writeable = False
    asked(network, X)


def test_a_bound_is_never_shown_as_proof_where_a_plain_run_escapes_it(rng, monkeypatch):
    from rnnlens.errors import RnnlensError

    honest = certificate_search.bounds

    def shrunk(known, boxes, rows):
        found = honest(known, boxes, rows)
        middle, half = (found.low + found.high) / 2, (found.high - found.low) / 2
        return found._replace(low=middle - 0.2 * half, high=middle + 0.2 * half)

    monkeypatch.setattr(certificate_search, "bounds", shrunk)
    with pytest.raises(RnnlensError, match="escaped by a plain run"):
        asked(forecaster("lstm", rng), rng.normal(size=(3, 7, 3)), lags=(1,), reach=2.0)


REFUSED = [
    ({"low": 1.0, "high": 1.0}, "the range of window 0 at lag 1 is empty: it goes from 1 to 1"),
    ({"low": 50.0, "high": 60.0}, "does not hold the own value"),
    ({"low": -np.inf}, "must be finite"),
    ({"low": np.zeros((3, 5))}, "must fit windows, lags and features"),
    ({"lags": (8,)}, "lag 8 is beyond the window: windows of 7 steps have lags 1 to 7"),
    ({"lags": (0,)}, "lag 0 is beyond the window"),
    ({"lags": ()}, "needs at least one lag"),
    ({"features": (3,)}, "there is no feature number 3"),
    ({"features": (0, 0)}, "a feature is given twice"),
]


@pytest.mark.parametrize(("options", "sentence"), REFUSED)
def test_what_does_not_fit_is_refused_in_a_sentence(rng, options, sentence):
    X = rng.normal(size=(2, 7, 3))
    given = {"lags": (1,), "features": (0,), "low": -9.0, "high": 9.0, **options}
    with pytest.raises(DataError, match=sentence):
        certify(question(forecaster("lstm", rng), X), Ranges(**given), SearchLimits(tolerance=0.1))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"tolerance": 0.0}, "the tolerance must be a number above 0"),
        ({"tolerance": np.nan}, "the tolerance must be a number above 0"),
        ({"gap": -1.0}, "the gap must be 0 or above"),
        ({"budget": 0}, "the budget must be at least one box"),
        ({"deviation": -1e-6}, "the deviation must be 0 or above"),
    ],
)
def test_options_out_of_range_are_refused(rng, options, sentence):
    with pytest.raises(InputError, match=sentence):
        asked(forecaster("lstm", rng), rng.normal(size=(2, 7, 3)), **options)


def test_layers_that_are_not_served_are_refused_by_name(rng):
    X = rng.normal(size=(2, 7, 3))
    core = cell("lstm", rng)
    norm = LayerNormalization(np.ones(5), np.zeros(5))
    odd = LSTM(*core.gates.values(), Activation("softsign"))
    both = Recurrent(core), Recurrent(cell("lstm", rng), go_backwards=True)
    for network, sentence in (
        (
            chain(Masking(0.0), Recurrent(core), head(rng, 5), shape=(7, 3)),
            "'masking' is a Masking",
        ),
        (chain(Recurrent(core), norm, head(rng, 5), shape=(7, 3)), "is a LayerNormalization"),
        (chain(Recurrent(odd), head(rng, 5), shape=(7, 3)), "'recurrent' has the activation softs"),
        (chain(Bidirectional(*both, "mul"), head(rng, 5), shape=(7, 3)), "merges its directions"),
    ):
        with pytest.raises(UnsupportedModel, match=sentence):
            asked(network, X)


def test_a_counter_example_ends_its_question_where_no_closer_bound_is_asked(rng):
    network, X = forecaster("lstm", rng), rng.normal(size=(4, 7, 3))
    far = asked(network, X, tolerance=1e-3, gap=np.inf)
    assert (far.verdict == "refuted").all()
    assert (far.boxes == 1).all()  # the first look alone, for a bound that holds
    close = asked(network, X, tolerance=1e-3)
    assert (close.attained <= far.bound).all()
    np.testing.assert_array_equal(close.verdict, far.verdict)


def test_ranges_looked_at_coarsely_first_get_the_same_verdicts(rng, monkeypatch):
    network, X = forecaster("lstm", rng), rng.normal(size=(4, 7, 3))
    at_once = asked(network, X, lags=(1, 3, 7))
    monkeypatch.setattr(certificate_search, "NARROW", 0)
    coarsely = asked(network, X, lags=(1, 3, 7))
    assert {"proven", "refuted"} <= set(at_once.verdict.ravel())
    np.testing.assert_array_equal(coarsely.verdict, at_once.verdict)
    np.testing.assert_allclose(coarsely.attained, at_once.attained, rtol=1e-9)
    assert (coarsely.boxes != at_once.boxes).any()
