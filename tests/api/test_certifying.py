"""The verb: ranges and values in the features' own units, changes in the target's."""

import json

import numpy as np
import pytest
import vl_convert

import rnnlens
from networks import forecaster
from rnnlens import Certificates
from rnnlens.errors import DataError, InputError
from rnnlens.series.arrays import windows_from_arrays
from rnnlens.series.scaling import Scaling
from rnnlens.views import charts
from rnnlens.views.words.rounding import rounded_up


@pytest.fixture
def network(rng):
    return forecaster("gru_after", rng, targets=1)


@pytest.fixture
def windows(rng):
    from dataclasses import replace

    made = windows_from_arrays(rng.normal(size=(20, 7, 3)), rng.normal(size=(20, 1)))
    return replace(
        made,
        features=("temp", "wind", "hour"),
        units=("F", "mph", "h"),
        targets=("temp",),
        target_units=("F",),
        feature_scaling=Scaling([50.0, 5.0, 12.0], [20.0, 4.0, 6.0]),
        target_scaling=Scaling([50.0], [20.0]),
        held=("hour",),
        step="1h",
    )


def test_a_sensors_error_is_in_the_features_own_unit(network, windows):
    found = rnnlens.certify(
        network, windows, lag=[1, 2], features="wind", certificates=Certificates(range=2.0)
    )
    own = windows.original[:, [6, 5], 1]
    np.testing.assert_allclose(found.low.values[:, :, 0], own - 2.0, rtol=1e-12)
    np.testing.assert_allclose(found.high.values[:, :, 0], own + 2.0, rtol=1e-12)
    assert found.attrs["range"] == "wind: own value +- 2 mph"
    assert found.feature_unit.values.tolist() == ["mph"]
    own_units = Certificates(range=0.5, tolerance=found.attrs["tolerance"] / 20)
    bare = rnnlens.certify(network, windows.values, lag=[1, 2], features=1, certificates=own_units)
    np.testing.assert_allclose(bare.bound * 20, found.bound, rtol=1e-9)
    assert found.bound.attrs["units"] == "F"
    np.testing.assert_array_equal(bare.verdict, found.verdict)


def test_the_usual_range_is_the_datas_and_the_usual_tolerance_a_hundredth(network, windows):
    found = rnnlens.certify(network, windows, lag=1, features=["temp", "wind"])
    ends = np.quantile(windows.original.reshape(-1, 3), [0.001, 0.999], axis=0)
    own = windows.original[:, 6, :2]
    np.testing.assert_allclose(found.low[:, 0], np.minimum(ends[0, :2], own), rtol=1e-9)
    np.testing.assert_allclose(found.high[:, 0], np.maximum(ends[1, :2], own), rtol=1e-9)
    sd = float(np.std(network_forecasts(network, windows)))
    assert found.attrs["tolerance"] == pytest.approx(0.01 * sd, rel=1e-12)
    assert found.attrs["range"].startswith("temp: 0.1 to 99.9 % of the data; wind:")


def network_forecasts(network, windows):
    return rnnlens.predict(network, windows.values)[:, 0] * 20.0 + 50.0


def test_a_value_that_refutes_is_in_the_features_own_unit_and_replays(network, windows):
    found = rnnlens.certify(
        network,
        windows,
        lag=2,
        features="temp",
        certificates=Certificates(range=(-50.0, 150.0)),
    )
    own = network_forecasts(network, windows)
    X = windows.original.copy()
    X[:, 5, 0] = found.value.values[:, 0, 0]
    moved = rnnlens.predict(network, windows.feature_scaling.apply(X))[:, 0] * 20.0 + 50.0
    np.testing.assert_allclose(np.abs(moved - own), found.attained.values[:, 0], atol=1e-9)


