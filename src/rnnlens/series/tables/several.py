"""What is wanted of one table, or of several in files or in memory, each column in one of them."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

from rnnlens.series.tables.csv_text import require_columns
from rnnlens.series.tables.frames import columns_of
from rnnlens.series.tables.memory import taken
from rnnlens.series.tables.read import names_in, read_wanted
from rnnlens.series.tables.table import Table, Wanted

__all__ = ["parts_of", "read_one"]


def parts_of(tables: Sequence[Any], wanted: Wanted) -> list[Table]:
    """Read what is wanted of one table, or of several: those that have some of it."""
    if len(tables) == 1:
        return [read_one(tables[0], wanted, "the data")]
    found = []
    names: list[str] = []
    for number, table in enumerate(tables, 1):
        file = isinstance(table, str | PathLike)
        own = names_in(table, wanted.encoding) if file else list(columns_of(table)[0])
        names += [name for name in own if name not in names]
        part = wanted.among(own)
        if part.numbers or part.texts or any(name in own for name in part.optional):
            found.append(read_one(table, part, f"table {number}"))
    where = " and ".join(
        str(each) if isinstance(each, str | PathLike) else "a table in memory" for each in tables
    )
    require_columns(
        [name for name in wanted.names if name not in wanted.clock.columns], names, where
    )
    return found


def read_one(table: Any, wanted: Wanted, where: str) -> Table:
    """Read what is wanted of a table in a file or in memory."""
    if isinstance(table, str | PathLike):
        return read_wanted(table, wanted)
    return taken(table, wanted, where)
