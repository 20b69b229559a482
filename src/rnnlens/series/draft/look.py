"""A first look at a table of which nothing is known: which columns hold numbers, texts, times."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError
from rnnlens.series.tables.cells import NO_VALUE
from rnnlens.series.tables.csv_text import open_csv, read_cells
from rnnlens.series.tables.frames import columns_of
from rnnlens.series.tables.read import NPZ_START, parquet_of, read_arrays, start_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MOST_KINDS", "Look", "looked_at"]

#: Kinds of text in a column that may be a category.
MOST_KINDS = 30


@dataclass(frozen=True, eq=False)
class Look:
    """What one column holds.

    Parameters
    ----------
    name : str
        What it is called.
    numbers : array (row,), optional
        Its numbers, NaN where a cell holds none; None where it holds texts or times.
    cells : array or list (row,)
        What it holds, as it stands.
    kinds : tuple of str
        The different texts, sorted, where they are few.
    """

    name: str
    numbers: NDArray[np.float64] | None
    cells: Any
    kinds: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return 0 if self.numbers is None else int(np.isnan(self.numbers).sum())

    @property
    def codes(self) -> NDArray[np.float64] | None:
        """Its numbers, or those that an encoder gives its texts: their places when sorted."""
        if self.numbers is not None or not self.kinds:
            return self.numbers
        place = {kind: float(number) for number, kind in enumerate(self.kinds)}
        return np.array([place.get(str(cell).strip(), np.nan) for cell in self.cells])

    @property
    def is_counter(self) -> bool:
        """Whether it numbers the rows."""
        rises = self.numbers is not None and len(self.numbers) > 2
        return bool(rises and (np.diff(self.numbers) == 1).all())  # type: ignore[arg-type]


def looked_at(data: Any) -> tuple[list[Look], Any]:
    """Look at every column of a table; give its index too where that holds times."""
    if isinstance(data, str | PathLike):
        start = start_of(data)
        if not start.startswith((b"PAR1", NPZ_START)):
            return _of_csv(data), None
        data = parquet_of(data) if start.startswith(b"PAR1") else read_arrays(data)
    held, index = columns_of(data)
    looks = [_of_array(name, np.asarray(column)) for name, column in held.items()]
    if not looks:
        raise DataError("the data have no column")
    return looks, index


def _of_csv(path: str | PathLike[str]) -> list[Look]:
    cells = read_cells(open_csv(path), None, (), ())
    return [
        _of_texts(name, column, comma=cells.decimal_comma) for name, column in cells.columns.items()
    ]


def _of_texts(name: str, column: list[str], *, comma: bool) -> Look:
    texts = [cell.replace(",", ".") for cell in column] if comma else column
    numbers = np.full(len(texts), np.nan)
    for row, text in enumerate(texts):
        try:
            numbers[row] = np.nan if text.lower() in NO_VALUE or "_" in text else float(text)
        except ValueError:
            return Look(name, None, column, _kinds(column))
    return Look(name, numbers, column)


def _of_array(name: str, column: NDArray[Any]) -> Look:
    if column.dtype.kind in "biuf" and column.ndim == 1:
        return Look(name, column.astype(np.float64), column)
    if column.dtype.kind == "M" or column.ndim != 1:
        return Look(name, None, column)
    return _of_texts(name, [str(cell).strip() for cell in column], comma=False)


def _kinds(column: list[str]) -> tuple[str, ...]:
    kinds = {cell for cell in column if cell.lower() not in NO_VALUE}
    return tuple(sorted(kinds)) if 1 < len(kinds) <= MOST_KINDS else ()
