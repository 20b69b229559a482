"""Tests of the mean of a series whose neighbours depend on each other.

Windows overlap, so what a replacement does to one says much about the next: the variance of a
mean is the long-run variance by the number of windows, and is estimated in one of three ways.

``cosine``      the mean square of the series' first v cosine coefficients, Student's t with v
                degrees of freedom (`rnnlens.attribution.dependence`). Keeps its size best, so it
                is the default.
``newey-west``  Bartlett-weighted autocovariances (Newey and West 1987), bandwidth 1.3 n^(1/2),
                Student's t with n - 1
``bootstrap``   the stationary bootstrap (Politis and Romano 1994), blocks of the mean length of
                Politis and White (2004)

Student's t takes the mean to be as likely too small as too large. The mean of a skewed series is
not: few large changes make the mean and its error small together where they are missing. So the
first two also correct t for the skewness of the mean, by Hall's transformation (1992, "On the
removal of skewness by transformation"), and the larger of both p-values counts; the interval holds
what neither excludes. The third moment is that of means over blocks of twice the length of the
dependence, and the skewness is taken three quarters larger than it shows: a sample lacks the
largest changes. Where tails are heavy the error is taken larger too, by as much as they are
(`rnnlens.evidence.statistics.resting`).

All hold for a stationary series, and for many times more windows than the dependence is long; with
a correlation of 0.95 from one window to the next, 1,000 windows are not yet enough for any.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.dependence import FEWEST_COSINES, cosine_count, cosine_error
from rnnlens.attribution.resampling import resampled_means
from rnnlens.errors import DataError, InputError
from rnnlens.names import told

__all__ = [
    "ERRORS",
    "BootstrapMean",
    "DependentMean",
    "StudentMean",
    "check_errors",
    "dependent_means",
]

Array = NDArray[np.float64]

#: The ways to estimate the error of a mean, and what each is called.
ERRORS = {
    "cosine": told("long-run variance from cosine coefficients"),
    "newey-west": told("Newey-West long-run variance"),
    "bootstrap": told("stationary block bootstrap"),
}
#: Blocks that the windows must make at least; fewer say nothing about the error of a mean.
BLOCKS = 4
#: Windows that are needed where no block length is given: 4 cosine coefficients.
FEWEST = 32
#: Windows of a block whose means say how skewed the mean of all is, at least.
SHORTEST_BLOCK = 4
#: A sample shows less skewness than there is, for it lacks the largest changes: so many times.
UNSEEN = 1.75
#: Draws of the bootstrap.
DRAWS = 2000


class DependentMean(ABC):
    """The mean of a dependent series, with tests."""

    mean: float
    error: float

    @abstractmethod
    def above(self, value: float) -> float:
        """Give the p-value against "the mean is not above this value"."""

    @abstractmethod
    def below(self, value: float) -> float:
        """Give the p-value against "the mean is not below this value"."""

    @abstractmethod
    def interval(self, confidence: float) -> tuple[float, float]:
        """Give the equal-tailed interval of the mean."""

    def within(self, margin: float) -> float:
        """Give the p-value of two one-sided tests against "the mean is not within the margin"."""
        return max(self.below(margin), self.above(-margin))


@dataclass(frozen=True)
class StudentMean(DependentMean):
    """A mean with a standard error and degrees of freedom.

    Parameters
    ----------
    mean, error : float
        The mean and its standard error.
    freedom : float
        Degrees of freedom of Student's t.
    skewness : float
        Of the mean, as it is taken to be.
    """

    mean: float
    error: float
    freedom: float
    skewness: float = 0.0

    def above(self, value: float) -> float:
        """Give the p-value against "the mean is not above this value"."""
        return self._upper(self.mean - value, self.skewness)

    def below(self, value: float) -> float:
        """Give the p-value against "the mean is not below this value"."""
        return self._upper(value - self.mean, -self.skewness)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give the interval of the values that neither one-sided test excludes."""
        from scipy.stats import t

        end = float(t.ppf((1 + confidence) / 2, self.freedom))
        down = max(end, _unskewed_to(end, self.skewness))
        up = max(end, _unskewed_to(end, -self.skewness))
        return self.mean - self.error * down, self.mean + self.error * up

    def _upper(self, distance: float, skewness: float) -> float:
        from scipy.stats import t

        if self.error == 0:  # a series that never changes
            return float(distance <= 0)
        one = distance / self.error
        return float(t.sf(min(one, _unskewed(one, skewness)), self.freedom))


