"""Tables as people have them become the windows that a slow and obvious loop makes of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from rnnlens.errors import ConfigError, DataError, UnreadableFile
from rnnlens.series.build import windows
from rnnlens.series.sidecar import Column, Sidecar, Variable, read_sidecar

HOUR = np.timedelta64(1, "h")


def gappy(rng, hours=60) -> pd.DataFrame:
    """Hours of two stations one after the other, with missing rows and missing cells."""
    parts = []
    for station, lacks in (("north", [9, 30]), ("south", [17])):
        kept = np.setdiff1d(np.arange(hours), lacks)
        part = pd.DataFrame({
            "time": pd.Timestamp("2013-03-01") + kept * pd.Timedelta("1h"),
            "station": station,
            "rain": rng.normal(size=len(kept)).round(3),
            "flow": rng.normal(size=len(kept)).round(3),
            "wind": rng.choice(["NW", "SE", "cv"], size=len(kept)),
        })
        part.loc[rng.random(len(kept)) < 0.08, "rain"] = np.nan
        part.loc[rng.random(len(kept)) < 0.05, "flow"] = np.nan
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


SIDECAR = Sidecar(
    features=(
        Variable("rain", "mm", 0.5, 2.0, column=Column(missing="hold", limit=2)),
        Variable("flow", "m3/s", 1.0, 3.0, column=Column(missing="drop")),
        Variable("wind", column=Column(map=(("NW", 0.0), ("SE", 1.0), ("cv", 5.0)))),
        Variable("from SE", column=Column(of="wind", equals="SE")),
    ),
    targets=(
        Variable("flow_1h", "m3/s", 1.0, 3.0, column=Column(of="flow", missing="drop"), lead=1),
        Variable("flow_6h", "m3/s", 1.0, 3.0, column=Column(of="flow", missing="drop"), lead=6),
    ),
    window=4,
    time="time",
    step="1h",
    group="station",
)


def naive(table: pd.DataFrame):
    """Look up each cell of each window by station and time, one at a time."""
    cells = {(row.station, row.time): row for row in table.itertuples()}

    def rain(station, time):
        for back in range(3):
            row = cells.get((station, time - back * pd.Timedelta("1h")))
            if row is not None and not np.isnan(row.rain):
                return row.rain
        return np.nan

    number = {"NW": 0.0, "SE": 1.0, "cv": 5.0}
    samples = []
    for station, newest in list(cells):
        steps = [newest - back * pd.Timedelta("1h") for back in (3, 2, 1, 0)]
        if any((station, step) not in cells for step in steps):
            continue
        values = [
            [
                (rain(station, step) - 0.5) / 2,
                (cells[station, step].flow - 1) / 3,
                number[cells[station, step].wind],
                float(cells[station, step].wind == "SE"),
            ]
            for step in steps
        ]
        if np.isnan(values).any():
            continue
        later = [cells.get((station, newest + lead * pd.Timedelta("1h"))) for lead in (1, 6)]
        actual = [np.nan if row is None else row.flow for row in later]
        samples.append((values, station, newest, actual))
    values, stations, issued, actual = zip(*samples, strict=True)
    return np.array(values), list(stations), np.array(issued, "datetime64[ns]"), np.array(actual)


def test_groups_gaps_categories_and_leads_are_those_of_the_naive_loop(rng):
    table = gappy(rng)
    found = windows(table, SIDECAR)
    values, stations, issued, actual = naive(table)
    # the same operations: equal but for the order of rounding
    np.testing.assert_allclose(found.values, values, rtol=1e-14, atol=1e-14)
    assert found.groups is not None
    assert found.groups.tolist() == stations
    np.testing.assert_array_equal(found.issued, issued)
    np.testing.assert_array_equal(found.actual, actual)
    for target, lead in enumerate((1, 6)):
        np.testing.assert_array_equal(found.times_of(target), issued + lead * HOUR)
        assert found.lead_of(target) == lead
    assert found.lead == 1
    assert found.sources == ("flow", "flow")


def test_a_file_gives_what_the_table_in_memory_gives_whatever_the_order_of_stations(rng, tmp_path):
    table = gappy(rng)
    found = windows(table, SIDECAR)
    table.sort_values(["time", "station"]).to_csv(tmp_path / "mixed.csv", index=False, na_rep="NA")
    again = windows(tmp_path / "mixed.csv", SIDECAR)
    np.testing.assert_array_equal(again.values, found.values)
    np.testing.assert_array_equal(again.groups, found.groups)
    np.testing.assert_array_equal(again.actual, found.actual)


def test_the_newest_windows_are_those_issued_last_of_any_group(rng):
    found = windows(gappy(rng), SIDECAR)
    some = found.newest(3)
    assert set(some.groups) == {"north", "south"}
    assert some.issued.min() >= np.sort(found.issued)[-3]


def test_what_happened_is_never_a_held_value():
    held = Column(missing="hold", limit=1)
    table = {"a": [1.0, 2.0, np.nan, 4.0, 5.0]}
    sidecar = Sidecar(features=(Variable("a", column=held),), window=2)
    found = windows(table, sidecar)
    assert found.original[:, :, 0].tolist() == [[1, 2], [2, 2], [2, 4], [4, 5]]
    assert found.actual is not None
    np.testing.assert_array_equal(found.actual[:, 0], [np.nan, 4, 5, np.nan])


def test_a_number_that_training_filled_in_is_filled_in_and_did_not_happen():
    table = {"a": [1.0, np.nan, 3.0, 4.0]}
    found = windows(table, Sidecar(features=(Variable("a", column=Column(missing=0.0)),), window=2))
    assert found.original[:, :, 0].tolist() == [[1, 0], [0, 3], [3, 4]]
    np.testing.assert_array_equal(found.actual[:, 0], [3, 4, np.nan])


def test_a_masked_value_is_a_missing_one_and_never_a_number():
    masked = np.ma.masked_equal([1.0, 2.0, -9999.0, 4.0, 5.0, 6.0], -9999.0)
    with pytest.raises(DataError, match="row 3, column 'a' holds 'masked', which stands for no"):
        windows({"a": masked}, Sidecar.plain(["a"], 2))
    drop = Sidecar(features=(Variable("a", column=Column(missing="drop")),), window=2)
    assert windows({"a": masked}, drop).values[:, :, 0].tolist() == [[1, 2], [4, 5], [5, 6]]


PARTS = "No,year,month,day,hour,x\n1,2010,1,31,22,5\n2,2010,1,31,23,NA\n3,2010,2,1,0,7\n"


def test_a_time_in_parts_is_put_together_and_a_part_may_be_a_feature(tmp_path):
    (tmp_path / "parts.csv").write_text(PARTS)
    sidecar = Sidecar(
        features=(Variable("x", column=Column(missing="hold", limit=1)), Variable("hour")),
        targets=(Variable("x", column=Column(missing="drop")),),
        window=3,
        time=("year", "month", "day", "hour"),
    )
    found = windows(tmp_path / "parts.csv", sidecar)
    assert found.issued.tolist() == [np.datetime64("2010-02-01T00", "ns").astype(int)]
    assert found.values[0].tolist() == [[5, 22], [5, 23], [7, 0]]
    assert found.step == "1h"
    (tmp_path / "parts.csv").write_text(PARTS.replace("1,31,23", "1,32,23"))
    with pytest.raises(DataError, match="row 3 has the time year 2010, month 1, day 32, hour 23"):
        windows(tmp_path / "parts.csv", sidecar)


def test_date_and_time_columns_are_joined_and_read_by_the_format(tmp_path):
    path = tmp_path / "joined.csv"
    path.write_text("Date;Time;x\n10/03/2004;18.00.00;2,5\n10/03/2004;19.00.00;3,5\n")
    sidecar = Sidecar(
        features=(Variable("x"),),
        window=2,
        time=("Date", "Time"),
        time_format="%d/%m/%Y %H.%M.%S",
    )
    found = windows(path, sidecar)
    assert str(found.issued[0]) == "2004-03-10T19:00:00.000000000"
    assert found.values[0, :, 0].tolist() == [2.5, 3.5]


@pytest.mark.parametrize(
    ("times", "stated"),
    [
        (["31.01.2013 06:00", "31.01.2013 07:00"], '"%d.%m.%Y %H:%M"'),
        (["31/01/2013", "01/02/2013"], '"%d/%m/%Y"'),
        (["01/31/2013", "02/01/2013"], '"%m/%d/%Y"'),
        (["05/01/2013", "06/01/2013"], '"%d/%m/%Y" or "%m/%d/%Y", whichever they are'),
    ],
)
def test_dates_that_are_not_iso_are_refused_with_the_format_to_state(times, stated):
    table = {"x": [1.0, 2.0], "when": times}
    sidecar = Sidecar.plain(["x"], 2, time="when")
    with pytest.raises(DataError, match="or the sidecar must say how times are written") as caught:
        windows(table, sidecar)
    assert str(caught.value).endswith(f"time_format = {stated}")
    named = stated.split('"')[1]
    found = windows(table, Sidecar(**{**vars(sidecar), "time_format": named}))
    assert len(found) == 1
    wrong = Sidecar(**{**vars(sidecar), "time_format": "%Y"})
    with pytest.raises(DataError, match="written as the sidecar's time_format says, '%Y'"):
        windows(table, wrong)


def test_another_encoding_is_named_and_taken_where_it_is_stated(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes("Übergang,x\ngrün,1\nrot,2\n".encode("latin-1"))
    column = Column(of="Übergang", equals="grün")
    sidecar = Sidecar(features=(Variable("green", column=column), Variable("x")), window=2)
    with pytest.raises(UnreadableFile, match='say in the sidecar what it is, such as encoding = "'):
        windows(path, sidecar)
    stated = Sidecar(**{**vars(sidecar), "encoding": "latin-1"})
    assert windows(path, stated).values[0].tolist() == [[1, 1], [0, 2]]


def test_times_of_a_zone_are_held_in_utc():
    table = {
        "x": np.arange(4.0),
        "when": ["2013-01-01 00:00", *(f"2013-01-01 0{k}:00" for k in (1, 2, 3))],
    }
    sidecar = Sidecar(features=(Variable("x"),), window=2, time="when", time_zone="Asia/Shanghai")
    found = windows(table, sidecar)
    assert str(found.issued[0]) == "2012-12-31T17:00:00.000000000"
    assert found.time_zone == "Asia/Shanghai"
    # a limit that is typed is of the same clocks, and one of NumPy is in UTC
    assert len(found.between("2013-01-01 03:00")) == 2
    assert len(found.between(np.datetime64("2012-12-31T19:00"))) == 2
    offset = Sidecar(**{**vars(sidecar), "time_zone": "+08:00"})
    np.testing.assert_array_equal(windows(table, offset).issued, found.issued)


def clock_change(hours: list[str]):
    table = {"x": np.arange(float(len(hours))), "when": hours}
    return windows(table, Sidecar(
        features=(Variable("x"),), window=2, time="when", time_zone="Europe/Berlin", step="1h"
    ))  # fmt: skip


def test_the_hour_that_clocks_show_twice_is_told_by_the_order_of_rows():
    found = clock_change([f"2013-10-27 0{hour}:00" for hour in (1, 2, 2, 3)])
    np.testing.assert_array_equal(np.diff(found.issued), [HOUR, HOUR])
    spring = clock_change([f"2013-03-31 0{hour}:00" for hour in (0, 1, 3, 4)])
    np.testing.assert_array_equal(np.diff(spring.issued), [HOUR, HOUR])


def test_an_hour_that_may_be_either_and_one_that_never_was_are_refused():
    with pytest.raises(DataError, match=r"showed 2013-10-27 02:00:00 twice, .* \"\+01:00\" where"):
        clock_change([f"2013-10-27 0{hour}:00" for hour in (1, 2, 3)])
    with pytest.raises(DataError, match="no clock of Europe/Berlin showed 2013-03-31 02:00:00"):
        clock_change([f"2013-03-31 0{hour}:00" for hour in (1, 2, 3)])


def test_local_days_follow_each_other_across_the_clock_change():
    days = pd.date_range("2013-03-29", periods=6, freq="D")
    sidecar = Sidecar(
        features=(Variable("x"),), window=6, lead=2, time="d", time_zone="Europe/Berlin"
    )
    found = windows({"x": np.arange(6.0), "d": days}, sidecar)
    assert found.step == "1d"
    assert str(found.issued[0]) == "2013-04-02T22:00:00.000000000"
    assert str(found.times[0]) == "2013-04-04T22:00:00.000000000"


def test_business_days_are_counted_by_rows_with_the_times_they_have():
    days = pd.bdate_range("2013-01-02", periods=8)
    sidecar = Sidecar(features=(Variable("x"),), window=3, lead=2, time="d", step="1 row")
    found = windows({"x": np.arange(8.0), "d": days}, sidecar)
    assert len(found) == 6
    np.testing.assert_array_equal(found.issued, days.to_numpy()[2:])
    np.testing.assert_array_equal(found.times[:4], days.to_numpy()[4:])
    assert np.isnat(found.times[4:]).all()
    assert found.actual is not None
    np.testing.assert_array_equal(found.actual[:, 0], [4, 5, 6, 7, np.nan, np.nan])
    assert found.step == ""


def test_engines_without_times_are_counted_each_by_itself():
    table = {"unit": [1, 1, 1, 2, 2, 3, 3, 3, 3], "x": np.arange(9.0)}
    found = windows(table, Sidecar(features=(Variable("x"),), window=3, group="unit"))
    assert found.groups.tolist() == ["1", "3", "3"]
    assert found.issued.tolist() == [2, 2, 3]
    np.testing.assert_array_equal(found.actual[:, 0], [np.nan, 8, np.nan])


def test_two_files_are_joined_by_their_times(rng, tmp_path):
    hours = pd.date_range("2013-01-01", periods=30, freq="h")
    left = pd.DataFrame({"time": hours, "a": rng.normal(size=30)}).drop(index=[4])
    right = pd.DataFrame({"time": hours[2:], "b": rng.normal(size=28)})
    left.to_csv(tmp_path / "a.csv", index=False)
    right.to_csv(tmp_path / "b.csv", index=False)
    sidecar = Sidecar.plain(["b", "a"], 3, time="time")
    found = windows([tmp_path / "a.csv", tmp_path / "b.csv"], sidecar)
    whole = windows(left.merge(right, on="time"), sidecar)
    np.testing.assert_array_equal(found.values, whole.values)
    np.testing.assert_array_equal(found.times, whole.times)
    frames = windows([left, right], sidecar)
    np.testing.assert_array_equal(frames.values, whole.values)


def test_a_daily_table_is_held_through_its_hours_where_that_is_stated():
    hours = pd.date_range("2013-01-01", periods=48, freq="h")
    fast = {"time": hours, "a": np.arange(48.0)}
    slow = {"time": hours[::24], "b": [10.0, 20.0]}
    held = Variable("b", column=Column(missing="hold", limit=23))
    found = windows([fast, slow], Sidecar((Variable("a"), held), 2, time="time"))
    assert len(found) == 47
    assert found.values[22, :, 1].tolist() == [10, 10]
    assert found.values[23, :, 1].tolist() == [10, 20]


def test_what_never_changes_of_a_basin_goes_with_every_row_of_it():
    rows = {"time": [*pd.date_range("2013-01-01", periods=4, freq="D")] * 2,
            "basin": ["x"] * 4 + ["y"] * 4, "rain": np.arange(8.0)}  # fmt: skip
    area = {"basin": ["y", "x"], "area": [7.0, 3.0]}
    sidecar = Sidecar(
        (Variable("rain"), Variable("area", held=True)), 3, time="time", group="basin"
    )
    found = windows([rows, area], sidecar)
    assert found.groups.tolist() == ["x", "x", "y", "y"]
    assert found.values[:, 0, 1].tolist() == [3, 3, 7, 7]
    with pytest.raises(DataError, match="has no row of 'x', which another table has"):
        windows([rows, {"basin": ["y"], "area": [7.0]}], sidecar)
    with pytest.raises(DataError, match="more than one row of 'x'"):
        windows([rows, {"basin": ["y", "x", "x"], "area": [7.0, 1.0, 2.0]}], sidecar)


def test_tables_that_cannot_be_joined_are_one_sentence():
    times = pd.date_range("2013-01-01", periods=4, freq="h")
    one, two = {"time": times, "a": np.zeros(4)}, {"time": times, "b": np.zeros(4)}
    with pytest.raises(DataError, match="both have the column 'a'; each column that is used"):
        windows([one, {**two, "a": np.ones(4)}], Sidecar.plain(["a", "b"], 2, time="time"))
    with pytest.raises(DataError, match="which are joined by their times, and has none"):
        windows([one, two], Sidecar.plain(["a", "b"], 2))
    with pytest.raises(DataError, match="have no column c|has no column c"):
        windows([one, two], Sidecar.plain(["a", "c"], 2, time="time"))


def test_a_duplicate_column_that_nobody_uses_is_no_error(tmp_path):
    path = tmp_path / "twice.csv"
    path.write_text("x,note,note\n1,a,b\n2,a,b\n")
    assert windows(path, Sidecar.plain(["x"], 2)).values.shape == (1, 2, 1)
    with pytest.raises(DataError, match="names the column 'note' twice; each that is used"):
        windows(path, Sidecar.plain(["note"], 2))
    frame = pd.DataFrame([[1.0, 2.0, 3.0]] * 2, columns=["x", "y", "y"])
    assert len(windows(frame, Sidecar.plain(["x"], 2))) == 1
    with pytest.raises(DataError, match="must have one axis and has 2, as two columns of one name"):
        windows(frame, Sidecar.plain(["y"], 2))


def test_a_near_name_is_asked_about():
    with pytest.raises(DataError, match=r"has no column tmep \(did you mean 'temp'\?\); it has"):
        windows({"temp": [1.0, 2.0]}, Sidecar.plain(["tmep"], 2))


def test_a_category_that_the_map_lacks_is_named_with_its_row():
    column = Column(map=(("NW", 0.0), ("SE", 1.0)))
    sidecar = Sidecar((Variable("wind", column=column),), 2)
    with pytest.raises(DataError, match="row 2, column 'wind' holds 'NE', whose number .* NW, SE"):
        windows({"wind": ["NW", "NE"]}, sidecar)
    with pytest.raises(DataError, match="row 2, column 'wind' is empty; say in the sidecar"):
        windows({"wind": ["NW", None]}, sidecar)


def frames_of(rng):
    """The same table as each library holds it."""
    times = pd.date_range("2013-01-01", periods=6, freq="h", name="time")
    frame = pd.DataFrame({"a": rng.normal(size=6), "b": rng.normal(size=6)}, index=times)
    stacked = frame.to_xarray().to_dataarray("feature").transpose("time", "feature")
    import pyarrow as pa

    record = np.rec.fromarrays([times.to_numpy(), frame.a, frame.b], names="time,a,b")
    return frame, {
        "index": frame,
        "zone": frame.tz_localize("UTC").tz_convert("Asia/Tokyo"),
        "Dataset": frame.to_xarray(),
        "DataArray": stacked,
        "Arrow": pa.Table.from_pandas(frame.reset_index()),
        "records": np.asarray(record),
        "polars": Columns(frame.reset_index()),
    }


class Columns:
    """What polars offers: iterated, it gives columns and not names."""

    def __init__(self, frame):
        self.frame, self.columns = frame, list(frame.columns)

    def __getitem__(self, name):
        return Series(self.frame[name].to_numpy())

    def __len__(self):
        return len(self.frame)

    def __iter__(self):
        return iter(self[name] for name in self.columns)


class Series:
    """A column of polars."""

    def __init__(self, array):
        self.array = array

    def to_numpy(self):
        return self.array


@pytest.mark.parametrize(
    "kind", ["index", "zone", "Dataset", "DataArray", "Arrow", "records", "polars"]
)
def test_a_table_of_any_library_gives_the_same_windows(kind, rng):
    frame, kinds = frames_of(rng)
    found = windows(kinds[kind], Sidecar.plain(["b", "a"], 3, time="time"))
    whole = windows(frame, Sidecar.plain(["b", "a"], 3))
    np.testing.assert_array_equal(found.values, whole.values)
    np.testing.assert_array_equal(found.issued, whole.issued)


def test_stations_of_a_dataset_are_groups(rng):
    times = pd.date_range("2013-01-01", periods=5, freq="D")
    data = xr.Dataset(
        {"t": (("time", "station"), rng.normal(size=(5, 2)))},
        {"time": times, "station": ["n", "s"]},
    )
    found = windows(data, Sidecar((Variable("t"),), 4, time="time", group="station"))
    assert found.groups.tolist() == ["n", "n", "s", "s"]
    np.testing.assert_array_equal(found.values[2, :, 0], data.t.values[:4, 1])


def test_beijing_becomes_windows_by_its_sidecar_alone(shared, tmp_path):
    (tmp_path / "beijing.toml").write_text(
        """
