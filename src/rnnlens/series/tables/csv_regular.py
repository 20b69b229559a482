"""The columns of a regular CSV file, parsed at once by pandas.

Regular is what Python's ``csv`` and pandas read alike: as many cells in every line as the header
has, and quotes only around whole cells. Whatever is not, or holds anything but finite numbers, is
left to `rnnlens.series.tables.csv_text`, which knows the line that each cell stands on.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.series.tables.csv_text import CsvText, places_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["RegularColumns", "read_regular"]

_QUOTE, _NEWLINE = b'"\n'


@dataclass(frozen=True)
class RegularColumns:
    """Numbers by column, and the texts of the column of times."""

    numbers: dict[str, NDArray[np.float64]]
    times: list[str] | None


def read_regular(
    file: CsvText, columns: Iterable[str] | None, optional: Iterable[str], time: str | None
) -> RegularColumns | None:
    """Parse the wanted columns; None where the file is not regular or not all are numbers."""
    import pandas as pd

    content = file.text.encode()
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    rows = _rows(content, file.separator)
    first = content.partition(b"\n")[0].decode()
    # The C parser takes NUL, which UTF-16 may hold, for the end of a cell.
    if not rows or not first.strip() or first.count('"') % 2 or "\0" in file.text:
        return None
    header = next(csv.reader([first], delimiter=file.separator))
    places = places_of(file.path, header, columns, optional, [] if time is None else [time])
    # Before 3.1 the default of pandas may be off by a rounding; since then it is exact, and naming
    # a precision is deprecated.
    exact = "round_trip" if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1) else None
    for decimal in ",." if file.separator == ";" else ".":
        try:
            table = pd.read_csv(
                io.BytesIO(content),
                sep=file.separator,
                decimal=decimal,
                header=None,
                skiprows=1,
                usecols=list(places.values()),
                dtype={} if time is None else {places[time]: object},
                na_filter=False,
                low_memory=False,
                float_precision=exact,
            )
        except (ValueError, OverflowError):
            return None
        # The kinds are inferred: a column asked for as float64 may hold True, which becomes 1.
        given = [table[place].to_numpy() for name, place in places.items() if name != time]
        if all(column.dtype.kind in "iuf" for column in given):
            break
    else:
        return None
    whole_zero = any(column.dtype.kind == "i" and not column.all() for column in given)
    if whole_zero and re.search(rb"-0+(?![0-9%b])" % decimal.encode(), content):
        return None  # as a whole number minus zero has lost its sign
    columns_of_numbers = [column.astype(np.float64) for column in given]
    if len(table) != rows - 1 or not all(np.isfinite(each).all() for each in columns_of_numbers):
        return None
    names = [name for name in places if name != time]
    return RegularColumns(
        dict(zip(names, columns_of_numbers, strict=True)),
        None if time is None else [cell.strip() for cell in table[places[time]]],
    )


def _rows(content: bytes, separator: str) -> int:
    """Count the rows, blank lines apart; 0 where the file is not regular."""
    codes = np.frombuffer(b"\n%b\n" % content, np.uint8)
    marks = np.flatnonzero((codes == _NEWLINE) | (codes == ord(separator)))
    if b'"' in content:
        # Opening and closing quotes take turns; a doubled one closes and opens again.
        quotes = np.flatnonzero(codes == _QUOTE)
        beside = np.concatenate([codes[quotes[::2] - 1], codes[quotes[1::2] + 1]])
        if len(quotes) % 2 or not np.isin(beside, [_NEWLINE, ord(separator), _QUOTE]).all():
            return 0
        marks = marks[np.searchsorted(quotes, marks) % 2 == 0]
    cell_lengths = np.diff(marks) - 1
    line_ends = np.flatnonzero(codes[marks] == _NEWLINE)
    cells = np.diff(line_ends)
    blank = (cells == 1) & (cell_lengths[line_ends[1:] - 1] == 0)
    widths = cells[~blank]
    if len(widths) and (widths == widths[0]).all() and cell_lengths.max() <= csv.field_size_limit():
        return len(widths)
    return 0
