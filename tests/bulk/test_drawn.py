"""Windows drawn from an archive lie evenly, and are those of the same rows as a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from archives import written
from rnnlens.bulk import sample
from rnnlens.bulk.looks.drawn import GOLDEN
from rnnlens.errors import ConfigError, DataError
from rnnlens.series.build import windows_from_table
from rnnlens.series.sidecar import Sidecar


@pytest.fixture
def sidecar():
    """That of the archive, with a target that is known."""
    return Sidecar.plain(["rain", "flow"], 5, targets=["flow"], lead=2, time="time")


def of_table(data, station, sidecar):
    own = data.sel(station=station).dropna("time")
    columns = {name: own[name].values for name in ("rain", "flow")}
    return windows_from_table(columns | {"time": own.time.values}, sidecar)


@pytest.mark.parametrize("count", [7, 60, 10_000])
def test_drawn_windows_are_those_of_the_table_with_what_happened(whole, sidecar, count):
    drawn = sample(whole.path, sidecar, count)
    assert len(drawn) <= count
    for station in whole.data.station.values:
        expected, own = of_table(whole.data, station, sidecar), drawn.groups == station
        at = np.searchsorted(expected.issued, drawn.issued[own])
        np.testing.assert_array_equal(expected.issued[at], drawn.issued[own])
        for name in ("values", "times"):
            np.testing.assert_array_equal(getattr(drawn, name)[own], getattr(expected, name)[at])
        flow = whole.data.flow.sel(station=station).reindex(time=drawn.times[own])
        np.testing.assert_array_equal(drawn.actual[own, 0], flow)
        if count == 10_000:
            np.testing.assert_array_equal(drawn.issued[own], expected.issued)


def test_every_station_gets_as_many_that_lie_evenly_in_time(whole, sidecar):
    drawn = sample(whole.path, sidecar, 30)
    names, counts = np.unique(drawn.groups, return_counts=True)
    assert sorted(names) == ["east", "north", "south"] and set(counts) == {10}
    hours = (drawn.issued[drawn.groups == "east"] - whole.data.time.values[0]) / np.timedelta64(
        1, "h"
    )
    # 150 rows, ten places: fifteen rows apart, from an offset of the third station's own
    offset = 2.5 * GOLDEN % 1
    expected = np.floor((np.arange(10) + offset) * 15)
    np.testing.assert_array_equal(hours, expected)


def test_a_place_in_a_gap_gives_the_next_window_and_none_is_drawn_twice(whole, sidecar):
    drawn = sample(whole.path, sidecar, 150)
    own = drawn.issued[drawn.groups == "south"]
    rows = (own - whole.data.time.values[0]) // np.timedelta64(1, "h")
    assert len(np.unique(rows)) == len(rows)
    # rows 60 to 63 have no value, so windows end at 59 and from 68 on
    assert not ((rows > 59) & (rows < 68)).any()


def test_rows_without_times_keep_their_numbers_and_unreadable_places_are_left_out(made, sidecar):
    plain = replace(sidecar, time=None)
    path = written(
        made.data.drop_vars("time").sel(station="north", drop=True), made.folder / "n.zarr"
    )
    drawn = sample(path, plain, 20)
    assert drawn.groups is None
    np.testing.assert_array_equal(drawn.times, drawn.issued + 2)
    np.testing.assert_array_equal(drawn.values[:, -1, 0], made.data.rain.values[0][drawn.issued])
    chunk = made.path / "flow" / "c" / "0" / "0"
    chunk.write_bytes(bytes(chunk.stat().st_size))
    with pytest.raises(DataError, match="none of 30 places drawn from"):
        sample(made.path, sidecar, 30)


def test_what_cannot_be_drawn_from_is_refused(whole, sidecar):
    with pytest.raises(ConfigError, match="an archive needs a sidecar"):
        sample(whole.path, None)
