"""Tables are read for what they are, and every mistake in one names its row and column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from processes import python
from rnnlens.errors import DataError, MissingLibrary, UnreadableFile
from rnnlens.series.tables import read as table_module
from rnnlens.series.tables.memory import table_from_columns
from rnnlens.series.tables.read import read_table

CSV = "time,temp,wind\n2013-01-01 00:00,1.5,3\n2013-01-01 01:00,-2,4e1\n2013-01-01 03:00,0,5\n"


@pytest.fixture
def written(tmp_path):
    def write(content: str | bytes, name: str = "data.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def same(table: pd.DataFrame) -> None:
    assert list(table) == ["temp", "wind"]
    assert table.index.name == "time"
    assert table.index.dtype == "datetime64[ns]"
    assert table.index[2] == pd.Timestamp("2013-01-01 03:00")
    np.testing.assert_array_equal(table.to_numpy(), [[1.5, 3], [-2, 40], [0, 5]])


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        CSV.replace("\n", "\r\n"),
        CSV.encode("utf-8-sig"),
        CSV.encode("utf-16"),
        CSV.replace(",", ";"),
        CSV.replace(",", ";").replace("1.5", "1,5").replace("4e1", "40,0"),
        CSV.replace(",", "\t"),
        CSV.replace("\n", "\n\n") + "\n,,\n",
        CSV.replace("1.5", ' "1.5" ').replace(' "', '"').replace('" ', '"'),
        CSV.replace(":00,", ":00Z,"),
        CSV.replace("2013-01-01 00:00", "2013-01-01T02:00+02:00"),
    ],
    ids=[
        *("plain", "windows", "mark", "utf-16", "semicolons", "decimal comma", "tabs"),
        *("blank lines", "quotes", "utc", "offset"),
    ],
)
def test_csv_in_many_dialects_is_the_same_table(content, written):
    same(read_table(written(content), time="time"))


def test_content_decides_and_not_the_name(written, tmp_path):
    frame = read_table(written(CSV), time="time")
    frame.to_parquet(tmp_path / "table.csv")
    same(read_table(tmp_path / "table.csv", time="time"))
    frame.reset_index().to_parquet(tmp_path / "column.txt")
    same(read_table(tmp_path / "column.txt", time="time"))
    with open(tmp_path / "arrays.parquet", "wb") as file:
        np.savez(file, time=frame.index.to_numpy(), temp=frame["temp"], wind=frame["wind"])
    same(read_table(tmp_path / "arrays.parquet", time="time"))


def test_columns_come_in_the_order_asked_for_and_others_may_hold_anything(written):
    path = written("temp,note,wind\n1,fog,2\n3,,4\n")
    found = read_table(path, columns=["wind", "temp"], optional=["snow", "wind"])
    assert list(found) == ["wind", "temp"]
    np.testing.assert_array_equal(found.to_numpy(), [[2, 1], [4, 3]])
    assert list(read_table(path, columns=["temp"], optional=["wind"])) == ["temp", "wind"]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("-2", "NA", "row 3, column 'temp' holds 'NA', which stands for no value; it must be"),
        ("-2", "", "row 3, column 'temp' is empty; it must be a finite number"),
        ("-2", "warm", "row 3, column 'temp' holds 'warm'; it must be a finite number"),
        ("-2", "inf", "row 3, column 'temp' holds 'inf'; it must be a finite number"),
        ("4e1", '"4,5"', "row 3, column 'wind' holds '4,5'; it must be a finite number"),
        ("-2,4e1", "-2", "row 3 has 2 cells and the header names 3 columns"),
        ("-2,4e1", "-2,4,5", "row 3 has 4 cells and the header names 3 columns"),
        ("temp,wind", "temp,temp", "names the column 'temp' twice"),
        ("time,temp,wind\n", "", "begins with the row 2013-01-01 00:00, 1.5, 3; its first row"),
        (
            "2013-01-01 01:00",
            "1.1.2013 1:00",
            "row 3, column 'time' holds '1.1.2013 1:00'; it must",
        ),
        ("2013-01-01 01:00", "", "row 3, column 'time' holds ''; it must be a time in ISO 8601"),
        ("03:00", "01:00", "the time 2013-01-01T?.01:00 stands in row 3 and again in row 4"),
        ("03:00", "00:30", "not in order, 2013-01-01 00:30 in row 4 comes after 2013-01-01 01:00"),
    ],
)
def test_each_fault_of_a_csv_is_one_sentence(old, new, sentence, written):
    assert old in CSV
    path = written(CSV.replace(old, new, 1))
    with pytest.raises(DataError, match=sentence) as caught:
        read_table(path, time="time")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_are_counted_as_the_file_has_them_past_blank_lines_and_quoted_ones(written):
    path = written('temp,note\n\n1,"two\nlines"\n\nx,\n')
    with pytest.raises(DataError, match="row 6, column 'temp' holds 'x'"):
        read_table(path, columns=["temp"])


def test_a_decimal_comma_beside_a_point_is_refused(written):
    with pytest.raises(DataError, match="row 2, column 'a' holds '1,5'"):
        read_table(written("a;b\n1,5;2\n1;2.5\n"))


def test_missing_columns_are_listed_with_those_that_are_there(written):
    with pytest.raises(DataError, match="has no column rain; it has time, temp, wind"):
        read_table(written(CSV), columns=["temp", "rain"])
    with pytest.raises(DataError, match="has no columns rain, when; it has time, temp, wind"):
        read_table(written(CSV), columns=["rain"], time="when")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b",,\n", "is empty"),
        (b"\x89HDF\r\n\x1a\n123", "is an HDF5 or NetCDF 4 file; a table must be CSV, Parquet"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "is a Git LFS pointer"),
        (b"a,b\n1,\x00\n", "is not a text file"),
        ("a,b\n1,2\n3,4 °C\n".encode("latin-1"), r"is not UTF-8 text \(row 3 has the byte 0xb0\)"),
        (b"PAR1 and no more", "is damaged Parquet"),
        (b"PK\x03\x04 and no more", "is a damaged .npz archive"),
    ],
)
def test_a_file_of_another_kind_is_one_sentence(content, sentence, written):
    with pytest.raises(UnreadableFile, match=sentence) as caught:
        read_table(written(content))
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path):
    with pytest.raises(UnreadableFile, match="there is no file .*nowhere.csv"):
        read_table(tmp_path / "nowhere.csv")
    with pytest.raises(UnreadableFile, match="cannot be opened"):
        read_table(tmp_path)


def test_python_objects_are_never_loaded(tmp_path):
    np.savez(tmp_path / "objects.npz", a=np.array([{"x": 1}], dtype=object))
    with pytest.raises(UnreadableFile, match="holds Python objects, which are never loaded"):
        read_table(tmp_path / "objects.npz")


def test_another_kind_of_zip_archive_is_refused(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as archive:
        archive.writestr("sheet.xml", "<a/>")
    with pytest.raises(UnreadableFile, match="is a zip archive without NumPy arrays"):
        read_table(tmp_path / "book.xlsx")


def test_parquet_without_pyarrow_says_what_to_install(written, monkeypatch):
    monkeypatch.setattr(table_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingLibrary, match=r'run pip install "rnnlens\[parquet\]"'):
        read_table(written(b"PAR1...."))


def test_rows_in_memory_are_counted_from_one():
    with pytest.raises(DataError, match="row 2, column 'a' holds 'nan', which stands for no value"):
        table_from_columns({"a": [1.0, np.nan], "b": [1, 2]})
    with pytest.raises(DataError, match="must have one length and have {'a': 2, 'b': 3}"):
        table_from_columns({"a": [1, 2], "b": [1, 2, 3]})
    with pytest.raises(DataError, match="column 'a' must have one axis and has 2"):
        table_from_columns({"a": np.zeros((2, 2))})
    with pytest.raises(DataError, match="holds numbers such as 2013"):
        table_from_columns({"a": [1, 2], "t": [2013, 2014]}, time="t")
    with pytest.raises(DataError, match="must hold numbers and holds datetime64"):
        table_from_columns({"a": np.array(["2013-01-01"], "datetime64[s]")})


def test_a_table_without_rows_is_refused(written):
    with pytest.raises(DataError, match="has a header and no rows"):
        read_table(written("a,b\n"))


def test_the_module_loads_without_pandas():
    code = (
        "import sys; import rnnlens.series.build; "
        "print([m for m in ('pandas', 'xarray', 'pyarrow') if m in sys.modules])"
    )
    stub = (
        "import sys, types, importlib.util as u; p = u.find_spec('rnnlens'); "
        "m = types.ModuleType('rnnlens'); m.__path__ = list(p.submodule_search_locations); "
        "sys.modules['rnnlens'] = m; "
    )
    run = python("-c", stub + code)
    assert run.stdout.strip() == "[]", run.stderr
