"""What a table of evidence has rows for, and where held ones stand."""

import numpy as np
import pytest

from rnnlens.errors import DataError, InputError
from rnnlens.evidence.table.rows import LagSpan, make_rows

NAMES = ("temp", "wind", "hour")


def rows_by(by, spans=((1, 1), (2, 3)), held=(2,)):
    return make_rows(by, (3, 3), [LagSpan(*span) for span in spans], NAMES, held)


def test_rows_hide_what_they_are_called():
    lags, features, both = rows_by("lag"), rows_by("feature"), rows_by("both")
    assert [part.title for part in lags.parts] == ["lag 1", "lags 2 to 3"]
    assert [part.title for part in features.parts] == ["temp", "wind"]
    assert [part.title for part in both.parts] == [
        "temp at lag 1", "wind at lag 1", "temp at lags 2 to 3", "wind at lags 2 to 3"
    ]  # fmt: skip
    # the newest step stands last, and what is held is never hidden
    assert np.argwhere(lags.parts[0].hidden).tolist() == [[2, 0], [2, 1]]
    assert np.argwhere(both.parts[3].hidden).tolist() == [[0, 1], [1, 1]]
    assert (lags.shape, features.shape, both.shape) == ((2,), (3,), (2, 3))


def test_values_are_spread_over_rows_and_held_ones_are_missing():
    features = rows_by("feature")
    np.testing.assert_array_equal(features.spread([1.5, 2.5], np.nan), [1.5, 2.5, np.nan])
    assert features.spread(["used", "undecided"], "held").tolist() == ["used", "undecided", "held"]
    assert features.spread(np.array([3, 4]), -1).tolist() == [3, 4, -1]


def test_lags_that_stand_together_take_the_largest_of_theirs():
    values = np.array([[1.0, 5.0, 2.0], [4.0, 0.0, 3.0]])
    assert rows_by("lag").by_span(values).tolist() == [[1.0, 5.0], [4.0, 3.0]]
    # by feature there are no lags in the table: each is one
    assert rows_by("feature").by_span(values).tolist() == values.tolist()


def test_rows_that_are_none_are_refused():
    with pytest.raises(InputError, match="rows of the table are by one of lag, feature, both, not"):
        rows_by("gate")
    with pytest.raises(DataError, match=r"every feature is held \(temp, wind, hour\)"):
        rows_by("lag", held=(0, 1, 2)).check_free()