window = 24
time = ["year", "month", "day", "hour"]
time_zone = "Asia/Shanghai"
[features]
pm = { of = "pm2.5", unit = "ug/m3", mean = 98.6, scale = 92, missing = "drop" }
temp = { of = "TEMP", unit = "C", mean = 12.4, scale = 12.2 }
wind = { of = "cbwd", map = { NE = 0, NW = 1, SE = 2, cv = 3 }, mean = 0, scale = 3 }
[targets]
pm = { horizons = [1, 6] }
"""
    )
    found = windows(shared / "data/beijing-pm25.csv", read_sidecar(tmp_path / "beijing.toml"))
    frame = pd.read_csv(shared / "data/beijing-pm25.csv")
    pm = frame["pm2.5"].to_numpy()
    whole = [k for k in range(23, len(pm)) if not np.isnan(pm[k - 23 : k + 1]).any()]
    assert len(found) == len(whole)
    np.testing.assert_allclose(found.original[:, -1, 0], pm[whole])
    later = [pm[k + 6] if k + 6 < len(pm) else np.nan for k in whole]
    np.testing.assert_array_equal(found.actual[:, 1], later)
    assert found.targets == ("pm t+1", "pm t+6")


def test_sidecars_that_do_not_go_with_their_times_are_refused():
    with pytest.raises(ConfigError, match="time_zone is stated, but time"):
        Sidecar((Variable("x"),), 2, time_zone="Asia/Shanghai")
