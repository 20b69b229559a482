"""Rounds of random orders: the coalitions of some pairs, until pairs or cells run out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.conditional import GaussianConditional
from rnnlens.attribution.games.games import price
from rnnlens.attribution.games.orders import Atoms, drawn_orders
from rnnlens.engine.stepwise.trees import count_prefixes
from rnnlens.errors import DataError
from rnnlens.network.network import Network

__all__ = ["FIRST_PAIRS", "MOST_PAIRS", "Round", "Stop", "cells_of_pairs", "replayed", "rounds_of"]

Ints = NDArray[np.int64]

#: Pairs of the first round; a tolerance is looked at after it for the first time.
FIRST_PAIRS = 16
#: Pairs where nothing else says when to stop.
MOST_PAIRS = 128
#: Coalitions of one round: more share more beginnings and take more memory.
COALITIONS = 1 << 13


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


def cells_of_pairs(
    network: Network,
    atoms: Atoms,
    pairs: int,
    baseline: Baseline | GaussianConditional,
    *,
    of: str,
    seed: int = 0,
) -> int:
    """Count the cells that some pairs take for one window in one game."""
    orders = drawn_orders(atoms, pairs, np.random.default_rng(seed))
    return Round(orders, atoms, ends=True).cells(price(network, baseline, of=of))


class Round:
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
        place = np.argsort(orders, axis=1)
        inner = np.arange(1, atoms.count)[:, None] > place[:, None]
        first = inner.reshape(-1, atoms.count)
        none = np.zeros((1 if ends else 0, atoms.count), bool)
        shown = np.concatenate([none, ~none, first, ~first])
        self.masks = atoms.masks(shown)
        self.carried = shown[:, 0] if atoms.unions.carried else None

    def cells(self, a_step: tuple[int, bool]) -> int:
        """Count the cells that it takes for one window in one game."""
        layers, shared = a_step
        if shared:
            return layers * count_prefixes(self.masks, self.carried)
        return layers * self.masks.shape[0] * self.masks.shape[1]

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
        found = np.empty((samples, pairs, count))
        for pair, order in enumerate(self.orders):
            found[:, pair, order] = steps[:, 0, pair] / 2
            found[:, pair, order[::-1]] += steps[:, 1, pair] / 2
        return found


def rounds_of(
    atoms: Atoms, stop: Stop, allowed: int | None, a_step: tuple[int, bool], seed: int
) -> Iterator[Round]:
    """Draw round after round, the first with both ends, until pairs or cells run out."""
    rng = np.random.default_rng(seed)
    most = max(1, COALITIONS // (2 * max(1, atoms.count - 1)))
    done, spent, size = 0, 0, min(FIRST_PAIRS, most)
    while done < stop.pairs:
        orders = drawn_orders(atoms, min(size, stop.pairs - done), rng)
        made = Round(orders, atoms, ends=done == 0)
        cost = made.cells(a_step)
        while allowed is not None and spent + cost > allowed:
            fewer = min(int(len(orders) * (allowed - spent) / cost), len(orders) - 1)
            if fewer < (2 if done == 0 else 1):
                if done == 0:
                    raise DataError(_too_little(allowed, orders, atoms, a_step))
                return
            orders = orders[:fewer]
            made = Round(orders, atoms, ends=done == 0)
            cost = made.cells(a_step)
        yield made
        done, spent = done + len(orders), spent + cost
        size = min(done, most)


def _too_little(allowed: int, orders: Ints, atoms: Atoms, a_step: tuple[int, bool]) -> str:
    least = Round(orders[:2], atoms, ends=True).cells(a_step)
    return (
        f"the budget leaves {allowed:,} cell evaluations for each window and baseline, but two "
        f"pairs of orders of {atoms.count} players take {least:,}: give a larger budget, fewer "
        "windows, fewer newest lags or groups"
    )


def replayed(made: list[Round], drawing: Iterator[Round]) -> Iterator[Round]:
    """Give the rounds that were made before, then draw further ones."""
    k = 0
    while True:
        if k == len(made):
            following = next(drawing, None)
            if following is None:
                return
            made.append(following)
        yield made[k]
        k += 1
