"""How far a forecast moves where a part of its window takes values that were observed elsewhere.

Pairs of a window and an observed value of the part (from the same place in another window) are
drawn at random, evenly and independently, and the forecast is made again. Where none of n draws
moved it by more than d, then with confidence 1 - beta at most a share

    e = 1 - beta^(1/n)

of all pairs does: from 4,603 draws, 0.1 % at 99 %. Where some did, e is the one-sided limit of
Clopper and Pearson (1934), which is the same for none. The draws are ours, so that dependence
between windows does not matter; where there are few enough pairs all are tried, and the share is
counted. Without a tolerance d is the largest change seen, for which the same e holds (Wilks 1941).

This says how common large changes are among observed values. It does not say that none is
possible, and nothing about values that were not observed: nothing is proven by it. The observed
values are combined with windows that they do not belong to, so that some pairs would never occur.
Cost: T cell evaluations a recurrent layer and draw; half of that or less for parts of one step
(`rnnlens.evidence.statistics.one_step`). Where a tolerance is given draws are made in single
precision if that resolves it, and the largest change of each part once more in double.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, log

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.attribution.baselines.baseline import checked_data
from rnnlens.engine.stepwise.replaced import Replaced
from rnnlens.errors import InputError
from rnnlens.evidence.statistics.one_step import changes_of_steps, worth_sharing
from rnnlens.evidence.statistics.parts import Part
from rnnlens.evidence.statistics.replacement import Replacement, blocks
from rnnlens.names import declared

__all__ = ["Scenario", "draws_needed", "scenario", "share_limit"]

Array = NDArray[np.float64]

#: Share of pairs and confidence of the statement, where not given.
SHARE, CONFIDENCE = 0.001, 0.99
#: Numbers of weights that enclosures of forecasts may go through: half a minute at the most.
ENCLOSED = 400_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Scenario:
    """The changes of the forecast that observed values of each part made.

    Parameters
    ----------
    largest : array (part,)
        The largest change in absolute value, with its sign, in the target's own unit.
    window, value_from : array (part,) of int
        Where that was: the window, and the observed window that the value came from.
    forecast_before, forecast_after : array (part,)
        The forecast there.
    tolerance : array (part,)
        The change that is asked about; the size of the largest one where none was given.
    exceeded : array (part,) of int
        Draws that moved the forecast by more.
    moved : array (part,) of bool
        Whether the largest change lies beyond the tolerance when what plain runs may have lost to
        rounding is taken off: then it is a counter-example. False where that was not looked at.
    share_limit : array (part,)
        At most this share of all pairs moves it by more, with the confidence given; the share
        itself where all pairs were tried.
    title : array (part,) of str
        What each part is called.
    lag_from, lag_to : array (part,) of int
        Newest and oldest lag of each.
    draws : int
        Pairs that were tried for each part.
    exhaustive : bool
        Whether these were all there are.
    confidence : float
        Of each part's limit by itself; 1 where all pairs were tried.
    samples, values : int
        Windows, and observed values of each part.
    single : bool
        Whether draws were made in single precision.
    """

    largest: Array = declared("part")
    window: NDArray[np.int64] = declared("part")
    value_from: NDArray[np.int64] = declared("part")
    forecast_before: Array = declared("part")
    forecast_after: Array = declared("part")
    tolerance: Array = declared("part")
    exceeded: NDArray[np.int64] = declared("part")
    moved: NDArray[np.bool_] = declared("part")
    share_limit: Array = declared("part")
    title: NDArray[np.str_] = declared("part")
    lag_from: NDArray[np.int64] = declared("part")
    lag_to: NDArray[np.int64] = declared("part")
    draws: int
    exhaustive: bool
    confidence: float
    samples: int
    values: int
    single: bool = False

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found for each part, in words."""
        return tuple(self._sentence(k) for k in range(len(self.title)))

    def _sentence(self, k: int) -> str:
        count, d = int(self.exceeded[k]), f"{self.tolerance[k]:.3g}"
        none = "none" if count == 0 else f"{count:,}"
        tried = f"all {self.draws:,} pairs" if self.exhaustive else f"{self.draws:,} draws"
        counted = f"{self.title[k]}: in {tried} {none} moved the forecast by more than {d}"
        if self.exhaustive:
            return counted
        limit = ceil(self.share_limit[k] * 1e5 - 1e-9) / 1e3  # in percent, rounded up
        return f"{counted}: with {100 * self.confidence:g} % confidence at most {limit:g} % do"


