"""Rows of numbers cut out of windows some at a time: their mean and their products in little room.

What describes data, means and covariances and how far out a step lies, looks at every window; laid
out all at once that takes several times the memory of the windows. Here a block of rows is cut out
when it is looked at, and dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows", "rows_of"]

Array = NDArray[np.float64]

#: Numbers of a block: a quarter of a megabyte, which stays in the cache.
BLOCK = 1 << 15


@dataclass(frozen=True, eq=False)
class Rows:
    """Neighbouring steps of windows, laid out as rows, window by window.

    Parameters
    ----------
    data : array (window, step, feature)
        The windows.
    features : array of int
        Which features a row holds.
    steps : int
        Neighbouring steps of a row.
    every : int
        Every so many of the rows there are, from the first on.
    real : array (window, step) of bool, optional
        Which steps are data; a row with padding in it is none.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = Rows(np.arange(6.0).reshape(2, 3, 1), np.array([0]), steps=2)
    >>> len(pairs), pairs.block(1, 3).tolist()
    (4, [[1.0, 2.0], [3.0, 4.0]])
    """

    data: NDArray[np.floating]
    features: NDArray[np.int64]
    steps: int = 1
    every: int = 1
    real: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _count(self) -> int:
        here = len(self.data) * self._places if self._begins is None else len(self._begins)
        return (here + self.every - 1) // self.every

    @cached_property
    def _begins(self) -> NDArray[np.int64] | None:
        """Where the rows without padding begin, by number; None where no step is padding."""
        if self.real is None or self.real.all():
            return None
        whole = np.lib.stride_tricks.sliding_window_view(self.real, self.steps, axis=1)
        return np.flatnonzero(whole.all(axis=2))

    @property
    def _places(self) -> int:
        """Places of a window at which a row may begin."""
        return self.data.shape[1] - self.steps + 1

    @property
    def numbers(self) -> int:
        """Numbers of a row."""
        return self.steps * len(self.features)

    @cached_property
    def _all(self) -> Array | None:
        """All rows where they are one block at most, which are cut once; None where more."""
        return self._cut(0, len(self)) if len(self) * self.numbers <= BLOCK else None

    def block(self, first: int, end: int) -> Array:
        """Give some of the rows, only to be read: (row, number)."""
        return self._cut(first, end) if self._all is None else self._all[first:end]

    def _cut(self, first: int, end: int) -> Array:
        if len(self.data) == 1 and self.every == 1 and self._begins is None:
            # of one window they are its steps beside those that follow
            apart = [self.data[0, k + first : k + end] for k in range(self.steps)]
            rows = np.stack(apart, axis=1) if self.steps > 1 else apart[0]
        else:
            number = np.arange(first, end) * self.every
            begins = number if self._begins is None else self._begins[number]
            window, step = np.divmod(begins, self._places)
            rows = self.data[window[:, None], step[:, None] + np.arange(self.steps)]
        if len(self.features) < self.data.shape[2]:
            rows = rows[..., self.features]
        return rows.reshape(end - first, -1).astype(np.float64, copy=False)

    def blocks(self, first: int = 0, end: int | None = None) -> Iterator[Array]:
        """Give rows block by block: (row, number)."""
        end = len(self) if end is None else end
        if self._all is not None:
            if end > first:
                yield self._all[first:end]
            return
        size = max(1, BLOCK // max(1, self.numbers))
        for begin in range(first, end, size):
            yield self.block(begin, min(begin + size, end))

    def each(self, number: Callable[[Array], Array]) -> Array:
        """Compute a number for each row: (row,)."""
        numbers, first = np.empty(len(self)), 0
        for block in self.blocks():
            numbers[first : first + len(block)] = number(block)
            first += len(block)
        return numbers

    def mean(self) -> tuple[Array, NDArray[np.int64]]:
        """Average the rows, keeping what is constant as it is, free of rounding.

        Shapes: gives tuple of two (number,).
        """
        one = self.block(0, 1)[0]
        total, changes = np.zeros(len(one)), np.zeros(len(one), bool)
        for block in self.blocks():
            away = block - one
            total += away.sum(axis=0)
            changes |= away.any(axis=0)
        return one + total / len(self), np.flatnonzero(changes)

    def products_of_parts(
        self, mean: Array, numbers: NDArray[np.int64], counts: Sequence[int]
    ) -> Array:
        """Do what `products` does for parts of so many rows each, one after the other: (part, ...).

        Where rows are one block, what they differ by is worked out for all parts at once.
        """
        products = np.empty((len(counts), len(numbers), len(numbers)))
        away = None if self._all is None else self._away(self._all, mean, numbers)
        end = 0
        for part, count in zip(products, counts, strict=True):
            first, end = end, end + count
            if away is None:
                part[:] = self.products(mean, numbers, first, end)
            else:
                np.matmul(away[first:end].T, away[first:end], out=part)
        return products

    def products(
        self, mean: Array, numbers: NDArray[np.int64], first: int = 0, end: int | None = None
    ) -> Array:
        """Sum the products of what some numbers differ from their mean.

        Shapes: mean (number,) -> (len(numbers), len(numbers)).
        """
        total = np.zeros((len(numbers), len(numbers)))
        for block in self.blocks(first, end):
            away = self._away(block, mean, numbers)
            total += away.T @ away
        return total

    @staticmethod
    def _away(block: Array, mean: Array, numbers: NDArray[np.int64]) -> Array:
        """Give by how much some numbers of rows differ from their mean."""
        return block - mean if len(numbers) == len(mean) else block[:, numbers] - mean[numbers]


def rows_of(data: NDArray[np.floating]) -> Rows:
    """Lay out each window as a row: data (window, step, feature)."""
    return Rows(data, np.arange(data.shape[2]), data.shape[1])
