"""Which columns of a table a scaler was fitted on, told by its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.series.draft.look import Look
from rnnlens.series.scalers.lines import Columns, Line

__all__ = ["Match", "matched"]

#: Shares of the rows, from the first, that training may have scaled by.
SHARES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 2 / 3, 0.65, 0.6, 0.5)
#: A mismatch that is none, in spreads of the column; and one that may be another part of the rows.
SAME, NEAR = 1e-4, 0.3


@dataclass(frozen=True)
class Match:
    """The columns that a scaler's numbers are most like, in their order.

    Parameters
    ----------
    looks : tuple of Look
        One for each column of the scaler.
    misfits : tuple of float
        How far each one's numbers are from the scaler's, in its spreads.
    share : float
        The share of rows, from the first, whose numbers they are.
    """

    looks: tuple[Look, ...]
    misfits: tuple[float, ...]
    share: float

    @property
    def exact(self) -> bool:
        """Whether the scaler was fitted on these columns beyond doubt."""
        return max(self.misfits) < SAME

    @property
    def near(self) -> bool:
        """Whether it may have been."""
        return max(self.misfits) < NEAR


def matched(looks: Sequence[Look], columns: Columns) -> Match | None:
    """Find the columns in whose order the scaler's numbers fit best; None where there are fewer."""
    held = [look for look in looks if look.codes is not None]
    if len(held) < len(columns):
        return None
    best: Match | None = None
    for share in SHARES:
        misfits = _misfits(held, columns.lines, share)
        places = _in_order(misfits)
        if max(misfits[np.arange(len(places)), places]) >= SAME:
            places = _in_any_order(misfits, places)
        own = [float(misfits[line, place]) for line, place in enumerate(places)]
        found = Match(tuple(held[place] for place in places), tuple(own), share)
        if best is None or sum(own) < sum(best.misfits) - SAME:
            best = found
        if best.exact:
            break
    return best


def _misfits(looks: Sequence[Look], lines: Sequence[Line], share: float) -> NDArray[np.float64]:
    """How far each column's numbers are from each line of the scaler: (line, column)."""
    table = np.full((len(lines), len(looks)), np.inf)
    for place, look in enumerate(looks):
        codes = look.codes
        assert codes is not None
        part = codes[: max(round(share * len(codes)), 2)]
        for number, line in enumerate(lines):
            table[number, place] = _misfit(part, line)
    return table


def _misfit(values: NDArray[np.float64], line: Line) -> float:
    """How far a column's numbers are from a line: 0 where it was fitted on them.

    Missing cells are tried as they are and as zeros, which is what many fill in.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return 1e6
    tries = [known] if len(known) == len(values) else [known, np.nan_to_num(values)]
    return min(_distance(each, line) for each in tries)


def _distance(values: NDArray[np.float64], line: Line) -> float:
    if line.transform is not None:
        try:
            values = line.transform.apply(values)
        except ValueError:
            return 1e6
    if line.limits is not None:
        low, high = line.limits[:2]
        ends = abs(values.min() - low) + abs(values.max() - high)
        return float(ends / max(high - low, 1e-12))
    if line == Line():
        return 0.5  # a column that is left as it is may be any
    spread = values.std()
    centre = [values.mean(), np.median(values), 0.0]
    low, high = np.quantile(values, [0.25, 0.75])
    scales = [spread, high - low, np.abs(values).max(), values.max() - values.min(), 1.0]
    near_mean = min(abs(value - line.mean) for value in centre) / line.scale
    ratios = [abs(np.log(scale / line.scale)) for scale in scales if scale > 0]
    ends = (values.min() - line.mean) / line.scale, (values.max() - line.mean) / line.scale
    as_limits = abs(ends[0]) + abs(ends[1] - 1)
    return float(min(near_mean + min(ratios, default=1e3), as_limits, 1e6))


def _in_any_order(misfits: NDArray[np.float64], ordered: list[int]) -> list[int]:
    """Choose columns in any order where they fit the lines beyond doubt, else those in order."""
    from scipy.optimize import linear_sum_assignment

    _, places = linear_sum_assignment(np.minimum(misfits, 1e6))
    chosen = [int(place) for place in places]
    sound = max(misfits[np.arange(len(chosen)), chosen]) < SAME
    return chosen if sound else ordered


def _in_order(misfits: NDArray[np.float64]) -> list[int]:
    """Choose a column for each line, in the table's order, with the least misfit in all."""
    lines, columns = misfits.shape
    cost = np.full((lines + 1, columns + 1), np.inf)
    cost[0] = 0.0
    for line in range(1, lines + 1):
        for column in range(line, columns + 1):
            cost[line, column] = min(
                cost[line, column - 1],
                cost[line - 1, column - 1] + min(misfits[line - 1, column - 1], 1e6),
            )
    places, column = [], columns
    for line in range(lines, 0, -1):
        while column > line and cost[line, column] == cost[line, column - 1]:
            column -= 1
        places.append(column - 1)
        column -= 1
    return places[::-1]
