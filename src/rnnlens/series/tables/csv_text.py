"""The cells of a CSV file as text, with the line that each row stands on."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rnnlens.arguments import did_you_mean
from rnnlens.errors import DataError, UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from os import PathLike

__all__ = [
    "Cells",
    "CsvText",
    "header_of",
    "open_csv",
    "places_of",
    "read_cells",
    "require_columns",
]


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

    def head(self, rows: int) -> CsvText:
        """Give the header and the first rows alone, as far as lines tell them."""
        return replace(self, text="".join(self.text.splitlines(keepends=True)[: rows + 1]))


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

    def row(self, at: int) -> str:
        """Say where a row stands."""
        return f"row {self.lines[at]}"


def open_csv(path: str | PathLike[str], encoding: str | None = None) -> CsvText:
    """Read a CSV file's text.

    Commas, semicolons, tabs and vertical bars separate columns: the one that the header has most
    of.
    """
    text = _decoded(path, encoding)
    header = _first_line(text)
    return CsvText(str(path), text, max(",;\t|", key=header.count))


def header_of(file: CsvText) -> list[str]:
    """Give the names of the columns."""
    lines = csv.reader(io.StringIO(file.text, newline=""), delimiter=file.separator)
    first = next((row for row in lines if any(cell.strip() for cell in row)), [])
    return [name.strip() for name in first]


def read_cells(
    file: CsvText,
    columns: Iterable[str] | None,
    optional: Iterable[str],
    texts: Sequence[str],
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
    wanted = None if columns is None else list(columns)
    places = places_of(file.path, header, wanted, optional, texts)
    for line, row in filled:
        if len(row) != len(header):
            raise DataError(
                f"{file.path}, row {line} has {len(row)} cells and the header names {len(header)} "
                "columns; every row must have one cell for each"
            )
    cells = {name: [row[place].strip() for _, row in filled] for name, place in places.items()}
    only_text = {name for name in texts if wanted is None or name not in wanted}
    numbers = (cell for name, column in cells.items() if name not in only_text for cell in column)
    decimal_comma = file.separator == ";" and not any("." in cell for cell in numbers)
    return Cells(cells, [line for line, _ in filled], decimal_comma)


def places_of(
    path: str,
    first_row: Iterable[str],
    columns: Iterable[str] | None,
    optional: Iterable[str],
    texts: Sequence[str],
) -> dict[str, int]:
    """Give the place of each wanted column in the rows, by its name in the header."""
    header = [name.strip() for name in first_row]
    wanted = [name for name in header if name] if columns is None else list(columns)
    wanted += [name for name in optional if name in header and name not in wanted]
    wanted += [name for name in texts if name not in wanted]
    _check_header(path, header, wanted)
    return {name: header.index(name) for name in wanted}


def _decoded(path: str | PathLike[str], stated: str | None) -> str:
    with open(path, "rb") as file:
        content = file.read()
    if stated is not None:
        encoding = stated
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding, content = "utf-8", content.removeprefix(b"\xef\xbb\xbf")
        if b"\x00" in content:
            raise UnreadableFile(
                f"{path} is not a text file; a table must be CSV, Parquet or .npz (if it is text "
                'in UTF-16, say so in the sidecar: encoding = "utf-16-le")'
            )
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableFile(
            f"{path} is not {encoding.upper()} text (row {line} has the byte "
            f"0x{content[error.start]:02x}); save it as UTF-8, or say in the sidecar what it is, "
            'such as encoding = "latin-1"'
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
    twice = next((name for name in wanted if header.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            f"{path} names the column {twice!r} twice; each that is used must have its own name"
        )
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
        near = did_you_mean(missing[0], there)
        raise DataError(
            f"{where} has no {word} {', '.join(missing)}{near}; it has {', '.join(there)}"
        )
