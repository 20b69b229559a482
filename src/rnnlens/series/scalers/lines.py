"""What a scaler does to each column: a curve or none, then a straight line."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.series.scalers.inert import Pairs, Refused, shown
from rnnlens.series.transform import Transform

__all__ = [
    "MOST_COLUMNS",
    "Columns",
    "Line",
    "between",
    "entries_of",
    "numbers_of",
    "straight",
    "texts_of",
]

#: Columns of a scaler at most.
MOST_COLUMNS = 100_000


@dataclass(frozen=True)
class Line:
    """``network = (transform(value) - mean) / scale``.

    Where the line was stated by the values that become two numbers, `limits` holds both: the two
    values, then the two numbers.
    """

    mean: float = 0.0
    scale: float = 1.0
    transform: Transform | None = None
    limits: tuple[float, float, float, float] | None = None

    def then(self, after: Line) -> Line:
        """Give both as one."""
        if after == Line():
            return self
        if after.transform is None:
            if self == Line():
                return after
            mean = self.mean + self.scale * after.mean
            return Line(mean, self.scale * after.scale, self.transform)
        if self == Line():
            return after
        raise Refused(
            f"it scales values before it bends them with {after.transform.kind}, which the sidecar "
            "cannot say: give the network values that are bent first"
        )


@dataclass(frozen=True)
class Columns:
    """The columns of a scaler, in its order.

    Parameters
    ----------
    lines : tuple of Line
        One a column.
    names : tuple of str, optional
        Their names, where it knows them.
    notes : tuple of str
        What it does besides, as sentences.
    any_width : bool
        Whether it does the one thing to however many columns there are.
    """

    lines: tuple[Line, ...]
    names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    any_width: bool = False

    def __len__(self) -> int:
        """Give the number of columns."""
        return len(self.lines)

    def of_width(self, width: int | None) -> Columns:
        """Give the same for so many columns, where it takes any number."""
        if not self.any_width or width is None or not 0 < width <= MOST_COLUMNS:
            return self
        return replace(self, lines=self.lines * width, any_width=False)

    def then(self, after: Columns) -> Columns:
        """Give both as one, the names of the first if it has any."""
        width = next((len(each) for each in (self, after) if not each.any_width), None)
        first, second = self.of_width(width), after.of_width(width)
        if len(first) != len(second):
            raise Refused(
                f"one of its steps gives {len(first)} columns and the next takes {len(second)}: it "
                "is damaged; write the scaler again"
            )
        return Columns(
            tuple(a.then(b) for a, b in zip(first.lines, second.lines, strict=True)),
            first.names or second.names,
            (*first.notes, *second.notes),
            any_width=width is None,
        )


def straight(mean: NDArray[np.float64], scale: NDArray[np.float64]) -> tuple[Line, ...]:
    """Make lines of means and scales: (column,) each."""
    sound = np.isfinite(mean) & np.isfinite(scale) & (scale > 0)
    if not sound.all():
        at = int(np.flatnonzero(~sound)[0])
        raise Refused(
            f"its column {at} would be scaled with mean {mean[at]} and scale {scale[at]}, and a "
            "scale must be above 0; leave out columns that never change or hold no numbers"
        )
    return tuple(Line(float(m), float(s)) for m, s in zip(mean, scale, strict=True))


def between(low: float, high: float, to: tuple[float, float] = (0.0, 1.0)) -> Line:
    """Make the line that takes two values to two numbers."""
    scale = (high - low) / (to[1] - to[0])
    return Line(low - to[0] * scale, scale, None, (low, high, *to))


def numbers_of(name: str, value: object) -> NDArray[np.float64]:
    """Read numbers of a field, one a column: (column,)."""
    if isinstance(value, list | tuple):
        value = _in_one_row(value)
    items = value if isinstance(value, list | tuple) else [value]
    if items and all(_is_number(item) for item in items):
        value = np.array(items, dtype=np.float64)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
        raise Refused(f"its {shown(name)} must be an array of numbers and is none")
    if value.ndim == 2 and 1 in value.shape:
        value = value.ravel()  # with keepdims=True, as means and deviations are often taken
    if value.ndim > 1 or not 0 < value.size <= MOST_COLUMNS:
        raise Refused(
            f"its {shown(name)} must hold one number a column and has the shape {value.shape}"
        )
    return np.atleast_1d(value).astype(np.float64)


def _in_one_row(rows: list[object] | tuple[object, ...]) -> list[object]:
    """Give one row of numbers, or a column of them, as they are written with dimensions kept."""
    inner = [row for row in rows if isinstance(row, list)]
    if len(inner) < len(rows) or not inner:
        return list(rows)
    return inner[0] if len(inner) == 1 else [row[0] if len(row) == 1 else None for row in inner]


def _is_number(value: object) -> bool:
    # A whole number of a thousand digits is none that a float holds.
    if isinstance(value, int) and not isinstance(value, bool):
        return value.bit_length() < 1000
    return isinstance(value, float | np.floating | np.integer) and not math.isnan(value)


def texts_of(value: object) -> tuple[str, ...] | None:
    """Read names, one a column; None where they are none."""
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.ndim == 1 else None
    items = list(value) if isinstance(value, list | tuple) else []
    texts = [item for item in items if isinstance(item, str) and item.strip()]
    return tuple(texts) if 0 < len(items) == len(texts) <= MOST_COLUMNS else None


def entries_of(value: object) -> dict[str, object] | None:
    """Read a dict's entries that have texts for names; None where it is no dict."""
    if isinstance(value, Pairs):
        return value.named()
    return (
        {k: v for k, v in value.items() if isinstance(k, str)} if isinstance(value, dict) else None
    )