def draws_needed(share: float = SHARE, confidence: float = CONFIDENCE) -> int:
    """Give the draws of which none may exceed for a share to be excluded.

    Examples
    --------
    >>> draws_needed(0.001, 0.99)
    4603
    """
    for name, value in (("share", share), ("confidence", confidence)):
        if not 0 < value < 1:
            raise InputError(f"the {name} must be between 0 and 1, but is {value}")
    return ceil(log(1 - confidence) / log(1 - share))


def share_limit(exceeded: int, draws: int, confidence: float = CONFIDENCE) -> float:
    """Give the upper limit of a share from the draws that exceeded.

    Examples
    --------
    >>> round(share_limit(0, 4603), 6), share_limit(5, 5)
    (0.001, 1.0)
    """
    return float(_share_limits(np.array([exceeded]), draws, confidence)[0])


def _share_limits(exceeded: NDArray[np.int64], draws: int, confidence: float) -> Array:
    """Give the limits of several parts: the share at which so few or fewer has what is left."""
    from scipy.special import betaincinv

    # the binomial distribution function is an incomplete beta function of the share
    inner = np.minimum(exceeded, draws - 1)
    limits = np.asarray(betaincinv(inner + 1.0, draws - inner, confidence))
    return np.where(exceeded < draws, limits, 1.0)


