"""Who plays in a game of coalitions: steps that are hidden or shown together.

Players stand in the order of their oldest steps, for that is where the tree of coalitions forks:
a recurrent state after step t depends on the players that have begun by then and on no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Players", "lag_players", "newest_players"]


@dataclass(frozen=True)
class Players:
    """Steps that are hidden or shown together, every step with one player.

    Parameters
    ----------
    blocks : tuple of sequence of int
        The steps of each player, rising; players in the order of their first steps.
    names : tuple of str
        What each is called; empty for ``"lag 3"`` and ``"lags 4 to 24"``.
    carried : bool
        Whether the state carried into the window is a player too, older than all others.
    """

    blocks: tuple[Sequence[int], ...]
    names: tuple[str, ...] = ()
    carried: bool = False

    @property
    def steps(self) -> int:
        """How many steps they share."""
        return sum(len(block) for block in self.blocks)

    @property
    def count(self) -> int:
        """How many players there are, a carried state among them."""
        return len(self.blocks) + self.carried

    @property
    def lags(self) -> tuple[tuple[int, int], ...]:
        """First and last lag of each player, newest player first."""
        last = self.steps
        return tuple((last - block[-1], last - block[0]) for block in reversed(self.blocks))

    @property
    def places(self) -> tuple[NDArray[np.int64], ...]:
        """The steps of each player, newest player first, counted back from the newest step, 0."""
        return tuple(self.steps - 1 - np.array(block) for block in reversed(self.blocks))

    @property
    def titles(self) -> tuple[str, ...]:
        """What each player is called, newest player first."""
        if self.names:
            return self.names[::-1]
        return tuple(f"lag {a}" if a == b else f"lags {a} to {b}" for a, b in self.lags)

    @cached_property
    def owner(self) -> NDArray[np.int64]:
        """The player of each step (step,)."""
        owner = np.zeros(self.steps, np.int64)
        for player, block in enumerate(self.blocks):
            owner[list(block)] = player
        return owner

    def cells(self, partial: int | Sequence[int] = 0, each: Sequence[int] = ()) -> int:
        """Count the cells that a tree over all coalitions evaluates, for one recurrent layer.

        Or for as many as read each step, where this is said.

        After a step there are as many states as there are choices among the players that have
        begun: ``2^(K+1) - 2`` cells for K players of one step. Where one player at a time may be
        shown in part, each of its partial choices takes the place of one such choice from its
        first step on: ``(K - 1) 2^K + 1`` more cells for each that all players have; where players
        have different numbers of them, `partial` lists these.

        Examples
        --------
        >>> newest_players(10, 10).cells(), newest_players(24, 10).cells()
        (2046, 4120)
        >>> newest_players(10, 10).cells(partial=2)
        20480
        """
        first = np.array([block[0] for block in self.blocks])
        begun = np.searchsorted(first, np.arange(self.steps), side="right").tolist()
        plain = [1 << (b + self.carried) for b in begun]
        ways = np.concatenate([[0], np.cumsum(self._each(partial))]).tolist()
        taken = [s + ways[b] * s // 2 for b, s in zip(begun, plain, strict=True)]
        return sum(taken) if not each else sum(n * m for n, m in zip(taken, each, strict=True))

    def coalitions(self, partial: int | Sequence[int] = 0) -> int:
        """Count the coalitions that such a tree ends in."""
        return (1 << self.count) + sum(self._each(partial)) * (1 << self.count) // 2

    def _each(self, partial: int | Sequence[int]) -> list[int]:
        """Give the number of partial choices of each player."""
        return [partial] * len(self.blocks) if isinstance(partial, int) else list(partial)


def newest_players(steps: int, newest: int) -> Players:
    """Make the newest lags players of their own and all older ones one more.

    Examples
    --------
    >>> newest_players(24, 3).blocks
    (range(0, 21), range(21, 22), range(22, 23), range(23, 24))
    >>> newest_players(24, 3).lags
    ((1, 1), (2, 2), (3, 3), (4, 24))
    """
    first = max(0, steps - newest)
    singles = tuple(range(t, t + 1) for t in range(first, steps))
    return Players(((range(first),) if first else ()) + singles)


def lag_players(
    steps: int,
    newest: int,
    groups: Mapping[str, Sequence[int]] | None = None,
    *,
    carried: bool = False,
) -> Players:
    """Make players of named groups of lags, of the newest other lags, and of all that are left.

    Examples
    --------
    >>> made = lag_players(8, 2, {"same hour": [4, 8]})
    >>> made.blocks, made.titles
    (([0, 4], [1, 2, 3, 5], [6], [7]), ('lag 1', 'lag 2', 'lags 3 to 7', 'same hour'))
    """
    if not groups:
        made = newest_players(steps, newest)
        return Players(made.blocks, carried=carried)
    parts = [(sorted(steps - lag for lag in lags), name) for name, lags in groups.items()]
    taken = {t for block, _ in parts for t in block}
    left = [t for t in range(steps) if t not in taken]
    parts += [([t], f"lag {steps - t}") for t in left if steps - t <= newest]
    older = [t for t in left if steps - t > newest]
    if older:
        low, high = steps - older[-1], steps - older[0]
        parts.append((older, f"lags {low} to {high}" if low < high else f"lag {low}"))
    blocks, names = zip(*sorted(parts, key=lambda part: part[0][0]), strict=True)
    return Players(tuple(blocks), tuple(names), carried)
