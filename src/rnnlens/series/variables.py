"""From a table to the numbers of each variable: categories, and cells that hold no value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.arguments import did_you_mean
from rnnlens.errors import DataError
from rnnlens.series.tables.cells import NO_VALUE
from rnnlens.series.tables.table import Wanted
from rnnlens.series.tables.times import Clock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from rnnlens.series.sidecar import Sidecar
    from rnnlens.series.tables.table import Table
    from rnnlens.series.variable import Variable

__all__ = ["held_over", "numbers_of", "wanted_by", "wanted_of"]


def wanted_by(sidecar: Sidecar) -> Wanted:
    """Say which columns of a table a sidecar wants."""
    return wanted_of(sidecar, sidecar.features, sidecar.targets)


def wanted_of(
    sidecar: Sidecar, features: Iterable[Variable], targets: Iterable[Variable] = ()
) -> Wanted:
    """Say which columns of a table are wanted for some variables of a sidecar."""
    features = [each for each in features if each.column.value is None]
    targets = [each for each in targets if each.column.value is None]
    every = (*features, *targets)
    numbers = [each.source for each in features if not each.column.is_text]
    optional = [each.source for each in targets if not each.column.is_text]
    texts = [each.source for each in every if each.column.is_text]
    time = sidecar.time or ()
    return Wanted(
        numbers=tuple(dict.fromkeys(numbers)),
        optional=tuple(dict.fromkeys(each for each in optional if each not in numbers)),
        texts=tuple(dict.fromkeys(texts)),
        may_miss=frozenset(each.source for each in every if each.column.missing is not None),
        group=sidecar.group,
        clock=Clock(
            (time,) if isinstance(time, str) else time, sidecar.time_format, sidecar.time_zone
        ),
        encoding=sidecar.encoding,
    )


def numbers_of(table: Table, variable: Variable) -> NDArray[np.float64] | None:
    """Give a variable's numbers, NaN where its cell holds no value: (row,); None without column."""
    column = variable.column
    if column.value is not None:
        return np.full(len(table), column.value)
    if not column.is_text:
        return table.numbers.get(variable.source)
    if variable.source not in table.texts:
        return None
    cells = table.texts[variable.source]
    kinds, code = np.unique(cells, return_inverse=True)
    known = dict(column.map)
    numbers = np.array([_number(str(kind), variable, known) for kind in kinds])
    values = numbers[code]
    bad = np.flatnonzero(np.isnan(values))
    for at in map(int, bad):
        text = str(cells[at])
        empty = text.lower() in NO_VALUE
        if empty and (column.missing is not None or (not text and table.joined)):
            continue
        raise _bad_text(table, variable, at, text)
    return values


def _number(text: str, variable: Variable, known: dict[str, float]) -> float:
    """Give the number of a text, NaN where it has none."""
    if variable.column.equals is None:
        return known.get(text, np.nan)
    if text == variable.column.equals:
        return 1.0
    return np.nan if text.lower() in NO_VALUE else 0.0


def _bad_text(table: Table, variable: Variable, at: int, text: str) -> DataError:
    where = f"{table.where}, {table.row(at)}, column {variable.source!r}"
    if text.lower() in NO_VALUE:
        what = f"holds {text!r}, which stands for no value" if text else "is empty"
        return DataError(
            f'{where} {what}; say in the sidecar what it is, missing = "drop" (a gap, which '
            'windows do not cross) or missing = "hold" with a limit'
        )
    known = [name for name, _ in variable.column.map]
    return DataError(
        f"{where} holds {text!r}, whose number the sidecar's map of {variable.name} does not say"
        f"{did_you_mean(text, known)}; it has {', '.join(known)}"
    )


def held_over(
    values: NDArray[np.float64], variable: Variable, at: NDArray[np.int64], step: int
) -> NDArray[np.float64]:
    """Fill missing values in as stated: by a number, or by the last one before over `limit` steps.

    Shapes: values, at (row,), at being when each row is, rising.
    """
    limit = variable.column.limit
    missing = np.isnan(values)
    if isinstance(variable.column.missing, float):
        return np.where(missing, variable.column.missing, values)
    if variable.column.missing != "hold" or limit is None or not missing.any():
        return values
    rows: NDArray[Any] = np.where(missing, -1, np.arange(len(values)))
    last = np.maximum.accumulate(rows)
    near = missing & (last >= 0)
    near[near] = at[near] - at[last[near]] <= limit * step
    held = values.copy()
    held[near] = values[last[near]]
    return held
