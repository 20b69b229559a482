"""The covariance of windows of very many numbers, kept in the span of the windows there are.

    C = D ((1 - s) Z'Z / n + s I) D

with Z the n windows, standardised: what `rnnlens.attribution.baselines.covariance` makes, for
windows with more numbers than a covariance could be written down for. It has n directions of its
own and none is ever written down: whatever is asked of it comes from the products of windows with
each other, n x n. With A shown and S hidden, c = (1 - s) / n and M = s I + c Z_A Z_A',

    mean of S       m_S + D_S c Z_S' M^-1 Z_A D_A^-1 (x_A - m_A)
    covariance of S s D_S (I + c Z_S' M^-1 Z_S) D_S

The shrinkage s is the one under which windows left out are likeliest, as there. What fewer windows
than numbers cannot tell is nothing: in all other directions numbers are taken to go their own way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from rnnlens.attribution.baselines.covariance import PARTS, SHRINKAGES
from rnnlens.attribution.baselines.rows import rows_of
from rnnlens.engine.schedule.plan import evenly
from rnnlens.names import told

__all__ = ["MOST_WINDOWS", "SpannedMoments", "spanned_moments"]

Array = NDArray[np.float64]

#: Windows that the span is made of: evenly taken where there are more.
MOST_WINDOWS = 256


@dataclass(frozen=True, eq=False)
class SpannedMoments:
    """Mean of the numbers of a window, and their covariance in the span of some windows.

    Parameters
    ----------
    mean : array (number,)
        Of every number.
    deviation : array (number,)
        Standard deviation; 0 for a number that never changes.
    Z : array (window, number)
        The windows, standardised; 0 where a number never changes.
    products : array (window, window)
        ``Z Z'``.
    shrinkage : float
        What correlations were shrunk by.
    """

    mean: Array
    deviation: Array
    Z: Array
    products: Array
    shrinkage: float

    @property
    def given(self) -> str:
        """What hidden numbers are drawn from, in words."""
        return told("the rest of the window, in the span of {count:,} windows", count=len(self.Z))

    @property
    def shrunk(self) -> str:
        """What correlations were shrunk by, in words."""
        return told("shrunk by {share}", share=f"{self.shrinkage:.2g}")

    def hidden_values(self, x: Array, shown: NDArray[np.bool_], z: Array | None) -> Array:
        """Give what is hidden: by draws from standard normal numbers, or by the mean alone.

        Shapes: x (sample, number), shown (number,) of bool, z (sample, draw, hidden) or None ->
        (sample, draw, hidden); one draw for the mean.
        """
        s, hidden = self.shrinkage, np.flatnonzero(~shown)
        c = (1 - s) / len(self.Z)
        own, there = self.Z[:, hidden], self.products
        deviation = self.deviation[hidden]
        # the smaller part is multiplied out: the other is what is left of the whole
        few = len(hidden) <= shown.sum()
        side = own if few else self.Z[:, shown]
        across = there - side @ side.T if few else side @ side.T
        root = cholesky(s * np.eye(len(there)) + c * across, lower=True)
        near = c * cho_solve((root, True), self._met(x, shown).T)  # (window, sample)
        values = (self.mean[hidden] + (near.T @ own) * deviation)[:, None]
        if z is None:
            return values
        return values + self._spread(own, root, c, z) * deviation

    def _met(self, x: Array, shown: NDArray[np.bool_]) -> Array:
        """Give the products of what is shown with the windows, a few samples at a time."""
        scale = np.where(self.deviation > 0, self.deviation, np.inf)
        scale = np.where(shown, scale, np.inf)  # a number divided by infinity is left out
        rows = [(one - self.mean) / scale @ self.Z.T for one in x]
        return np.stack(rows) if rows else np.empty((0, len(self.Z)))

    def _spread(self, own: Array, root: Array, c: float, z: Array) -> Array:
        """Give normal numbers the covariance that is left, by its symmetric root."""
        s = self.shrinkage
        B = np.sqrt(c) * solve_triangular(root, own, lower=True)  # covariance s (I + B'B)
        power, U = np.linalg.eigh(B @ B.T)
        power = np.maximum(power, 0.0)
        # (sqrt(1 + p) - 1) / p, which is 1/2 where p is nothing
        gain = 1 / (np.sqrt(1 + power) + 1)
        V = U.T @ B
        return np.sqrt(s) * (z + ((z @ V.T) * gain) @ V)


def spanned_moments(data: Array) -> SpannedMoments:
    """Estimate mean and covariance from windows: data (window, step, feature).

    Examples
    --------
    >>> import numpy as np
    >>> data = np.random.default_rng(0).normal(size=(30, 200, 40)).cumsum(axis=1)
    >>> spanned_moments(data).given
    'the rest of the window, in the span of 30 windows'
    """
    mean, varying = rows_of(data).mean()
    middle = mean.reshape(data.shape[1:])
    deviation = np.zeros(data.shape[1:])
    for t, own in enumerate(middle):  # a step at a time: the data may be large
        deviation[t] = np.sqrt(((data[:, t] - own) ** 2).mean(axis=0))
    changes = np.zeros(mean.size, bool)
    changes[varying] = True
    deviation = np.where(changes, deviation.ravel(), 0.0)
    some = data[evenly(len(data), MOST_WINDOWS)]
    Z = some.reshape(len(some), -1) - mean
    Z /= np.where(changes, deviation, np.inf)
    products = Z @ Z.T
    return SpannedMoments(mean, deviation, Z, products, _shrinkage(products, len(varying)))


def _shrinkage(products: Array, numbers: int) -> float:
    """Give the shrinkage under which windows left out are likeliest, from their products alone."""
    windows = np.arange(len(products))
    loss = np.zeros(len(SHRINKAGES))
    for left_out in np.array_split(windows, PARTS):
        learned = np.setdiff1d(windows, left_out)
        power, U = np.linalg.eigh(products[np.ix_(learned, learned)])
        there = power > 1e-12 * power[-1]
        power, U = power[there], U[:, there]
        # along each direction of those learned from, and in what they do not span
        along = ((products[np.ix_(left_out, learned)] @ U) ** 2).sum(axis=0) / power
        rest = max(float(np.trace(products[np.ix_(left_out, left_out)]) - along.sum()), 0.0)
        for k, s in enumerate(SHRINKAGES):
            variance = (1 - s) * power / len(learned) + s
            logs = np.log(variance).sum() + (numbers - len(power)) * np.log(s)
            loss[k] += len(left_out) * logs + (along / variance).sum() + rest / s
    return float(SHRINKAGES[loss.argmin()])
