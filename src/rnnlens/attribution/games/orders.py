"""Random orders of players, drawn in antithetic pairs, and running means over pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.engine.stepwise.players import Players

__all__ = ["Atoms", "Running", "drawn_orders"]


@dataclass(frozen=True, eq=False)
class Atoms:
    """Every player that comes by itself: members of unions, union by union.

    Parameters
    ----------
    unions : Players
        The unions; a carried state is one of a single member, before all others.
    members : sequence of array (member, feature) of bool, or None
        The features of each member of each union; None where unions come as wholes.
    """

    unions: Players
    members: Sequence[NDArray[np.bool_]] | None

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Members of each union."""
        if self.members is None:
            return (1,) * len(self.unions.blocks)
        return tuple(len(one) for one in self.members)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.sizes) + self.unions.carried

    @cached_property
    def firsts(self) -> tuple[int, ...]:
        """The first atom of each union."""
        ends = np.cumsum(self.sizes)
        return tuple((ends - self.sizes + self.unions.carried).tolist())

    @cached_property
    def newest_first(self) -> NDArray[np.int64]:
        """The atoms, a carried state apart, from the newest union on: (atom,)."""
        parts = [
            first + np.arange(size) for first, size in zip(self.firsts, self.sizes, strict=True)
        ]
        return np.concatenate(parts[::-1])

    def order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw an order in which members of a union come one after the other: (atom,)."""
        carried = self.unions.carried
        order: list[NDArray[np.int64]] = []
        for union in rng.permutation(self.unions.count):
            if carried and union == 0:
                order.append(np.zeros(1, np.int64))
                continue
            first, each = self.firsts[union - carried], self.sizes[union - carried]
            inside = rng.permutation(each) if each > 1 else np.arange(each)
            order.append(first + inside)
        return np.concatenate(order)

    def masks(
        self, shown: NDArray[np.bool_], steps: NDArray[np.int64] | None = None
    ) -> NDArray[np.bool_]:
        """Give what coalitions of atoms show of a window, or of some of its steps.

        Shapes: shown (coalition, atom) of bool -> (coalition, step) or (coalition, step, feature)
        of bool.
        """
        owner = self.unions.owner if steps is None else self.unions.owner[steps]
        if self.members is None:
            return shown[:, self.unions.carried :][:, owner]
        by_union = [
            shown[:, first : first + size].astype(np.float32) @ own.astype(np.float32) > 0
            for first, size, own in zip(self.firsts, self.sizes, self.members, strict=True)
        ]
        return np.stack(by_union, axis=1)[:, owner]


def drawn_orders(atoms: Atoms, pairs: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw orders one by one, so that how many are drawn at once changes none of them.

    Shapes: gives (pair, atom).
    """
    return np.stack([atoms.order(rng) for _ in range(pairs)])


@dataclass(eq=False)
class Running:
    """Means and squared deviations over pairs, taken up batch by batch.

    Parameters
    ----------
    mean, squares : array (sample, atom)
        So far.
    pairs : array (sample,) of int
        How many pairs each sample has seen.
    """

    mean: Array
    squares: Array
    pairs: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, which: NDArray[np.int64], values: Array) -> None:
        """Take up the values of some samples (Chan, Golub and LeVeque 1983).

        Shapes: values (sample, pair, atom).
        """
        before, new = self.pairs[which][:, None], values.shape[1]
        mean = values.mean(axis=1)
        away = mean - self.mean[which]
        inside = ((values - mean[:, None]) ** 2).sum(axis=1)
        self.squares[which] += inside + away**2 * before * new / (before + new)
        self.mean[which] += away * new / (before + new)
        self.pairs[which] += new

    @property
    def standard_error(self) -> Array:
        """Of the means (sample, atom); NaN below two pairs."""
        pairs = self.pairs[:, None].astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(pairs > 1, np.sqrt(self.squares / (pairs - 1) / pairs), np.nan)
