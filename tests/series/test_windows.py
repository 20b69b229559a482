"""Windows are what a slow and obvious loop makes of a table, and nothing crosses a gap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnlens.errors import ConfigError, DataError, UnreadableFile
from rnnlens.names import dimensions_of
from rnnlens.series.arrays import windows_from_arrays
from rnnlens.series.build import windows, windows_from_table
from rnnlens.series.sidecar import Sidecar, Variable
from rnnlens.series.windows import Windows

HOUR = np.timedelta64(1, "h")


@pytest.fixture
def sidecar() -> Sidecar:
    return Sidecar(
        features=(
            Variable("rain", "mm", 0.5, 2.0),
            Variable("flow", "m3/s", 12.0, 3.5),
            Variable("hour", "-", 11.5, 7.0, held=True),
        ),
        targets=(Variable("flow", "m3/s", 10.0, 4.0), Variable("snow", "cm", 1.0, 9.0)),
        window=4,
        lead=2,
        time="time",
        step="1h",
    )


@pytest.fixture
def table(rng) -> pd.DataFrame:
    """Forty hours of which six are missing, in three gaps."""
    hours = np.setdiff1d(np.arange(40), [7, 15, 16, 29, 30, 31])
    index = pd.DatetimeIndex(np.datetime64("2013-03-01", "ns") + hours * HOUR, name="time")
    names = ["flow", "note", "hour", "snow", "rain"]
    return pd.DataFrame(rng.normal(10, 5, size=(len(hours), 5)), index=index, columns=names)


def naive(table: pd.DataFrame, sidecar: Sidecar):
    """One dictionary look-up a cell: no sliding, no searching, no gap to cross by mistake."""
    rows = {moment.to_datetime64(): row for moment, row in table.iterrows()}
    samples = []
    for newest in rows:
        steps = [newest - back * HOUR for back in reversed(range(sidecar.window))]
        if any(step not in rows for step in steps):
            continue
        values = [[(rows[s][v.name] - v.mean) / v.scale for v in sidecar.features] for s in steps]
        valid = newest + sidecar.lead * HOUR
        nothing = dict.fromkeys(sidecar.target_names, np.nan)
        actual = [rows.get(valid, nothing)[name] for name in sidecar.target_names]
        samples.append((values, newest, valid, actual))
    values, issued, valid, actual = zip(*samples, strict=True)
    return np.array(values), np.array(issued), np.array(valid), np.array(actual)


@pytest.mark.parametrize("lead", [0, 1, 2, 6])
def test_windows_are_those_of_the_naive_loop(lead, sidecar, table):
    sidecar = Sidecar(**{**vars(sidecar), "lead": lead})
    found = windows(table, sidecar)
    values, issued, valid, actual = naive(table, sidecar)
    # The same two operations a number: equal but for the order of rounding.
    np.testing.assert_allclose(found.values, values, rtol=1e-14, atol=1e-14)
    np.testing.assert_array_equal(found.issued, issued)
    np.testing.assert_array_equal(found.times, valid)
    np.testing.assert_array_equal(found.actual, actual)


def test_names_units_and_scalings_go_with_the_windows(sidecar, table):
    found = windows(table, sidecar)
    assert found.features == ("rain", "flow", "hour")
    assert found.units == ("mm", "m3/s", "-")
    assert (found.targets, found.target_units) == (("flow", "snow"), ("m3/s", "cm"))
    assert found.held == ("hour",)
    assert (found.lead, found.step) == (2, "1h")
    assert found.target_scaling.scale.tolist() == [4.0, 9.0]
    assert found.values.dtype == np.float64
    assert found.values.flags.c_contiguous
    assert found.actual is not None
    # The newest step of a window, in original units, is the table's row at its time.
    rows = table.loc[found.issued, ["rain", "flow", "hour"]].to_numpy()
    np.testing.assert_allclose(found.original[:, -1], rows, rtol=1e-13)


def test_no_window_crosses_a_gap(sidecar, table):
    found = windows(table, sidecar)
    there = set(table.index.to_numpy())
    for newest in found.issued:
        assert all(newest - back * HOUR in there for back in range(4))
    # Runs of 7, 7, 12 and 8 hours hold 4, 4, 9 and 5 windows of four steps.
    assert len(found) == 22


def test_no_window_crosses_the_split(sidecar, table):
    split = "2013-03-01T23:00"
    before, after = windows(table, sidecar, end=split), windows(table, sidecar, start=split)
    oldest = after.issued - 3 * HOUR
    assert (oldest >= np.datetime64(split)).all()
    assert (before.issued < np.datetime64(split)).all()
    # Forecasts for times past the end have no outcome, though the whole table would know it.
    assert before.actual is not None
    beyond = before.times >= np.datetime64(split)
    assert beyond.any()
    assert np.isnan(before.actual[beyond]).all()


def test_a_path_a_table_and_columns_are_the_same(sidecar, table, tmp_path):
    table.assign(note="fog").to_csv(tmp_path / "t.csv")
    table.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.toml").write_text(sidecar.to_toml(), encoding="utf-8")
    columns = {name: table[name].to_numpy() for name in table}
    wanted = windows(table, sidecar)
    for data in (
        tmp_path / "t.csv",
        str(tmp_path / "t.parquet"),
        {**columns, "time": table.index.to_numpy()},
        {**columns, "time": [str(moment) for moment in table.index]},
        table.reset_index(),
        table.rename_axis(index=None),
    ):
        found = windows(data, tmp_path / "t.toml")
        np.testing.assert_allclose(found.values, wanted.values, rtol=1e-14)
        np.testing.assert_array_equal(found.times, wanted.times)
        np.testing.assert_array_equal(found.actual, wanted.actual)


def test_the_callers_table_is_left_as_it_is(sidecar, table):
    copy = table.copy()
    windows(table, sidecar)
    pd.testing.assert_frame_equal(table, copy)


def test_without_times_rows_are_counted(rng):
    columns = {"a": rng.normal(size=9), "b": rng.normal(size=9)}
    found = windows(columns, Sidecar.plain(["b", "a"], 3, lead=2))
    assert found.issued.tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert found.times.tolist() == [4, 5, 6, 7, 8, 9, 10]
    assert found.step == ""
    assert found.actual is not None
    assert found.actual[0].tolist() == [columns["b"][4], columns["a"][4]]
    assert np.isnan(found.actual[-2:]).all()
    assert found.between(6, 9).times.tolist() == [6, 7, 8]
    cut = windows(columns, Sidecar.plain(["b", "a"], 3, lead=2), start=4)
    assert cut.issued.tolist() == [6, 7, 8]


def test_the_step_is_worked_out_from_the_times_where_it_is_not_stated(sidecar, table):
    bare = Sidecar(**{**vars(sidecar), "step": None})
    found = windows(table, bare)
    assert found.step == "1h"
    np.testing.assert_array_equal(found.times, windows(table, sidecar).times)


def test_a_target_without_outcomes_leaves_actual_out(sidecar, table):
    found = windows(table.drop(columns="snow"), sidecar)
    assert found.actual is not None
    assert np.isnan(found.actual[:, 1]).all()
    assert np.isfinite(found.actual[:, 0]).any()
    only_snow = Sidecar(**{**vars(sidecar), "targets": sidecar.targets[1:]})
    assert windows(table.drop(columns="snow"), only_snow).actual is None
    assert windows(table.iloc[:4], only_snow).actual is None


def test_some_windows_keep_all_that_belongs_to_them(sidecar, table):
    every = windows(table, sidecar)
    for which in ([3, 1], slice(2, 5), np.arange(len(every)) % 2 == 0, -1):
        some = every.select(which)
        taken = np.atleast_1d(np.arange(len(every))[which])
        np.testing.assert_array_equal(some.values, every.values[taken])
        np.testing.assert_array_equal(some.times, every.times[taken])
        np.testing.assert_array_equal(some.issued, every.issued[taken])
        assert every.actual is not None
        np.testing.assert_array_equal(some.actual, every.actual[taken])
    assert len(every.select([])) == 0
    with pytest.raises(DataError, match="there are 22 windows, counted from 0, and 22 does not"):
        every.select(22)


def test_between_goes_by_the_time_that_a_forecast_is_for(sidecar, table):
    every = windows(table, sidecar)
    some = every.between("2013-03-01T10:00", np.datetime64("2013-03-02"))
    inside = (every.times >= np.datetime64("2013-03-01T10")) & (
        every.times < np.datetime64("2013-03-02")
    )
    np.testing.assert_array_equal(some.times, every.times[inside])
    utc = every.between("2013-03-01T12:00+02:00", "2013-03-02")
    np.testing.assert_array_equal(utc.times, some.times)
    for wrong in ("soon", 3, None.__class__):
        with pytest.raises(DataError, match="start must be a time in ISO 8601"):
            every.between(wrong)
    counted = windows({"a": np.arange(5.0)}, Sidecar.plain(["a"], 2))
    with pytest.raises(DataError, match="end must be a row number, for the data have no time"):
        counted.between(end="2013-01-01")


def test_arrays_declare_their_dimensions():
    assert dimensions_of(Windows) == {
        "values": ("sample", "step", "feature"),
        "times": ("sample",),
        "issued": ("sample",),
        "actual": ("sample", "target"),
        "target_times": ("sample", "target"),
        "groups": ("sample",),
    }


def test_an_archive_of_windows_is_scaled_unless_it_says_that_it_is(sidecar, rng, tmp_path):
    original, happened = rng.normal(10, 3, size=(5, 4, 3)), rng.normal(10, 3, size=(5, 2))
    times = np.datetime64("2013-05-01", "s") + np.arange(5) * HOUR
    np.savez(tmp_path / "plain.npz", X=original, y=happened, times=times)
    found = windows(tmp_path / "plain.npz", sidecar)
    np.testing.assert_allclose(found.values, (original - [0.5, 12, 11.5]) / [2, 3.5, 7])
    np.testing.assert_array_equal(found.actual, happened)
    np.testing.assert_array_equal(found.issued, times - 2 * HOUR)

    scaled = (happened - [10.0, 1.0]) / [4.0, 9.0]
    np.savez(tmp_path / "scaled.npz", X=found.values, y=scaled, scaled=True, other=np.ones(3))
    again = windows(tmp_path / "scaled.npz", sidecar)
    np.testing.assert_array_equal(again.values, found.values)
    np.testing.assert_allclose(again.actual, happened, rtol=1e-14)
    assert windows(tmp_path / "plain.npz", sidecar, start="2013-05-01T03:00").times.size == 2


def test_windows_in_network_units_need_no_sidecar(rng, tmp_path):
    values = rng.normal(size=(6, 3, 2)).astype(np.float32)
    np.savez(tmp_path / "x.npz", X=values)
    found = windows(tmp_path / "x.npz")
    assert found.features == ("feature 0", "feature 1")
    assert found.targets == ("output 0", "output 1")
    assert found.actual is None
    np.testing.assert_array_equal(found.values, values)
    assert found.times.tolist() == [0, 1, 2, 3, 4, 5]
    assert windows_from_arrays(values, np.arange(6)).actual.shape == (6, 1)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (
            {"X": np.zeros((3, 4))},
            r"X must be \(sample, step, feature\) and has the shape \(3, 4\)",
        ),
        ({"X": np.zeros((0, 4, 3))}, r"has the shape \(0, 4, 3\)"),
        ({"X": np.full((2, 4, 3), np.nan)}, r"X\[0, 0, 0\] is nan; it must be a finite number"),
        ({"X": np.full((2, 4, 3), "a")}, "X must hold numbers and is of type <U1"),
        ({"X": np.zeros((2, 5, 3))}, "X has 5 steps a window, and 4 are expected"),
        ({"X": np.zeros((2, 4, 2))}, "X has 2 features a window, and 3 are expected"),
        ({"X": np.zeros((2, 4, 3)), "y": np.zeros((3, 2))}, r"y must be \(sample, target\) with 2"),
        (
            {"X": np.zeros((2, 4, 3)), "y": np.zeros((2, 1))},
            r"y has the shape \(2, 1\), and \(sample, 2\) is",
        ),
        (
            {"X": np.zeros((2, 4, 3)), "y": np.zeros((2, 3, 1))},
            r"shape \(2, 3, 1\): where its second axis is future steps, give y.reshape\(2, -1\)",
        ),
        ({"X": np.zeros((2, 4, 3)), "scaled": 1}, "scaled must be one True or False and is 1"),
        (
            {"X": np.zeros((2, 4, 3)), "times": np.zeros(2)},
            "times must be 2 times or whole numbers",
        ),
    ],
)
def test_windows_of_the_wrong_form_are_one_sentence(arrays, sentence, sidecar, tmp_path):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=sentence) as caught:
        windows(tmp_path / "x.npz", sidecar)
    assert str(tmp_path / "x.npz") in str(caught.value)


def test_a_window_longer_than_the_series_is_refused_with_the_numbers(sidecar, table):
    with pytest.raises(DataError, match="a window is 4 steps and the series has 3 rows; it must"):
        windows_from_table(table.iloc[:3], sidecar)
    long = Sidecar(**{**vars(sidecar), "window": 13})
    with pytest.raises(DataError, match="has 34 rows, the longest unbroken run being 12; it must"):
        windows(table, long)
    with pytest.raises(DataError, match="the series has 0 rows"):
        windows(table, sidecar, start="2014-01-01")


def test_times_closer_than_the_stated_step_are_refused(sidecar, table):
    daily = Sidecar(**{**vars(sidecar), "step": "1d"})
    with pytest.raises(DataError, match="are less than the sidecar's step of 1d apart"):
        windows(table, daily)


def test_missing_columns_and_missing_sidecars_are_one_sentence(sidecar, table, tmp_path):
    with pytest.raises(DataError, match="the data has no column rain; it has flow, note, hour"):
        windows(table.drop(columns="rain"), sidecar)
    table.to_csv(tmp_path / "t.csv")
    with pytest.raises(ConfigError, match="a table needs a sidecar"):
        windows(tmp_path / "t.csv")
    with pytest.raises(DataError, match="must be a path, a DataFrame or a mapping of columns"):
        windows([1, 2, 3], sidecar)
    with pytest.raises(UnreadableFile, match="there is no file"):
        windows(tmp_path / "nowhere.csv", sidecar)


def test_windows_that_stand_together_are_taken_without_a_copy():
    sidecar = Sidecar.plain(["rain", "flow"], window=3)
    made = windows({"rain": np.arange(20.0), "flow": np.arange(20.0) ** 2}, sidecar)
    for taken in (made.newest(4), made.between(5, 9), made.between(None, None)):
        assert np.shares_memory(taken.values, made.values)
    np.testing.assert_array_equal(made.between(5, 9).values, made.select([2, 3, 4, 5]).values)
    assert len(made.between(90, None)) == 0
