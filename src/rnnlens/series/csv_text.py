"""The cells of a CSV file as text, with the line that each row stands on."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnnlens.errors import DataError, UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

__all__ = ["Cells", "read_cells", "require_columns"]


@dataclass(frozen=True)
class Cells:
    """The wanted cells of a CSV file.

    Parameters
    ----------
    columns : dict of str to list of str
        The text of each wanted column, without the spaces around it.
    lines : list of int
        The line of the file that each row ends on, the header being line 1.
    decimal_comma : bool
        Whether ``3,5`` means three and a half: columns are separated by semicolons and no cell
        has a point.
    """

    columns: dict[str, list[str]]
    lines: list[int]
    decimal_comma: bool


def read_cells(
    path: str | PathLike[str],
    columns: Iterable[str] | None,
    optional: Iterable[str] = (),
    time: str | None = None,
) -> Cells:
    """Read the wanted columns of a CSV file.

    Commas, semicolons, tabs and vertical bars separate columns: the one that the header has most
    of. Lines without any text are passed over.
    """
    text = _decoded(path)
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        filled = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{path}, row {reader.line_num} is not CSV: {error}") from None
    header = [name.strip() for name in filled.pop(0)[1]]
    wanted = [name for name in header if name] if columns is None else list(columns)
    wanted += [name for name in optional if name in header and name not in wanted]
    if time is not None and time not in wanted:
        wanted.append(time)
    _check_header(path, header, wanted)
    for line, row in filled:
        if len(row) != len(header):
            raise DataError(
                f"{path}, row {line} has {len(row)} cells and the header names {len(header)} "
                "columns; every row must have one cell for each"
            )
    places = {name: header.index(name) for name in wanted}
    cells = {name: [row[place].strip() for _, row in filled] for name, place in places.items()}
    numbers = (cell for name, column in cells.items() if name != time for cell in column)
    decimal_comma = separator == ";" and not any("." in cell for cell in numbers)
    return Cells(cells, [line for line, _ in filled], decimal_comma)


def _decoded(path: str | PathLike[str]) -> str:
    with open(path, "rb") as file:
        content = file.read()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding, content = "utf-8", content.removeprefix(b"\xef\xbb\xbf")
        if b"\x00" in content:
            raise UnreadableFile(f"{path} is not a text file; a table must be CSV, Parquet or .npz")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableFile(
            f"{path} is not {encoding.upper()} text (row {line} has the byte "
            f"0x{content[error.start]:02x}); save it as UTF-8"
        ) from None
    if not text.strip():
        raise UnreadableFile(f"{path} is empty; a table must have a header and rows")
    return text


def _separator(text: str) -> str:
    header = next(line for line in text.splitlines() if line.strip())
    counts = {mark: header.count(mark) for mark in ",;\t|"}
    return max(counts, key=lambda mark: counts[mark])


def _check_header(path: str | PathLike[str], header: list[str], wanted: list[str]) -> None:
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path} names the column {twice!r} twice; each must have its own name")
    # A column may be called "1"; numbers are data only where the names asked for are not there.
    unnamed = wanted == header or any(name not in header for name in wanted)
    if unnamed and any(_is_number(name) for name in header):
        raise DataError(
            f"{path} begins with the row {', '.join(header[:4])}; its first row must name the "
            "columns"
        )
    require_columns(wanted, header, str(path))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def require_columns(wanted: Iterable[str], present: Iterable[str], where: str) -> None:
    """Check that columns are there."""
    there = list(present)
    missing = [name for name in wanted if name not in there]
    if missing:
        word = "column" if len(missing) == 1 else "columns"
        raise DataError(f"{where} has no {word} {', '.join(missing)}; it has {', '.join(there)}")
