"""What a table of lags has rows for: lags, features, or features at lags."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rnnlens.evidence.statistics.parts import Part

__all__ = ["BY", "Row", "Rows", "make_rows"]

#: What rows may stand for, and the dimensions of a table of them.
BY: dict[str, tuple[str, ...]] = {
    "lag": ("lag",),
    "feature": ("feature",),
    "both": ("lag", "feature"),
}


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a table of lags.

    Parameters
    ----------
    lags : tuple of int
        The newest and the oldest lag that it is about.
    features : tuple of int
        Its features that are not held.
    part : Part or None
        What is hidden; None where all of it is held.
    """

    lags: tuple[int, int]
    features: tuple[int, ...]
    part: Part | None


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a table.

    Parameters
    ----------
    by : str
        One of `BY`.
    rows : tuple of Row
        In the order of the table: lag by lag.
    shape : tuple of int
        Of the table, along the dimensions that `BY` gives.
    """

    by: str
    rows: tuple[Row, ...]
    shape: tuple[int, ...]

    @property
    def dims(self) -> tuple[str, ...]:
        """The table's dimensions."""
        return BY[self.by]

    @property
    def asked(self) -> list[int]:
        """Places of the rows that are not held."""
        return [k for k, row in enumerate(self.rows) if row.part is not None]

    @property
    def parts(self) -> list[Part]:
        """What is hidden, of the rows that are not held."""
        return [row.part for row in self.rows if row.part is not None]

    def spread(self, values: Sequence[object] | NDArray, missing: object) -> NDArray:
        """Put values of the rows that are not held into the table."""
        given = np.asarray(values)
        wide = given.dtype if given.dtype.kind != "U" else object
        table = np.full(prod(self.shape), missing, dtype=wide)
        table[self.asked] = given
        return (table.astype(str) if wide is object else table).reshape(self.shape)


def make_rows(
    by: str,
    shape: tuple[int, int],
    lags: Sequence[tuple[int, int]],
    names: Sequence[str],
    held: Sequence[int],
) -> Rows:
    """Make the rows of a table."""
    from rnnlens.evidence.statistics.parts import group_parts

    if by not in BY:
        raise InputError(f"rows of the table are by one of {', '.join(BY)}, not by {by!r}")
    spans = [(1, shape[0])] if by == "feature" else [(int(a), int(b)) for a, b in lags]
    every = tuple(range(shape[1]))
    groups = [every] if by == "lag" else [(feature,) for feature in every]
    rows = []
    for first, last in spans:
        for group in groups:
            free = tuple(feature for feature in group if feature not in held)
            title = _title((first, last), shape[0], names[group[0]] if by != "lag" else "")
            where = {title: (range(first, last + 1), free)}
            rows.append(Row((first, last), free, group_parts(shape, where)[0] if free else None))
    sizes = {"lag": len(spans), "feature": shape[1]}
    return Rows(by, tuple(rows), tuple(sizes[name] for name in BY[by]))


def _title(lags: tuple[int, int], steps: int, feature: str) -> str:
    first, last = lags
    which = f"lag {first}" if first == last else f"lags {first} to {last}"
    if not feature:
        return which
    return feature if lags == (1, steps) else f"{feature} at {which}"
