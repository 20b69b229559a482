"""The distribution of long windows: a step, given all newer ones, depends on its neighbours alone.

The T F numbers of a window are often more than there are windows, and the covariance of all of them
cannot be learned then. That of p + 1 neighbouring steps can:

    x_t | x_t+1, x_t+2, ...  ~  N( m_t + A_t (x - m)_(t+1 .. t+p), S_t )

is the distribution with the covariances of the data within p steps that assumes nothing else
(largest entropy; Dempster 1972, "Covariance selection"). What is hidden then depends on what is
shown within p steps on either side of it, and on nothing beyond; for a VAR process of order p that
is exact. The covariances belong to each step's place in the window, so that windows that always
begin at midnight keep their hours apart. Correlations are shrunk twice,

    R' = (1 - D)^1/2 ((1 - a) R + a R_own) (1 - D)^1/2 + D

with R_own those of each feature with itself alone: with few windows for the number of features
most correlations between features are noise. D has a share s of its own for each feature: what is
lost in a rough one does not smear a smooth one. Taken are first the s under which a step of a
feature is likeliest, given its own newer neighbours, in windows that were left out; then the a, an
addition to all s, and the p under which all of the step is. Each third of the windows, as they
stand in time, is left out once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.linalg.lapack import get_lapack_funcs

from rnnlens.attribution.baselines.rows import rows_of
from rnnlens.engine.schedule.threads import each
from rnnlens.errors import DataError
from rnnlens.names import counted, told

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["FEWEST_WINDOWS", "BandMoments", "Shrinking", "band_moments"]

Array = NDArray[np.float64]
Places = NDArray[np.int64]

#: Without the checks of their usual names, which take most of the time of small tables.
_potrf, _trtrs = get_lapack_funcs(("potrf", "trtrs"), dtype=np.float64)
#: Windows without which nothing can be left out to choose a band.
FEWEST_WINDOWS = 20
#: Bands that are tried, and shrinkages of either kind.
BANDS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
TOWARDS_OWN = (0.0, 0.3, 0.7, 1.0)
RIDGES = (*10.0 ** np.arange(-6.0, 0.0, 0.5), 1.0)
MORE_RIDGE = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3)
#: Numbers of neighbouring steps that a band may hold, and windows there must be for each of them.
MOST_IN_BAND, WINDOWS_EACH = 240, 3
#: Features beyond which even two steps take too much memory and time.
MOST_FEATURES = 600
#: Parts of the windows, one of which is left out at a time; places of the window that are tried.
PARTS, PLACES = 3, 4
#: Numbers of a block that are looked at together, or those within a band where these are more.
BLOCK = 96
#: Rows of windows and draws that are solved for at once: what they hold fits the cache.
ROWS = 512
#: A number that varies less than this, beside all windows, says nothing of windows left out.
LEAST_VARYING = 1e-2


@dataclass(frozen=True)
class Shrinking:
    """How correlations are shrunk.

    Parameters
    ----------
    towards_own : float
        Share that is taken off the correlations between features.
    ridge : tuple of float
        Share of the identity, by feature.
    """

    towards_own: float
    ridge: tuple[float, ...]

    def of(self, R: Array) -> Array:
        """Shrink the correlations of neighbouring steps: R (step * feature, step * feature)."""
        share, ridge = self.shares(len(R))
        return share * R + np.diag(ridge)

    def shares(self, size: int) -> tuple[Array, Array]:
        """Give what correlations of so many numbers are multiplied by, and the ridge added."""
        feature = np.arange(size) % len(self.ridge)
        ridge = np.asarray(self.ridge)[feature]
        apart = np.where(feature[:, None] == feature, 1.0, 1.0 - self.towards_own)
        return np.sqrt(np.outer(1 - ridge, 1 - ridge)) * apart, ridge

    def more(self, towards_own: float, ridge: float) -> Shrinking:
        """Shrink all features by a share more."""
        both = tuple(1 - (1 - one) * (1 - ridge) for one in self.ridge)
        return Shrinking(towards_own, both)


@dataclass(frozen=True, eq=False)
class BandMoments:
    """Mean and precision of the numbers of a window, step by step and feature by feature.

    Parameters
    ----------
    mean : array (step * feature,)
        Of every number.
    places : array (step * moving,) of int
        The numbers of the features that change at all; a few of them may never.
    deviation : array (step * moving,)
        Standard deviation of those; 0 for a number that never changes.
    steps : int
        Steps of a window.
    band : int
        Steps on either side of what is hidden that it depends on.
    shrinking : Shrinking
        What correlations were shrunk by.
    precision : sparse array (step * moving, step * moving)
        Inverse of the covariance of the standardised numbers.
    """

    mean: Array
    places: Places
    deviation: Array
    steps: int
    band: int
    shrinking: Shrinking
    precision: csr_array

    @property
    def given(self) -> str:
        """What hidden numbers are drawn from, in words."""
        if self.band >= self.steps - 1:
            return told("the rest of the window")
        return counted(self.band, "the step on either side", "the {count} steps on either side")

    @property
    def shrunk(self) -> str:
        """What correlations were shrunk by, in words."""
        apart, ridge = self.shrinking.towards_own, self.shrinking.ridge
        low, high = (f"{share:.2g}" for share in (min(ridge), max(ridge)))
        by = low if low == high else told("{low} to {high}", low=low, high=high)
        if not apart:
            return told("shrunk by {share}", share=by)
        return told(
            "shrunk by {share}, those between features by {own:.2g}", share=by, own=float(apart)
        )

    def hidden_values(self, x: Array, shown: NDArray[np.bool_], z: Array | None) -> Array:
        """Give what is hidden: by draws from standard normal numbers, or by the mean alone.

        Shapes: x (sample, number), shown (number,) of bool, z (sample, draw, hidden) or None ->
        (sample, draw, hidden); one draw for the mean.
        """
        every = np.flatnonzero(~shown)
        draws = 1 if z is None else z.shape[1]
        values = np.empty((len(x), draws, len(every)))
        values[:] = self.mean[every]
        seen = shown[self.places]
        hidden = np.flatnonzero(~seen & (self.deviation > 0))
        if not len(hidden):
            return values
        rows = self.precision[hidden]
        near = np.unique(rows.indices)
        near = near[seen[near] & (self.deviation[near] > 0)]
        at, coupling = self.places[near], rows[:, near]
        among: Places | slice = np.searchsorted(every, self.places[hidden])
        if len(hidden) == len(every):
            among = slice(None)  # which copies nothing
        band = max(1, self.band) * len(self.places) // self.steps
        chain = _Chain(self.precision, hidden, band * max(1, BLOCK // band))

        def fill(first: int) -> None:
            some = slice(first, first + size)
            away = (x[some, at] - self.mean[at]) / self.deviation[near]
            noise = None if z is None else z[some][..., among]
            found = chain.solve(-(coupling @ away.T).T, noise)
            found *= self.deviation[hidden]
            values[some, :, among] += found

        size = max(1, ROWS // draws)
        each(fill, [(first,) for first in range(0, len(x), size)])
        return values


class _Chain:
    """The precision of hidden numbers as a chain of blocks, each coupled to the next alone."""

    def __init__(self, precision: csr_array, hidden: Places, width: int) -> None:
        block = hidden // width
        starts = np.flatnonzero(np.diff(block, prepend=-1))
        self.places = [
            slice(start, end) for start, end in zip(starts, [*starts[1:], len(hidden)], strict=True)
        ]
        P = precision[hidden][:, hidden]
        self.factors: list[Array] = []
        #: what couples a block to the one before it
        self.coupled: list[Array] = []
        for k, at in enumerate(self.places):
            own = P[at][:, at].toarray()
            before = self.places[k - 1] if k else slice(0, 0)
            across = P[at][:, before].toarray()
            if k:
                across = solve_triangular(self.factors[-1], across.T, lower=True).T
                own -= across @ across.T
            self.coupled.append(across)
            self.factors.append(cholesky(own, lower=True))

    def solve(self, pull: Array, noise: Array | None) -> Array:
        """Give ``P^-1 pull + L^-T noise``, of which the second has covariance ``P^-1``.

        Shapes: pull (sample, hidden), noise (sample, draw, hidden) -> (sample, draw, hidden).
        """
        samples, count = pull.shape
        draws = 1 if noise is None else noise.shape[1]
        forth: list[Array] = []
        for k, at in enumerate(self.places):
            part = pull[:, at].copy()
            if k:
                part -= forth[-1] @ self.coupled[k].T
            forth.append(_solved(self.factors[k], part))
        found = np.empty((samples * draws, count))
        for k in range(len(self.places) - 1, -1, -1):
            at = self.places[k]
            part = forth[k].repeat(draws, axis=0)
            if noise is not None:
                part += noise.reshape(len(found), count)[:, at]
            if k + 1 < len(self.places):
                part -= found[:, self.places[k + 1]] @ self.coupled[k + 1]
            found[:, at] = _solved(self.factors[k], part, transposed=True)
        return found.reshape(samples, draws, count)


def _solved(root: Array, rows: Array, *, transposed: bool = False) -> Array:
    """Solve ``L y = row``, or ``L^T y = row``, of each of some rows, which are overwritten."""
    return _trtrs(root, rows.T, lower=1, trans=int(transposed), overwrite_b=1)[0].T


def band_moments(data: Array) -> BandMoments:
    """Estimate mean and precision from windows: data (window, step, feature).

    Examples
    --------
    >>> import numpy as np
    >>> data = np.random.default_rng(0).normal(size=(90, 50, 4)).cumsum(axis=1)
    >>> band_moments(data).given
    'the step on either side'
    """
    windows, steps, features = data.shape
    if windows < FEWEST_WINDOWS:
        raise DataError(
            f"the covariance of neighbouring steps needs at least {FEWEST_WINDOWS} windows, but "
            f"{windows} came: give more background windows, or choose another baseline"
        )
    mean, varying = rows_of(data).mean()
    changes = np.zeros((steps, features), bool)
    changes.ravel()[varying] = True
    moving = np.flatnonzero(changes.any(axis=0))
    if len(moving) > MOST_FEATURES:
        raise DataError(
            f"the covariance of neighbouring steps is made for up to {MOST_FEATURES} features that "
            f"change, but {len(moving):,} came: choose another baseline"
        )
    places = (np.arange(steps)[:, None] * features + moving).ravel()
    middle = mean.reshape(steps, features)
    deviation = np.stack([np.sqrt(((data[:, t] - middle[t]) ** 2).mean(0)) for t in range(steps)])
    deviation[~changes] = 0.0
    scaled = _Scaled(data, moving, middle[:, moving], deviation[:, moving])
    band, shrinking = _likeliest(scaled)
    precision = _precision(scaled, band, shrinking)
    return BandMoments(mean, places, scaled.deviation.ravel(), steps, band, shrinking, precision)


@dataclass(frozen=True, eq=False)
class _Scaled:
    """Windows whose numbers have mean 0 and variance 1, or are 0 where they never change."""

    data: NDArray[np.floating]
    moving: Places
    mean: Array
    deviation: Array

    @property
    def shape(self) -> tuple[int, int, int]:
        """Windows, steps, and features that change."""
        return len(self.data), self.data.shape[1], len(self.moving)

    def steps(self, first: int, count: int, windows: slice = slice(None)) -> Array:
        """Give neighbouring steps of some windows as rows: (window, step * feature)."""
        at = slice(first, first + count)
        spread = np.where(self.deviation[at] > 0, self.deviation[at], 1.0)
        some = (self.data[windows, at][..., self.moving] - self.mean[at]) / spread
        return some.reshape(len(some), -1)


def _bands(windows: int, steps: int, features: int) -> list[int]:
    """Give the bands that there are enough windows for; one step always is."""
    if steps == 1:
        return [0]
    most = min(MOST_IN_BAND, windows // WINDOWS_EACH)
    tried = [band for band in (*BANDS, steps - 1) if band < steps]
    return [band for band in sorted(set(tried)) if band == 1 or (band + 1) * features <= most]


def _likeliest(scaled: _Scaled) -> tuple[int, Shrinking]:
    """Choose the band and the shrinkage under which windows left out are likeliest."""
    windows, steps, features = scaled.shape
    bands = _bands(windows, steps, features)
    folds = _all_folds(scaled, bands[-1] + 1)
    apart = TOWARDS_OWN if features > 1 else TOWARDS_OWN[:1]
    best, chosen, worse = np.inf, (bands[0], Shrinking(1.0, (1.0,) * features)), 0
    for band in bands:
        own = Shrinking(0.0, tuple(_own_ridge(folds, band, f) for f in range(features)))
        every = [own.more(*by) for by in product(apart, MORE_RIDGE)]
        here = [fold.of_band(band) for fold in folds]
        shares = [one.shares((band + 1) * features) for one in every]
        losses = [sum(fold.loss(*share) for fold in here) for share in shares]
        if min(losses) < best:
            best, chosen, worse = min(losses), (band, every[int(np.argmin(losses))]), 0
        else:
            worse += 1
        if worse == 2:
            break
    return chosen


def _own_ridge(folds: list[_Fold], band: int, feature: int) -> float:
    """Choose the ridge of one feature alone: all ridges and folds are solved for at once."""
    alone = [fold.of_feature(feature) for fold in folds]
    at = slice(band + 1)
    learned = np.stack([fold.learned[at, at] for fold in alone])
    left_out = np.stack([fold.left_out[at, at] for fold in alone])
    count = np.array([fold.count for fold in alone])
    s = np.array(RIDGES)[:, None, None, None]
    R = (1 - s) * learned + s * np.eye(band + 1)  # (ridge, fold, step, step)
    across = R[..., 1:, :1]
    slope = np.linalg.solve(R[..., 1:, 1:], across) if band else across
    left = R[..., 0, 0] - (slope * across).sum(axis=(-2, -1))
    missed = np.concatenate([np.ones((*slope.shape[:2], 1, 1)), -slope], axis=2)
    power = (missed * (left_out @ missed)).sum(axis=(-2, -1))
    likely = left > 0
    left = np.where(likely, left, 1.0)
    loss = np.where(likely, count * np.log(left) + power / left, np.inf).sum(axis=1)
    return float(RIDGES[int(np.argmin(loss))])


@dataclass(frozen=True, eq=False)
class _Fold:
    """What is learned of neighbouring steps without a part of the windows, and that part."""

    learned: Array
    left_out: Array
    count: int
    features: int

    def of_feature(self, feature: int) -> _Fold:
        """Give the same of one feature alone."""
        at = slice(feature, None, self.features)
        return _Fold(self.learned[at, at], self.left_out[at, at], self.count, 1)

    def of_band(self, band: int) -> _Fold:
        """Give the steps of a band, the oldest of them last."""
        order = np.roll(np.arange((band + 1) * self.features), -self.features)
        at = np.ix_(order, order)
        return _Fold(self.learned[at], self.left_out[at], self.count, self.features)

    def loss(self, share: Array, ridge: Array) -> float:
        """Give minus the logarithm of the likelihood of the last step given those before it.

        The root of all covariances ends in that of what the others leave of the last step, and its
        inverse in what brings these leftovers to unit variance.
        """
        R, F = share * self.learned, self.features
        R[np.diag_indices(len(R))] += ridge
        root, failed = _potrf(R, lower=1)
        if failed:
            return np.inf
        missed = _trtrs(root, np.eye(len(R))[:, -F:], lower=1, trans=1)[0].T
        power = ((missed @ self.left_out) * missed).sum()
        return float(2 * self.count * np.log(np.diag(root)[-F:]).sum() + power)


def _all_folds(scaled: _Scaled, widest: int) -> list[_Fold]:
    """Leave out each part of the windows at some places of the window, as far apart as they go."""
    places = np.unique(np.linspace(0, scaled.shape[1] - widest, PLACES).astype(int))
    return [fold for place in places for fold in _folds(scaled, int(place), widest)]


def _folds(scaled: _Scaled, place: int, steps: int) -> Iterator[_Fold]:
    """Leave out each part of the windows once, at one place of the window."""
    windows, _, features = scaled.shape
    ends = np.linspace(0, windows, PARTS + 1).astype(int)
    parts = [slice(first, end) for first, end in pairwise(ends)]
    products = []
    for part in parts:
        z = scaled.steps(place, steps, part)
        products.append(z.T @ z)
    whole = np.sum(products, axis=0)
    for part, own in zip(parts, products, strict=True):
        count = part.stop - part.start
        learned, left_out = (whole - own) / (windows - count), own.copy()
        # what hardly changes in the windows learned from (snow, an alarm) cannot foretell its own
        # spread in others, and would have everything else shrunk away
        still = np.diag(learned) < LEAST_VARYING
        for table in (learned, left_out):
            table[still], table[:, still] = 0.0, 0.0
        learned[still, still] = 1.0
        left_out[still, still] = count
        yield _Fold(learned, left_out, count, features)


def _regression(R: Array, features: int) -> tuple[Array, Array]:
    """Regress the first step on those after it: its slope, and the covariance that is left."""
    across, rest = R[:features, features:], R[features:, features:]
    if not len(rest):
        return across, R
    slope = cho_solve(cho_factor(rest), across.T).T
    return slope, R[:features, :features] - slope @ across.T


def _precision(scaled: _Scaled, band: int, shrinking: Shrinking) -> csr_array:
    """Give the precision of all numbers, from the regression of each step on the next ones.

    With rows ``S_t^-1/2 (1, -A_t)`` in M it is ``M^T M``: positive definite however it is rounded.
    """
    from scipy.sparse import coo_array

    _, steps, F = scaled.shape
    across = _across(scaled, band)
    values, rows, columns = [], [], []
    for t in range(steps):
        slope, left = _regression(shrinking.of(_neighbours(across[t : t + band + 1])), F)
        root = cholesky(left, lower=True)
        M = solve_triangular(root, np.hstack([np.eye(F), -slope]), lower=True)
        row, column = np.indices(M.shape)
        values.append(M.ravel())
        rows.append(row.ravel() + t * F)
        columns.append(column.ravel() + t * F)
    where = np.concatenate(rows), np.concatenate(columns)
    M = coo_array((np.concatenate(values), where), shape=(steps * F, steps * F)).tocsr()
    return (M.T @ M).tocsr()


def _across(scaled: _Scaled, band: int) -> list[Array]:
    """Give the correlations of each step with itself and the next ones."""
    windows, steps, F = scaled.shape
    across = []
    for t in range(steps):
        z = scaled.steps(t, min(band + 1, steps - t))
        across.append(z[:, :F].T @ z / windows)
    return across


def _neighbours(across: list[Array]) -> Array:
    """Put the correlations of neighbouring steps together; what never changes stands alone."""
    count, F = len(across), len(across[0])
    R = np.zeros((count * F, count * F))
    for k, one in enumerate(across):
        block, at = one[:, : (count - k) * F], slice(k * F, (k + 1) * F)
        R[at, k * F :] = block
        R[k * F :, at] = block.T
    still = np.diag(R) == 0
    R[still, still] = 1.0
    return R
