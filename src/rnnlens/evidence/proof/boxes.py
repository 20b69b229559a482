"""Questions of ranges, the points tried of them, and the boxes that their ranges are cut into."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BATCH",
    "MOST_CORNERS",
    "TINY",
    "Frontier",
    "RangeQuestions",
    "first_boxes",
    "first_points",
    "in_parts",
    "more_points",
    "pieces_of",
    "split",
    "whole_boxes",
]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

#: Pieces of each free number's range to begin with, by how many are free; more are left whole.
BEGIN = {1: 4, 2: 3, 3: 2}
#: Free numbers of which every corner is tried.
MOST_CORNERS = 3
#: Points that are tried along one free number's range before any box is bounded.
GRID = 5
#: Points that are tried at random where several numbers are free: first, and of what a first look
#: does not settle.
RANDOM, MORE_RANDOM = 8, 56
#: Pieces that a box is split into at the most.
PIECES = 8
#: Keeps a division by nothing from failing.
TINY = 1e-300
#: Multiplications after which a search looks whether it is to end: some tenths of a second.
BATCH = 3e9


class RangeQuestions(NamedTuple):
    """Ranges of the same number of free inputs.

    Parameters
    ----------
    window, step : array (question,) of int
        Which window and which step.
    feature : array (question, free) of int
        Which features are free.
    low, high : array (question, free)
        Their ranges.
    """

    window: Whole
    step: Whole
    feature: Whole
    low: Array
    high: Array


class Frontier(NamedTuple):
    """Boxes to bound: their questions, their ranges, and what is known to hold already."""

    question: Whole
    low: Array
    high: Array
    known: Array

    def part(self, chosen: Whole | NDArray[np.bool_]) -> Frontier:
        """Give some of the boxes."""
        low, high, known = self.low[chosen], self.high[chosen], self.known[chosen]
        return Frontier(self.question[chosen], low, high, known)


def first_points(
    asked: RangeQuestions, chosen: Whole, slopes: Array | None, rng: np.random.Generator
) -> tuple[Whole, Array]:
    """Give points of the ranges of chosen questions, to be tried before any box is bounded.

    Where several numbers are free some at random, the corners, and of many numbers the two that the
    output's `slopes` (question, free) point to.
    """
    free = asked.low.shape[1]
    if free == 1:
        return _points(asked, chosen, np.linspace(0, 1, GRID)[:, None])
    share = rng.random((RANDOM, free))
    if free <= MOST_CORNERS:
        share = np.concatenate([np.array(list(product((0.0, 1.0), repeat=free))), share])
    question, values = _points(asked, chosen, share)
    if slopes is None:
        return question, values
    low, high, rising = asked.low[chosen], asked.high[chosen], slopes[chosen] > 0
    corners = np.where(rising, high, low), np.where(rising, low, high)
    return np.concatenate([question, chosen, chosen]), np.concatenate([values, *corners])


def more_points(
    asked: RangeQuestions, chosen: Whole, rng: np.random.Generator
) -> tuple[Whole, Array]:
    """Give further points of the ranges of questions that a first look did not settle."""
    free = asked.low.shape[1]
    return _points(asked, chosen, rng.random((0 if free == 1 else MORE_RANDOM, free)))


def _points(asked: RangeQuestions, chosen: Whole, share: Array) -> tuple[Whole, Array]:
    """Give the points of ranges that lie at a share of them: (point, free)."""
    low, high = asked.low[chosen, None], asked.high[chosen, None]
    values = np.clip(low + (high - low) * share, low, high)
    return np.repeat(chosen, len(share)), values.reshape(-1, asked.low.shape[1])


def whole_boxes(asked: RangeQuestions) -> Frontier:
    """Give every question's range as one box."""
    count = len(asked.window)
    return Frontier(np.arange(count), asked.low, asked.high, np.full(count, np.inf))


def first_boxes(asked: RangeQuestions, chosen: Whole, known: Array) -> Frontier:
    """Cut the ranges of chosen questions, of which a bound is known, into the first boxes."""
    free = asked.low.shape[1]
    pieces = BEGIN.get(free, 1)
    edges = _edges(asked.low[chosen], asked.high[chosen], pieces)
    every = np.array(list(product(range(pieces), repeat=free)))
    places = np.arange(free)
    low = edges[:, every, places].reshape(-1, free)
    high = edges[:, every + 1, places].reshape(-1, free)
    return Frontier(np.repeat(chosen, len(every)), low, high, np.repeat(known, len(every)))


def in_parts(front: Frontier, step: Whole, cost: Callable[[int], float]) -> list[Frontier]:
    """Put boxes into parts, each at one step and not long, the newest step first.

    Shapes: step (question,) of int.
    """
    steps = step[front.question]
    order = np.argsort(steps, kind="stable")
    values, begins = np.unique(steps[order], return_index=True)
    ends = np.append(begins[1:], len(order))[: len(begins)]
    parts = []
    for one, begin, end in zip(values[::-1], begins[::-1], ends[::-1], strict=True):
        size = max(1, int(BATCH / cost(int(one))))
        parts += [front.part(order[k : min(k + size, end)]) for k in range(begin, end, size)]
    return parts


def _edges(low: Array, high: Array, pieces: int) -> Array:
    """Give the ends of equal pieces, (box, piece + 1, free); the outer ones exactly as they are."""
    share = np.arange(pieces + 1) / pieces
    edges = low[:, None] + (high - low)[:, None] * share[:, None]
    edges[:, 0], edges[:, -1] = low, high
    return np.clip(edges, low[:, None], high[:, None])


def pieces_of(
    front: Frontier, chosen: Whole, slope: Array, wanted: Array, whole: Array
) -> tuple[Whole, Whole]:
    """Say into how many pieces boxes are split, and along which number."""
    free = front.low.shape[1]
    most = PIECES if free == 1 else 2
    pieces = np.clip(np.ceil(np.nan_to_num(wanted[chosen], nan=most)), 2, most).astype(np.int64)
    # wide in its own range, or steep: the shares are added, so that no number is starved
    share = (front.high[chosen] - front.low[chosen]) / whole
    steep = np.abs(slope[chosen])
    along = np.argmax(share + steep / np.maximum(steep.max(axis=1, keepdims=True), TINY), axis=1)
    return pieces, along


def split(front: Frontier, chosen: Whole, known: Array, pieces: Whole, along: Whole) -> Frontier:
    """Split boxes into equal pieces along one number each."""
    parts = [Frontier(front.question[:0], front.low[:0], front.high[:0], known[:0])]
    for count in np.unique(pieces):
        for axis in np.unique(along):
            some = chosen[(pieces == count) & (along == axis)]
            edges = _edges(front.low[some], front.high[some], int(count))[:, :, axis]
            low = np.repeat(front.low[some], count, axis=0)
            high = np.repeat(front.high[some], count, axis=0)
            low[:, axis], high[:, axis] = edges[:, :-1].ravel(), edges[:, 1:].ravel()
            again = np.repeat(some, count)
            parts.append(Frontier(front.question[again], low, high, known[again]))
    return Frontier(*(np.concatenate(same) for same in zip(*parts, strict=True)))
