"""Looks that end at a checkpoint: no attack escapes them, and the way to the end agrees."""

import numpy as np
import pytest

from certificate_attacks import strongest_attack
from networks import cell, chain, head
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.evidence.proof import checkpoints as module
from rnnlens.evidence.proof import search
from rnnlens.evidence.proof.boxes import RangeQuestions, whole_boxes
from rnnlens.evidence.proof.certificate import certify
from rnnlens.evidence.proof.limits import SearchLimits
from rnnlens.evidence.proof.ranges import Ranges, values_at
from rnnlens.evidence.proof.zonotope.bounds import Boxes, bounds, start
from rnnlens.network.layers import Recurrent, Rescaling

STEPS, TARGET = 40, ResolvedTarget((1,))
LAGS = [9, 16, 17, 24, 33, 40]


def stacked(rng, kind="lstm", backwards=False):
    one = Recurrent(cell(kind, rng, 3, 6), return_sequences=True)
    two = Recurrent(cell(kind, rng, 6, 5), go_backwards=backwards)
    return chain(one, two, head(rng, 5), shape=(STEPS, 3))


def asked_of(X, lags=LAGS, reach=1.0, features=(0,)):
    count = len(lags) * len(X)
    window = np.repeat(np.arange(len(X)), len(lags))
    step = STEPS - np.tile(lags, len(X))
    feature = np.tile(features, (count, 1))
    own = X[window[:, None], step[:, None], feature]
    return RangeQuestions(window, step, feature, own - reach, own + reach)


def looked(known, asked, allowed=0.0):
    """Every question's bound, step by step; nothing allowed takes the closest that is found."""
    found, front = module.Checkpoints(known), whole_boxes(asked)
    most = np.full(len(asked.window), np.inf)
    for step in np.unique(asked.step):
        at = np.flatnonzero(asked.step == step)
        most[at] = found.look(asked, front.part(at), np.full(len(at), allowed))
    return most


@pytest.mark.parametrize("kind", ["lstm", "gru_after", "simple_rnn"])
def test_no_attack_escapes_a_bound_of_a_checkpoint(rng, kind):
    network, X = stacked(rng, kind), rng.normal(size=(2, STEPS, 3))
    known = start(network, {"x": X}, TARGET, of="x")
    asked = asked_of(X)
    most = looked(known, asked)
    assert np.isfinite(most).sum() >= 6
    for k in np.flatnonzero(np.isfinite(most)):
        best = strongest_attack(
            network, TARGET, X[asked.window[k]], int(asked.step[k]), [0],
            asked.low[k], asked.high[k], count=2_000, rng=rng,
        )  # fmt: skip
        assert best <= most[k]


def test_a_bound_of_a_checkpoint_is_no_lower_than_what_any_value_surely_attains(rng):
    """A range of no width, followed to the end, says what its value moves, rounding apart."""
    network, X = stacked(rng), rng.normal(size=(2, STEPS, 3))
    known = start(network, {"x": X}, TARGET, of="x")
    asked = asked_of(X, reach=0.5)
    most = looked(known, asked)
    for share in (0.0, 0.3, 1.0):
        values = asked.low + share * (asked.high - asked.low)
        for k in np.flatnonzero(np.isfinite(most)):
            at, one = asked.window[k : k + 1], slice(k, k + 1)
            point = Boxes(at, int(asked.step[k]), asked.feature[one], values[one], values[one])
            output = bounds(known, point)
            surely = max((output.low - known.high[at])[0], (known.low[at] - output.high)[0], 0.0)
            assert surely <= most[k]


def test_states_that_are_pushed_hold_those_of_plain_runs(rng):
    """Windows with a value in its place, run with nothing free, have states within the forms."""
    network, X = stacked(rng), rng.normal(size=(1, STEPS, 3))
    known = start(network, {"x": X}, TARGET, of="x")
    found = module.Checkpoints(known)
    boxes = Boxes(np.array([0]), 10, np.array([[0]]), X[:, 10, :1] - 1, X[:, 10, :1] + 1)
    context = found._context(boxes.window, np.array([1]), 1)
    x = module.free_input(known, boxes)
    states = found._push(x, found._own_states(boxes.window, 10), context, 10, 24)
    for value in np.linspace(-1, 1, 7):
        moved = X.copy()
        moved[0, 10, 0] += value
        other = start(network, {"x": moved}, TARGET, of="x")
        for name, forms in states.items():
            for form, centre in zip(
                forms, (other.records[name].h, other.records[name].c), strict=False
            ):
                away = np.abs(form.centre[0, 0] - centre[0, 23])
                assert (away <= form.radius[0, 0] + 1e-12).all()  # rounding of the plain run


def test_boxes_that_are_taken_for_smaller_ones_are_found_out(rng, monkeypatch):
    """Broken on purpose: where any state is taken to lie in the smallest box, attacks escape."""
    network, X = stacked(rng), rng.normal(size=(2, STEPS, 3))
    known = start(network, {"x": X}, TARGET, of="x")
    last = len(module.SIZES) - 1
    monkeypatch.setattr(
        module.Checkpoints, "_level", lambda self, states, windows, end: np.full(len(windows), last)
    )
    asked = asked_of(X, reach=2.0)
    most = looked(known, asked)
    best = [
        strongest_attack(
            network, TARGET, X[asked.window[k]], int(asked.step[k]), [0],
            asked.low[k], asked.high[k], count=2_000, rng=rng,
        )
        for k in range(len(most))
    ]  # fmt: skip
    assert (np.array(best) > most).any()


@pytest.mark.parametrize("gap", [None, np.inf])
def test_certificates_by_checkpoints_say_what_those_to_the_end_say(rng, monkeypatch, gap):
    network, X = stacked(rng), rng.normal(size=(2, STEPS, 3))
    lags = [1, *LAGS]
    own = values_at(X, lags, [0])
    question = Question(network=network, inputs={"x": X}, of="x", target=TARGET)
    ranges, limits = Ranges(lags, [0], own - 1, own + 1), SearchLimits(tolerance=0.02, gap=gap)
    early = certify(question, ranges, limits)
    monkeypatch.setattr(search, "checkpoints", lambda known, asked: None)
    whole = certify(question, ranges, limits)
    np.testing.assert_array_equal(early.verdict, whole.verdict)
    assert not (early.verdict == "structural").any()
    assert (early.attained <= whole.bound).all()
    assert (whole.attained <= early.bound).all()


def test_a_network_whose_forecast_sees_more_than_the_last_states_is_followed_to_the_end(rng):
    X = rng.normal(size=(1, STEPS, 3))
    asked = asked_of(X)
    for backwards in (False, True):
        network = stacked(rng, backwards=backwards)
        known = start(network, {"x": X}, TARGET, of="x")
        assert (module.checkpoints(known, asked) is None) == backwards
    few = RangeQuestions(*(part[:2] for part in asked))
    known = start(stacked(rng), {"x": X}, TARGET, of="x")
    assert module.checkpoints(known, few) is None


def test_a_layer_with_numbers_of_its_own_for_each_step_is_followed_to_the_end(rng):
    X, one = rng.normal(size=(1, STEPS, 3)), Recurrent(cell("lstm", rng, 3, 5))
    for rows, apart in ((1, True), (STEPS, False)):
        scaled = Rescaling(1 + rng.random((rows, 3)), rng.normal(size=(rows, 3)))
        network = chain(scaled, one, head(rng, 5), shape=(STEPS, 3))
        known = start(network, {"x": X}, TARGET, of="x")
        assert (module.checkpoints(known, asked_of(X)) is not None) == apart
