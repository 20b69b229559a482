"""Pages of paper: text, tables and pictures one under the other, each page an SVG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

__all__ = ["Paper"]

#: A4 in points, and what stays white at each side.
WIDTH, HEIGHT, MARGIN = 595.0, 842.0, 48.0
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
#: Widths of characters in parts of the size, rounded up: narrow ones, wide ones, and the rest.
NARROW, WIDE = frozenset("iljtfrI.,;:'|![]() "), frozenset("mwMW%@—")
#: Between the lines, in sizes; between columns and around pictures, in points.
LEADING, GUTTER, SPACE = 1.35, 9.0, 8.0
INK, FAINT = "#1a1a1a", "#5c5c5c"


@dataclass
class Paper:
    """What is written so far: finished pages, and how far down the last one is."""

    pages: list[str] = field(default_factory=list)
    _body: list[str] = field(default_factory=list)
    _y: float = MARGIN

    def heading(self, text: str, size: float = 13.0) -> None:
        """Write a heading, never as the last thing on a page."""
        self._room(5 * size)
        self._y += SPACE if self._body else 0.0
        for line in wrapped(text, size * 1.05, WIDTH - 2 * MARGIN):
            self._line(line, MARGIN, size, weight="bold")
        self._y += SPACE / 2

    def paragraph(self, text: str, size: float = 9.5, colour: str = INK) -> None:
        """Write a paragraph."""
        for line in wrapped(text, size, WIDTH - 2 * MARGIN):
            self._room(size * LEADING)
            self._line(line, MARGIN, size, colour)
        self._y += SPACE / 2

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table; its headings stand on each page that it goes on."""
        size = 7.5
        widths = _columns([headings, *rows], size)

        def write(cells: Sequence[str], weight: str) -> None:
            lines = [wrapped(c, size, w) for c, w in zip(cells, widths, strict=True)]
            if self._room(size * LEADING * max(map(len, lines))) and weight == "normal":
                write(headings, "bold")
            top, x = self._y, MARGIN
            for column, width in zip(lines, widths, strict=True):
                self._y = top
                for line in column:
                    self._line(line, x, size, weight=weight)
                x += width + GUTTER
            self._y = top + size * LEADING * max(map(len, lines))

        write(headings, "bold")
        for row in rows:
            write([str(cell) for cell in row], "normal")
        self._y += SPACE

    def picture(self, svg: str, caption: str) -> None:
        """Draw a picture, no wider than the text, with its caption under it."""
        width, height = _size(svg)
        scale = min(1.0, (WIDTH - 2 * MARGIN) / width, (HEIGHT - 2 * MARGIN - 60) / height)
        under = wrapped(caption, 8.0, WIDTH - 2 * MARGIN)
        self._room(height * scale + 8.0 * LEADING * len(under) + 2 * SPACE)
        self._body.append(
            f'<g transform="translate({MARGIN:g},{self._y:g}) scale({scale:g})">{svg}</g>'
        )
        self._y += height * scale + SPACE
        self.paragraph(caption, 8.0, FAINT)
        self._y += SPACE

    def finished(self) -> list[str]:
        """Give all pages."""
        self._turn()
        return self.pages

    def _line(
        self, text: str, x: float, size: float, colour: str = INK, weight: str = "normal"
    ) -> None:
        self._y += size * LEADING
        self._body.append(
            f'<text x="{x:g}" y="{self._y - 0.3 * size:g}" font-family="{FONT}" '
            f'font-size="{size:g}" font-weight="{weight}" fill="{colour}">{escape(text)}</text>'
        )

    def _room(self, height: float) -> bool:
        """Turn the page where something does not fit on it; say whether."""
        full = self._y + height > HEIGHT - MARGIN and bool(self._body)
        if full:
            self._turn()
        return full

    def _turn(self) -> None:
        if self._body:
            number = f'<text x="{WIDTH / 2:g}" y="{HEIGHT - 24:g}" font-family="{FONT}" '
            number += (
                f'font-size="8" text-anchor="middle" fill="{FAINT}">{len(self.pages) + 1}</text>'
            )
            self.pages.append(
                f'<svg xmlns="http://www.w3.org/2000/svg" '
                f'xmlns:xlink="http://www.w3.org/1999/xlink" width="{WIDTH:g}" '
                f'height="{HEIGHT:g}">{"".join(self._body)}{number}</svg>'
            )
        self._body, self._y = [], MARGIN


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Break text into lines no wider than a width, at spaces where there are any.

    Examples
    --------
    >>> wrapped("one two three", 10.0, 40.0), wrapped("", 10.0, 40.0)
    (['one two', 'three'], [''])
    """
    lines, line = [], ""
    for word in " ".join(text.split()).split(" "):
        longer = f"{line} {word}" if line else word
        if _length(longer, size) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while _length(line, size) > width and len(line) > 1:
            fits = next(k for k in range(1, len(line)) if _length(line[: k + 1], size) > width)
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line]


def _length(text: str, size: float) -> float:
    return size * sum(_share(character) for character in text)


def _share(character: str) -> float:
    """Give the width of a character in sizes."""
    if character in NARROW:
        return 0.31
    if character in WIDE:
        return 0.92
    if ord(character) > 0x2E80:  # scripts of East Asia fill a square
        return 1.0
    return 0.72 if character.isupper() else 0.56


def _columns(rows: Sequence[Sequence[str]], size: float) -> list[float]:
    """Give each column the width of its longest cell, all within the page."""
    wanted = [
        max(_length(str(cell), size) for cell in column) + 1 for column in zip(*rows, strict=True)
    ]
    room = WIDTH - 2 * MARGIN - GUTTER * (len(wanted) - 1)
    # narrow columns keep their width, wide ones share what is left
    fair = room / len(wanted)
    narrow = sum(width for width in wanted if width <= fair)
    wide = sum(width for width in wanted if width > fair)
    share = 1.0 if narrow + wide <= room else (room - narrow) / wide
    return [width if width <= fair else width * share for width in wanted]


def _size(svg: str) -> tuple[float, float]:
    found = re.search(r'\bwidth="([\d.]+)" height="([\d.]+)"', svg)
    return (float(found[1]), float(found[2])) if found else (640.0, 400.0)
