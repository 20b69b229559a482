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

__all__ = ["Cells", "CsvText", "open_csv", "places_of", "read_cells", "require_columns"]


@dataclass(frozen=True)
class CsvText:
    """The text of a CSV file.

    Parameters
    ----------
    path : str
        The file, for messages.
    text : str
        What it holds.
    separator : str
        What stands between columns.
    """

    path: str
    text: str
    separator: str


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


def open_csv(path: str | PathLike[str]) -> CsvText:
    """Read a CSV file's text.

    Commas, semicolons, tabs and vertical bars separate columns: the one that the header has most
    of.
    """
    text = _decoded(path)
    header = _first_line(text)
    return CsvText(str(path), text, max(",;\t|", key=header.count))


def read_cells(
    file: CsvText, columns: Iterable[str] | None, optional: Iterable[str], time: str | None
) -> Cells:
    """Take the wanted columns of a CSV file apart, passing over lines without any text."""
    reader = csv.reader(io.StringIO(file.text, newline=""), delimiter=file.separator)
    try:
        filled = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{file.path}, row {reader.line_num} is not CSV: {error}") from None
    if not filled:
        raise UnreadableFile(f"{file.path} is empty; a table must have a header and rows")
    header = filled.pop(0)[1]
    places = places_of(file.path, header, columns, optional, time)
    for line, row in filled:
        if len(row) != len(header):
            raise DataError(
                f"{file.path}, row {line} has {len(row)} cells and the header names {len(header)} "
                "columns; every row must have one cell for each"
            )
    cells = {name: [row[place].strip() for _, row in filled] for name, place in places.items()}
    numbers = (cell for name, column in cells.items() if name != time for cell in column)
    decimal_comma = file.separator == ";" and not any("." in cell for cell in numbers)
    return Cells(cells, [line for line, _ in filled], decimal_comma)


def places_of(
    path: str,
    first_row: Iterable[str],
    columns: Iterable[str] | None,
    optional: Iterable[str],
    time: str | None,
) -> dict[str, int]:
    """Give the place of each wanted column in the rows, by its name in the header."""
    header = [name.strip() for name in first_row]
    wanted = [name for name in header if name] if columns is None else list(columns)
    wanted += [name for name in optional if name in header and name not in wanted]
    if time is not None and time not in wanted:
        wanted.append(time)
    _check_header(path, header, wanted)
    return {name: header.index(name) for name in wanted}


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


def _first_line(text: str) -> str:
    """Give the first line with any text, without taking all of a large file apart."""
    size = 4096
    while True:
        lines = [line for line in text[:size].splitlines() if line.strip()]
        if len(lines) > 1 or size >= len(text):
            return lines[0]
        size *= 2


def _check_header(path: str, header: list[str], wanted: list[str]) -> None:
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
    require_columns(wanted, header, path)


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
