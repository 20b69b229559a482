"""Read a table of measurements: CSV, Parquet or NumPy's ``.npz``; the content decides which.

Every value must be there and be a number. A row that is missing altogether is no fault: windows do
not cross it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError, MissingLibrary, UnreadableFile
from rnnlens.series.tables.csv_regular import read_regular
from rnnlens.series.tables.csv_text import Cells, CsvText, open_csv, read_cells, require_columns
from rnnlens.series.tables.times import rising_times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from os import PathLike

    import pandas as pd

__all__ = [
    "NPZ_START",
    "read_arrays",
    "read_table",
    "start_of",
    "table_from_cells",
    "table_from_columns",
]

NPZ_START = b"PK\x03\x04"
_OTHER_KINDS = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 or NetCDF 4 file",
    b"CDF": "a NetCDF 3 file",
    b"\x1f\x8b": "a gzip file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"version https://git-lfs": "a Git LFS pointer, which stands for a file not yet fetched",
}


def read_table(
    path: str | PathLike[str],
    *,
    columns: Iterable[str] | None = None,
    optional: Iterable[str] = (),
    time: str | None = None,
) -> pd.DataFrame:
    """Read a table of numbers, in the order of time."""
    start = start_of(path)
    if start.startswith(b"PAR1"):
        data = _from_parquet(path, time)
        return table_from_columns(
            data, columns=columns, optional=optional, time=time, where=str(path)
        )
    if start.startswith(NPZ_START):
        arrays = read_arrays(path)
        if "X" in arrays:
            raise DataError(f"{path} holds windows (an array X), not a table of columns")
        return table_from_columns(
            arrays, columns=columns, optional=optional, time=time, where=str(path)
        )
    kind = next((kind for magic, kind in _OTHER_KINDS.items() if start.startswith(magic)), None)
    if kind is not None:
        raise UnreadableFile(f"{path} is {kind}; a table must be CSV, Parquet or .npz")
    return _from_csv(path, None if columns is None else list(columns), list(optional), time)


def _from_csv(
    path: str | PathLike[str], columns: list[str] | None, optional: list[str], time: str | None
) -> pd.DataFrame:
    file = open_csv(path)
    # A fault is refused below, where the line that it stands on is known.
    with contextlib.suppress(DataError):
        regular = read_regular(file, columns, optional, time)
        if regular is not None:
            return _table(regular.numbers, regular.times, time, where=file.path, row=str)
    return table_from_cells(file, columns, optional, time)


def table_from_cells(
    file: CsvText, columns: list[str] | None, optional: list[str], time: str | None
) -> pd.DataFrame:
    """Read a CSV file cell by cell, and name the row where a value is none."""
    cells = read_cells(file, columns, optional, time)
    return _table(
        {
            name: _numbers_from_text(file.path, name, cells)
            for name in cells.columns
            if name != time
        },
        None if time is None else cells.columns[time],
        time,
        where=file.path,
        row=lambda at: f"row {cells.lines[at]}",
    )


def start_of(path: str | PathLike[str]) -> bytes:
    """Give the first bytes of a file, by which its kind is told."""
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except FileNotFoundError:
        raise UnreadableFile(f"there is no file {path}") from None
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be opened: {error.strerror}") from None
    if not start:
        raise UnreadableFile(f"{path} is empty; a table must have a header and rows")
    return start


def read_arrays(path: str | PathLike[str]) -> dict[str, np.ndarray]:
    """Read the arrays of an ``.npz`` file."""
    import zipfile

    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise UnreadableFile(f"{path} is a damaged .npz archive ({error}); fetch it anew") from None
    except ValueError:
        raise UnreadableFile(
            f"{path} holds Python objects, which are never loaded; save plain arrays of numbers"
        ) from None
    if not arrays or not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise UnreadableFile(
            f"{path} is a zip archive without NumPy arrays; a table must be CSV, Parquet or .npz"
        )
    return arrays


def table_from_columns(
    data: Mapping[str, Any] | pd.DataFrame,
    *,
    columns: Iterable[str] | None = None,
    optional: Iterable[str] = (),
    time: str | None = None,
    where: str = "the data",
) -> pd.DataFrame:
    """Check a table that is in memory and put it in the form of `read_table`.

    Shapes: data DataFrame or mapping of str to (row,).
    """
    import pandas as pd

    index = getattr(data, "index", None)
    held: dict[str, Any] = {str(name): data[name] for name in data}
    wanted = [name for name in held if name != time] if columns is None else list(columns)
    wanted += [name for name in optional if name in held and name not in wanted]
    times = None
    if time is not None and time in held:
        times = held[time]
    elif isinstance(index, pd.DatetimeIndex):
        times, time = index, time or str(index.name or "time")
    require_columns([*wanted, *([time] if time and times is None else [])], held, where)
    arrays = {name: np.asarray(held[name]) for name in wanted}
    if any(array.ndim != 1 for array in arrays.values()):
        name = next(name for name, array in arrays.items() if array.ndim != 1)
        raise DataError(f"{where}: column {name!r} must have one axis and has {arrays[name].ndim}")
    lengths = {name: len(array) for name, array in arrays.items()}
    if times is not None:
        lengths[str(time)] = len(times)
    if len(set(lengths.values())) > 1:
        raise DataError(f"{where}: columns must have one length and have {lengths}")
    numbers = {name: _numbers_from_array(where, name, array) for name, array in arrays.items()}
    return _table(numbers, times, time, where=where, row=lambda at: f"row {at + 1}")


def _from_parquet(path: str | PathLike[str], time: str | None) -> pd.DataFrame:
    import pandas as pd

    if importlib.util.find_spec("pyarrow") is None:
        raise MissingLibrary(
            f'{path} is Parquet, which needs pyarrow: run pip install "rnnlens[parquet]"'
        )
    import pyarrow

    try:
        data = pd.read_parquet(Path(path), engine="pyarrow")
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise UnreadableFile(f"{path} is damaged Parquet ({reason}); fetch it anew") from None
    return data.reset_index() if time is not None and data.index.name == time else data


def _numbers_from_text(where: str, name: str, cells: Cells) -> np.ndarray:
    text = cells.columns[name]
    if cells.decimal_comma:
        text = [cell.replace(",", ".") for cell in text]
    numbers = np.array([_number(cell) for cell in text], dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        at = int(bad[0])
        raise _bad_value(where, f"row {cells.lines[at]}", name, cells.columns[name][at])
    return numbers


def _number(text: str) -> float:
    """Read a number, rounded right; NaN where it is none."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def _numbers_from_array(where: str, name: str, array: np.ndarray) -> np.ndarray:
    import pandas as pd

    if array.dtype.kind in "Mmc":
        raise DataError(f"{where}: column {name!r} must hold numbers and holds {array.dtype}")
    numbers = np.asarray(pd.to_numeric(pd.Series(array), errors="coerce"), np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        at = int(bad[0])
        raise _bad_value(where, f"row {at + 1}", name, array[at])
    return numbers


def _bad_value(where: str, row: str, name: str, value: object) -> DataError:
    text = str(value).strip()
    missing = text.lower() in {"", "na", "n/a", "nan", "null", "none", "nat", "<na>"}
    what = f"holds {text!r}, which stands for no value" if missing and text else f"holds {text!r}"
    return DataError(
        f"{where}, {row}, column {name!r} {what if text else 'is empty'}; it must be a finite "
        "number: fill it in, or take the row out (windows do not cross a missing row)"
    )


def _table(
    numbers: dict[str, np.ndarray],
    times: Any,
    time: str | None,
    *,
    where: str,
    row: Callable[[int], str],
) -> pd.DataFrame:
    import pandas as pd

    if not numbers:
        raise DataError(f"{where} has no column of numbers")
    if not len(next(iter(numbers.values()))):
        raise DataError(f"{where} has a header and no rows")
    if time is None:
        return pd.DataFrame(numbers)
    moments = rising_times(times, time, where, row)
    return pd.DataFrame(numbers, index=pd.DatetimeIndex(moments, name=time))
