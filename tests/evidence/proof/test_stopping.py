"""A search that ends early: what was closed holds, the rest is not asked, nothing is guessed."""

from dataclasses import replace

import numpy as np
import pytest

from networks import forecaster, stacked_bidirectional
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.evidence.proof import search, trials
from rnnlens.evidence.proof.certificate import VERDICTS, certify, certify_each
from rnnlens.evidence.proof.limits import SearchLimits
from rnnlens.evidence.proof.ranges import Ranges, values_at
from rnnlens.evidence.proof.stopping import INTERRUPTED, TIME, Stop

LIMITS = SearchLimits(tolerance=0.05)


def question(rng):
    network = forecaster("lstm", rng, steps=8)
    X = rng.normal(size=(4, 8, 3))
    return Question(network=network, inputs={"x": X}, of="x", target=ResolvedTarget((1,)))


def ranges(asked, lags=(1, 4, 8), features=(0,)):
    own = values_at(asked.x, lags, features)
    return Ranges(lags, features, own - 1.5, own + 1.5)


class After(Stop):
    """Stops, as Ctrl-C or the clock does, once it was asked so many times."""

    def __init__(self, times, why):
        super().__init__()
        self.times, self.ends = times, why

    def due(self):
        self.times -= 1
        if self.times >= 0:
            return False
        if self.ends == INTERRUPTED:
            raise KeyboardInterrupt
        self.why = TIME
        return True


@pytest.mark.parametrize("why", [TIME, INTERRUPTED])
@pytest.mark.parametrize("times", [0, 1, 2, 4])
def test_what_is_done_by_then_holds_and_the_rest_is_not_asked(rng, monkeypatch, why, times):
    asked = question(rng)
    whole = certify(asked, ranges(asked), LIMITS)
    stop = After(times, why)
    part = certify(asked, ranges(asked), LIMITS, stop=stop)
    assert stop.why == why
    open_ = part.verdict == "not asked"
    assert open_.any() == (times < 3)  # a look for each of three lags comes first, the newest first
    assert np.isinf(part.bound[open_]).all()
    assert (part.bound >= whole.attained * (1 - 1e-12)).all()
    assert (part.attained <= whole.bound).all()
    known = np.isin(part.verdict, ["proven", "refuted"])
    np.testing.assert_array_equal(part.verdict[known], whole.verdict[known])
    np.testing.assert_array_equal(part.not_asked, open_.sum(axis=0))
    counts = [getattr(part, name.replace(" ", "_")) for name in VERDICTS]
    np.testing.assert_array_equal(np.sum(counts, axis=0), [4, 4, 4])
    if times == 1:
        assert not open_[:, 0].any()
        assert open_[:, 1:].all()


