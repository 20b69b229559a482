"""Tables in memory: checked and put in the form of those that are read from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError
from rnnlens.series.tables.cells import numbers_from_array, texts_from_array
from rnnlens.series.tables.csv_text import require_columns
from rnnlens.series.tables.frames import columns_of
from rnnlens.series.tables.table import Table, Wanted, made
from rnnlens.series.tables.times import Clock

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["table_from_columns", "taken"]


def table_from_columns(
    data: Mapping[str, Any] | pd.DataFrame,
    *,
    columns: Iterable[str] | None = None,
    optional: Iterable[str] = (),
    time: str | None = None,
    where: str = "the data",
) -> pd.DataFrame:
    """Check a table that is in memory and put it in the form of `read_table`.

    Shapes: data DataFrame or mapping of str to (row,).
    """
    wanted = Wanted(
        None if columns is None else tuple(columns),
        tuple(optional),
        clock=Clock(() if time is None else (time,)),
    )
    index = getattr(data, "index", None)
    return taken(data, wanted, where).frame(time or str(getattr(index, "name", None) or "time"))


def taken(data: Any, wanted: Wanted, where: str = "the data") -> Table:
    """Take what is wanted of a table in memory."""
    held, index = columns_of(data)
    clock = wanted.clock
    absent = [name for name in clock.columns if name not in held]
    indexed = index is not None and len(absent) == len(clock.columns)
    as_texts = [name for name in wanted.as_texts if not (indexed and name in clock.columns)]
    if wanted.numbers is None:
        numbers = [name for name in held if name not in as_texts]
    else:
        numbers = list(wanted.numbers)
    numbers += [name for name in wanted.optional if name in held and name not in numbers]
    require_columns(dict.fromkeys((*numbers, *as_texts)), held, where)
    _check_lengths({name: held[name] for name in (*numbers, *as_texts)}, index, where)

    def row(at: int) -> str:
        return f"row {at + 1}"

    texts = {name: texts_from_array(held[name]) for name in as_texts if name not in clock.columns}
    times = [index] if indexed else [held[name] for name in clock.columns]
    return made(
        where,
        {
            name: numbers_from_array(where, name, held[name], row, may_miss=name in wanted.may_miss)
            for name in numbers
        },
        texts | {name: texts_from_array(held[name]) for name in wanted.texts},
        times,
        wanted,
        row,
    )


def _check_lengths(columns: Mapping[str, Any], index: Any, where: str) -> None:
    axes = {name: np.ndim(column) for name, column in columns.items()}
    wrong = next((name for name, count in axes.items() if count != 1), None)
    if wrong is not None:
        twice = ", as two columns of one name are" if hasattr(columns[wrong], "columns") else ""
        raise DataError(
            f"{where}: column {wrong!r} must have one axis and has {axes[wrong]}{twice}"
        )
    lengths = {name: len(column) for name, column in columns.items()}
    if index is not None:
        lengths[str(index.name or "time")] = len(index)
    if len(set(lengths.values())) > 1:
        raise DataError(f"{where}: columns must have one length and have {lengths}")
