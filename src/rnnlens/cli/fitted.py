"""Tables that fit the terminal: no number is cut; what is too wide goes below, column by column."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Column, Table

__all__ = ["fitted"]

#: Characters between two columns, at the most; the least width of a bar.
BETWEEN, BAR = 3, 4


def fitted(shown: RenderableType, width: int) -> RenderableType:
    """Give what is shown with its tables laid out for so many columns of characters."""
    from rich.console import Group
    from rich.table import Table

    if isinstance(shown, Group):
        return Group(*(fitted(part, width) for part in shown.renderables))
    return Group(*_tables(shown, width)) if isinstance(shown, Table) else shown


def _tables(table: Table, width: int) -> list[RenderableType]:
    """Lay a table out: as it is, with headings and names wrapped, or as several."""
    needs = [min(_need(column), max(width // 2, 1)) for column in table.columns]
    naturals = [
        need if column.ratio else max(need, _widest(column))
        for need, column in zip(needs, table.columns, strict=True)
    ]
    if _whole(naturals) <= width:
        return [table]
    if _whole(needs) <= width:
        return [_with(table, range(len(needs)), _shared(needs, naturals, width))]
    blocks: list[list[int]] = [[0]]
    for place in range(1, len(needs)):
        if len(blocks[-1]) > 1 and _whole([needs[k] for k in (*blocks[-1], place)]) > width:
            blocks.append([0])  # whose rows these are is said in each
        blocks[-1].append(place)
    made: list[RenderableType] = []
    for block in blocks:
        own = [needs[k] for k in block]
        given = _shared(own, [naturals[k] for k in block], width)
        made += [_with(table, block, given), ""]
    return made[:-1]


def _whole(widths: Sequence[int]) -> int:
    return sum(widths) + BETWEEN * (len(widths) - 1)


def _shared(needs: list[int], naturals: list[int], width: int) -> list[int]:
    """Share what is left among the columns that would take more."""
    left, given = width - _whole(needs), list(needs)
    for place in sorted(range(len(needs)), key=lambda k: naturals[k] - needs[k]):
        more = min(naturals[place] - needs[place], max(left, 0))
        given[place] += more
        left -= more
    return given


def _with(table: Table, places: Sequence[int], widths: Sequence[int]) -> Table:
    """Give a table of some columns, each as wide as it is given."""
    made = copy.copy(table)
    made.columns = []
    for number, (place, width) in enumerate(zip(places, widths, strict=True)):
        column = copy.copy(table.columns[place])
        column.width, column.min_width, column.ratio = width, None, None
        column.no_wrap, column.overflow, column._index = False, "fold", number
        made.columns.append(column)
    return made


def _need(column: Column) -> int:
    """Give the width in which no number and no word is cut."""
    words = str(column.header).split()
    for cell in column.cells:
        if not isinstance(cell, str):
            words.append(" " * BAR)
        else:  # numbers stay whole with their signs and units
            words += cell.splitlines() if column.justify == "right" else cell.split()
    return max(map(_length, words), default=1)


def _widest(column: Column) -> int:
    lines = str(column.header).splitlines()
    for cell in column.cells:
        lines += cell.splitlines() if isinstance(cell, str) else [" " * (column.min_width or BAR)]
    return max(map(_length, lines), default=1)


def _length(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