def test_ctrl_c_in_the_middle_of_a_box_loses_no_box(rng, monkeypatch):
    """Wherever in the bounding of boxes it falls, no bound is lower than what is attained."""
    asked = question(rng)
    whole = certify(asked, ranges(asked), LIMITS)
    honest = search.bounds
    for last in range(12):
        left = [last]

        def interrupted(*given, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return honest(*given)

        monkeypatch.setattr(search, "bounds", interrupted)
        stop = Stop()
        part = certify(asked, ranges(asked), LIMITS, stop=stop)
        assert (part.bound >= whole.attained * (1 - 1e-12)).all()
        assert not (part.verdict == "structural").any()


def test_without_anybody_to_keep_it_ctrl_c_ends_the_program(rng, monkeypatch):
    def interrupted(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "bounds", interrupted)
    asked = question(rng)
    with pytest.raises(KeyboardInterrupt):
        certify(asked, ranges(asked), LIMITS)


def test_no_time_at_all_leaves_everything_unasked_but_what_the_weights_say(rng):
    asked = question(rng)
    part = certify(asked, ranges(asked), LIMITS, stop=Stop(0.0))
    assert (part.verdict == "not asked").all()
    assert np.isinf(part.bound).all()
    assert (part.attained == 0).all()


def test_windows_of_a_row_that_one_refutes_are_asked_last(rng):
    asked = question(rng)
    attained = certify(asked, ranges(asked), LIMITS).attained[:, 0]
    limits = SearchLimits(tolerance=float(np.median(attained)), gap=np.inf)
    whole, (same,) = certify(asked, ranges(asked), limits), certify_each(
        asked, [ranges(asked)], limits, rows=np.array([[0, 1, 2]])
    )  # fmt: skip
    refuted = whole.verdict[:, 0] == "refuted"
    assert 0 < refuted.sum() < 4
    np.testing.assert_array_equal(same.verdict, whole.verdict)
    # a look at each of three lags
    in_turn = certify(asked, ranges(asked), limits, stop=After(3, TIME))
    stop = After(3, TIME)
    (part,) = certify_each(asked, [ranges(asked)], limits, rows=np.array([[0, 1, 2]]), stop=stop)
    assert not (in_turn.verdict == "not asked").any()
    np.testing.assert_array_equal(part.verdict[:, 0] == "not asked", ~refuted)
    assert (part.verdict[refuted, 0] == "refuted").all()
    unlike = ~(part.verdict == "refuted").any(axis=0)  # other rows are asked in turn
    assert not (part.verdict[:, unlike] == "not asked").any()


def test_no_bound_is_sought_of_a_row_that_one_refutes(rng):
    """What it attains is found all the same, and other rows get the bounds that they had."""
    asked = question(rng)
    attained = certify(asked, ranges(asked), LIMITS).attained
    tolerance = float(np.median(attained[:, 0]))
    limits = SearchLimits(tolerance=tolerance, gap=0.0, share=0.01)
    closely = certify(asked, ranges(asked), limits)
    (found,) = certify_each(
        asked, [ranges(asked)], replace(limits, by_row=True), rows=np.array([[0, 1, 2]])
    )
    refuted = (closely.verdict == "refuted").any(axis=0)
    assert refuted[0] and ((closely.verdict == "proven").any(axis=0) & refuted).any()
    np.testing.assert_array_equal((found.verdict == "refuted").any(axis=0), refuted)
    np.testing.assert_array_equal(found.verdict[:, ~refuted], closely.verdict[:, ~refuted])
    assert (found.bound >= attained).all()
    np.testing.assert_allclose(found.bound[:, ~refuted], closely.bound[:, ~refuted], rtol=1e-9)
    assert np.isinf(found.bound[:, refuted]).any(axis=0).all()
    np.testing.assert_allclose(
        found.attained.max(axis=0)[refuted], attained.max(axis=0)[refuted], rtol=0.05
    )
    # nothing is structural because it was not looked at
    assert not (found.verdict[:, refuted] == "structural").any()
    assert found.boxes[:, refuted].sum() < closely.boxes[:, refuted].sum()


def test_several_sets_of_ranges_are_answered_as_each_alone(rng):
    network = stacked_bidirectional(rng)
    X = rng.normal(size=(3, 6, 3))
    asked = Question(network=network, inputs={"x": X}, of="x", target=ResolvedTarget((1,)))
    sets = [ranges(asked, (1, 5), (k,)) for k in range(3)]
    for one, alone in zip(certify_each(asked, sets, LIMITS), sets, strict=True):
        other = certify(asked, alone, LIMITS)
        np.testing.assert_allclose(one.bound, other.bound, rtol=1e-9)  # other boxes beside them
        np.testing.assert_array_equal(one.verdict, other.verdict)


def test_plain_runs_are_made_in_blocks_that_fit_into_memory(rng, monkeypatch):
    asked = question(rng)
    whole = certify(asked, ranges(asked), LIMITS)
    sizes, run = [], trials.predict
    monkeypatch.setattr(search, "TRIED", 2 * 8 * 3)
    monkeypatch.setattr(trials, "predict", lambda net, x: sizes.append(len(x["x"])) or run(net, x))
    some = certify(asked, ranges(asked), LIMITS)
    assert max(sizes[1:]) == 2  # the windows themselves come first
    np.testing.assert_array_equal(some.verdict, whole.verdict)
    np.testing.assert_allclose(some.attained, whole.attained, rtol=1e-12)


def test_the_clock_is_looked_at_between_blocks_of_plain_runs(rng, monkeypatch):
    """Runs of long windows take seconds: those of the blocks not begun by then are left."""
    asked = question(rng)
    whole = certify(asked, ranges(asked), LIMITS)
    blocks, run = [], trials.predict
    monkeypatch.setattr(search, "TRIED", 2 * 8 * 3)
    monkeypatch.setattr(trials, "predict", lambda net, x: blocks.append(1) or run(net, x))
    stop = After(3, TIME)  # one look before the first lag, one before each block but the first
    part = certify(asked, ranges(asked), LIMITS, stop=stop)
    assert stop.why == TIME
    assert len(blocks) == 1 + 3  # the windows themselves come first
    assert (part.verdict == "not asked").any()
    assert (part.attained <= whole.bound).all()
    known = np.isin(part.verdict, ["proven", "refuted"])
    np.testing.assert_array_equal(part.verdict[known], whole.verdict[known])
