"""What is wanted of a table, and what was found in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError
from rnnlens.series.tables.times import Clock, rising_times

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Table", "Wanted", "made"]


@dataclass(frozen=True)
class Wanted:
    """Which columns are wanted of a table, and how they are written.

    Parameters
    ----------
    numbers : tuple of str, optional
        Columns of numbers; every column that is not wanted as something else where not given.
    optional : tuple of str
        Columns of numbers that are taken where they are there.
    texts : tuple of str
        Columns of texts.
    may_miss : frozenset of str
        Columns of numbers whose cells may hold no value.
    group : str, optional
        The column that says whose row it is.
    clock : Clock
        The columns with the time, and how it is written.
    encoding : str, optional
        Of a CSV file; UTF-8, or what its mark says, where not given.
    """

    numbers: tuple[str, ...] | None = None
    optional: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    may_miss: frozenset[str] = frozenset()
    group: str | None = None
    clock: Clock = field(default_factory=Clock)
    encoding: str | None = None

    @property
    def as_texts(self) -> tuple[str, ...]:
        """Every column that is taken as text: times, groups, categories."""
        groups = () if self.group is None else (self.group,)
        return tuple(dict.fromkeys((*self.clock.columns, *groups, *self.texts)))

    @property
    def names(self) -> tuple[str, ...]:
        """Every column that must be there."""
        return tuple(dict.fromkeys((*(self.numbers or ()), *self.as_texts)))

    def among(self, names: Collection[str]) -> Wanted:
        """Give what is wanted of a table that has only some of the columns."""
        timeless = not set(self.clock.columns) & set(names)
        return replace(
            self,
            numbers=tuple(name for name in self.numbers or () if name in names),
            texts=tuple(name for name in self.texts if name in names),
            clock=Clock() if timeless and self.group in names else self.clock,
        )

    @property
    def plain(self) -> bool:
        """Whether there are numbers and at most one column of times."""
        return not self.may_miss and self.as_texts == self.clock.columns[:1]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length, in the order of the rows.

    Parameters
    ----------
    where : str
        What holds them, for messages.
    numbers : dict of str to array (row,)
        Numbers; NaN where a cell holds no value.
    texts : dict of str to array (row,)
        Texts, as they stand.
    times : array (row,), optional
        Datetime64 in UTC, rising within each group.
    groups : array (row,), optional
        Whose row it is.
    row : callable
        What a row is called in messages.
    joined : bool
        Whether it is of several tables, so that a cell may be in none of them.
    """

    where: str
    numbers: dict[str, NDArray[np.float64]]
    texts: dict[str, NDArray[np.str_]]
    times: NDArray[np.datetime64] | None
    groups: NDArray[np.str_] | None
    row: Callable[[int], str]
    joined: bool = False

    def __len__(self) -> int:
        """Give the number of rows."""
        columns = [*self.numbers.values(), *self.texts.values(), self.times]
        return next(len(column) for column in columns if column is not None)

    def frame(self, name: str | None) -> pd.DataFrame:
        """Give the numbers as a DataFrame, by the times where there are some."""
        import pandas as pd

        index = None if self.times is None else pd.DatetimeIndex(self.times, name=name)
        return pd.DataFrame(self.numbers, index=index)


def made(
    where: str,
    numbers: dict[str, NDArray[np.float64]],
    texts: dict[str, NDArray[np.str_]],
    times: Sequence[Any],
    wanted: Wanted,
    row: Callable[[int], str],
) -> Table:
    """Check columns and put them together: times one (row,) for each of their columns."""
    table = Table(
        where,
        numbers,
        {name: texts[name] for name in wanted.texts},
        None,
        None if wanted.group is None else texts[wanted.group],
        row,
    )
    if not numbers and not table.texts:
        raise DataError(f"{where} has no column of numbers that is wanted")
    if not len(table):
        raise DataError(f"{where} has a header and no rows")
    if not times:
        return table
    moments = rising_times(times, wanted.clock, where, row, table.groups)
    return Table(where, numbers, table.texts, moments, table.groups, row)
