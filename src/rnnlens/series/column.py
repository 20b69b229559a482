"""Where the numbers of a variable come from: its column, and what its cells mean."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from rnnlens.errors import ConfigError

__all__ = ["Column", "check_column"]

#: What may be done where a cell holds no value.
MISSING = ("drop", "hold")


@dataclass(frozen=True)
class Column:
    """How a variable's numbers are taken from a table.

    Parameters
    ----------
    of : str, optional
        The column; the one of the variable's own name where not given.
    equals : str, optional
        The number is 1 where a cell holds this text, and 0 where it holds another.
    map : tuple of (str, float)
        The number of each text that a cell may hold; empty where cells hold numbers.
    missing : {"drop", "hold"} or float, optional
        What a cell without a value is: a gap, which windows do not cross, the last value before it,
        or the number that training filled in. Refused where not given.
    limit : int, optional
        Steps over which a value may be held.
    value : float, optional
        The number itself, the same in every row, where it is of no column.
    """

    of: str | None = None
    equals: str | None = None
    map: tuple[tuple[str, float], ...] = ()
    missing: str | float | None = None
    limit: int | None = None
    value: float | None = None

    @property
    def is_text(self) -> bool:
        """Whether cells hold texts that stand for numbers."""
        return self.equals is not None or bool(self.map)


def check_column(path: str, column: Column) -> None:
    """Check that what is said of a column goes together."""
    if column.value is not None and column != Column(column.of, value=column.value):
        raise ConfigError(f"{path}.value is the number of every row: leave out what is of a column")
    if column.value is not None and not isfinite(column.value):
        raise ConfigError(f"{path}.value must be a finite number and is {column.value}")
    if column.equals is not None and column.map:
        raise ConfigError(f"{path} has equals and map, of which one is enough: leave one out")
    if column.missing is None and column.limit is not None:
        raise ConfigError(f'{path}.limit is the limit of missing = "hold", which is not there')
    filled = isinstance(column.missing, int | float) and isfinite(column.missing)
    if column.missing is not None and column.missing not in MISSING and not filled:
        raise ConfigError(
            f'{path}.missing must be "drop" (a gap, which windows do not cross), "hold" (the last '
            "value, for up to limit rows) or the number that training filled in, and is "
            f"{column.missing!r}"
        )
    if column.missing != "hold" and column.missing is not None and column.limit is not None:
        raise ConfigError(f'{path}.limit is for missing = "hold" alone: leave it out')
    if column.missing == "hold" and column.limit is None:
        raise ConfigError(
            f"{path}.limit is missing; it must be the number of rows over which a value may be "
            "held, such as 3"
        )
    if column.limit is not None and column.limit < 1:
        raise ConfigError(f"{path}.limit must be a whole number of rows from 1")
