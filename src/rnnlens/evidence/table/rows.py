"""What a table of evidence has rows for: lags, features, or features at lags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.errors import DataError, InputError
from rnnlens.evidence.statistics.parts import Part, group_parts, lags_title
from rnnlens.names import told

__all__ = ["BY", "LagSpan", "Row", "Rows", "check_by", "make_rows"]

#: What rows may stand for, and the dimensions of a table of them.
BY: dict[str, tuple[str, ...]] = {
    "lag": ("lag",),
    "feature": ("feature",),
    "both": ("lag", "feature"),
}


@dataclass(frozen=True)
class LagSpan:
    """Lags that stand together, from the newest to the oldest."""

    first: int
    last: int

    @property
    def places(self) -> slice:
        """Where they stand on an axis of lags."""
        return slice(self.first - 1, self.last)

    @property
    def title(self) -> str:
        """What they are called."""
        return lags_title(self.first, self.last)


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a table.

    Parameters
    ----------
    lags : LagSpan
        The lags that it is about.
    features : tuple of int
        Its features that are not held.
    part : Part or None
        What is hidden; None where all of it is held.
    """

    lags: LagSpan
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
    steps : int
        Lags of a window.
    features : tuple of str
        Names of all features.
    held : tuple of int
        Features that are never hidden.
    """

    by: str
    rows: tuple[Row, ...]
    shape: tuple[int, ...]
    steps: int
    features: tuple[str, ...]
    held: tuple[int, ...]

    @property
    def dims(self) -> tuple[str, ...]:
        """The table's dimensions."""
        return BY[self.by]

    @property
    def free(self) -> list[int]:
        """Features that are not held."""
        return [k for k, _ in enumerate(self.features) if k not in self.held]

    @property
    def asked(self) -> list[Row]:
        """Rows that are not held."""
        return [row for row in self.rows if row.part is not None]

    @property
    def parts(self) -> list[Part]:
        """What is hidden, of the rows that are not held."""
        return [row.part for row in self.rows if row.part is not None]

    @property
    def spans(self) -> list[LagSpan]:
        """The table's lags; single ones where it has none."""
        if self.by == "feature":
            return [LagSpan(lag, lag) for lag in range(1, self.steps + 1)]
        return list(dict.fromkeys(row.lags for row in self.rows))

    def check_free(self) -> None:
        """Refuse a table every row of which is held."""
        if not self.parts:
            raise DataError(f"every feature is held ({', '.join(self.features)})")

    def spread(self, values: ArrayLike, missing: object) -> NDArray:
        """Put values of the rows that are not held among all rows: (part,)."""
        given = np.asarray(values)
        text = given.dtype.kind == "U"
        wide = object if text else given.dtype
        every = np.full(prod(self.shape), missing, dtype=wide)
        every[[k for k, row in enumerate(self.rows) if row.part is not None]] = given
        return every.astype(str) if text else every

    def by_span(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the largest of each of the table's lags: (sample, lag, ...)."""
        return np.stack([values[:, span.places].max(axis=1) for span in self.spans], axis=1)


def make_rows(
    by: str,
    shape: tuple[int, int],
    lags: Sequence[LagSpan],
    names: Sequence[str],
    held: Sequence[int],
) -> Rows:
    """Make the rows of a table for windows of some shape (step, feature)."""
    check_by(by)
    steps, count = shape
    spans = [LagSpan(1, steps)] if by == "feature" else lags
    every = tuple(range(count))
    groups = [every] if by == "lag" else [(feature,) for feature in every]
    rows = []
    for span in spans:
        for group in groups:
            free = tuple(feature for feature in group if feature not in held)
            title = _title(span, steps, names[group[0]] if by != "lag" else "")
            where = {title: (range(span.first, span.last + 1), free)}
            rows.append(Row(span, free, group_parts(shape, where)[0] if free else None))
    sizes = {"lag": len(spans), "feature": count}
    table = tuple(sizes[name] for name in BY[by])
    return Rows(by, tuple(rows), table, steps, tuple(names), tuple(int(k) for k in held))


def check_by(by: str) -> None:
    """Refuse rows that are none."""
    if by not in BY:
        raise InputError(f"rows of the table are by one of {', '.join(BY)}, not by {by!r}")


def _title(span: LagSpan, steps: int, feature: str) -> str:
    if not feature:
        return span.title
    return (
        feature
        if (span.first, span.last) == (1, steps)
        else told("{name} at {lags}", name=feature, lags=span.title)
    )
