"""Random orders batch by batch: their coalitions, until pairs or cells run out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.costs import StepCost
from rnnlens.attribution.games.orders import Atoms, drawn_orders
from rnnlens.engine.stepwise.trees import count_prefixes
from rnnlens.errors import DataError

__all__ = [
    "FIRST_PAIRS",
    "MOST_PAIRS",
    "OrderBatch",
    "Stop",
    "cells_of_pairs",
    "order_batches",
    "replayed",
]

Ints = NDArray[np.int64]

#: Pairs of the first batch; a tolerance is looked at after it for the first time.
FIRST_PAIRS = 16
#: Pairs where nothing else says when to stop.
MOST_PAIRS = 128
#: Coalitions of one batch: more share more beginnings and take more memory.
COALITIONS = 1 << 13
#: Players from which on it is asked first whether two pairs fit at all.
MANY_ATOMS = 500


@dataclass(frozen=True)
class Stop:
    """When to stop drawing, whichever comes first.

    Parameters
    ----------
    pairs : int
        Pairs of orders.
    budget : int, optional
        Cell evaluations for all windows together; each window may use an equal part.
    tolerance : float, optional
        A window is done once each of its standard errors is at most this, in the target's own unit.
    """

    pairs: int = MOST_PAIRS
    budget: int | None = None
    tolerance: float | None = None


def cells_of_pairs(atoms: Atoms, pairs: int, step: StepCost, *, seed: int = 0) -> int:
    """Count the cells that some pairs take for one window in one game.

    Steps of one player follow one another as a rule and show the same: one of them stands for all,
    so that of long windows of many features little memory is taken.
    """
    orders = drawn_orders(atoms, pairs, np.random.default_rng(seed))
    if step.shared and not step.rows:
        owner = atoms.unions.owner
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        each = step.layers * np.diff(first, append=len(owner))
        shown = _shown(orders, ends=True)
        carried = shown[:, 0] if atoms.unions.carried else None
        return count_prefixes(atoms.masks(shown, first), carried, each.tolist())
    return OrderBatch(orders, atoms, ends=True).cells(step)


def _shown(orders: Ints, *, ends: bool) -> NDArray[np.bool_]:
    """Give the atoms that pairs of orders show: (coalition, atom)."""
    count = orders.shape[1]
    place = np.argsort(orders, axis=1)
    inner = np.arange(1, count)[:, None] > place[:, None]
    first = inner.reshape(-1, count)
    none = np.zeros((1 if ends else 0, count), bool)
    return np.concatenate([none, ~none, first, ~first])


class OrderBatch:
    """The coalitions of some pairs of orders; a reverse shows what its order hides.

    Parameters
    ----------
    orders : array (pair, atom) of int
        One of each pair, places to atoms.
    atoms : Atoms
        The players.
    ends : bool
        Whether the coalitions of nobody and of everybody come first.
    """

    def __init__(self, orders: Ints, atoms: Atoms, *, ends: bool) -> None:
        self.orders, self.atoms = orders, atoms
        shown = _shown(orders, ends=ends)
        self.masks = atoms.masks(shown)
        self.carried = shown[:, 0] if atoms.unions.carried else None

    def cells(self, step: StepCost) -> int:
        """Count the cells that it takes for one window in one game."""
        return step.of_beginnings(self.masks, self.carried)

    def added(self, inner: Array, low: Array, high: Array) -> Array:
        """Give what each atom adds, the mean of a pair.

        Shapes: inner (sample, coalition), low, high (sample,) -> (sample, pair, atom).
        """
        samples, (pairs, count) = len(inner), self.orders.shape
        v = inner.reshape(samples, 2, pairs, count - 1)
        # the reverse hides last what its order shows first: turn it round
        v[:, 1] = v[:, 1, :, ::-1]
        ends = [
            np.broadcast_to(e[:, None, None, None], (samples, 2, pairs, 1)) for e in (low, high)
        ]
        steps = np.diff(np.concatenate([ends[0], v, ends[1]], axis=3), axis=3)
        added = np.empty((samples, pairs, count))
        for pair, order in enumerate(self.orders):
            added[:, pair, order] = steps[:, 0, pair] / 2
            added[:, pair, order[::-1]] += steps[:, 1, pair] / 2
        return added


def order_batches(
    atoms: Atoms, stop: Stop, allowed: int | None, step: StepCost, seed: int
) -> Iterator[OrderBatch]:
    """Draw batch after batch, the first with both ends, until pairs or cells run out."""
    if allowed is not None and atoms.count > MANY_ATOMS:
        # what cannot be is said before the masks of a batch are made, which may take gigabytes
        least = cells_of_pairs(atoms, 2, step, seed=seed)
        if least > allowed:
            raise DataError(_too_little(allowed, least, atoms))
    rng = np.random.default_rng(seed)
    most = max(1, COALITIONS // (2 * max(1, atoms.count - 1)))
    done, spent, size = 0, 0, min(FIRST_PAIRS, most)
    while done < stop.pairs:
        orders = drawn_orders(atoms, min(size, stop.pairs - done), rng)
        batch = OrderBatch(orders, atoms, ends=done == 0)
        cost = batch.cells(step)
        while allowed is not None and spent + cost > allowed:
            fewer = min(int(len(orders) * (allowed - spent) / cost), len(orders) - 1)
            if fewer < (2 if done == 0 else 1):
                if done == 0:
                    least = OrderBatch(orders[:2], atoms, ends=True).cells(step)
                    raise DataError(_too_little(allowed, least, atoms))
                return
            orders = orders[:fewer]
            batch = OrderBatch(orders, atoms, ends=done == 0)
            cost = batch.cells(step)
        yield batch
        done, spent = done + len(orders), spent + cost
        size = min(done, most)


def _too_little(allowed: int, least: int, atoms: Atoms) -> str:
    return (
        f"the budget leaves {allowed:,} cell evaluations for each window and baseline, but two "
        f"pairs of orders of {atoms.count} players take {least:,}: give a larger budget, fewer "
        "windows, fewer newest lags or groups"
    )


def replayed(drawn: list[OrderBatch], drawing: Iterator[OrderBatch]) -> Iterator[OrderBatch]:
    """Give the batches that were drawn before, then draw further ones and keep them."""
    k = 0
    while True:
        if k == len(drawn):
            following = next(drawing, None)
            if following is None:
                return
            drawn.append(following)
        yield drawn[k]
        k += 1
