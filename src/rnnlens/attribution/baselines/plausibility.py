"""How unlike the data the windows are that a method shows to the network.

A baseline may be as usual as any step of the data and its mixtures with a window still be unlike
anything: half a summer's day glued to half a mean. One figure says so. For each cut of a window
into older steps that are hidden and newer ones that are shown, the two neighbouring steps on either
side of the cut are put among all neighbouring steps of the data, by their Mahalanobis distance from
the mean. The *place* is the share of the data that lie nearer: close to 1 the jump between baseline
and window is one that the data never make, close to 0 it is flatter than all of them, and 1/2 on
average where the mixtures are drawn like the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError
from scipy.linalg.lapack import dpotrf, dtrtri  # pyright: ignore[reportAttributeAccessIssue]

from rnnlens.attribution.baselines.baseline import Array, Baseline, apart, free_features
from rnnlens.attribution.baselines.conditional import GaussianConditional
from rnnlens.attribution.baselines.covariance import WindowMoments, window_moments
from rnnlens.attribution.baselines.rows import Rows
from rnnlens.attribution.baselines.windows import RealWindows
from rnnlens.engine.schedule.plan import evenly
from rnnlens.errors import DataError

__all__ = ["mixed_place"]

#: Windows and cuts that are looked at: spread evenly over those given.
MOST_SAMPLES = 100
#: Neighbouring steps of the data that they are compared with, as far apart where there are more.
MOST_PAIRS = 5_000
MOST_CUTS = 8
#: Data whose moments are kept, those that were looked at last.
MOST_KEPT = 8
#: Numbers of such pairs that are laid out at once, about: a quarter of a megabyte.
MOST_NUMBERS = 1 << 14


def mixed_place(
    baseline: Baseline | GaussianConditional,
    x: Array,
    *,
    real: NDArray[np.bool_] | None = None,
    background: Array | RealWindows | None = None,
) -> float:
    """Say how unlike the data the mixtures of windows and baseline are; NaN where data are too few.

    Shapes: x (sample, step, feature), real (sample, step) of bool, background (window, step,
    feature), or with what of it is data.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlens.attribution.baselines.baseline import make_baseline
    >>> x = np.random.default_rng(0).normal(size=(200, 6, 2)).cumsum(axis=1)
    >>> mixed_place(make_baseline(np.full((6, 2), 30.0), x), x) > 0.99
    True
    """
    steps = x.shape[1]
    data = RealWindows(x, real) if background is None else RealWindows.of(background)
    free = free_features(x.shape[2], baseline.held)
    if steps < 2 or not len(free):
        return float("nan")
    places = data.values.shape[1] - 1
    between = apart(len(data.values) * places, places, most=MOST_PAIRS)
    described = _kept(Rows(data.values, free, 2, every=between, real=data.real))
    if described is None:
        return float("nan")
    ranks = _Ranks(described)
    which = slice(None) if len(x) <= MOST_SAMPLES else evenly(len(x), MOST_SAMPLES)
    some, part = x[which], None if real is None else real[which]
    cuts = 1 + evenly(steps - 1, MOST_CUTS)
    # a mixture of padding and data is no mixture of data
    both = None if part is None else part[:, cuts - 1] & part[:, cuts]
    for at, pairs in _pairs(baseline, which, some, cuts):
        of_free = pairs if len(free) == x.shape[2] else pairs[..., free]
        if both is not None:
            of_free = of_free[np.broadcast_to(both[:, at], pairs.shape[:-2])]
        ranks.rank(of_free.reshape(-1, 2 * len(free)))
    return ranks.mean


def _pairs(
    baseline: Baseline | GaussianConditional,
    which: slice | NDArray[np.int64],
    x: Array,
    cuts: NDArray[np.int64],
) -> Iterator[tuple[slice, Array]]:
    """Give the numbers of some cuts and the two steps at each, by draw or some backgrounds.

    Padding and held features are not looked at, so that what stands in for them does not matter.

    Shapes: the second is (..., sample, cut, 2, feature).
    """
    if isinstance(baseline, GaussianConditional):
        for at, cut in enumerate(cuts):
            shown = np.arange(x.shape[1]) >= cut
            for one in baseline.stand_in(x, shown[None])[:, 0].swapaxes(0, 1):
                yield slice(at, at + 1), one[:, None, cut - 1 : cut + 1]
        return
    shown, kept = x[:, cuts], None if baseline.kept is None else baseline.kept[cuts - 1]
    windows = [_before(window, cuts) for window in baseline.part(which).windows]
    abreast = max(1, MOST_NUMBERS // max(1, shown.size))
    for first in range(0, len(windows), abreast):
        few = windows[first : first + abreast]
        pairs = np.empty((len(few), *shown.shape[:2], 2, x.shape[2]), x.dtype)
        pairs[..., 1, :] = shown
        for own, window in zip(pairs, few, strict=True):
            own[:, :, 0] = window if kept is None else np.where(kept, x[:, cuts - 1], window)
        yield slice(None), pairs


def _before(window: Array, cuts: NDArray[np.int64]) -> Array:
    """Give the step before each cut of a window, or the one that is the same at every step."""
    return window if window.shape[1] == 1 else window[:, cuts - 1]


class _Data(NamedTuple):
    """What rows of data are compared with: their moments, and the distances from their mean.

    The whitening (number, number) is the inverse of the Cholesky factor of their covariance; the
    distances (row,) rise.
    """

    moments: WindowMoments
    whitening: Array
    ordered: Array


@dataclass(eq=False)
class _Ranks:
    """Where others came among the distances of the data from their mean.

    Parameters
    ----------
    data : _Data
        What they are compared with.
    total, count : int
        Sum of the places of those that were ranked, and how many they are.
    """

    data: _Data
    total: int = 0
    count: int = 0

    def rank(self, windows: Array) -> None:
        """Take up the places of some rows."""
        if not len(windows):
            return
        distances = _distances(windows, self.data.moments, self.data.whitening)
        self.total += int(np.searchsorted(self.data.ordered, distances).sum())
        self.count += len(distances)

    @property
    def mean(self) -> float:
        """The mean share of the data that lie nearer to their mean."""
        return self.total / self.count / len(self.data.ordered) if self.count else float("nan")


#: What was made of the rows that were looked at last, by their numbers.
_KEPT: dict[bytes, _Data | None] = {}


def _kept(rows: Rows) -> _Data | None:
    """Describe the data, or give what was made of the same numbers before.

    A background is the same for every window that is asked about beside it, and for every verb.
    """
    digest = blake2b(f"{rows.numbers}".encode(), digest_size=20)
    for block in rows.blocks():
        digest.update(np.ascontiguousarray(block).data)
    key = digest.digest()
    with suppress(KeyError):  # another thread may take out what is there
        return _KEPT[key]
    made = _described(rows)
    while len(_KEPT) >= MOST_KEPT:
        _KEPT.pop(next(iter(_KEPT)), None)
    _KEPT[key] = made
    return made


def _described(rows: Rows) -> _Data | None:
    """Order the data by their distance; None where there are too few or none that change."""
    if not len(rows):
        return None
    try:
        moments = window_moments(rows)
    except DataError:
        return None
    if not len(moments.varying):
        return None
    # made once: rows come in many small parts, and a product takes a part less than a solution
    whitening = _inverse_factor(moments.covariance)
    ordered = rows.each(lambda block: _distances(block, moments, whitening))
    ordered.sort()
    return _Data(moments, whitening, ordered)


def _inverse_factor(covariance: Array) -> Array:
    """Give the inverse of the Cholesky factor: of LAPACK itself, which is asked for few numbers."""
    factor, failed = dpotrf(covariance, lower=1, clean=1)
    if failed:
        raise LinAlgError("the covariance of the data is not positive definite")
    return dtrtri(factor, lower=1)[0]


def _distances(rows: Array, moments: WindowMoments, whitening: Array) -> Array:
    if len(moments.varying) < rows.shape[1]:
        away = rows[:, moments.varying] - moments.mean[moments.varying]
    else:
        away = rows - moments.mean
    scaled = away @ whitening.T
    return np.einsum("nk,nk->n", scaled, scaled)