@dataclass(frozen=True, eq=False)
class BootstrapMean(DependentMean):
    """A mean with its resampled distances from it.

    Parameters
    ----------
    mean, error : float
        The mean and its standard error.
    away : array (draw,)
        Means of resampled series minus the mean.
    """

    mean: float
    error: float
    away: Array

    def above(self, value: float) -> float:
        """Give the p-value against "the mean is not above this value"."""
        return self._share(self.away >= self.mean - value)

    def below(self, value: float) -> float:
        """Give the p-value against "the mean is not below this value"."""
        return self._share(self.away <= self.mean - value)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Give the equal-tailed interval of the mean."""
        low, high = np.quantile(self.away, [(1 - confidence) / 2, (1 + confidence) / 2])
        return self.mean - float(high), self.mean - float(low)

    @staticmethod
    def _share(reached: NDArray[np.bool_]) -> float:
        # the series itself counts as one draw, so that no p-value is zero
        return (1 + int(reached.sum())) / (1 + len(reached))


def dependent_means(
    series: Array,
    *,
    how: str = "cosine",
    block_length: int | None = None,
    lengths: Sequence[float] | None = None,
    stretch: Sequence[float] | None = None,
    seed: int = 0,
) -> tuple[Sequence[DependentMean], str]:
    """Prepare tests of the mean of each of several series.

    Shapes: series (sample, part), lengths (part,): how long windows depend, 1 where not given,
    stretch (part,): what the error of each mean is multiplied by, 1 where not given.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=(400, 1))
    >>> means, text = dependent_means(noise)
    >>> means[0].above(0.0) > 0.05, means[0].within(0.5) < 0.001, text
    (True, True, 'long-run variance from cosine coefficients, 21 degrees of freedom')
    """
    check_errors(how, block_length)
    n, series = len(series), np.asfortranarray(series)  # a sum is the same whatever stands beside
    _enough(n, BLOCKS * block_length if block_length else FEWEST, block_length)
    widened = list(stretch or [1.0] * series.shape[1])
    if how == "bootstrap":
        return _bootstrap(series, block_length, widened, seed)
    spans = [block_length] * series.shape[1] if block_length else list(lengths or [])
    spans = spans or [1] * series.shape[1]
    skewed = [
        UNSEEN * _skewness(d, ceil(2 * span)) for d, span in zip(series.T, spans, strict=True)
    ]
    if how == "newey-west":
        lags = block_length or ceil(1.3 * n**0.5)
        means = [
            StudentMean(_mean(d), more * _newey_west(d, lags), n - 1, skewness)
            for d, skewness, more in zip(series.T, skewed, widened, strict=True)
        ]
        return means, told("{errors}, bandwidth {lags}", errors=ERRORS[how], lags=lags)
    counts = [cosine_count(n, span) for span in spans]
    if block_length:
        counts = [min(max(FEWEST_COSINES, n // block_length), n - 1)] * len(spans)
    means = [
        StudentMean(_mean(d), more * cosine_error(d, v), v, skewness)
        for d, v, skewness, more in zip(series.T, counts, skewed, widened, strict=True)
    ]
    few, many = min(counts), max(counts)
    span = few if few == many else told("{low} to {high}", low=few, high=many)
    return means, told("{errors}, {count} degrees of freedom", errors=ERRORS[how], count=span)


def check_errors(how: str, block_length: int | None) -> None:
    """Refuse an estimate of errors, or a length of blocks, that is none."""
    if how not in ERRORS:
        raise InputError(f"errors must be estimated by one of {', '.join(ERRORS)}, not {how!r}")
    if block_length is not None and block_length < 1:
        raise InputError(f"the block length must be 1 or more, but is {block_length}")


def _enough(windows: int, needed: int, block_length: int | None) -> None:
    if windows >= needed:
        return
    blocks = f"blocks of {block_length} windows need" if block_length else "this test needs"
    raise DataError(
        f"{blocks} at least {needed} windows, but there are {windows}: give a longer series"
    )


def _mean(d: Array) -> float:
    # numbers that are all the same have that as their mean, without rounding
    return float(d[0] if np.ptp(d) == 0 else d.mean())


def _skewness(d: Array, block: int) -> float:
    """Estimate the skewness of the mean from means of blocks; windows left over are left out."""
    block = max(1, min(max(SHORTEST_BLOCK, block), len(d) // 10))
    means = d[: len(d) // block * block].reshape(-1, block).mean(axis=1)
    away = means - means.mean()
    square = float((away**2).mean())
    if np.ptp(means) == 0 or square == 0:
        return 0.0
    return float((away**3).mean()) / square**1.5 / len(means) ** 0.5


def _unskewed(t: float, skewness: float) -> float:
    """Transform t so that it is no longer skewed, ``t + a t^2/3 + a^2 t^3/27 + a/6`` (Hall)."""
    return t + skewness * t**2 / 3 + skewness**2 * t**3 / 27 + skewness / 6


def _unskewed_to(value: float, skewness: float) -> float:
    """Give the t that is transformed to a value."""
    if abs(skewness) < 1e-6:  # the quotient below would lose its digits
        return value - skewness * (value**2 / 3 + 1 / 6)
    root = np.cbrt(1 + skewness * (value - skewness / 6))
    return float(3 * (root - 1) / skewness)


def _newey_west(d: Array, lags: int) -> float:
    from statsmodels.regression.linear_model import OLS

    if np.ptp(d) == 0:
        return 0.0
    settings = {"maxlags": lags, "use_correction": True}
    return float(OLS(d, np.ones(len(d))).fit(cov_type="HAC", cov_kwds=settings).bse[0])


def _bootstrap(
    series: Array, block_length: int | None, stretch: list[float], seed: int
) -> tuple[list[DependentMean], str]:
    from arch.bootstrap import optimal_block_length

    moving = series[:, np.ptp(series, axis=0) > 0]
    length = block_length or 1
    if block_length is None and moving.shape[1]:
        best = optimal_block_length(moving)["stationary"].to_numpy()
        length = max(1, ceil(float(np.nanmax(best))))
        _enough(len(series), BLOCKS * length, length)
    mean = np.array([_mean(d) for d in series.T])
    drawn = resampled_means(series - mean, length, DRAWS, seed) * np.array(stretch)
    means: list[DependentMean] = [
        BootstrapMean(float(m), float(away.std()), away)
        for m, away in zip(mean, drawn.T, strict=True)
    ]
    return means, told(
        "{errors}, {draws} draws, mean block of {length} windows",
        errors=ERRORS["bootstrap"],
        draws=DRAWS,
        length=length,
    )
