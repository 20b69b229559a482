"""Several tables as one: their rows joined where group and time agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError
from rnnlens.series.tables.table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["joined"]


def joined(tables: Sequence[Table]) -> Table:
    """Join tables by time: every row of any; what one of them lacks there holds no value."""
    if len(tables) == 1:
        return tables[0]
    timed = [table for table in tables if table.times is not None]
    for table in tables:
        if table.times is None and (table.groups is None or not timed):
            raise DataError(
                f"{table.where} is one of {len(tables)} tables, which are joined by their times, "
                "and has none: name the column with the times as time in the sidecar"
            )
    _refuse_doubles(tables)
    rows = _Rows.of(timed)
    numbers: dict[str, NDArray[np.float64]] = {}
    texts: dict[str, NDArray[np.str_]] = {}
    for table in tables:
        if table.times is None and table.groups is not None and rows.groups is not None:
            row_of = _rows_by_group(table, table.groups, rows.groups)
            numbers |= {name: values[row_of] for name, values in table.numbers.items()}
            texts |= {name: cells[row_of] for name, cells in table.texts.items()}
    for table, places in zip(timed, rows.places, strict=True):
        for name, values in table.numbers.items():
            numbers[name] = np.full(len(rows.times), np.nan)
            numbers[name][places] = values
        for name, cells in table.texts.items():
            texts[name] = np.full(len(rows.times), "", dtype=cells.dtype)
            texts[name][places] = cells
    return Table(
        " and ".join(table.where for table in tables),
        numbers,
        texts,
        rows.times,
        rows.groups,
        lambda at: f"the row of {rows.times[at]}",
        joined=True,
    )


def _rows_by_group(table: Table, own: NDArray[Any], groups: NDArray[Any]) -> NDArray[np.intp]:
    """Give the row of a table without times that each row of the series has: one row a group."""
    names, first, count = np.unique(own, return_index=True, return_counts=True)
    if (count > 1).any():
        raise DataError(
            f"{table.where} is read as what does not change in time and has more than one row of "
            f"{str(names[count > 1][0])!r}: leave the one row in it that holds"
        )
    missing = np.setdiff1d(groups, names)
    if len(missing):
        raise DataError(
            f"{table.where} has no row of {str(missing[0])!r}, which another table has: add it, or "
            "leave its rows out of the others"
        )
    return first[np.searchsorted(names, groups)]


def _refuse_doubles(tables: Sequence[Table]) -> None:
    seen: dict[str, str] = {}
    for table in tables:
        for name in (*table.numbers, *table.texts):
            if seen.setdefault(name, table.where) != table.where:
                raise DataError(
                    f"{seen[name]} and {table.where} both have the column {name!r}; each column "
                    "that is used must stand in one table: rename it in one of them"
                )


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of all tables together, and where each table's own are."""

    times: NDArray[np.datetime64]
    groups: NDArray[Any] | None
    places: list[NDArray[np.intp]]

    @classmethod
    def of(cls, tables: Sequence[Table]) -> _Rows:
        """Put the rows of tables in the order of group and time."""
        times = np.concatenate([table.times for table in tables if table.times is not None])
        groups = [table.groups for table in tables if table.groups is not None]
        names, code = np.unique(np.concatenate(groups), return_inverse=True) if groups else ([], 0)
        keys = np.zeros(len(times), dtype=[("group", np.int64), ("time", np.int64)])
        keys["group"], keys["time"] = code, times.astype(np.int64)
        rows, place = np.unique(keys, return_inverse=True)
        ends = np.cumsum([len(table) for table in tables])[:-1]
        return cls(
            rows["time"].astype("datetime64[ns]"),
            np.asarray(names)[rows["group"]] if groups else None,
            np.split(place, ends),
        )
