"""A scaler's file gives the numbers that scikit-learn itself gives, and nothing in it is run."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rnnlens.errors import UnreadableFile
from rnnlens.series.scalers.read import read_scaler
from rnnlens.series.scalers.unpacking import LARGEST

FOLDER = Path(__file__).parent / "scalers"
OLD = sorted(path.name for path in FOLDER.glob("*.tar.xz"))


def applied(columns, X):
    """What a scaler that was read makes of its columns: (row, column)."""
    values = [
        (x if line.transform is None else line.transform.apply(x)) - line.mean
        for x, line in zip(X.T, columns.lines, strict=True)
    ]
    return np.stack([v / line.scale for v, line in zip(values, columns.lines, strict=True)], axis=1)


@pytest.fixture
def written(tmp_path):
    def write(data, name="scaler"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
        return path

    return write


def assert_same(path, X, order, wanted, names):
    columns = read_scaler(path)
    assert columns.names == names
    # scikit-learn's own powers are rounded at 1e-12; everything else agrees to the last digits.
    np.testing.assert_allclose(applied(columns, X[:, order]), wanted, rtol=1e-9, atol=1e-11)


def names_wanted(name, order):
    columns = ("temp", "rain", "flow")
    return tuple(columns[place] for place in order) if "named" in name else None


@pytest.mark.parametrize("name", OLD)
def test_scalers_of_older_versions_give_their_numbers(name, written):
    """Every class at every protocol, with every compression of joblib, and by skops."""
    from scaler_numbers import measurements

    X = measurements()
    with tarfile.open(FOLDER / name) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}
    every = json.loads(files.pop("wanted.json"))
    assert len(files) >= 12 * len(every) > 200
    for file, data in files.items():
        scaler = file.partition("/")[0]
        order = every[scaler]["order"]
        # names came with scikit-learn 1.0, but for a ColumnTransformer
        late = "0.24" in name and not scaler.startswith("columns")
        names = None if late else names_wanted(scaler, order)
        assert_same(written(data), X[:4], order, every[scaler]["rows"], names)


def test_scalers_of_this_version_give_their_numbers(written):
    zoo = pytest.importorskip("scaler_zoo", exc_type=ImportError)
    X = zoo.measurements()
    table = zoo.table()
    for name, scaler, order in zoo.fitted():
        wanted = np.asarray(scaler.transform(table if "named" in name else X))
        names = names_wanted(name, order)
        for protocol in range(6):
            assert_same(written(pickle.dumps(scaler, protocol)), X, order, wanted, names)
        for _, data in zoo.dumps_by_joblib(scaler):
            assert_same(written(data), X, order, wanted, names)


def test_a_dump_compressed_with_lz4_is_read_where_the_library_is_there(written):
    zoo = pytest.importorskip("scaler_zoo", exc_type=ImportError)
    _, scaler, _ = next(zoo.fitted())
    import joblib

    file = io.BytesIO()
    joblib.dump(scaler, file, compress=("lz4", 3))
    X = zoo.measurements()
    assert_same(written(file.getvalue()), X, [0, 1, 2], scaler.transform(X), None)


MEAN, SCALE = [1.0, -2.0], [3.0, 0.5]
LOW, HIGH = [0.0, -4.0], [10.0, 4.0]
PLAIN = {
    "ours": {"mean": MEAN, "scale": SCALE},
    "deviations": {"mean": MEAN, "std": SCALE},
    "as scikit-learn names them": {"mean_": MEAN, "scale_": SCALE, "var_": [9.0, 0.25]},
    "variances": {"mean": MEAN, "var": [9.0, 0.25]},
    "robust": {"center_": MEAN, "scale_": SCALE},
    "kept dimensions": {"mean": [MEAN], "std": [SCALE]},
    "columns of one": {"mean": [[1.0], [-2.0]], "std": [[3.0], [0.5]]},
}


@pytest.mark.parametrize("stated", PLAIN.values(), ids=PLAIN)
def test_numbers_under_names_are_read_from_json_and_npz(stated, written):
    archive = io.BytesIO()
    np.savez(archive, **{name: np.array(numbers) for name, numbers in stated.items()})
    for data in (stated, archive.getvalue(), pickle.dumps(stated)):
        lines = read_scaler(written(data)).lines
        assert [(line.mean, line.scale) for line in lines] == list(zip(MEAN, SCALE, strict=True))


def test_scale_multiplies_beside_min_and_divides_elsewhere(written):
    """MinMaxScaler's scale_ is the reciprocal of its range: the fault that people copy."""
    X = np.array([[0.0, -4.0], [10.0, 4.0], [2.5, 0.0]])
    wanted = [[0.0, 0.0], [1.0, 1.0], [0.25, 0.5]]
    factor = [0.1, 0.125]
    fields = {"scale_": factor, "min_": [0.0, 0.5], "data_min_": LOW, "data_max_": HIGH}
    whole = {**fields, "data_range_": [10.0, 8.0]}
    for stated in (whole, {"scale_": factor, "min_": [0.0, 0.5]}, {"min": LOW, "max": HIGH}):
        np.testing.assert_allclose(applied(read_scaler(written(stated)), X), wanted, atol=1e-15)
    limits = [line.limits for line in read_scaler(written({"min": LOW, "max": HIGH})).lines]
    assert limits == [(0.0, 10.0, 0.0, 1.0), (-4.0, 4.0, 0.0, 1.0)]


