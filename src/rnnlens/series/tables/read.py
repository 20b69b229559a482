"""Read a table of measurements: CSV, Parquet or NumPy's ``.npz``; the content decides which.

Every value must be there and be a number, unless the sidecar says what its absence means. A row
that is missing altogether is no fault: windows do not cross it.
"""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import DataError, MissingLibrary, UnreadableFile
from rnnlens.series.tables.cells import numbers_from_text
from rnnlens.series.tables.csv_regular import read_regular
from rnnlens.series.tables.csv_text import CsvText, header_of, open_csv, read_cells
from rnnlens.series.tables.frames import columns_of
from rnnlens.series.tables.memory import taken
from rnnlens.series.tables.npy import arrays_in
from rnnlens.series.tables.table import Table, Wanted, made
from rnnlens.series.tables.times import Clock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    import pandas as pd

__all__ = [
    "NPZ_START",
    "names_in",
    "parquet_of",
    "read_arrays",
    "read_table",
    "read_wanted",
    "start_of",
    "table_from_cells",
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
    wanted = Wanted(
        None if columns is None else tuple(columns),
        tuple(optional),
        clock=Clock(() if time is None else (time,)),
    )
    return read_wanted(path, wanted).frame(time)


def read_wanted(path: str | PathLike[str], wanted: Wanted) -> Table:
    """Read what is wanted of a table in a file."""
    start = start_of(path)
    if start.startswith(b"PAR1"):
        return taken(parquet_of(path), wanted, str(path))
    if start.startswith(NPZ_START):
        arrays = read_arrays(path)
        if "X" in arrays:
            raise DataError(f"{path} holds windows (an array X), not a table of columns")
        return taken(arrays, wanted, str(path))
    kind = next((kind for magic, kind in _OTHER_KINDS.items() if start.startswith(magic)), None)
    if kind is not None:
        raise UnreadableFile(f"{path} is {kind}; a table must be CSV, Parquet or .npz")
    file = open_csv(path, wanted.encoding)
    # A fault is refused below, where the line that it stands on is known.
    with contextlib.suppress(DataError):
        quick = _quickly(file, wanted) if wanted.plain else None
        if quick is not None:
            return quick
    return _cell_by_cell(file, wanted)


def names_in(path: str | PathLike[str], encoding: str | None) -> list[str]:
    """Give the names of the columns of a table in a file."""
    start = start_of(path)
    if start.startswith(b"PAR1"):
        return list(columns_of(parquet_of(path))[0])
    if start.startswith(NPZ_START):
        return list(read_arrays(path))
    return header_of(open_csv(path, encoding))


def _quickly(file: CsvText, wanted: Wanted) -> Table | None:
    """Read a regular CSV file of numbers, and times at the most, all at once."""
    time = next(iter(wanted.clock.columns), None)
    regular = read_regular(file, wanted.numbers, wanted.optional, time)
    if regular is None:
        return None
    times = [] if regular.times is None else [regular.times]
    return made(file.path, regular.numbers, {}, times, wanted, str)


def table_from_cells(
    file: CsvText, columns: list[str] | None, optional: list[str], time: str | None
) -> pd.DataFrame:
    """Read a CSV file cell by cell, and name the row where a value is none."""
    clock = Clock(() if time is None else (time,))
    numbers = None if columns is None else tuple(columns)
    return _cell_by_cell(file, Wanted(numbers, tuple(optional), clock=clock)).frame(time)


def _cell_by_cell(file: CsvText, wanted: Wanted) -> Table:
    texts = wanted.as_texts
    cells = read_cells(file, wanted.numbers, wanted.optional, texts)
    named = None if wanted.numbers is None else {*wanted.numbers, *wanted.optional}
    numbers = {
        name: numbers_from_text(
            file.path,
            name,
            column,
            cells.row,
            comma=cells.decimal_comma,
            may_miss=name in wanted.may_miss,
        )
        for name, column in cells.columns.items()
        if (name not in texts if named is None else name in named)
    }
    return made(
        file.path,
        numbers,
        {name: np.array(cells.columns[name], np.str_) for name in texts},
        [cells.columns[name] for name in wanted.clock.columns],
        wanted,
        cells.row,
    )


def start_of(path: str | PathLike[str]) -> bytes:
    """Give the first bytes of a file, by which its kind is told."""
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except FileNotFoundError:
        raise UnreadableFile(f"there is no file {path}") from None
    except IsADirectoryError:
        raise UnreadableFile(
            f"{path} cannot be opened as a table, for it is a folder: of an archive (Zarr, or a "
            "folder of Parquet) every forecast is explained by rnnlens explain with --out "
            "out.zarr, and rnnlens.bulk.sample, as rnnlens lags and memory do, draws windows"
        ) from None
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be opened: {error.strerror}") from None
    if not start:
        raise UnreadableFile(f"{path} is empty; a table must have a header and rows")
    return start


def read_arrays(path: str | PathLike[str]) -> dict[str, np.ndarray]:
    """Read the arrays of an ``.npz`` file."""
    arrays = arrays_in(path)
    if not arrays:
        raise UnreadableFile(
            f"{path} is a zip archive without NumPy arrays; a table must be CSV, Parquet or .npz"
        )
    return arrays


def parquet_of(path: str | PathLike[str]) -> pd.DataFrame:
    """Read a Parquet file."""
    import pandas as pd

    if importlib.util.find_spec("pyarrow") is None:
        raise MissingLibrary(
            f'{path} is Parquet, which needs pyarrow: run pip install "rnnlens[parquet]"'
        )
    import pyarrow

    try:
        return pd.read_parquet(Path(path), engine="pyarrow")
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise UnreadableFile(f"{path} is damaged Parquet ({reason}); fetch it anew") from None
