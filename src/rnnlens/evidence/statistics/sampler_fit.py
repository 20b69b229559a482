"""Whether a sampler draws what goes with the rest of the window: two things that would show it.

*Can they be told apart?* For each part, a logistic regression learns on one half of the windows to
tell real ones from those whose part was drawn, and is tried on the other half, and the other way
round. It sees the shown and the drawn numbers, and how far the drawn ones lie from their linear
mean: first to third powers and products with that mean. The area under its curve is 0.5 where it
cannot tell and 1 where it always can (a two-sample test by classifier; Lopez-Paz and Oquab 2017).
Far below a half is no fit either: what tells draws from real windows in one half of the data then
says the opposite in the other, as where the data drift. It sees what these terms can express and no
more: 0.5 is no proof of a fit.

*What does the window leave?* The newest step is predicted linearly from the older ones; where what
is left is correlated from window to window (Ljung and Box 1978), the windows are too short to hold
the memory of the data, or the data are not linear.

*Do the data come back?* A feature that walks (a unit root is not rejected; Dickey and Fuller 1979)
or whose level in the newer half of the windows is another than in the older has no one
distribution that draws could be made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import DataError
from rnnlens.evidence.statistics.parts import Part
from rnnlens.evidence.statistics.samplers import Hidden, Sampler, side_by_side
from rnnlens.names import declared, told

__all__ = ["HIGHEST", "SamplerFit", "sampler_fit"]

Array = NDArray[np.float64]

#: Area under the curve up to which a sampler is said to fit, and as far below a half; or this many
#: standard errors away from it where that is more.
HIGHEST, ERRORS = 0.55, 3
#: Numbers that the classifier sees of a part, and beside it.
DRAWN, SHOWN = 12, 40
#: Of the regression, whose terms are standardised; where classes part wholly it has no other end.
RIDGE = 1e-3
#: The size of the gradient of the mean log likelihood at which its fit ends.
CLOSE = 1e-5
#: Windows that are needed.
FEWEST = 100
#: Windows over which what is left is looked at.
APART = 10
#: p-value up to which a unit root is rejected, and the lags of differences in that regression.
REJECTED, DIFFERENCES = 0.1, 5
#: Standard deviations within a half of the windows beyond which the halves differ in level.
LEVELS_APART = 1.0
#: Standard deviations at which the terms of the classifier are cut off.
FARTHEST = 50.0


@dataclass(frozen=True, eq=False, kw_only=True)
class SamplerFit:
    """How well a sampler fits.

    Parameters
    ----------
    auc : array (part,)
        Area under the curve of the classifier, on windows that it was not made from.
    fits : array (part,) of bool
        Whether that lies within 0.05, or three standard errors, of 0.5.
    title : array (part,) of str
        What each part is called.
    correlation : array (feature,)
        Largest correlation, in absolute value, of what the older steps leave of the newest one,
        over 1 to 10 windows; 0 for a feature that they determine.
    p_white : array (feature,)
        Of the test against "there is none"; 1 for such a feature.
    p_walk : array (feature,)
        Of the test against a unit root in the newest step, from window to window; 0 for a feature
        that never changes.
    level_shift : array (feature,)
        By how much the mean of the newest step in the newer half of the windows lies above that in
        the older half, in standard deviations within a half.
    sampler : str
        Which.
    samples : int
        Windows.
    """

    auc: Array = declared("part")
    fits: NDArray[np.bool_] = declared("part")
    title: NDArray[np.object_] = declared("part")
    correlation: Array = declared("feature")
    p_white: Array = declared("feature")
    p_walk: Array = declared("feature")
    level_shift: Array = declared("feature")
    sampler: str
    samples: int

    @property
    def away(self) -> float:
        """How far the area is from a half, for the part of which it is farthest."""
        return float(np.abs(self.auc - 0.5).max())

    @property
    def drifts(self) -> NDArray[np.bool_]:
        """Which features walk, or have another level in each half of the windows: (feature,)."""
        return (self.p_walk > REJECTED) | (np.abs(self.level_shift) > LEVELS_APART)

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        worst = int(np.abs(self.auc - 0.5).argmax())
        area = float(self.auc[worst])
        if self.fits.all():
            return told(
                "the sampler fits: a classifier tells draws from real windows with an area of "
                "{area:.2f} at most (0.50: not at all)",
                area=area,
            )
        values = {
            "bad": int((~self.fits).sum()),
            "parts": len(self.fits),
            "area": area,
            "part": self.title[worst],
        }
        if area < 0.5:
            return told(
                "the sampler does not fit {bad} of {parts} parts: a classifier tells draws from "
                "real windows with an area of {area:.2f} for {part} (0.50: not at all), the other "
                "way round in either half of the data; choose another sampler",
                **values,
            )
        return told(
            "the sampler does not fit {bad} of {parts} parts: a classifier tells draws from real "
            "windows with an area of {area:.2f} for {part} (0.50: not at all); choose another "
            "sampler",
            **values,
        )

    def drift_sentence(self, names: Sequence[str], among: Sequence[int]) -> str:
        """Say which of some features walk or drift, or nothing where none does."""
        said = []
        for feature in among:
            if abs(self.level_shift[feature]) > LEVELS_APART:
                shift = float(self.level_shift[feature])
                values = {"name": names[feature], "shift": abs(shift)}
                said.append(
                    told(
                        "{name} drifts: its level in the newer half of the windows is {shift:.1f} "
                        "standard deviations above the older half's",
                        **values,
                    )
                    if shift > 0
                    else told(
                        "{name} drifts: its level in the newer half of the windows is {shift:.1f} "
                        "standard deviations below the older half's",
                        **values,
                    )
                )
            elif self.p_walk[feature] > REJECTED:
                said.append(
                    told(
                        "{name} cannot be told from a walk (unit root: p = {p:.2f})",
                        name=names[feature],
                        p=float(self.p_walk[feature]),
                    )
                )
        if not said:
            return ""
        if len(said) <= 3:
            return told(
                "{drifts}: draws follow what all windows have in common", drifts=tuple(said)
            )
        return told(
            "{drifts}, and {more} more features alike: draws follow what all windows have in "
            "common",
            drifts=tuple(said[:3]),
            more=len(said) - 3,
        )


def sampler_fit(
    sampler: Sampler,
    x: Array,
    parts: Sequence[Part],
    *,
    order: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> SamplerFit:
    """Measure how well a sampler fits windows: x (sample, step, feature).

    Shapes: order (sample,), of the windows in time where they do not stand in it.
    """
    if len(x) < FEWEST:
        raise DataError(
            f"whether a sampler fits needs at least {FEWEST} windows to tell, but there are "
            f"{len(x)}: give a longer series"
        )
    areas = np.zeros((len(parts), 2))

    def measure(k: int) -> None:
        areas[k] = _auc(sampler, x, parts[k].hidden, seed)

    side_by_side(sampler, measure, len(parts))
    auc, error = areas.T
    newest = x[:, -1] if order is None else x[order, -1]
    pairs = zip(x[:, -1].T, _missed(x).T, strict=True)
    correlation, p_white = np.array([_leftover(own, missed) for own, missed in pairs]).T
    p_walk, shift = np.array([_drift(own) for own in newest.T]).T
    return SamplerFit(
        auc=auc,
        fits=np.abs(auc - 0.5) <= np.maximum(HIGHEST - 0.5, ERRORS * error),
        title=np.array([part.title for part in parts], dtype=object),
        correlation=correlation,
        p_white=p_white,
        p_walk=p_walk,
        level_shift=shift,
        sampler=sampler.text,
        samples=len(x),
    )


def _auc(sampler: Sampler, x: Array, hidden: Hidden, seed: int) -> tuple[float, float]:
    """Give the area under the curve, the mean over both halves, and its standard error."""
    rng = np.random.default_rng([seed, *np.flatnonzero(hidden).tolist()])
    drawn = sampler.draw(x, hidden, 1, rng)[:, 0]
    part, beside = _chosen(x, hidden)
    real, other = x.reshape(len(x), -1), drawn.reshape(len(x), -1)
    if not len(part):
        return 0.5, 0.0
    areas, variances = [], []
    for learn, judge in _halves(len(x), x.shape[1]):
        terms = _Terms(real[learn], part, beside)
        slope = _logistic(terms(real[learn]), terms(other[learn]))
        area, variance = _area(terms(real[judge]) @ slope, terms(other[judge]) @ slope, x.shape[1])
        areas.append(area)
        variances.append(variance)
    return float(np.mean(areas)), float(np.sum(variances) ** 0.5 / 2)


def _halves(windows: int, overlap: int) -> list[tuple[slice, slice]]:
    """Give the windows to learn on and those to judge, and the other way round."""
    half = windows // 2
    gap = min(overlap, half // 4)  # windows that overlap are on the same side
    older, newer = slice(0, half - gap), slice(half + gap, windows)
    return [(older, newer), (newer, older)]


def _area(real: Array, drawn: Array, overlap: int) -> tuple[float, float]:
    """Give the area under the curve of two scores of each window, and its variance.

    To first order it is the mean over windows of how a window's two scores stand among those of
    the others (DeLong 1988); windows that overlap depend on each other (Newey and West 1987), which
    is never taken to make the variance smaller than that of windows that do not.
    """
    from scipy.stats import mannwhitneyu

    count = len(real)
    area = float(mannwhitneyu(drawn, real).statistic) / count**2
    below = np.searchsorted(np.sort(real), drawn) + np.searchsorted(np.sort(real), drawn, "right")
    above = np.searchsorted(np.sort(drawn), real) + np.searchsorted(np.sort(drawn), real, "right")
    away = (below - above) / (2 * count) + 1 - 2 * area
    most = min(overlap, count // 4)
    depends = sum(
        2 * (1 - k / (most + 1)) * float(away[k:] @ away[:-k]) / count for k in range(1, most + 1)
    )
    alone = 1 / (6 * count)  # of n scores against n, by ranks
    return area, max(alone, (float(away @ away) / count + depends) / count)


def _chosen(x: Array, hidden: Hidden) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the numbers of the part that are looked at, and the nearest ones beside it.

    Of a part with many, half are those with most shown numbers about them, where draws must join
    what is shown, and half are spread over the others.
    """
    flat = x.reshape(len(x), -1)
    varying = np.ptp(flat, axis=0) > 0
    part = np.flatnonzero(hidden.ravel() & varying)
    shown = np.pad((~hidden & varying.reshape(hidden.shape)).sum(axis=1), 1)
    about = (shown[:-2] + shown[1:-1] + shown[2:])[part // x.shape[2]]
    order = np.argsort(-about, kind="stable")
    joined, rest = part[order[: DRAWN // 2]], np.sort(part[order[DRAWN // 2 :]])
    if len(rest):
        spread = np.linspace(0, len(rest) - 1, DRAWN - DRAWN // 2).astype(int)
        joined = np.concatenate([joined, rest[np.unique(spread)]])
    beside = np.flatnonzero(~hidden.ravel() & varying)
    steps = np.flatnonzero(hidden.any(axis=1))
    away = np.abs(beside[:, None] // x.shape[2] - steps).min(axis=1)
    most = min(SHOWN, len(x) // 8)
    return np.sort(joined), np.sort(beside[np.argsort(away, kind="stable")[:most]])


class _Terms:
    """What the classifier sees of a window; scales and means come from real windows.

    What never changes in the windows learned from is not seen: they give it no scale.
    """

    def __init__(self, rows: Array, part: NDArray[np.int64], beside: NDArray[np.int64]) -> None:
        self.part, self.beside = part, beside
        self.centre, self.scale = rows.mean(axis=0), _scale(rows)
        z = self._z(rows)
        self.slope = np.linalg.lstsq(z[:, beside], z[:, part], rcond=1e-10)[0]
        missed = z[:, part] - z[:, beside] @ self.slope
        self.spread = np.maximum(missed.std(axis=0), 1e-6)
        own = self._own(z)
        self.middle, self.size = own.mean(axis=0), _scale(own)

    def _z(self, rows: Array) -> Array:
        # what hardly changed in the windows learned from may lie any number of scales away
        return _within((rows - self.centre) / self.scale)

    def _own(self, z: Array) -> Array:
        mean = z[:, self.beside] @ self.slope
        r = np.clip((z[:, self.part] - mean) / self.spread, -10, 10)
        pairs = r[:, 1:] * r[:, :-1]
        return np.hstack([z[:, self.beside], r, r**2, r**3, r * mean, r**2 * mean, pairs])

    def __call__(self, rows: Array) -> Array:
        own = _within((self._own(self._z(rows)) - self.middle) / self.size)
        return np.column_stack([np.ones(len(own)), own])


def _scale(rows: Array) -> Array:
    """Give standard deviations; infinity for what does not change beyond rounding."""
    spread = rows.std(axis=0)
    return np.where(spread > 1e-12 * np.abs(rows).max(axis=0), spread, np.inf)


def _within(z: Array) -> Array:
    """Cut off what lies so far out that it is told from the others wherever it lies."""
    return np.clip(z, -FARTHEST, FARTHEST)


def _logistic(real: Array, drawn: Array) -> Array:
    """Fit a logistic regression with a small ridge; drawn windows count as one."""
    from scipy.optimize import minimize
    from scipy.special import expit

    terms, count = np.vstack([real, drawn]), len(real) + len(drawn)
    label = np.repeat([0.0, 1.0], [len(real), len(drawn)])
    ridge = RIDGE * np.eye(terms.shape[1])

    def missed(slope: Array) -> tuple[float, Array]:
        """Give the mean negative log likelihood with its ridge, and its gradient."""
        score = terms @ slope
        cost = (np.logaddexp(0.0, score) - label * score).mean() + RIDGE * (slope @ slope) / 2
        return float(cost), (expit(score) - label) @ terms / count + RIDGE * slope

    def curvature(slope: Array) -> Array:
        share = expit(terms @ slope)
        half = terms * np.sqrt(share * (1 - share))[:, None]
        return half.T @ half / count + ridge  # a product with itself costs half of any other

    # a slope that is not yet the best to the last digit ranks windows all the same
    begin, way = np.zeros(terms.shape[1]), {"gtol": CLOSE}
    return np.asarray(
        minimize(missed, begin, jac=True, hess=curvature, method="trust-exact", options=way).x
    )


def _missed(x: Array) -> Array:
    """Give what older steps leave of the newest one: (sample, feature)."""
    steps = max(1, min(x.shape[1] - 1, len(x) // 8 // x.shape[2]))
    older = x[:, -1 - steps : -1].reshape(len(x), -1)
    older = np.column_stack([np.ones(len(x)), older - older.mean(axis=0)])
    newest = x[:, -1]
    return newest - older @ np.linalg.lstsq(older, newest, rcond=1e-10)[0]


def _leftover(newest: Array, missed: Array) -> tuple[float, float]:
    """Give the correlation of what older steps leave of a feature's newest, and its p-value."""
    from statsmodels.stats.diagnostic import acorr_ljungbox
    from statsmodels.tsa.stattools import acf

    if np.ptp(newest) == 0 or missed.std() <= 1e-6 * newest.std():
        return 0.0, 1.0
    most = float(np.abs(np.asarray(acf(missed, nlags=APART))[1:]).max())
    return most, float(acorr_ljungbox(missed, lags=[APART])["lb_pvalue"].iloc[0])


def _drift(newest: Array) -> tuple[float, float]:
    """Give the p-value of the test against a unit root, and how far the halves' levels differ."""
    half = len(newest) // 2
    older, newer = newest[:half], newest[half:]
    within = np.sqrt((older.var() + newer.var()) / 2)
    shift = float(newer.mean() - older.mean())
    if not np.ptp(newest) > 0:
        return 0.0, 0.0
    if not within > 1e-12 * np.abs(newest).max():  # one constant before, another after
        return 1.0, float(np.sign(shift)) * np.inf
    return _unit_root(newest), shift / float(within)


def _unit_root(series: Array) -> float:
    """Give the p-value of Dickey and Fuller's test, augmented by lagged differences."""
    from statsmodels.tsa.adfvalues import mackinnonp

    change, lags = np.diff(series), min(DIFFERENCES, len(series) // 10)
    wanted = change[lags:]
    terms = [np.ones(len(wanted)), series[lags:-1] - series.mean()]
    terms += [change[lags - k : len(change) - k] for k in range(1, lags + 1)]
    design = np.column_stack(terms)
    slope, _, rank, _ = np.linalg.lstsq(design, wanted, rcond=1e-10)
    missed = wanted - design @ slope
    if rank < design.shape[1] or not missed.std() > 1e-9 * change.std():
        return 0.0  # it goes on by a rule, as a season without noise does
    inverse = np.linalg.inv(design.T @ design)
    error = np.sqrt(missed @ missed / (len(wanted) - len(slope)) * inverse[1, 1])
    return float(mackinnonp(slope[1] / error, regression="c"))