def scenario(
    windows: Replacement,
    parts: Sequence[Part],
    *,
    values: ArrayLike | None = None,
    tolerance: float | None = None,
    draws: int | None = None,
    confidence: float = CONFIDENCE,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Scenario:
    """Replace each part by observed values and see how far forecasts move.

    It is made sure of each doubtful part whether it moved one: that bounds what rounding does to
    two windows, which of large networks takes longer than all draws.

    Shapes: values (window, step, feature).
    """
    wanted = _checked(draws, tolerance, draws_needed(confidence=confidence))
    if not parts:
        raise InputError("there is no part to replace: give at least one lag, feature or group")
    data = windows.x if values is None else checked_data(values, windows.x)
    runs = windows if tolerance is None else windows.resolving(tolerance)
    pairs = len(windows.x) * len(data)
    exhaustive = pairs <= wanted
    drawn = []
    for part in parts:
        if exhaustive:
            pair = np.arange(pairs)
        else:
            rng = np.random.default_rng([seed, *part.places.tolist()])
            pair = rng.integers(pairs, size=wanted)
        drawn.append(_Pairs(part, data, *np.divmod(np.sort(pair), len(data))))
    if worth_sharing(runs, parts):
        # what was drawn twice is run once
        once = [one.distinct() for one in drawn]
        made = changes_of_steps(runs, [one.of_steps(runs) for one, _ in once], progress)
        changes: Iterable[Array] = (
            change[places] for change, (_, places) in zip(made, once, strict=True)
        )
    else:
        changes = _changes(runs, drawn, progress)
    counted = [_counted(one, tolerance) for one in changes]
    moves = _largest_moves(windows, drawn, counted)
    tried = pairs if exhaustive else wanted
    exceeded = np.array([move.exceeded for move in moves])
    return Scenario(
        largest=np.array([move.change for move in moves]),
        window=np.array([move.window for move in moves]),
        value_from=np.array([move.value_from for move in moves]),
        forecast_before=np.array([move.before for move in moves]),
        forecast_after=np.array([move.before + move.change for move in moves]),
        tolerance=np.array([move.tolerance for move in moves]),
        exceeded=exceeded,
        moved=np.array([move.moved for move in moves]),
        share_limit=exceeded / tried if exhaustive else _share_limits(exceeded, tried, confidence),
        title=np.array([part.title for part in parts]),
        lag_from=np.array([part.lags[0] for part in parts]),
        lag_to=np.array([part.lags[1] for part in parts]),
        draws=tried,
        exhaustive=exhaustive,
        confidence=1.0 if exhaustive else confidence,
        samples=len(windows.x),
        values=len(data),
        single=runs.single,
    )


def _checked(draws: int | None, tolerance: float | None, needed: int) -> int:
    if draws is not None and draws < 1:
        raise InputError(f"the number of draws must be 1 or more, but is {draws}")
    if tolerance is not None and not tolerance >= 0:
        raise InputError(f"the tolerance must be zero or more, but is {tolerance}")
    return needed if draws is None else draws


@dataclass(frozen=True)
class _Counted:
    """Which row of a part moved a forecast most, by how much, and how many moved one too far."""

    row: int
    tolerance: float
    exceeded: int


@dataclass(frozen=True)
class _LargestMove:
    """The pair of one part that moved a forecast most, and how many moved one too far."""

    change: float
    window: int
    value_from: int
    before: float
    tolerance: float
    exceeded: int
    moved: bool


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The pairs of one part: a window each, and the observed window that values come from."""

    part: Part
    data: Array
    which: NDArray[np.int64]
    taken: NDArray[np.int64]

    def mixed(self, x: Array, rows: int | slice) -> Array:
        """Give one of the windows, or some, with the part replaced: ([row,] step, feature)."""
        return np.where(self.part.hidden, self.data[self.taken[rows]], x[self.which[rows]])

    def alone(self, row: int) -> _Pairs:
        """Give one of the pairs by itself."""
        return _Pairs(self.part, self.data, self.which[[row]], self.taken[[row]])

    def distinct(self) -> tuple[_Pairs, NDArray[np.int64]]:
        """Give each pair once, and which of them each of these is; they are in rising order."""
        new = np.ones(len(self.which), bool)
        new[1:] = (np.diff(self.which) != 0) | (np.diff(self.taken) != 0)
        alone = _Pairs(self.part, self.data, self.which[new], self.taken[new])
        return alone, new.cumsum() - 1

    def of_steps(self, windows: Replacement) -> Replaced:
        """Give the same as values of the steps that the part touches."""
        x, (first, count), touched = windows.x, self.part.span, self.part.touched

        def values(rows: NDArray[np.int64]) -> Array:
            own, other = x[self.which[rows], touched], self.data[self.taken[rows], touched]
            return np.where(self.part.hidden[touched], other, own)

        return Replaced(first, count, self.which, values)


def _changes(
    windows: Replacement, drawn: Sequence[_Pairs], progress: Callable[[int, int], None] | None
) -> Iterator[Array]:
    """Give what each part's pairs change, from whole windows: (row,) each."""
    for done, pairs in enumerate(drawn):
        change = np.empty(len(pairs.which))
        for block in blocks(len(change), windows.x[0].size):
            which = pairs.which[block]
            forecast = windows.forecast(which, pairs.mixed(windows.x, block))
            change[block] = forecast - windows.own[which]
        yield change
        if progress:
            progress(done + 1, len(drawn))


def _counted(change: Array, tolerance: float | None) -> _Counted:
    """Count the pairs of one part that moved a forecast too far: change (row,)."""
    sizes = np.abs(change)
    row = int(sizes.argmax())
    limit = float(sizes[row]) if tolerance is None else float(tolerance)
    return _Counted(row, limit, int((sizes > limit).sum()))


def _again(
    windows: Replacement,
    pairs: Sequence[_Pairs],
    rows: Sequence[int],
    which: NDArray[np.int64],
) -> tuple[Array, Array]:
    """Forecast windows, and one pair of each part: which (part,) -> (part,) each."""
    if worth_sharing(windows, [one.part for one in pairs]):
        some, places = np.unique(which, return_inverse=True)
        own = windows.forecast(some, windows.x[some])[places]
        # of all parts at once, so that windows themselves are followed once
        alone = [one.alone(row).of_steps(windows) for one, row in zip(pairs, rows, strict=True)]
        return own, own + np.concatenate(changes_of_steps(windows, alone))
    own, after = np.empty((2, len(pairs)))
    for block in blocks(len(pairs), windows.x[0].size):
        some = zip(pairs[block], rows[block], strict=True)
        furthest = np.stack([one.mixed(windows.x, row) for one, row in some])
        both = np.concatenate([windows.x[which[block]], furthest])
        own[block], after[block] = windows.forecast(np.tile(which[block], 2), both).reshape(2, -1)
    return own, after


def _largest_moves(
    windows: Replacement,
    drawn: Sequence[_Pairs],
    counted: Sequence[_Counted],
) -> list[_LargestMove]:
    """Run the pair of each part that moved a forecast most again, in double precision."""
    rows = [one.row for one in counted]
    which = np.array([pairs.which[row] for pairs, row in zip(drawn, rows, strict=True)])
    unsure = [
        one.exceeded > 0 and pairs.part.doubtful for one, pairs in zip(counted, drawn, strict=True)
    ]
    enclosed = sum(unsure) * windows.enclosing <= ENCLOSED
    own, after = _again(windows, drawn, rows, which)
    moves = []
    for place, (pairs, one) in enumerate(zip(drawn, counted, strict=True)):
        w, before = int(which[place]), float(own[place])
        least = 0.0
        if unsure[place]:
            furthest = pairs.mixed(windows.x, one.row)
            least = windows.least_move(w, furthest, enclosed=enclosed)
        moves.append(
            _LargestMove(
                change=float(after[place]) - before,
                window=w,
                value_from=int(pairs.taken[one.row]),
                before=before,
                tolerance=one.tolerance,
                exceeded=one.exceeded,
                moved=one.exceeded > 0 and least > one.tolerance,
            )
        )
    return moves
