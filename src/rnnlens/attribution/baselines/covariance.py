"""The covariance of all numbers of a window, shrunk so that it can be inverted.

    C = D ((1 - s) R + s I) D

with R the correlations of the windows given, D their standard deviations, and s the shrinkage, from
1e-6 to 1, under which windows that were left out are likeliest: each third of the windows, as they
stand in time, is left out once. Formulas for the smallest squared error (Ledoit and Wolf 2004) take
windows as independent, which overlapping ones are not, and shrink the small differences between
neighbouring steps of a slow series away, on which what fills a gap depends. Numbers that never
change are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, cholesky
from scipy.linalg.lapack import get_lapack_funcs

from rnnlens.attribution.baselines.rows import Rows, rows_of
from rnnlens.errors import DataError
from rnnlens.names import told

__all__ = ["MOST_NUMBERS", "SHRINKAGES", "WindowMoments", "shrinkage", "window_moments"]

Array = NDArray[np.float64]

(_syevd,) = get_lapack_funcs(("syevd",), dtype=np.float64)
#: What is tried; never 0, for copies of a number have a singular covariance.
SHRINKAGES = 10.0 ** np.arange(-6.0, 0.5, 0.5)
#: What is added to eigenvalues with each of them, and what is kept of them: (tried, 1, 1).
_ADDED = SHRINKAGES[:, None, None]
_KEPT = 1 - _ADDED
#: Parts of the windows, one of which is left out at a time.
PARTS = 3
#: Numbers up to which covariances are decomposed several at a time.
SMALL = 64
#: Numbers of a window beyond which a covariance takes too much memory and time.
MOST_NUMBERS = 1500


@dataclass(frozen=True, eq=False)
class WindowMoments:
    """Mean and covariance of the numbers of a window, step by step and feature by feature.

    Parameters
    ----------
    mean : array (step * feature,)
        Of every number.
    varying : array of int
        The numbers that change at all.
    covariance : array (varying, varying)
        Of those.
    shrinkage : float
        What it was shrunk by.
    """

    mean: Array
    varying: NDArray[np.int64]
    covariance: Array
    shrinkage: float

    @property
    def given(self) -> str:
        """What hidden numbers are drawn from, in words."""
        return told("the rest of the window")

    @property
    def shrunk(self) -> str:
        """What correlations were shrunk by, in words."""
        return told("shrunk by {share}", share=f"{self.shrinkage:.2g}")

    @cached_property
    def _precision(self) -> Array:
        C = self.covariance
        return cho_solve(cho_factor(C), np.eye(len(C)))

    def hidden_values(self, x: Array, shown: NDArray[np.bool_], z: Array | None) -> Array:
        """Give what is hidden: by draws from standard normal numbers, or by the mean alone.

        Shapes: x (sample, number), shown (number,) of bool, z (sample, draw, hidden) or None ->
        (sample, draw, hidden); one draw for the mean.
        """
        every = np.flatnonzero(~shown)
        draws = 1 if z is None else z.shape[1]
        values = np.broadcast_to(self.mean[every], (len(x), draws, len(every))).copy()
        hidden = ~shown[self.varying]
        if not hidden.any():
            return values
        among = np.searchsorted(every, self.varying[hidden])
        away = x[:, self.varying[~hidden]] - self.mean[self.varying[~hidden]]
        slope, spread = self._regression(hidden)
        values[..., among] += (away @ slope.T)[:, None]
        if z is not None:
            values[..., among] += z[..., among] @ cholesky(spread, lower=True).T
        return values

    def _regression(self, hidden: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Give C_SA C_AA^-1 and the covariance that is left, by the smaller of two systems."""
        C = self.covariance
        if hidden.sum() <= len(hidden) // 2:
            P = self._precision
            factor = cho_factor(P[np.ix_(hidden, hidden)])
            slope = -cho_solve(factor, P[np.ix_(hidden, ~hidden)])
            return slope, cho_solve(factor, np.eye(int(hidden.sum())))
        across = C[np.ix_(~hidden, hidden)]
        if not len(across):
            return across.T, C[np.ix_(hidden, hidden)]
        slope = cho_solve(cho_factor(C[np.ix_(~hidden, ~hidden)]), across).T
        return slope, C[np.ix_(hidden, hidden)] - slope @ across


def shrinkage(products: Array, counts: list[int]) -> float:
    """Give the shrinkage of the correlations under which windows left out are likeliest.

    Shapes: products (part, number, number).

    Examples
    --------
    >>> import numpy as np
    >>> z = np.random.default_rng(0).normal(size=(200, 30))
    >>> parts = np.split((z - z.mean(0)) / z.std(0), 2)
    >>> shrinkage(np.stack([part.T @ part for part in parts]), [100, 100]) > 0.5  # nothing to keep
    True
    """
    whole, windows = products.sum(axis=0), sum(counts)
    loss = np.zeros(len(SHRINKAGES))
    # small matrices are decomposed together: a call takes as long as the arithmetic of one
    together = len(products) if len(whole) <= SMALL else 1
    for first in range(0, len(products), together):
        own, count = products[first : first + together], np.array(counts[first : first + together])
        others = whole - own
        others /= (windows - count)[:, None, None]
        eigenvalues, Q = _decomposed(others)
        turned = own @ Q
        turned *= Q
        power = turned.sum(axis=1)
        variance = _KEPT * np.maximum(eigenvalues, 0.0) + _ADDED
        terms = np.log(variance)
        terms *= count[:, None]
        terms += power / variance
        loss += terms.sum(axis=(1, 2))
    return float(SHRINKAGES[loss.argmin()])


def _decomposed(matrices: Array) -> tuple[Array, Array]:
    """Give eigenvalues and eigenvectors of symmetric matrices: of LAPACK itself.

    `numpy.linalg.eigh` takes half as long again where they hold a few hundred numbers.

    Shapes: matrices (part, number, number), which are overwritten.
    """
    eigenvalues, Q = np.empty(matrices.shape[:2]), np.empty_like(matrices)
    for k, matrix in enumerate(matrices):
        eigenvalues[k], Q[k], failed = _syevd(matrix.T, overwrite_a=1)
        if failed:
            raise LinAlgError("the eigenvalues of the data's correlations were not found")
    return eigenvalues, Q


def window_moments(data: Array | Rows) -> WindowMoments:
    """Estimate mean and covariance from windows: data (window, step, feature), or Rows."""
    rows = data if isinstance(data, Rows) else rows_of(data)
    mean, varying = rows.mean()
    size = f"{rows.steps} steps of {len(rows.features)} features"
    if len(varying) > MOST_NUMBERS:
        raise DataError(
            f"windows of {size} have {len(varying):,} numbers that change, and their covariance is "
            f"made for up to {MOST_NUMBERS:,}: hold features, or choose another baseline"
        )
    if len(rows) <= len(varying):
        raise DataError(
            f"the covariance of windows of {size} needs more than {len(varying):,} windows, but "
            f"{len(rows):,} came: give more background windows, or choose another baseline"
        )
    # as `np.array_split` cuts
    counts = [len(rows) // PARTS + (k < len(rows) % PARTS) for k in range(PARTS)]
    products = rows.products_of_parts(mean, varying, counts)
    deviation = np.sqrt(np.einsum("pnn->n", products) / len(rows))
    scales = deviation[:, None] * deviation
    products /= scales
    s = shrinkage(products, counts) if len(varying) else 0.0
    R = products.sum(axis=0)
    R *= (1 - s) / len(rows)
    np.einsum("nn->n", R)[:] += s
    R *= scales
    return WindowMoments(mean, varying, R, s)