def test_names_of_columns_are_taken_from_wherever_they_stand(written):
    by_column = {"temp": {"mean": 1, "std": 3}, "rain": {"mean": -2, "std": 0.5}}
    by_number = {"mean": {"temp": 1, "rain": -2}, "std": {"temp": 3, "rain": 0.5}}
    listed = {"mean": MEAN, "std": SCALE, "columns": ["temp", "rain"]}
    for stated in (by_column, by_number, listed):
        columns = read_scaler(written(stated))
        assert columns.names == ("temp", "rain")
        assert [(line.mean, line.scale) for line in columns.lines] == [(1.0, 3.0), (-2.0, 0.5)]


def test_one_of_several_scalers_is_taken_by_its_key(written):
    both = {"x": {"mean": MEAN, "std": SCALE}, "y": {"mean": [7.0], "std": [2.0]}}
    path = written(pickle.dumps(both))
    assert read_scaler(f"{path}:y").lines[0].mean == 7.0
    assert len(read_scaler(f"{path}:x")) == 2
    with pytest.raises(UnreadableFile, match=r"2 scalers \(x, y\): name one behind a colon"):
        read_scaler(path)
    with pytest.raises(UnreadableFile, match="no such file"):
        read_scaler(f"{path}x:y")


def bomb(kind):
    import bz2
    import gzip
    import lzma
    import zlib

    compress = {"zlib": zlib.compress, "gzip": gzip.compress, "bz2": bz2.compress}
    compress["xz"] = partial(lzma.compress, preset=0)
    return compress[kind](bytes(LARGEST + 1))


REFUSED = {
    "nothing": (b"", "it is empty"),
    "a web page": (b"<!DOCTYPE html>", "it is a web page"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", "it is an HDF5 file"),
    "one array": (b"\x93NUMPY\x01\x00", "one array of NumPy, which does not say what"),
    "cut JSON": (b'{"mean": [1, 2', "it begins like JSON and does not go on so"),
    "JSON with NaN": (b'{"mean": [NaN], "std": [1]}', "it holds NaN, which is no number"),
    "deep JSON": (b"[" * 100_000, "it begins like JSON and does not go on so"),
    "a cut zip": (b"PK\x03\x04\x14", "it begins like a zip archive and does not go on so"),
    "a cut gzip": (b"\x1f\x8b\x08", "it begins as gzip and does not go on so"),
    "xz of something else": (b"\xfd7zXZ\x00no", "it begins as xz and does not go on so"),
    "a bomb of zlib": (lambda: bomb("zlib"), "it unpacks to more than 32 MB"),
    "a bomb of gzip": (lambda: bomb("gzip"), "it unpacks to more than 32 MB"),
    "a bomb of bz2": (lambda: bomb("bz2"), "it unpacks to more than 32 MB"),
    "a bomb of xz": (lambda: bomb("xz"), "it unpacks to more than 32 MB"),
    "scale_ alone": ({"scale_": SCALE}, "it names scale_, which is no scaling"),
    "two scalings": ({"mean": MEAN, "std": SCALE, "min": LOW, "max": HIGH}, "only one of both"),
    "a deviation of zero": ({"mean": MEAN, "std": [1.0, 0.0]}, "its column 1 would be scaled with"),
    "other names": ({"weights": [1.0]}, "it holds no scaler; write its numbers with np.savez"),
    "texts for numbers": ({"mean": ["a"], "std": [1.0]}, "its mean must be an array of numbers"),
    "lengths that differ": ({"mean": MEAN, "std": [1.0, 2.0, 3.0]}, "it has 2 numbers under one"),
    "too few names": ({"mean": MEAN, "std": SCALE, "columns": ["a"]}, "it has 1 names for 2"),
    "a range that falls": ({"min": HIGH, "max": LOW}, "its column 0 would be scaled with"),
}


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_scaler_is_refused_in_one_sentence(data, words, written):
    path = written(data() if callable(data) else data)
    with pytest.raises(UnreadableFile) as refused:
        read_scaler(path)
    said = str(refused.value)
    assert said.startswith(f"{path} cannot be read as a scaler: ")
    assert words in said
    assert "\n" not in said and len(said) < 600


def test_scalers_that_are_not_understood_are_refused_by_name(written):
    zoo = pytest.importorskip("scaler_zoo", exc_type=ImportError)
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer as Function
    from sklearn.preprocessing import OneHotEncoder, PowerTransformer, QuantileTransformer
    from sklearn.preprocessing import StandardScaler as Standard

    X = zoo.measurements()
    encoded = ColumnTransformer([("one", OneHotEncoder(), [0])]).fit(X)
    bent = Pipeline([("one", Standard()), ("two", PowerTransformer())]).fit(X)
    for scaler, words in (
        (QuantileTransformer(n_quantiles=9).fit(X), "it is a QuantileTransformer, and rnnlens"),
        (encoded, "it is a OneHotEncoder, and rnnlens understands StandardScaler"),
        (Standard(), "its StandardScaler has no mean_, so it was never fitted"),
        (bent, "it scales values before it bends them with yeo_johnson"),
        (Pipeline([("f", Function(np.exp)), ("s", Standard())]).fit(X / 500), "calls exp"),
        (Pipeline([("f", Function(json.dumps)), ("s", Standard())]), "it names json.dumps"),
    ):
        with pytest.raises(UnreadableFile, match=words):
            read_scaler(written(pickle.dumps(scaler)))


def test_a_scaler_that_cuts_off_says_so(written):
    zoo = pytest.importorskip("scaler_zoo", exc_type=ImportError)
    clipped = next(scaler for name, scaler, _ in zoo.fitted() if "clipped" in name)
    (note,) = read_scaler(written(pickle.dumps(clipped))).notes
    assert "cuts what it gives off at -1 to 3 (clip=True) and rnnlens does not" in note
