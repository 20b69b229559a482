"""How far the secant method is from exact Shapley values, measured on some of the windows.

Secant contributions sum exactly, but lag by lag they approximate the Shapley values. The audit
takes at most 100 windows, one drawn at random from each of as many stretches of equal length, runs
the exact tree on them (`rnnlens.attribution.methods.shapley_tree`), and compares: the secant
contributions of each lag, summed over features, minus the lag's exact value. Exact for the windows
it takes; over the others it says as much as a sample does. Cost: that of the tree, at most a
part of what the contributions themselves cost that the caller states. Where even the fewest lags of
one window cost more, both are compared against some of the backgrounds alone, evenly taken.

Where lags were brought to their exact values already (`rnnlens.attribution.refined`) and no more of
them fit, what secant missed before that is known at no cost, in every window: then that is the
audit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.budget import Cost
from rnnlens.attribution.games.costs import BUDGET
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import NEWEST, shapley_tree
from rnnlens.attribution.question import Progress, Question
from rnnlens.attribution.result import LagContribution
from rnnlens.engine.recurrent_layers import cells_of
from rnnlens.engine.schedule.plan import evenly
from rnnlens.names import counted, declared, told

__all__ = [
    "AUDITED",
    "SECANT_CELL",
    "Audit",
    "audit",
    "audit_cells",
    "audit_of_refined",
    "can_be_audited",
    "spread",
    "windows_text",
]

#: Windows that an audit takes at the most.
AUDITED = 100
#: Lags that are kept as players before windows are left out, and windows that are kept for them.
LEAST_LAGS, LEAST_WINDOWS = 6, 5
#: Lags that are taken one by one beyond those that are exact already.
MORE = 2
#: What a cell of secant takes beside one of a tree, about: it runs more windows together.
SECANT_CELL = 0.5
#: The share of all contribution whose lags an audit covers: those that the forecast can see.
SEEN = 0.95


@dataclass(frozen=True, eq=False, kw_only=True)
class Audit:
    """The difference between secant contributions and exact values.

    Parameters
    ----------
    difference : array (sample, lag)
        Secant sum of the lag minus its Shapley value, in the target's own unit.
    windows : array (sample,) of int
        Which windows were taken.
    lag_from, lag_to : array (lag,) of int
        First and last lag of each player, newest first.
    largest, mean : float
        Of the absolute differences, in the target's own unit.
    size : float
        Mean absolute exact value, in the target's own unit.
    cells : int
        Cell evaluations that the exact values took.
    refined : bool
        Whether these lags hold the exact values by now.
    inputs : bool
        Whether whole inputs were players, for their lags are too many.
    backgrounds : int
        Windows that both were compared against, where they are not all that there are; else 0.
    """

    difference: Array = declared("sample", "lag")
    windows: NDArray[np.int64]
    lag_from: NDArray[np.int64]
    lag_to: NDArray[np.int64]
    largest: float
    mean: float
    size: float
    cells: int
    refined: bool = False
    inputs: bool = False
    backgrounds: int = 0

    @property
    def largest_share(self) -> float:
        """The largest difference in the mean size; NaN where all exact values are zero."""
        return self.largest / self.size if self.size > 0 else float("nan")

    @property
    def mean_share(self) -> float:
        """The mean difference in the mean size; NaN where all exact values are zero."""
        return self.mean / self.size if self.size > 0 else float("nan")

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        values = {
            "players": told("whole inputs") if self.inputs else told("lags"),
            "windows": windows_text(len(self.windows)),
            "mean": self.mean,
            "mean_share": self.mean_share,
            "largest": self.largest,
            "largest_share": self.largest_share,
        }
        if self.refined:
            return told(
                "secant against exact Shapley values of {players} in {windows}, before they took "
                "its place: mean difference {mean:.3g} ({mean_share:.1%} of the mean size), "
                "largest {largest:.3g} ({largest_share:.1%})",
                **values,
            )
        return told(
            "secant against exact Shapley values of {players} in {windows}: mean difference "
            "{mean:.3g} ({mean_share:.1%} of the mean size), largest {largest:.3g} "
            "({largest_share:.1%})",
            **values,
        )


def windows_text(count: int) -> str:
    """Count windows, in words."""
    return counted(count, "{count} window", "{count:,} windows")


def spread(windows: int, most: int, seed: int) -> NDArray[np.int64]:
    """Draw windows evenly spread over all.

    Examples
    --------
    >>> spread(4, 100, seed=0), len(spread(1000, 100, seed=0))
    (array([0, 1, 2, 3]), 100)
    """
    if windows <= most:
        return np.arange(windows)
    edges = np.linspace(0, windows, most + 1).astype(np.int64)
    return np.random.default_rng(seed).integers(edges[:-1], edges[1:])


def can_be_audited(question: Question) -> bool:
    """Say whether exact values of anything can be had: inputs may be too many to be players."""
    one = Cost(replace(question, groups=None), by_feature=False)
    return one.exact(one.fewest) is not None


def audit(
    question: Question,
    contribution: Array,
    *,
    budget: int = BUDGET,
    most: int = AUDITED,
    beyond: int = 0,
    known: Audit | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Audit:
    """Compare contributions (sample, lag, feature) with exact Shapley values of lags.

    They may be exact values already of the newest lags, so many that ``beyond`` says: where that
    can be, more are taken one by one, for what stands together is exact too. Where it cannot, what
    is known of those lags from before is all that there is to say.
    """
    by_itself = replace(question, groups=None)
    taken, lags = _fitting(question, _seen(contribution), budget, most, beyond)
    if known is not None and lags <= beyond:
        return known
    windows = spread(question.windows, taken, seed)
    asked, by_lag = by_itself.part(windows).with_newest(lags), contribution[windows].sum(axis=2)
    few = _backgrounds(asked, lags, budget)
    if few and not beyond:
        stands_in = asked.one_window("auto")
        chosen = evenly(len(stands_in.windows), few)
        some = replace(stands_in, windows=tuple(stands_in.windows[k] for k in chosen))
        asked = asked.against(some)
        by_lag = secant(asked).contribution.sum(axis=2)
    exact = shapley_tree(asked, progress=progress)
    return replace(
        _compared(by_lag, exact, windows), inputs=lags == 0, backgrounds=0 if beyond else few
    )


def audit_of_refined(contribution: Array, exact: LagContribution) -> Audit:
    """Compare what secant gave (sample, lag, feature) with the exact values that took its place."""
    compared = _compared(contribution.sum(axis=2), exact, np.arange(len(contribution)))
    return replace(compared, refined=True, cells=0)


def _compared(by_lag: Array, exact: LagContribution, windows: NDArray[np.int64]) -> Audit:
    """Measure how far sums by lag (sample, lag) are from exact values."""
    sums = np.stack([by_lag[:, places].sum(axis=1) for places in exact.places], axis=1)
    difference = sums - exact.contribution
    away = np.abs(difference)
    return Audit(
        difference=difference,
        windows=windows,
        lag_from=exact.lag_from,
        lag_to=exact.lag_to,
        largest=float(away.max()),
        mean=float(away.mean()),
        size=float(np.abs(exact.contribution).mean()),
        cells=exact.cells,
    )


def audit_cells(
    question: Question, *, budget: int = BUDGET, most: int = AUDITED, beyond: int = 0
) -> int:
    """Say about how many cells an audit will take, before it is known what the forecast sees."""
    windows, lags = _fitting(question, LEAST_LAGS, budget, most, beyond)
    if beyond and lags <= beyond:
        return 0
    one = replace(question, groups=None).part(slice(0, 1))
    cells = windows * (Cost(one, by_feature=False).exact(lags) or 0)
    few = 0 if beyond else _backgrounds(one, lags, budget)
    return cells if not few else cells * few // len(one.one_window("auto").windows)


def _backgrounds(question: Question, lags: int, budget: int) -> int:
    """Give the backgrounds that fit a budget where not all of them do, at least one; else 0."""
    count = len(question.one_window("auto").windows)
    cells = Cost(question, by_feature=False).exact(lags) or 0
    if cells <= budget or count == 1:
        return 0
    # secant, which is asked of them anew, takes three runs of each
    layers = cells_of(question.network)
    again = int(SECANT_CELL * 3 * question.windows * question.steps * layers)
    return min(count, max(1, budget // (cells // count + again)))


def _fitting(question: Question, seen: int, budget: int, most: int, beyond: int) -> tuple[int, int]:
    """Give the windows and the lags that an audit takes: those that fit the budget."""
    one = Cost(replace(question, groups=None).part(slice(0, 1)), by_feature=False)
    lags = _lags(question, seen, beyond)
    return _sizes(one, min(question.windows, most), lags, budget, beyond)


def _lags(question: Question, seen: int, beyond: int) -> tuple[int, int]:
    """Give the fewest and the most lags that an audit takes one by one."""
    newest = min(question.newest_or(NEWEST), question.steps)
    return min(max(LEAST_LAGS, seen, beyond + MORE if beyond else 0), newest), newest


def _seen(contribution: Array) -> int:
    """Count the newest lags that hold nearly all contribution (sample, lag, feature)."""
    size = np.abs(contribution.sum(axis=2)).mean(axis=0)
    return int(np.searchsorted(size.cumsum(), SEEN * size.sum())) + 1 if size.any() else 1


def _sizes(
    one: Cost, windows: int, lags: tuple[int, int], budget: int, beyond: int
) -> tuple[int, int]:
    """Give the windows and the lags that fit the budget, from the cost of one window."""
    least, most = lags
    fitting = one.fits(most, budget // max(1, windows))
    if fitting >= least:
        return windows, fitting
    fitting = one.fits(least, budget // min(windows, LEAST_WINDOWS))
    if fitting <= beyond:  # what is exact already says nothing: rather one window than that
        fitting = one.fits(least, budget) or one.fewest
    return max(1, min(windows, budget // (one.exact(fitting) or budget))), fitting
