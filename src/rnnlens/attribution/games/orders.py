"""Random orders of players, drawn in antithetic pairs, and running means over pairs."""

from __future__ import annotations

from dataclasses import dataclass, field

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
    members : array (member, feature) of bool, or None
        The features of each member; None where unions come as wholes.
    """

    unions: Players
    members: NDArray[np.bool_] | None

    @property
    def each(self) -> int:
        """Members of a union."""
        return 1 if self.members is None else len(self.members)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.each * len(self.unions.blocks) + self.unions.carried

    def order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw an order in which members of a union come one after the other: (atom,)."""
        carried, each = self.unions.carried, self.each
        order: list[NDArray[np.int64]] = []
        for union in rng.permutation(self.unions.count):
            if carried and union == 0:
                order.append(np.zeros(1, np.int64))
                continue
            inside = rng.permutation(each) if each > 1 else np.zeros(1, np.int64)
            order.append(carried + (union - carried) * each + inside)
        return np.concatenate(order)

    def masks(self, shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Give what coalitions of atoms show of a window.

        Shapes: shown (coalition, atom) of bool -> (coalition, step) or (coalition, step, feature)
        of bool.
        """
        shown = shown[:, self.unions.carried :]
        if self.members is None:
            return shown[:, self.unions.owner]
        # counted, not inferred: a single player has no coalition but nobody and everybody
        unions = self.unions.count - self.unions.carried
        by_union = shown.reshape(len(shown), unions, self.each).astype(np.float32)
        by_feature = (by_union @ self.members.astype(np.float32)) > 0
        return by_feature[:, self.unions.owner]


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
