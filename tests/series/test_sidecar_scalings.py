"""Scalings in the sidecar: by mean, by limits, behind a curve, or from a fitted scaler."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from rnnlens.errors import ConfigError, DataError
from rnnlens.series.arrays import windows_from_arrays
from rnnlens.series.build import windows
from rnnlens.series.sidecar import Sidecar, read_sidecar
from rnnlens.series.transform import Transform
from rnnlens.series.variable import Limits, Variable

LINES = """
window = 3

[features]
temp = { unit = "C", min = -10, max = 30 }
flow = { unit = "m3/s", min = 0, max = 50, to = [-1, 1] }
rain = { unit = "mm", mean = 0.5, scale = 2, log1p = true }
wind = { mean = 0.25, scale = 1.5, power = { yeo_johnson = -0.4 } }
soil = { min = -3, max = 1, power = { box_cox = 0 } }

[targets]
rain = {}
"""


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "river.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_each_way_to_state_a_scaling_gives_the_numbers_of_its_formula(written):
    values = np.array([20.0, 12.5, 3.0, 0.7, 0.4])
    wanted = [
        (20 + 10) / 40,
        -1 + 2 * 12.5 / 50,
        (np.log(4.0) - 0.5) / 2,
        ((1.7**-0.4 - 1) / -0.4 - 0.25) / 1.5,
        (np.log(0.4) + 3) / 4,
    ]
    scaling = read_sidecar(written(LINES)).feature_scaling
    # A few roundings of numbers of about one.
    np.testing.assert_allclose(scaling.apply(values), wanted, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(scaling.undo(wanted), values, rtol=1e-13)
    np.testing.assert_allclose(scaling[[4, 2]].apply(values[[4, 2]]), [wanted[4], wanted[2]])


def test_what_is_written_is_read_as_the_same(written):
    sidecar = read_sidecar(written(LINES))
    again = read_sidecar(written(sidecar.to_toml()))
    assert again == sidecar
    assert [v.limits for v in again.features] == [v.limits for v in sidecar.features]
    assert "min = -10.0, max = 30.0 }" in sidecar.to_toml().replace("  ", " ")
    assert "power = { yeo_johnson = -0.4 }" in sidecar.to_toml()
    by_limits = Sidecar((Variable("a", limits=Limits(0.0, 2.0)),), 2).to_toml()
    assert "network = (value - min) / (max - min)\n" in by_limits


def test_a_target_with_a_curve_is_forecast_in_the_unit_of_what_the_curve_gives(written):
    """A change of the forecast has no one size in the original unit, so none is claimed."""
    sidecar = read_sidecar(written(LINES))
    rain = np.array([0.0, 2.0, 0.5, 7.0, 1.0])
    table = {"temp": rain, "flow": rain, "rain": rain, "wind": rain, "soil": rain + 1}
    made = windows(table, sidecar)
    assert made.target_units == ("log1p(mm)",)
    assert made.units[2] == "mm"
    np.testing.assert_allclose(made.actual[:2, 0], np.log1p([7.0, 1.0]), rtol=1e-15)
    np.testing.assert_allclose(made.original[0, :, 2], rain[:3], atol=1e-14)
    y = (np.log1p(rain[3:]) - 0.5) / 2
    scaled = windows_from_arrays(made.values[:2], y, sidecar=sidecar, scaled=True)
    np.testing.assert_allclose(scaled.actual, made.actual[:2], rtol=1e-14)


def test_a_value_that_a_curve_does_not_take_names_its_column(written):
    table = dict.fromkeys(["temp", "flow", "wind", "soil"], np.ones(5))
    with pytest.raises(DataError, match="column 'rain' holds -2, and log1p takes numbers above -1"):
        windows({**table, "rain": [1, 2, -2, 3, 4]}, read_sidecar(written(LINES)))


MISTAKES = {
    "min = 0, max = 1, mean = 0": "features.a has min or max beside mean or scale",
    "min = 0": "features.a.max is missing; it must be the value that training scaled to 1 or 0",
    "max = 0": "features.a.min is missing",
    "min = 5, max = 1": "a must have a min below its max, and become two numbers that rise",
    "min = 0, max = 1, to = [1]": "features.a.to must be the two numbers that min and max become",
    "min = 0, max = 1, to = [1, 1]": "become two numbers that rise",
    "mean = 0, scale = 1, to = [0, 1]": "features.a.to says what min and max become",
    "min = 'a', max = 1": "features.a.min must be a number and is 'a'",
    "mean = 0, scale = 1, log1p = 1": "features.a.log1p must be true or false and is 1",
    "mean = 0, scale = 1, power = 0.5": "features.a.power must name the transform and its lambda",
    "mean = 0, scale = 1, power = { sqrt = 2 }": "features.a.power must name the transform",
    "mean = 0, scale = 1, power = { box_cox = 'a' }": "features.a.power.box_cox must be a number",
    "mean = 0, scale = 1, power = { box_cox = inf }": "box_cox must be a finite number and is inf",
    "mean = 0, scale = 1, log1p = true, power = { box_cox = 0 }": "has log1p and power, of which",
    "scale = 1": "features.a.mean is missing; it must be the number that training scaled with",
    "mean = 0, scael = 1": "did you mean 'scale'",
}


@pytest.mark.parametrize(("line", "words"), MISTAKES.items(), ids=MISTAKES)
def test_each_mistake_in_a_scaling_has_its_sentence(line, words, written):
    with pytest.raises(ConfigError) as refused:
        read_sidecar(written(f"window = 3\n[features]\na = {{ {line} }}\n"))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_scaling_stated_twice_over_is_refused_in_python_too():
    with pytest.raises(ConfigError, match="give one of both"):
        Variable("a", mean=3.0, limits=Limits(0.0, 1.0))


def test_a_sidecar_comes_from_a_live_scaler_as_from_its_file(tmp_path):
    sklearn = pytest.importorskip("sklearn.preprocessing")
    zoo = pytest.importorskip("scaler_zoo", exc_type=ImportError)
    table = zoo.table()
    for scaler in (sklearn.StandardScaler(), sklearn.MinMaxScaler(), sklearn.PowerTransformer()):
        scaler.fit(table)
        path = tmp_path / "scaler.pkl"
        path.write_bytes(pickle.dumps(scaler))
        live = Sidecar.from_scaler(scaler, 24, 6, targets=["flow"], held=["rain"], time="time")
        assert live == Sidecar.from_scaler(
            path, 24, 6, targets=["flow"], held=["rain"], time="time"
        )
        assert (live.window, live.lead, live.held) == (24, 6, ("rain",))
        wanted = scaler.transform(table)
        np.testing.assert_allclose(live.feature_scaling.apply(table), wanted, rtol=1e-9, atol=1e-11)
        other = Sidecar.from_scaler(scaler, 24, features=["flow", "temp"])
        wanted = wanted[:, [2, 0]]
        given = other.feature_scaling.apply(table[["flow", "temp"]])
        np.testing.assert_allclose(given, wanted, rtol=1e-9, atol=1e-11)


NUMBERS = {"mean": [1.0, 2.0], "std": [3.0, 4.0]}


def test_a_scaler_without_names_takes_those_that_are_given():
    sidecar = Sidecar.from_scaler(
        NUMBERS, 24, features=["a", "b"], target_scaler={"min": 0, "max": 9}, targets=["c"]
    )
    assert [(v.name, v.mean, v.scale) for v in sidecar.features] == [
        ("a", 1.0, 3.0),
        ("b", 2.0, 4.0),
    ]
    assert sidecar.targets == (Variable("c", scale=9.0),)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "the scaler does not know the names of its 2 columns: give features, in the order"),
        ({"features": ["a"]}, "features must name the 2 columns that the scaler was fitted on"),
        ({"features": ["a", "b"], "held": ["c"]}, "held names 'c', which is no feature"),
        ({"features": ["a", "b"], "targets": ["c"]}, "targets names 'c', which is no feature"),
        (
            {"features": ["a", "b"], "target_scaler": {"mean": 0, "std": 1}},
            "does not know the names of its 1 columns: give targets",
        ),
    ],
)
def test_names_that_are_missing_or_wrong_are_said(options, words):
    with pytest.raises(ConfigError, match=words):
        Sidecar.from_scaler(NUMBERS, 24, **options)


def test_names_that_the_scaler_has_not_are_said():
    named = {"temp": {"mean": 0, "std": 1}, "rain": {"mean": 0, "std": 1}}
    with pytest.raises(ConfigError, match=r"'rian', which the scaler was not fitted on \(did you"):
        Sidecar.from_scaler(named, 24, features=["temp", "rian"])


def test_an_object_that_is_no_scaler_is_said():
    for given in (3, object(), [1.0, 2.0], None, np.ones((2, 2))):
        with pytest.raises(DataError, match="cannot be read as a scaler: it holds no scaler"):
            Sidecar.from_scaler(given, 24)


def test_the_check_compares_a_bent_target_with_persistence_in_its_own_unit(rng):
    """Persistence forecasts log1p(rain) by the newest log1p(rain), not by the rain itself."""
    network = forecaster("lstm", rng, steps=3, features=1, units=2)
    log1p = Variable("rain", "mm", 0.5, 2.0, transform=Transform("log1p"))
    rain = rng.exponential(size=120) * 20
    other = Variable("other")
    sidecar = Sidecar((log1p,), 3, targets=(log1p, other))
    found = rnnlens.check(network, windows({"rain": rain}, sidecar), target="rain")
    wanted = np.abs(np.diff(np.log1p(rain)))[2:].mean()
    # The windows that the check looks at are all of these.
    np.testing.assert_allclose(float(found.error.sel(reference="persistence")), wanted, rtol=1e-12)
