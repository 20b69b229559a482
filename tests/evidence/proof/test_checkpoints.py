"""Looks that end at a checkpoint: no attack escapes them, and the way to the end agrees."""

from fractions import Fraction

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
from rnnlens.evidence.proof.stretches import Reached, Relaxation, Stretches
from rnnlens.evidence.proof.zonotope.bounds import Boxes, bounds, start
from rnnlens.evidence.proof.zonotope.forms import Forms
from rnnlens.evidence.proof.zonotope.recurrent import Context
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
    """Every question's bound by stretches; nothing allowed takes the closest that is found."""
    found, front = module.Checkpoints(known, asked, 0.02), whole_boxes(asked)
    most = np.full(len(asked.window), np.inf)
    for begin in np.unique(found.begin)[::-1]:
        at = np.flatnonzero(found.begin == begin)
        most[at] = found.look(front.part(at), np.full(len(at), allowed))
    return most


def moved_most(network, asked, X, rng):
    """What the strongest of many attacks on each question attains."""
    best = np.zeros(len(asked.window))
    for k, (window, step) in enumerate(zip(asked.window, asked.step, strict=True)):
        ends = asked.low[k], asked.high[k]
        best[k] = strongest_attack(
            network, TARGET, X[window], int(step), list(asked.feature[k]), *ends,
            count=2_000, rng=rng,
        )  # fmt: skip
    return best


@pytest.mark.parametrize("kind", ["lstm", "gru_after", "simple_rnn"])
def test_no_attack_escapes_a_bound_of_a_checkpoint(rng, kind):
    network, X = stacked(rng, kind), rng.normal(size=(2, STEPS, 3))
    known = start(network, {"x": X}, TARGET, of="x")
    asked = asked_of(X)
    most = looked(known, asked)
    assert np.isfinite(most).sum() >= 6
    assert (moved_most(network, asked, X, rng) <= most).all()


def test_no_attack_escapes_where_all_features_of_every_lag_are_asked(rng):
    """Neighbouring questions share the boxes of states around what they reach."""
    network, X = stacked(rng), rng.normal(size=(1, STEPS, 3))
    known = start(network, {"x": X}, TARGET, of="x")
    asked = asked_of(X, lags=range(9, 25), reach=0.4, features=(0, 1, 2))
    most = looked(known, asked, allowed=0.01)
    assert np.isfinite(most).sum() >= 12
    assert (moved_most(network, asked, X, rng) <= most).all()


@pytest.mark.parametrize("taken_for", [1.0, 0.01])
def test_in_a_box_of_states_the_output_lies_within_its_line(rng, taken_for):
    """States at a checkpoint moved by other inputs before it, against plain runs of these.

    Broken on purpose: the line of a narrower box does not hold in the wider one.
    """
    network, X = stacked(rng), rng.normal(size=(1, STEPS, 3))
    known = start(network, {"x": X}, TARGET, of="x")
    found, end = module.Checkpoints(known, asked_of(X), 0.02), STEPS - 2 * module.STRIDE
    half = rng.uniform(0.04, 0.08, size=22)  # of two layers of 6 and 5 units
    line = found._line(0, end, taken_for * half)
    assert line is not None
    others = np.repeat(X, 200, axis=0)
    others[:, end - 4 : end] += 0.03 * rng.normal(size=(200, 4, 3))
    runs = start(network, {"x": others}, TARGET, of="x")
    off = np.concatenate(
        [
            getattr(runs.records[name], part)[:, end - 1] - getattr(own, part)[0, end - 1]
            for name, own in known.records.items()
            for part in ("h", "c")
        ],
        axis=1,
    )
    inside = (np.abs(off) <= half).all(axis=1)
    assert inside.sum() >= 50
    apart = np.abs(0.5 * (runs.low + runs.high) - line.constant[0] - off @ line.weights[0])
    # what is known of a plain run itself, some 1e-14, is added
    holds = apart[inside] <= line.rest[0] + 1e-12
    assert holds.all() == (taken_for == 1)


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
    found = Stretches(known)
    boxes = Boxes(np.array([0]), 10, np.array([[0]]), X[:, 10, :1] - 1, X[:, 10, :1] + 1)
    context = Context(boxes.window, np.array([1]), 1, {})
    x = module.free_input(known, boxes)
    states = found.run(x, found.own_states(boxes.window, 10), context, 10, 24)[1]
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


