"""Ridge regression in blocks of time, its strength chosen within the blocks that are fitted.

Every fit is ``min |y - Z b|^2 / n + strength |b|^2`` with columns of mean 0 and variance 1 among
the rows that are fitted. Sums of products are taken once for each stretch of rows that no gap
cuts, and added up for each fit; one eigen-decomposition of a fit serves all strengths and all
quantities (Golub, Heath and Wahba 1979 for the closed form). The strength for a block is the best
of those tried in the other blocks, each read by a fit that has seen neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.probes.folds import Folds
from rnnlens.engine.operations.registry import Array

__all__ = ["STRENGTHS", "ReadOff", "Reading", "read_off", "reading_of"]

#: Strengths that are tried, for columns of variance 1.
STRENGTHS = np.logspace(-8, 3, 23)
#: Variance, as a part of that over all rows, below which a column does not vary in a fit.
CONSTANT = 1e-20


@dataclass(frozen=True, eq=False)
class ReadOff:
    """What is read in blocks that the regression has not seen.

    Parameters
    ----------
    read : array (row, quantity)
        What is read.
    level : array (row, quantity)
        The mean of the rows that were fitted: what is said where nothing can be read.
    """

    read: Array
    level: Array

    def missed(self, y: Array) -> Array:
        """Give the squared error of every row: y (row, quantity) likewise."""
        return (y - self.read) ** 2

    def spread(self, y: Array) -> Array:
        """Give the squared distance of every row from the level: y (row, quantity) likewise."""
        return (y - self.level) ** 2

    def r2(self, y: Array) -> Array:
        """Give the R2 of all blocks together: y (row, quantity) -> (quantity,)."""
        return 1 - self.missed(y).sum(axis=0) / self.spread(y).sum(axis=0)


@dataclass(frozen=True, eq=False)
class Reading:
    """One regression over all rows: what is read is ``level + (columns - centre) @ weights``."""

    weights: Array
    centre: Array
    scale: Array
    level: float


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over some rows of columns Z, and of quantities beside them."""

    count: int
    first: Array
    products: Array
    squares: Array

    def __add__(self, other: _Sums) -> _Sums:
        return _Sums(
            self.count + other.count,
            self.first + other.first,
            self.products + other.products,
            self.squares + other.squares,
        )


class _Rows:
    """All rows, standardised, and the sums of each stretch of them."""

    def __init__(self, columns: Array, y: Array, folds: Folds, samples: NDArray[np.int64]) -> None:
        self.wide = columns.shape[1]
        whole = np.concatenate([columns, y], axis=1)
        self.centre = whole.mean(axis=0)
        spread = whole.std(axis=0)
        # a column that is all but constant is left as it is, and is found so by every fit
        tiny = spread <= 1e-12 * np.abs(whole).max(axis=0, initial=0.0)
        self.scale = np.where(tiny, 1.0, spread)
        self.rows = np.where(tiny, 0.0, (whole - self.centre) / self.scale)
        signs, stretch = np.unique(
            np.vstack([folds.block, folds.near]), axis=1, return_inverse=True
        )
        self.block, self.near = signs[0], signs[1:].astype(bool)
        of_rows = stretch.reshape(-1)[samples]
        self.block_of_rows = folds.block[samples]
        self.sums = [self._sums(self.rows[of_rows == one]) for one in range(signs.shape[1])]

    def _sums(self, rows: Array) -> _Sums:
        Z, y = rows[:, : self.wide], rows[:, self.wide :]
        return _Sums(len(rows), rows.sum(axis=0), Z.T @ rows, (y**2).sum(axis=0))

    def over(self, chosen: NDArray[np.bool_]) -> _Sums:
        """Add up the sums of some stretches."""
        picked = [one for one, use in zip(self.sums, chosen, strict=True) if use]
        total = picked[0]
        for one in picked[1:]:
            total += one
        return total


