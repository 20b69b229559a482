"""Each fault of the weather table is found, put right and named: on a few rows made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnlens.demo.weather import FEATURES, measured, prepare
from rnnlens.errors import DataError

#: Eastern Standard Time becomes daylight time at 07:00 UTC on this day.
SPRING = "2013-03-10 03:00"


def hours(count: int = 30, start: str = "2013-06-01 04:00", airport: str = "JFK") -> pd.DataFrame:
    """A table in the form of the distribution's, without any fault but its short year."""
    utc = pd.date_range(start, periods=count, freq="h", tz="UTC")
    local = utc.tz_convert("America/New_York")
    number = np.arange(count)
    return pd.DataFrame({
        "origin": airport,
        "year": local.year,
        "month": local.month,
        "day": local.day,
        "hour": local.hour,
        "temp": 60.0 + number % 7,
        "dewp": 50.0 + number % 7,
        "humid": 69.85 + 0.02 * (number % 7),
        "wind_dir": 270.0,
        "wind_speed": 10.0 + number % 3,
        "wind_gust": np.nan,
        "precip": 0.0,
        "pressure": 1010.0 + number,
        "visib": 10.0,
        "time_hour": utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
    })


def said(faults: tuple[str, ...], beginning: str) -> str:
    """Give the one sentence that begins so."""
    found = [fault for fault in faults if fault.startswith(beginning)]
    assert len(found) == 1, faults
    return found[0]


def test_a_table_without_faults_is_only_told_to_be_short():
    table, faults = prepare(hours())
    assert [fault.split(":")[0] for fault in faults] == ["the year"]
    assert list(table) == list(FEATURES)
    assert len(table) == 30
    assert table.index[0] == pd.Timestamp("2013-06-01 04:00")


def test_an_impossible_wind_speed_is_missing_and_named_wherever_it_is():
    raw = hours()
    raw.loc[9, "wind_speed"] = 1048.36058
    table, faults = prepare(raw)
    sentence = said(faults, "wind speed")
    assert sentence == (
        "wind speed: 1048 mph at JFK on 2013-06-01 13:00 UTC is no wind; taken as missing"
    )
    # The hour before is carried: 10 + 8 % 3 mph from the west.
    assert table["wind_u"].iloc[9] == pytest.approx(12.0)
    assert not measured(raw)["wind_u"].iloc[9]

    other = pd.concat([raw.assign(origin="EWR"), hours()], ignore_index=True)
    assert "(JFK is not touched by it)" in said(prepare(other)[1], "wind speed")


def test_one_hour_far_from_both_its_neighbours_is_missing():
    raw = hours()
    raw.loc[12, ["temp", "dewp"]] = [13.1, 12.0]
    table, faults = prepare(raw)
    assert "13.1 F on 2013-06-01 16:00 UTC between 64.0 F and 66.0 F" in said(faults, "temperature")
    assert table["temp"].iloc[12] == 64.0
    step = hours()
    step.loc[12:, ["temp", "dewp"]] -= 30
    assert not [fault for fault in prepare(step)[1] if fault.startswith("temperature")]


def test_the_local_clock_jumps_and_utc_does_not():
    table, faults = prepare(hours(start=SPRING))
    assert "at 2013-03-10 07:00 UTC local time goes from UTC-5 to UTC-4 and skips 02:00" in said(
        faults, "clock changes"
    )
    assert (np.diff(table.index) == np.timedelta64(1, "h")).all()
    autumn = said(prepare(hours(start="2013-11-03 01:00"))[1], "clock changes")
    assert "at 2013-11-03 06:00 UTC local time goes from UTC-4 to UTC-5 and repeats 01:00" in autumn


def test_the_hour_of_day_is_standard_time_on_both_sides_of_the_change():
    table, _ = prepare(hours(start=SPRING))
    for moment in ("2013-03-10 05:00", "2013-03-11 05:00"):
        # Midnight in Eastern Standard Time.
        assert table.loc[moment, "hour_sin"] == pytest.approx(0, abs=1e-12)
        assert table.loc[moment, "hour_cos"] == pytest.approx(1)
    # Six in the morning.
    assert table.loc["2013-03-10 11:00", "hour_sin"] == pytest.approx(1)