def test_lines_that_forget_their_rests_are_found_out(rng, monkeypatch):
    network, X = stacked(rng), rng.normal(size=(2, STEPS, 3))
    known = start(network, {"x": X}, TARGET, of="x")
    honest = Stretches.read

    def forgetful(self, reached, line):
        form = honest(self, reached, line)
        return form._replace(rest=0 * form.rest, by_symbol=form.by_symbol[:, :1])

    monkeypatch.setattr(Stretches, "read", forgetful)
    asked = asked_of(X, reach=2.0)
    assert (moved_most(network, asked, X, rng) > looked(known, asked)).any()


def test_a_line_is_read_off_states_with_every_rounding_in_the_rest(rng):
    """Naive twin in rational arithmetic, with coefficients of very different sizes."""
    network, X = stacked(rng), rng.normal(size=(1, STEPS, 3))
    known = start(network, {"x": X}, TARGET, of="x")
    found, end, symbols = Stretches(known), 24, 7
    sizes = [(name, part) for name in known.records for part in ("h", "c")]
    states, own = {}, {}
    for name, part in sizes:
        own[name, part] = getattr(known.records[name], part)[0, end - 1]
        units = len(own[name, part])
        rows = rng.normal(size=(1, 1, 4, units)) * 10.0 ** rng.integers(-8, 3, (1, 1, 4, units))
        ids = rng.permutation(symbols)[None, None, :4]
        made = Forms(
            rng.normal(size=(1, 1, units)), np.zeros((1, 1, units)), rows, ids,
            np.full((1, 1), 4), False,
        )  # fmt: skip
        states[name] = (*states.get(name, ()), made)
    line = Relaxation(rng.normal(size=(1, 22)), rng.normal(size=1), np.zeros(1))
    form = found.read(Reached(states, np.array([0]), end, symbols), line)
    e = [Fraction(one) for one in rng.choice([-1.0, 1.0], symbols)]
    exact, place = Fraction(line.constant[0]), 0
    for name, part in sizes:
        made = states[name][part == "c"]
        for unit, centre in enumerate(made.centre[0, 0]):
            value = Fraction(centre) - Fraction(own[name, part][unit])
            value += sum(
                Fraction(made.rows[0, 0, row, unit]) * e[made.ids[0, 0, row]] for row in range(4)
            )
            exact += value * Fraction(line.weights[0, place])
            place += 1
    stated = Fraction(form.centre[0])
    stated += sum(Fraction(one) * e[k] for k, one in enumerate(form.by_symbol[0]))
    assert 0 < abs(exact - stated) <= Fraction(form.rest[0])


@pytest.mark.parametrize("gap", [None, np.inf])
def test_certificates_by_checkpoints_say_what_those_to_the_end_say(rng, monkeypatch, gap):
    network, X = stacked(rng), rng.normal(size=(2, STEPS, 3))
    lags = [1, *LAGS]
    own = values_at(X, lags, [0])
    question = Question(network=network, inputs={"x": X}, of="x", target=TARGET)
    ranges, limits = Ranges(lags, [0], own - 1, own + 1), SearchLimits(tolerance=0.02, gap=gap)
    early = certify(question, ranges, limits)
    monkeypatch.setattr(search, "checkpoints", lambda *given: None)
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
        assert (module.checkpoints(known, asked, 0.02) is None) == backwards
    few = RangeQuestions(*(part[:2] for part in asked))
    known = start(stacked(rng), {"x": X}, TARGET, of="x")
    assert module.checkpoints(known, few, 0.02) is None


def test_a_layer_with_numbers_of_its_own_for_each_step_is_followed_to_the_end(rng):
    X, one = rng.normal(size=(1, STEPS, 3)), Recurrent(cell("lstm", rng, 3, 5))
    for rows, apart in ((1, True), (STEPS, False)):
        scaled = Rescaling(1 + rng.random((rows, 3)), rng.normal(size=(rows, 3)))
        network = chain(scaled, one, head(rng, 5), shape=(STEPS, 3))
        known = start(network, {"x": X}, TARGET, of="x")
        assert (module.checkpoints(known, asked_of(X), 0.02) is not None) == apart
