"""Whether contributions say what hiding lags really does to the forecast.

Lags are hidden, all of their features together, by giving them their baseline values.

*Deletion* hides lags in the order of their absolute contribution, *insertion* shows them in that
order and hides the rest; each curve is the mean distance to the forecast over the windows,

    distance(S) = |f(x) - f(x with S hidden)| / scale,     scale^2 = mean (f(x) - f(baseline))^2

so that 1 is what hiding everything does. A right order makes the first rise early and the second
fall early; both are compared with random orders (Samek et al. 2017, "Evaluating the visualization
of what a deep neural network has learned"; for images the curve is of a class score, here of a
distance, so that forecasts count that rise and those that fall). *Comprehensiveness* and
*sufficiency* (DeYoung et al. 2020, "ERASER") are their values at the most important fifth of the
lags: what is lost without them, and what is still missing with them alone.

Failure: windows of which a part is hidden may be unlike any in the data, and the network's answer
to them may be no guide; the baseline is part of every figure here. The scores AUP and AUR of the
saliency literature are left out: they measure the scale of a map, not its order.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.question import Question
from rnnlens.checks.hidden import Ends, hidden_forecasts
from rnnlens.names import declared

__all__ = ["LONG", "TOP", "Curves", "curves"]

Hidden = NDArray[np.bool_]

#: The part of the lags that comprehensiveness and sufficiency take as the most important.
TOP = 0.2
#: Points of a curve at the most, its ends aside: of windows of more than `LONG` steps half of them,
#: evenly placed. The result says which in ``removed``.
POINTS, LONG = 24, 256


@dataclass(frozen=True, eq=False, kw_only=True)
class Curves:
    """Deletion and insertion curves with their areas.

    Parameters
    ----------
    removed : array (removed,) of int
        Lags that a curve's points hide (deletion) or show (insertion).
    deletion, insertion : array (removed,)
        Mean distance to the forecast, 1 where everything is hidden as a rule.
    deletion_random, insertion_random : array (removed,)
        The same for random orders.
    deletion_area, insertion_area, deletion_area_random, insertion_area_random : float
        Areas under them over the fraction of lags.
    deletion_gain, insertion_gain : float
        By how much the order by contributions is better than random ones: mean over windows of
        the difference of areas, positive where better.
    deletion_gain_error, insertion_gain_error : float
        Its standard error as if windows were independent; NaN for a single window.
    comprehensiveness, comprehensiveness_random : float
        Distance without the most important lags, and without as many random ones.
    sufficiency, sufficiency_random : float
        Distance with the most important lags alone, and with as many random ones.
    top : int
        How many lags count as the most important.
    """

    removed: NDArray[np.int64]
    deletion: Array = declared(
        "removed", long_name="distance to the forecast, most important lags hidden"
    )
    insertion: Array = declared(
        "removed", long_name="distance to the forecast, most important lags alone shown"
    )
    deletion_random: Array = declared(
        "removed", long_name="distance to the forecast, random lags hidden"
    )
    insertion_random: Array = declared(
        "removed", long_name="distance to the forecast, random lags alone shown"
    )
    deletion_area: float = declared()
    insertion_area: float = declared()
    deletion_area_random: float = declared()
    insertion_area_random: float = declared()
    deletion_gain: float = declared()
    insertion_gain: float = declared()
    deletion_gain_error: float = declared()
    insertion_gain_error: float = declared()
    comprehensiveness: float = declared()
    comprehensiveness_random: float = declared()
    sufficiency: float = declared()
    sufficiency_random: float = declared()
    top: int = declared()


def _grid(steps: int) -> NDArray[np.int64]:
    """Give the numbers of lags at which curves are taken, the same from either end."""
    top, points = ceil(TOP * steps), POINTS if steps <= LONG else POINTS // 2
    half = np.unique(np.round(np.linspace(0, steps, min(steps, points) + 1)).astype(int))
    return np.unique(np.concatenate([half, steps - half, [top, steps - top]]))


def _first(order: NDArray[np.int64], counts: NDArray[np.int64]) -> Hidden:
    """Mark the first few of each order: (sample, count, step)."""
    place = np.argsort(order, axis=1)
    return place[:, None] < counts[None, :, None]


def curves(
    question: Question, contribution: Array, ends: Ends, *, draws: int = 8, seed: int = 0
) -> Curves:
    """Hide and show lags in the order of their contributions (sample, lag)."""
    counts = _grid(contribution.shape[1])
    sets = _sets(contribution, counts, draws, seed)
    away = np.abs(hidden_forecasts(question, sets) - ends.forecast[:, None])
    distance = away.reshape(len(away), 2 + draws, len(counts)) / ends.scale
    # as many are hidden at random, counted from one end, as are shown at random from the other
    hidden = distance[:, 2:].mean(axis=1)
    return _measured(counts, distance[:, 0], distance[:, 1], hidden)


def _sets(contribution: Array, counts: NDArray[np.int64], draws: int, seed: int) -> Hidden:
    """Give what is hidden: by contribution, all but that, and at random (sample, variant, step)."""
    rng = np.random.default_rng(seed)
    order = np.argsort(-np.abs(contribution[:, ::-1]), axis=1, kind="stable")
    own = _first(order, counts)
    random = [np.argsort(rng.random(contribution.shape), axis=1) for _ in range(draws)]
    return np.concatenate([own, ~own, *(_first(each, counts) for each in random)], axis=1)


def _measured(
    counts: NDArray[np.int64], deletion: Array, insertion: Array, hidden: Array
) -> Curves:
    """Make the result from each window's curves (sample, removed)."""
    steps, shown = counts[-1], hidden[:, ::-1]
    area = [np.trapezoid(each, counts / steps, axis=1) for each in (deletion, insertion, hidden)]
    gains = area[0] - area[2], area[2] - area[1]
    top = int(np.flatnonzero(counts == ceil(TOP * steps))[0])
    return Curves(
        removed=counts,
        deletion=deletion.mean(axis=0),
        insertion=insertion.mean(axis=0),
        deletion_random=hidden.mean(axis=0),
        insertion_random=shown.mean(axis=0),
        deletion_area=float(area[0].mean()),
        insertion_area=float(area[1].mean()),
        deletion_area_random=float(area[2].mean()),
        insertion_area_random=float(area[2].mean()),
        deletion_gain=float(gains[0].mean()),
        insertion_gain=float(gains[1].mean()),
        deletion_gain_error=_error(gains[0]),
        insertion_gain_error=_error(gains[1]),
        comprehensiveness=float(deletion[:, top].mean()),
        comprehensiveness_random=float(hidden[:, top].mean()),
        sufficiency=float(insertion[:, top].mean()),
        sufficiency_random=float(shown[:, top].mean()),
        top=int(counts[top]),
    )


def _error(values: Array) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
