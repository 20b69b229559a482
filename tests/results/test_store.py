"""Saving: what is read back equals what was written, and a failure leaves no file behind."""

from __future__ import annotations

import csv
import json
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
import xarray as xr

from rnnlens import __version__
from rnnlens.errors import InputError, MissingLibrary
from rnnlens.results import file_safe, provenance, save


@pytest.fixture
def dataset() -> xr.Dataset:
    random = np.random.default_rng(1)
    contribution = random.normal(size=(3, 2, 2))
    contribution[0, 0, 0] = np.nan
    return xr.Dataset(
        {
            "contribution": (("sample", "lag", "feature"), contribution, {"units": "F"}),
            "forecast": ("sample", random.normal(size=3)),
        },
        coords={
            "time": ("sample", np.datetime64("2013-11-03T23:00") + np.arange(3).astype("m8[h]")),
            "lag": [1, 2],
            "lag_to": ("lag", [1, 24]),
            "feature": ["temp", "dew, point"],
        },
        attrs={"target": "temp", "max_residual": 1e-12, "samples": 3},
    )


@pytest.fixture
def tree(dataset: xr.Dataset) -> xr.DataTree:
    other = xr.Dataset({"hidden": ("unit", [0.25, 0.5])}, attrs={"layer": "bi.forward"})
    return xr.DataTree.from_dict({
        "/": xr.Dataset(attrs={"a": 1}),
        "x": dataset,
        "bi/forward": other,
    })


def test_netcdf_gives_back_a_dataset_equal_in_numbers_names_and_times(tmp_path, dataset):
    with xr.open_dataset(save(dataset, tmp_path / "a.nc"), engine="h5netcdf") as again:
        xr.testing.assert_equal(again.load(), dataset)
        assert again.attrs == dataset.attrs
        assert again.contribution.attrs["units"] == "F"
        assert again.time.dtype.kind == "M"


def test_netcdf_gives_back_a_tree(tmp_path, tree):
    with xr.open_datatree(save(tree, tmp_path / "a.nc"), engine="h5netcdf") as again:
        xr.testing.assert_equal(again.load(), tree)
        assert again["bi/forward"].attrs["layer"] == "bi.forward"


def test_netcdf_holds_attributes_that_its_format_does_not_know(tmp_path, dataset):
    dataset.attrs.update(held=["a", "b"], agrees=True, nothing=None, settings={"seed": 3})
    with xr.open_dataset(save(dataset, tmp_path / "a.nc"), engine="h5netcdf") as again:
        assert again.attrs["held"] == "a, b"
        assert again.attrs["agrees"] == 1
        assert again.attrs["nothing"] == ""
        assert json.loads(again.attrs["settings"]) == {"seed": 3}


def test_csv_has_one_row_a_number_with_its_labels(tmp_path, dataset):
    with save(dataset, tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["variable", "sample", "lag", "feature", "time", "lag_to", "value"]
    assert len(rows) == 3 * 2 * 2 + 3
    (row,) = [
        r
        for r in rows
        if r["variable"] == "contribution"
        and (r["sample"], r["lag"], r["feature"]) == ("1", "2", "dew, point")
    ]
    np.testing.assert_equal(float(row["value"]), dataset.contribution.values[1, 1, 1])
    assert row["lag_to"] == "24"
    assert row["time"] == "2013-11-04 00:00:00"
    (forecast,) = [r for r in rows if r["variable"] == "forecast" and r["sample"] == "2"]
    np.testing.assert_equal(float(forecast["value"]), dataset.forecast.values[2])
    assert forecast["lag"] == ""
    assert rows[0]["value"] == ""


def test_csv_of_a_tree_names_the_layer(tmp_path, tree):
    with save(tree, tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["value"] for r in rows if r["layer"] == "bi.forward"] == ["0.25", "0.5"]
    assert len(rows) == 3 * 2 * 2 + 3 + 2


def test_json_is_strict_and_complete(tmp_path, dataset, tree):
    read = json.loads(save(dataset, tmp_path / "a.json").read_text(encoding="utf-8"))
    assert read["attrs"]["target"] == "temp"
    assert read["coords"]["time"]["values"][0] == "2013-11-03T23:00:00"
    values = read["variables"]["contribution"]["values"]
    assert values[0][0][0] is None
    assert values[1][1][1] == dataset.contribution.values[1, 1, 1]
    layers = json.loads(save(tree, tmp_path / "b.json").read_text(encoding="utf-8"))["layers"]
    assert layers["bi.forward"]["variables"]["hidden"]["values"] == [0.25, 0.5]


@pytest.mark.parametrize("name", ["a.xlsx", "a"])
def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path, dataset, name):
    with pytest.raises(InputError, match=r"use one of \.nc, \.csv, \.json"):
        save(dataset, tmp_path / name)


def test_a_missing_folder_is_named(tmp_path, dataset):
    with pytest.raises(InputError, match="does not exist: make it first"):
        save(dataset, tmp_path / "nowhere" / "a.csv")


def test_without_h5netcdf_the_sentence_says_what_to_install(tmp_path, dataset, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5netcdf", None)
    with pytest.raises(MissingLibrary, match=r'pip install "rnnlens\[netcdf\]"'):
        save(dataset, tmp_path / "a.nc")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file_as_it_was(tmp_path, dataset):
    place = tmp_path / "a.json"
    place.write_text("old", encoding="utf-8")
    dataset["odd"] = ("sample", np.array([object()] * 3, dtype=object))
    with pytest.raises(TypeError):
        save(dataset, place)
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    assert place.read_text(encoding="utf-8") == "old"


def test_provenance_says_what_made_the_result():
    attrs = provenance(
        method="secant",
        settings={"steps": np.int64(3), "baseline": np.array([1.0, 2.0]), "seed": None},
        network_digest="ab12",
        network_format="Keras 3 archive",
        network_path="/home/someone/weather.keras",
        created=datetime(2024, 5, 1, 12, 30, tzinfo=UTC),
        extra={"held": ("hour_sin", "hour_cos")},
    )
    assert attrs["network"] == "weather.keras"
    assert attrs["created"] == "2024-05-01T12:30:00Z"
    assert attrs["rnnlens_version"] == __version__
    assert attrs["numpy_version"] == np.__version__
    assert attrs["held"] == "hour_sin, hour_cos"
    assert json.loads(str(attrs["settings"])) == {"steps": 3, "baseline": [1.0, 2.0], "seed": None}
    assert all(isinstance(value, str | int | float) for value in attrs.values())


@pytest.mark.parametrize(
    ("value", "safe"),
    [(np.float64(0.5), 0.5), (np.True_, 1), ([1, 2], "[1, 2]"), (object, "<class 'object'>")],
)
def test_any_value_becomes_a_string_or_a_number(value, safe):
    assert file_safe(value) == safe
