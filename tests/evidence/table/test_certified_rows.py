"""What the certificates of a row say together, and of which rows they are about the whole."""

from dataclasses import replace

import numpy as np

from networks import forecaster
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.schedule.plan import evenly
from rnnlens.evidence.options import Certificates
from rnnlens.evidence.table.certificates import LagCertificates, certified_rows, rows_spoken_of
from rnnlens.evidence.table.rows import LagSpan, make_rows
from rnnlens.evidence.table.work import timed

#: By window, lag and feature freed alone.
VERDICTS = np.array([
    [["proven", "structural"], ["refuted", "proven"]],
    [["structural", "structural"], ["undecided", "proven"]],
    [["proven", "proven"], ["undecided", "refuted"]],
])
BOUND = np.arange(12.0).reshape(3, 2, 2)


def certificates(columns=((0,), (1,)), verdict=VERDICTS, bound=BOUND, attained=None):
    return LagCertificates(
        places=np.arange(3), bound=bound, attained=bound / 2 if attained is None else attained,
        verdict=verdict, columns=columns, boxes=7, range_text="",
    )  # fmt: skip


def rows_by(by):
    return make_rows(by, (2, 2), [LagSpan(1, 1), LagSpan(2, 2)], ("a", "b"), ())


def test_a_window_is_proven_where_all_its_questions_are_and_refuted_where_one_is():
    by_lag = certified_rows(rows_by("lag"), certificates())
    assert by_lag.structural.tolist() == [1, 0]
    assert by_lag.proven.tolist() == [2, 0]
    assert by_lag.refuted.tolist() == [0, 2]
    assert by_lag.undecided.tolist() == [0, 1]
    assert by_lag.largest_bound.tolist() == [9.0, 11.0]
    assert by_lag.worst.tolist() == [2, 2]


def test_only_what_was_free_at_once_is_a_whole_row():
    alone, both = certificates(), certificates(((0, 1),), VERDICTS[:, :, :1], BOUND[:, :, :1])
    assert [alone.of(row).whole for row in rows_by("lag").rows] == [False, False]
    assert [alone.of(row).whole for row in rows_by("both").rows] == [True] * 4
    assert [both.of(row).whole for row in rows_by("lag").rows] == [True, True]
    # one feature at all lags was never free at once
    assert [alone.of(row).whole for row in rows_by("feature").rows] == [False, False]


def test_certificates_are_numbered_by_the_rows_that_they_speak_of():
    """Columns are features freed alone; a constant one is in no row, and stands for itself."""
    numbered = {
        by: rows_spoken_of(rows_by(by), ((0,), (1,)), ()) for by in ("lag", "feature", "both")
    }
    assert numbered["lag"].tolist() == [[0, 1], [0, 1]]
    assert numbered["feature"].tolist() == [[0, 0], [1, 1]]
    assert numbered["both"].tolist() == [[0, 2], [1, 3]]
    assert rows_spoken_of(rows_by("lag"), ((0,), (1,)), (1,)).tolist() == [[0, 1], [2, 3]]


def test_held_features_have_no_number():
    alone = certificates(((0,), (2,)))
    table = alone.by_feature(BOUND, 3)
    assert np.isnan(table[:, :, 1]).all()
    np.testing.assert_array_equal(table[:, :, [0, 2]], BOUND)


def test_windows_lie_evenly_and_none_comes_twice():
    assert evenly(415, 4).tolist() == [0, 138, 276, 414]
    assert evenly(3, 10).tolist() == [0, 1, 2]


def test_the_bound_of_a_group_is_the_largest_of_all_its_lags():
    """The largest stands at the oldest lag of the group in one window, in its middle in another."""
    bound = np.array([[[9.0], [1.0], [2.0], [7.0]], [[3.0], [2.0], [8.0], [4.0]]])
    verdict = np.full(bound.shape, "refuted")
    rows = make_rows("lag", (4, 1), [LagSpan(1, 1), LagSpan(2, 4)], ("a",), ())
    group = LagCertificates(
        places=np.arange(2), bound=bound, attained=bound / 2, verdict=verdict, columns=((0,),),
        boxes=1, range_text="",
    )  # fmt: skip
    np.testing.assert_array_equal(rows.by_span(bound[:, :, 0]), [[9.0, 7.0], [3.0, 8.0]])
    assert certified_rows(rows, group).largest_bound.tolist() == [9.0, 8.0]
    assert certified_rows(rows, group).worst.tolist() == [0, 1]


def test_where_no_bound_was_sought_the_window_that_moved_furthest_is_the_worst():
    bound = BOUND.copy()
    bound[0, 1] = np.inf
    said = certified_rows(rows_by("lag"), certificates(bound=bound, attained=BOUND[::-1] / 2))
    assert said.largest_bound.tolist() == [9.0, np.inf]
    assert said.worst.tolist() == [2, 0]


def test_a_constant_feature_was_not_freed_and_takes_no_others_certificate_away():
    """``b`` never changes: rows of ``a`` and the lag's are whole, those of ``b`` say nothing."""
    found = replace(certificates(((0,),), VERDICTS[:, :, :1], BOUND[:, :, :1]), constant=(1,))
    by_lag, both = rows_by("lag"), rows_by("both")
    assert [found.of(row).whole for row in by_lag.rows] == [True, True]
    assert [found.of(row).whole for row in both.rows] == [True, False, True, False]
    assert [found.frees(row) for row in both.rows] == [True, False, True, False]
    said = certified_rows(both, found)
    assert said.proven.tolist() == [2, 0, 0, 0]
    assert said.structural.tolist() == [1, 0, 0, 0]
    assert np.isnan(said.largest_bound[[1, 3]]).all()
    assert said.worst.tolist() == [2, -1, 2, -1]


def test_very_many_certificates_that_nobody_limited_get_some_seconds(rng):
    def asked_of(steps, features=4, **options):
        network = forecaster("lstm", rng, steps=steps, features=features)
        question = Question(
            network=network,
            inputs={"x": np.zeros((10, steps, features))},
            of="x",
            target=ResolvedTarget((0,)),
        )
        spans = [LagSpan(lag, lag) for lag in range(1, steps + 1)]
        names = tuple(f"feature {k}" for k in range(features))
        rows = make_rows("lag", (steps, features), spans, names, [])
        return timed(question, rows, Certificates(**options))

    assert asked_of(24).budget is None
    assert asked_of(200).seconds == 5.0
    assert asked_of(200).windows == 10
    # 10 windows of 20,000 questions, and one of 60,000
    assert asked_of(200, 100).windows == 2 and asked_of(200, 100).seconds == 5.0
    assert asked_of(300, 200).windows == 1 and asked_of(300, 200).seconds == 2.0
    assert asked_of(300, 200, budget="5 s").windows == 10
    assert asked_of(200, budget=50).boxes == 50 and asked_of(200, budget="3 s").seconds == 3.0
