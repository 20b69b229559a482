"""A forecaster's files: a Keras model of several inputs, CSVs and a sidecar that describes each."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import rnnlens

#: Days of each basin's forecasts, the last four of them after the series.
DAYS = 24

SIDECAR = """
time = "day"
group = "basin"
window = 5
lead = 3

[inputs.past.features]
flow = { unit = "m3/s", mean = 3, scale = 2 }
rain = { unit = "mm", mean = 1, scale = 4 }

[inputs.weather]
ahead = 3
table = "forecast.csv"
[inputs.weather.features]
rain = { unit = "mm", mean = 1, scale = 4 }

[inputs.site]
static = true
table = "sites.csv"
key = "gauge"
[inputs.site.features]
area = { unit = "km2", mean = 200, scale = 100 }
slope = { value = 0.5, mean = 0, scale = 1 }

[targets]
flow = {}
"""


def _tables(rng):
    days = pd.date_range("2020-01-01", periods=DAYS, freq="D")
    frames = [
        pd.DataFrame({
            "day": days,
            "basin": basin,
            "flow": rng.gamma(2, 2, DAYS),
            "rain": rng.gamma(1, 2, DAYS),
        })
        for basin in ("B", "A")
    ]
    every = pd.concat(frames)
    series = every[every["day"] < days[-4]]
    sites = pd.DataFrame({"gauge": ["A", "C", "B"], "area": [120.0, 7.0, 330.0]})
    return series, every[["day", "basin", "rain"]], sites


def _model():
    import keras

    keras.utils.set_random_seed(5)
    past = keras.Input((5, 2), name="past")
    weather = keras.Input((3, 1), name="weather")
    site = keras.Input((2,), name="site")
    ahead = keras.layers.Flatten()(weather)
    both = keras.layers.Concatenate()([keras.layers.LSTM(4)(past), ahead, site])
    hidden = keras.layers.Dense(5, activation="tanh")(both)
    return keras.Model([past, weather, site], keras.layers.Dense(1)(hidden))


@pytest.fixture(scope="module")
def river(tmp_path_factory):
    tmp_path, rng = tmp_path_factory.mktemp("river"), np.random.default_rng(4)
    model = _model()
    model.save(tmp_path / "river.keras")
    (tmp_path / "river.toml").write_text(SIDECAR, encoding="utf-8")
    tables = _tables(rng)
    for name, table in zip(("series", "forecast", "sites"), tables, strict=True):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path, model, tables


def _by_hand(tables):
    """Cut the windows by a loop over the rows, as training would."""
    series, forecast, sites = tables
    past, ahead, site, issued = [], [], [], []
    for basin in ("A", "B"):  # joined tables are in the order of their groups
        own = series[series["basin"] == basin].set_index("day")
        known = forecast[forecast["basin"] == basin].set_index("day")["rain"]
        area = sites.set_index("gauge")["area"][basin]
        for end in range(4, len(own)):
            now = own.index[end]
            rain = [known[now + pd.Timedelta(days=k)] for k in (1, 2, 3)]
            window = own.iloc[end - 4 : end + 1][["flow", "rain"]].to_numpy()
            past.append((window - [3, 1]) / [2, 4])
            ahead.append((np.array(rain)[:, None] - 1) / 4)
            site.append([(area - 200) / 100, 0.5])
            issued.append(now)
    arrays = {"past": np.array(past), "weather": np.array(ahead), "site": np.array(site)}
    return arrays, np.array(issued, "datetime64[ns]")


def _run(model, arrays):
    return model.predict(list(arrays.values()), verbose=0)[:, 0]


def test_windows_of_each_input_are_those_cut_by_hand_and_forecasts_the_frameworks(river):
    folder, model, tables = river
    made = rnnlens.windows(folder / "series.csv", folder / "river.toml")
    arrays, issued = _by_hand(tables)
    np.testing.assert_array_equal(made.first.issued, issued)
    for name, array in arrays.items():
        np.testing.assert_allclose(made.as_arrays()[name], array, rtol=0, atol=1e-12)
    net = rnnlens.read(folder / "river.keras")
    # Keras runs float32
    np.testing.assert_allclose(rnnlens.predict(net, made)[:, 0], _run(model, arrays), atol=2e-6)


def test_contributions_of_all_inputs_sum_to_the_frameworks_change_in_the_users_unit(call, river):
    folder, model, tables = river
    arrays, _ = _by_hand(tables)
    options = ("--from", "2020-01-01", "--method", "secant", "--baseline", "mean", "--json")
    said = call("explain", folder / "river.keras", folder / "series.csv", *options)
    assert said.code == 0, said.err
    found = json.loads(said.out)["inputs"]
    parts = {name: one["variables"]["contribution"] for name, one in found.items()}
    assert {name: part["dims"][1:] for name, part in parts.items()} == {
        "past": ["lag", "feature"],
        "weather": ["ahead", "feature"],
        "site": ["feature"],
    }
    count = len(arrays["past"])
    total = sum(np.array(one["values"]).reshape(count, -1).sum(axis=1) for one in parts.values())
    means = {
        name: np.broadcast_to(array.mean(axis=tuple(range(array.ndim - 1))), array.shape)
        for name, array in arrays.items()
    }
    change = 2 * (_run(model, arrays) - _run(model, means))  # flow is scaled by 2 m3/s
    np.testing.assert_allclose(total, change, atol=1e-5)  # Keras runs float32


def test_a_verb_on_files_says_what_the_library_says_on_windows(call, river):
    folder, _, _ = river
    model, data = folder / "river.keras", folder / "series.csv"
    net = rnnlens.read(model)
    windows = rnnlens.windows(data, folder / "river.toml")
    said = json.loads(call("certify", model, data, "--lag", "1", "--no-check", "--json").out)
    proof = rnnlens.certify(net, windows.newest(1), lag=1, background=windows)
    for name, along in (("past", "lags"), ("weather", "ahead"), ("site", "whole")):
        bound = said["inputs"][name][along][0]["bound"]
        np.testing.assert_allclose(bound, float(proof[name]["largest_bound"].max()), rtol=1e-9)
    page = json.loads(call("check", model, data, "--json").out)
    own = rnnlens.check(net, windows, background=windows)
    assert page["forecast_check"] == own.attrs["forecast_check"]
    assert call("trust", model, data, "--windows", "8", "--of", "past,site").code == 0
    table = call("lags", model, data, "--no-test", "--windows", "1", "--replacements", "3")
    assert table.code == 0, table.err
    assert "t+3" in table.out and "Input site does not change in time" in table.out
    assert call("trace", model, data).code == 0


def test_an_input_that_is_not_named_is_held_and_said_to_be(call, river):
    folder, _, _ = river
    files = folder / "river.keras", folder / "series.csv"
    said = call("explain", *files, "--of", "past,site", "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["attrs"]["held_inputs"] == "weather"
    assert "weather" in call("explain", *files, "--of", "past,site").out


def test_a_known_future_alone_is_shown_by_step_ahead_and_never_by_lag(call, river):
    folder, _, _ = river
    asked = folder / "river.keras", folder / "series.csv", "--of", "weather"
    table = call("lags", *asked, "--no-test", "--windows", "1", "--replacements", "3")
    for said in (call("explain", *asked), table):
        assert said.code == 0, said.err
        words = " ".join(said.out.split())
        assert "t+3" in words and "t-1" not in words
        assert "past" in words  # what is held is named


def test_a_report_is_written_with_statics_and_futures(call, river):
    folder, _, _ = river
    out = folder / "page.html"
    said = call("report", folder / "river.keras", folder / "series.csv", "--out", out, "--no-check")
    assert said.code == 0, said.err
    assert "weather" in out.read_text(encoding="utf-8")