def test_wind_has_the_components_of_where_it_blows_to():
    raw = hours(count=4)
    raw["wind_dir"] = [270.0, 180.0, 45.0, 360.0]
    raw["wind_speed"] = [10.0, 8.0, 2.0, 5.0]
    table, _ = prepare(raw)
    half = np.sqrt(2)
    np.testing.assert_allclose(table["wind_u"], [10, 0, -half, 0], atol=1e-12)
    np.testing.assert_allclose(table["wind_v"], [0, 8, -half, -5], atol=1e-12)


def test_calm_and_light_variable_wind_are_none_and_a_lost_direction_is_missing():
    raw = hours(count=6)
    raw["wind_speed"] = [10.0, 0.0, 5.0, 20.0, 10.0, 10.0]
    raw["wind_dir"] = [270.0, 0.0, np.nan, np.nan, 270.0, 270.0]
    table, faults = prepare(raw)
    assert "calm: 1 hour without wind" in said(faults, "calm")
    assert "in 1 hour of light wind (up to 7 mph)" in said(faults, "wind direction: variable")
    assert "in 1 hour of stronger wind, first 2013-06-01 07:00" in said(
        faults, "wind direction: missing"
    )
    # The fourth hour carries the third's, which is none.
    np.testing.assert_allclose(table["wind_u"], [10, 0, 0, 0, 10, 10])
    assert measured(raw)["wind_u"].tolist() == [True, True, True, False, True, True]


def test_missing_pressure_is_carried_up_to_six_hours_and_left_out_beyond():
    raw = hours()
    raw.loc[3:8, "pressure"] = np.nan
    raw.loc[15:21, "pressure"] = np.nan
    table, faults = prepare(raw)
    assert said(faults, "pressure") == (
        "pressure: missing in 13 hours of 30, at most 7 in a row, from 2013-06-01 19:00 UTC"
    )
    assert table["pressure"].iloc[3:9].tolist() == [1012.0] * 6
    assert len(table) == 23
    assert "7 hours in 1 stretches are left out, the longest of 7 from 2013-06-01 19:00" in said(
        faults, "longer gaps"
    )
    assert "hours carried: pressure 6" in said(faults, "short gaps")


def test_two_missing_hours_are_carried_and_three_are_a_gap():
    raw = hours().drop(index=[4, 5, 10, 11, 12])
    table, faults = prepare(raw)
    assert said(faults, "missing hours") == (
        "missing hours: 5 in 2 gaps, the longest of 3 from 2013-06-01 14:00 UTC"
    )
    assert len(table) == 27
    assert table["temp"].iloc[4] == table["temp"].iloc[5] == table["temp"].iloc[3]
    flags = measured(raw)
    assert flags["temp"].to_numpy().nonzero()[0].tolist() == [0, 1, 2, 3, *range(6, 27)]


def test_no_value_comes_from_after_its_hour():
    raw = hours()
    raw.loc[[4, 9, 10], "pressure"] = np.nan
    raw.loc[6, "wind_speed"] = np.nan
    raw = raw.drop(index=[20, 21])
    whole, _ = prepare(raw)
    for end in range(3, 28):
        part, _ = prepare(raw.iloc[:end])
        pd.testing.assert_frame_equal(part, whole.loc[: part.index[-1]], check_freq=False)


def test_an_hour_stated_twice_is_kept_once():
    raw = hours()
    again = pd.concat([raw, raw.iloc[[7]].assign(temp=99.0)], ignore_index=True)
    table, faults = prepare(again)
    assert "1 hour stated more than once, first 2013-06-01 11:00" in said(faults, "repeated hours")
    pd.testing.assert_frame_equal(table, prepare(raw)[0])


def test_humidity_at_odds_with_the_dew_point_is_counted_and_left():
    raw = hours()
    raw.loc[5, "humid"] = 95.0
    table, faults = prepare(raw)
    assert "1 hour differ" in said(faults, "humidity")
    assert "at most 25 points on 2013-06-01 09:00 UTC" in said(faults, "humidity")
    assert table["humid"].iloc[5] == 95.0


def test_an_unknown_airport_and_a_missing_column_are_one_sentence():
    with pytest.raises(DataError, match="the airport must be one of JFK and is 'SEA'"):
        prepare(hours(), "SEA")
    with pytest.raises(DataError, match="the weather table has no column visib; it has origin"):
        prepare(hours().drop(columns="visib"))


def test_the_raw_table_is_left_as_it_is():
    raw = hours()
    raw.loc[9, "wind_speed"] = 1048.0
    copy = raw.copy()
    prepare(raw)
    pd.testing.assert_frame_equal(raw, copy)