def test_a_whole_lag_leaves_held_features_alone(network, windows):
    found = rnnlens.certify(
        network, windows, lag=7, certificates=Certificates(range=0.1, tolerance=1.0)
    )
    assert found.feature.values.tolist() == ["temp", "wind"]
    mixed = rnnlens.certify(
        network,
        windows,
        lag=7,
        certificates=Certificates(range={"temp": 0.1, "wind": (-99.0, 99.0)}, tolerance=1.0),
    )
    assert mixed.attrs["range"] == "temp: own value +- 0.1 F; wind: -99 to 99 mph"


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"features": "rain"}, DataError, "no feature is called 'rain'"),
        ({"lag": 9, "features": "temp"}, DataError, "lag 9 is beyond the window"),
        ({"gap": -1.0}, InputError, "gap must be a number from 0, not -1"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(network, windows, options, error, sentence):
    with pytest.raises(error, match=sentence):
        rnnlens.certify(network, windows, **{"lag": 1, **options})


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"range": (0.0, 1.0)}, DataError, "does not hold the own value"),
        ({"range": (1.0, 0.0)}, DataError, "is empty"),
        ({"range": 0.0}, DataError, "must be above 0"),
        ({"range": {"wind": 1.0}}, DataError, "'wind', which is not free"),
        ({"range": (1, 2, 3)}, InputError, "range must be one number"),
        ({"quantiles": (0.9, 0.1)}, InputError, "the lower first, not 0.9, 0.1"),
        ({"tolerance": 0}, InputError, "tolerance must be a number above 0"),
        ({"windows": 3}, InputError, "certifies all windows that it is given, not 3 of them"),
        ({"together": False}, InputError, "frees the features of a lag together"),
    ],
)
def test_certificates_that_make_no_sense_are_refused(network, windows, options, error, sentence):
    with pytest.raises(error, match=sentence):
        rnnlens.certify(
            network, windows, lag=1, features="temp", certificates=Certificates(**options)
        )


def test_one_window_alone_needs_a_tolerance(network, windows):
    with pytest.raises(DataError, match="give a tolerance"):
        rnnlens.certify(
            network,
            windows.select([0]),
            lag=1,
            features="temp",
            certificates=Certificates(range=1.0),
        )


def test_the_chart_shows_bound_and_attained_change_by_lag(network, windows):
    found = rnnlens.certify(network, windows, lag=list(range(1, 8)), features="temp")
    chart = charts.certificates(found)
    spec = chart.to_dict()
    rows = [row for part in spec["datasets"].values() for row in part if "what" in row]
    bound = {row["label"]: row["change"] for row in rows if row["what"] != "attained"}
    assert bound == dict(
        zip([str(k) for k in range(1, 8)], found.largest_bound.values.tolist(), strict=True)
    )
    for row in rows:
        if row["what"] != "attained":
            assert float(row["shown"]) >= row["change"]
    assert vl_convert.vegalite_to_svg(json.dumps(spec)).startswith("<svg")
    one = charts.certificates(found, sample=3).to_dict()
    assert "row 3" in one["title"]["text"] or "sample 3" in one["title"]["text"]
    with pytest.raises(DataError, match="there is no window 20"):
        charts.certificates(found, sample=20)


@pytest.mark.parametrize("left", [0, 3])
def test_the_chart_has_marks_and_a_legend_for_them_where_a_bound_was_sought(network, windows, left):
    found = rnnlens.certify(network, windows, lag=list(range(1, 8)), features="temp")
    found["largest_bound"][left:] = np.inf
    spec = charts.certificates(found).to_dict()
    rows = {(row["what"], row["label"]) for part in spec["datasets"].values() for row in part}
    assert sum(what == "attained" for what, _ in rows) == 7
    assert sum(what != "attained" for what, _ in rows) == left
    shown = spec["layer"][0]["encoding"]["color"]["scale"]["domain"]
    assert shown == ["attained", "proven not to exceed"][: 2 if left else 1]
    assert vl_convert.vegalite_to_svg(json.dumps(spec)).startswith("<svg")


def test_a_bound_is_written_rounded_up(rng):
    for bound in 10 ** rng.uniform(-12, 6, 200):
        assert bound <= float(rounded_up(float(bound))) <= bound * 1.01
    assert rounded_up(0.0) == "0"


def test_a_result_goes_to_a_file_and_back(network, windows, tmp_path):
    import xarray as xr

    from rnnlens.results.store import save

    found = rnnlens.certify(network, windows, lag=[1, 2], features="temp")
    save(found, tmp_path / "certificates.nc")
    with xr.open_dataset(tmp_path / "certificates.nc") as again:
        np.testing.assert_array_equal(again.verdict.values.astype(str), found.verdict.values)
        np.testing.assert_array_equal(again.bound, found.bound)
