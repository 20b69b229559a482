"""A piece of HTML for a notebook: its style, and the tables and sentences of the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.bar import Bar
    from rich.console import RenderableType
    from rich.table import Table

__all__ = ["folded", "list_of", "markup_of", "paragraph", "piece", "table_markup"]

#: Where a notebook says that it is dark; what the system prefers is not asked, for a light notebook
#: stays light in a dark system.
DARK = (
    "[data-jp-theme-light=false]",
    "[data-bs-theme=dark]",
    "[data-theme=dark]",
    "html[theme=dark]",
    "body.vscode-dark",
)
#: Colours are the notebook's own: ink is inherited, lines are half transparent.
STYLE = """
.rnnlens-shown{font-size:.93em;line-height:1.45;max-width:60em;overflow-wrap:anywhere}
.rnnlens-shown p{margin:.35em 0}
.rnnlens-shown .first{font-weight:600}
.rnnlens-shown .more{opacity:.75}
.rnnlens-shown details{margin:.2em 0}
.rnnlens-shown summary{cursor:pointer}
.rnnlens-shown .wide{overflow-x:auto;margin:.4em 0}
.rnnlens-shown table{border-collapse:collapse;margin:0;font-variant-numeric:tabular-nums}
.rnnlens-shown th,.rnnlens-shown td{padding:.15em .7em .15em 0;text-align:left;vertical-align:top;\
background:none;max-width:28em;white-space:pre-line}
.rnnlens-shown thead th{border-bottom:1px solid rgba(128,128,128,.5);font-weight:600}
.rnnlens-shown .n{text-align:right;white-space:pre}
.rnnlens-shown .bar{display:inline-block;height:.7em;background:#2b6a99;min-width:1px}
.rnnlens-shown img{display:block;max-width:100%;height:auto;background:#fff}
"""


def piece(parts: Iterable[str]) -> str:
    """Put markup together into one piece, which carries its own style."""
    dark = ",".join(f"{one} .rnnlens-shown img" for one in DARK)
    # a picture is turned over, light for dark, with its hues kept
    style = f"{STYLE}{dark}{{filter:invert(1) hue-rotate(180deg)}}"
    return f'<div class="rnnlens-shown"><style>{style}</style>{"".join(parts)}</div>'


def paragraph(text: str, kind: str = "") -> str:
    """Give a sentence as a paragraph.

    Examples
    --------
    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    named = f' class="{kind}"' if kind else ""
    return f"<p{named}>{escape(text)}</p>"


def list_of(sentences: Iterable[str]) -> str:
    """Give sentences as paragraphs."""
    return "".join(paragraph(text, "more") for text in sentences if text)


def folded(summary: str, parts: Iterable[str]) -> str:
    """Give what is one click away, under its name."""
    return f"<details><summary><bdi>{escape(summary)}</bdi></summary>{''.join(parts)}</details>"


def table_markup(
    headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: frozenset[int] = frozenset()
) -> str:
    """Give a table of text, with the columns that hold numbers to the right."""
    return _table(headings, [[_cell(cell) for cell in row] for row in rows], numbers)


def markup_of(shown: RenderableType) -> Iterator[str]:
    """Give what the command line prints, as HTML: sentences and tables, one after the other."""
    from rich.console import Group
    from rich.table import Table

    if isinstance(shown, Group):
        parts = list(shown.renderables)
        for place, part in enumerate(parts):
            before = place + 1 < len(parts) and isinstance(parts[place + 1], Table)
            if isinstance(part, str) and part and before:
                yield paragraph(part, "first")
            else:
                yield from markup_of(part)
    elif isinstance(shown, Table):
        yield _of_terminal(shown)
    elif str(shown):
        yield paragraph(str(shown))


def _of_terminal(table: Table) -> str:
    """Give a table of the terminal as one of HTML."""
    columns = table.columns
    numbers = frozenset(k for k, column in enumerate(columns) if column.justify == "right")
    rows = zip(*([_any(cell) for cell in column.cells] for column in columns), strict=True)
    return _table([str(column.header) for column in columns], rows, numbers)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: frozenset[int]) -> str:
    kinds = ['class="n"' if place in numbers else "" for place in range(len(headings))]
    head = "".join(
        f'<th scope="col" {kind}>{escape(text)}</th>'
        for kind, text in zip(kinds, headings, strict=True)
    )
    body = "".join(
        f"<tr>{''.join(f'<td {kind}>{cell}</td>' for kind, cell in zip(kinds, row, strict=True))}"
        "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _any(cell: RenderableType | Bar) -> str:
    from rich.bar import Bar

    if isinstance(cell, Bar):
        part = (cell.end - cell.begin) / cell.size if cell.size else 0.0
        return f'<span class="bar" style="width:{12 * part:.2f}em"></span>'
    return _cell(str(cell))


def _cell(text: str) -> str:
    """Give text that stays apart from its neighbours in either direction of writing."""
    return f"<bdi>{escape(text)}</bdi>"