@dataclass(frozen=True, eq=False)
class _Fit:
    """A regression under every strength, in the directions in which its columns vary."""

    mean: Array
    level: Array
    turn: Array
    size: Array
    on: Array

    def amounts(self) -> Iterator[Array]:
        """Give the coefficients of each strength in turned columns: (direction, quantity)."""
        for strength in STRENGTHS:
            yield self.on / (self.size + strength)[:, None]

    def losses(self, sums: _Sums, wide: int) -> Array:
        """Give the squared error over other rows, (strength, quantity), from their sums."""
        n, first = sums.count, sums.first
        apart_z, apart_y = first[:wide] - n * self.mean, first[wide:] - n * self.level
        products = sums.products[:, wide:]
        zy = products - np.outer(first[:wide], self.level) - np.outer(self.mean, apart_y)
        zz = sums.products[:, :wide] - np.outer(first[:wide], self.mean)
        zz = self.turn.T @ (zz - np.outer(self.mean, apart_z)) @ self.turn
        zy = self.turn.T @ zy
        yy = sums.squares - 2 * self.level * first[wide:] + n * self.level**2
        return np.stack([yy - 2 * (b * zy).sum(0) + (b * (zz @ b)).sum(0) for b in self.amounts()])

    def weights(self, best: NDArray[np.int64]) -> Array:
        """Give coefficients of the columns, each quantity under its own strength."""
        return self.turn @ (self.on / (self.size[:, None] + STRENGTHS[best]))


def _fit(sums: _Sums, wide: int) -> _Fit:
    n = sums.count
    mean = sums.first / n
    Z, y = mean[:wide], mean[wide:]
    shared = sums.products[:, :wide] / n - np.outer(Z, Z)
    variance = np.diag(shared)
    varies = variance > CONSTANT
    scale = np.where(varies, 1 / np.sqrt(np.where(varies, variance, 1.0)), 0.0)
    size, turn = np.linalg.eigh(shared * np.outer(scale, scale))
    turn = scale[:, None] * turn
    return _Fit(
        Z, y, turn, np.maximum(size, 0.0), turn.T @ (sums.products[:, wide:] / n - np.outer(Z, y))
    )


def read_off(columns: Array, y: Array, folds: Folds, samples: NDArray[np.int64]) -> ReadOff:
    """Read quantities off columns, each block by what is not near it.

    Shapes: columns (row, column), y (row, quantity), samples (row,) the window of each row.
    """
    rows = _Rows(columns, y, folds, samples)
    losses = np.zeros((len(folds), len(STRENGTHS), y.shape[1]))
    fits: dict[tuple[int, int], _Fit] = {}
    for outer, inner in permutations(range(len(folds)), 2):
        pair = (min(outer, inner), max(outer, inner))
        if pair not in fits:
            fits[pair] = _fit(rows.over(~rows.near[outer] & ~rows.near[inner]), rows.wide)
        # what lies near the block that is read is no part of what its strength is chosen by
        seen = (rows.block == inner) & ~rows.near[outer]
        if seen.any():
            losses[outer] += fits[pair].losses(rows.over(seen), rows.wide)
    read, level = np.empty_like(rows.rows[:, rows.wide :]), np.empty_like(rows.rows[:, rows.wide :])
    for outer in range(len(folds)):
        fit, own = _fit(rows.over(~rows.near[outer]), rows.wide), rows.block_of_rows == outer
        weights = fit.weights(losses[outer].argmin(axis=0))
        read[own] = fit.level + (rows.rows[own, : rows.wide] - fit.mean) @ weights
        level[own] = fit.level
    scale, centre = rows.scale[rows.wide :], rows.centre[rows.wide :]
    return ReadOff(read * scale + centre, level * scale + centre)


def reading_of(columns: Array, y: Array, folds: Folds, samples: NDArray[np.int64]) -> Reading:
    """Fit all rows for the direction of a reading: columns (row, column), y (row,).

    The strength is the largest that reads blocks as well as the best within one standard error
    (Breiman et al. 1984): of directions that read alike, one that units share and not one in which
    they make up for each other.
    """
    rows = _Rows(columns, y[:, None], folds, samples)
    losses = []
    for outer in range(len(folds)):
        fit = _fit(rows.over(~rows.near[outer]), rows.wide)
        losses.append(fit.losses(rows.over(rows.block == outer), rows.wide)[:, 0])
    total = np.sum(losses, axis=0)
    best = int(total.argmin())
    apart = np.sqrt(len(folds)) * np.std([one[best] for one in losses], ddof=1)
    strongest = np.flatnonzero(total <= total[best] + apart)[-1:]
    every = np.ones(len(rows.block), dtype=bool)
    weights = _fit(rows.over(every), rows.wide).weights(strongest)[:, 0]
    scale = rows.scale[: rows.wide]
    return Reading(
        weights * rows.scale[-1] / scale, rows.centre[: rows.wide], scale, float(rows.centre[-1])
    )
