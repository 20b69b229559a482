"""A linear autoregression on the same windows, as a reference for what a forecast should reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["crossed", "design", "fitted"]

#: Lags of the target's own that go in, and numbers of all features together, at most.
OWN_LAGS, NUMBERS = 48, 60
#: Windows that a fit takes, at most.
WINDOWS = 2000
#: Ridges that are tried, relative to the largest squared singular value.
RIDGES = np.logspace(-10, 0, 21)


def design(original: Array, own: int | None, rows: NDArray[np.int64] | None = None) -> Array:
    """Lay the newest steps of some windows, or all, out as columns: (sample, column).

    Shapes: original (sample, step, feature), rows (row,) of int.
    """
    count, steps, features = original.shape
    rows = np.arange(count) if rows is None else rows
    newest = min(steps, max(1, NUMBERS // features))
    columns = original[:, steps - newest :][rows].reshape(len(rows), -1)
    if own is None or newest >= min(steps, OWN_LAGS):
        return columns
    older = original[:, max(0, steps - OWN_LAGS) : steps - newest, own][rows]
    return np.concatenate([columns, older], axis=1)


def fitted(columns: Array, wanted: Array, others: Array) -> Array:
    """Fit by ridge regression and forecast others, the ridge by generalised cross-validation.

    ``GCV(k) = n RSS(k) / (n - 1 - df(k))^2`` (Golub, Heath and Wahba 1979), from one singular value
    decomposition; columns are standardised first.

    Shapes: columns (row, column), wanted (row,), others (other, column) -> (other,).
    """
    if len(columns) > WINDOWS:
        chosen = np.linspace(0, len(columns) - 1, WINDOWS).astype(int)
        columns, wanted = columns[chosen], wanted[chosen]
    centre, spread = columns.mean(axis=0), columns.std(axis=0)
    varies = spread > 1e-9 * (1 + np.abs(centre))
    level = float(wanted.mean()) if len(wanted) else np.nan
    if not varies.any() or len(columns) < 3:
        return np.full(len(others), level)
    z, of_others = ((given[:, varies] - centre[varies]) / spread[varies]
                    for given in (columns, others))  # fmt: skip
    return level + of_others @ _ridge(z, wanted - level)


def _ridge(z: Array, wanted: Array) -> Array:
    """Give the weights of the ridge that generalised cross-validation chooses: z (row, column)."""
    left, size, right = np.linalg.svd(z, full_matrices=False)
    along, whole = left.T @ wanted, float((wanted**2).sum())
    best, weights = np.inf, np.zeros(len(size))
    for ridge in RIDGES * size[0] ** 2:
        kept = size**2 / (size**2 + ridge)
        left_over = whole - float(((2 * kept - kept**2) * along**2).sum())
        freedom = len(z) - 1 - float(kept.sum())
        score = left_over / freedom**2 if freedom > 0 else np.inf
        if score < best:
            best, weights = score, kept * along / np.where(size > 0, size, 1)
    return right.T @ weights


def crossed(columns: Array, wanted: Array, others: Array, late: NDArray[np.bool_]) -> Array:
    """Forecast others, those of each half of the time by a fit on the other half.

    Shapes: columns (row, column), wanted (row,), in the order of time; others (other, column), late
    (other,) of bool, whether in the second half -> (other,).
    """
    half = len(wanted) // 2
    made = np.empty(len(others))
    made[late] = fitted(columns[:half], wanted[:half], others[late])
    made[~late] = fitted(columns[half:], wanted[half:], others[~late])
    return made
