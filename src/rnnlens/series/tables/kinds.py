"""What kind of cells each column of a table holds, told from its first rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnnlens.errors import DataError
from rnnlens.series.tables.cells import NO_VALUE
from rnnlens.series.tables.csv_text import open_csv, read_cells
from rnnlens.series.tables.frames import columns_of
from rnnlens.series.tables.read import NPZ_START, parquet_of, read_arrays, start_of

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd

__all__ = ["Kinds", "kinds_of"]

#: Rows that are looked at.
ROWS = 200


@dataclass(frozen=True)
class Kinds:
    """The columns of a table by what their cells hold.

    Parameters
    ----------
    numbers : tuple of str
        Columns of numbers.
    times : tuple of str
        Columns of times in ISO 8601.
    others : tuple of str
        All others.
    """

    numbers: tuple[str, ...]
    times: tuple[str, ...]
    others: tuple[str, ...]


def kinds_of(path: str | PathLike[str], encoding: str | None = None) -> Kinds:
    """Tell the columns of numbers and those of times in a file."""
    start = start_of(path)
    if start.startswith((b"PAR1", NPZ_START)):
        data = parquet_of(path) if start.startswith(b"PAR1") else read_arrays(path)
        held, index = columns_of(data)
        if index is not None:
            held = {str(index.name or "time"): index, **held}
        columns = {name: _told(column) for name, column in held.items()}
    else:
        file = open_csv(path, encoding)
        cells = read_cells(file.head(ROWS), None, [], [])
        columns = {
            name: _told_text(column, comma=cells.decimal_comma)
            for name, column in cells.columns.items()
        }
    by_kind = {kind: tuple(name for name in columns if columns[name] == kind) for kind in "nto"}
    if not columns:
        raise DataError(f"{path} has no columns")
    return Kinds(by_kind["n"], by_kind["t"], by_kind["o"])


def _told(column: Any) -> str:
    import pandas as pd

    values = pd.Series(column)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "t"
    if values.dtype.kind in "iuf":
        return "n"
    return "o" if values.dtype.kind in "bcmM" else _told_text([str(cell) for cell in values[:ROWS]])


def _told_text(cells: list[str], *, comma: bool = False) -> str:
    filled = [cell for cell in cells if cell.lower() not in NO_VALUE]
    if filled and all(_is_number(cell.replace(",", ".") if comma else cell) for cell in filled):
        return "n"
    return "t" if filled and not _parsed(filled).isna().any() else "o"


def _parsed(cells: list[str]) -> pd.Series:
    import pandas as pd

    return pd.Series(pd.to_datetime(pd.Series(cells), format="ISO8601", utc=True, errors="coerce"))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
