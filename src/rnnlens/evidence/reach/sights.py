"""What each number of the output can see of each input: the newest and the oldest step, features.

`rnnlens.evidence.reach.follow` says it number by number; here it is gathered for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rnnlens.attribution.target import ResolvedTarget
from rnnlens.evidence.reach.follow import Used, follow
from rnnlens.evidence.reach.rules import Counting
from rnnlens.network.network import Network
from rnnlens.network.shapes import is_sequence, output_shapes

__all__ = ["MOST_ENTRIES", "STEPS", "Extent", "Sight", "entries_of", "sight", "sights"]

#: Steps of a window whose number the network leaves open.
STEPS = 24
#: Numbers of the output that are followed one by one; of more, evenly spread ones.
MOST_ENTRIES = 64


class Extent(NamedTuple):
    """What lies within sight of one input."""

    #: The lags between which all of it lies; 0 where there is nothing.
    newest: int
    oldest: int
    #: Features of which nothing does, though something of others does.
    unseen: tuple[int, ...]


@dataclass(frozen=True)
class Sight:
    """What one number of the output can see of one input.

    Parameters
    ----------
    input : str
        Which input.
    steps : int
        Steps of its window; 1 where it has none.
    seen, wired : Extent
        What it sees, and would see if no weight were zero.
    """

    input: str
    steps: int
    seen: Extent
    wired: Extent

    @property
    def all(self) -> Extent:
        """Every step and every feature."""
        return Extent(1, self.steps, ())

    @property
    def whole(self) -> bool:
        """Whether it can see every step and every feature."""
        return self.seen == self.all

    def why(self, what: str) -> str:
        """Say what keeps the newest steps, the oldest or features out of sight."""
        seen, wired, every = (getattr(one, what) for one in (self.seen, self.wired, self.all))
        if wired == seen:
            return "not wired"
        return "zero weights" if wired == every else "not wired, or zero weights"


def sights(network: Network) -> dict[tuple[int, ...], list[Sight]]:
    """Tell what each number of the output sees, by output and place: (output, *index)."""
    shapes = _shapes(network)
    found = {}
    for output, index in entries_of(network):
        target = ResolvedTarget(index, output)
        found[output, *index] = sight(network, shapes, target)
    return found


def sight(
    network: Network,
    shapes: Mapping[str, tuple[int, ...]],
    target: ResolvedTarget,
    *,
    carried: bool = False,
) -> list[Sight]:
    """Tell what one number of the output sees of each input, of given shapes of one sample."""
    seen = follow(network, shapes, target, Counting(carried=carried))
    wired = follow(network, shapes, target, Counting(zeros=True, carried=carried))
    return [
        _sight(name, seen[name], wired[name], sequence=is_sequence(network, name))
        for name in network.inputs
    ]


def entries_of(network: Network) -> list[tuple[int, tuple[int, ...]]]:
    """Give the numbers of the outputs: the output, and the place in one sample."""
    shapes = output_shapes(network, given=_shapes(network))
    entries: list[tuple[int, tuple[int, ...]]] = []
    for output, (name, number) in enumerate(network.outputs):
        shape = tuple(STEPS if n is None else n for n in shapes[name][number] or ())
        entries += [(output, place) for place in np.ndindex(shape)]
    if len(entries) <= MOST_ENTRIES:
        return entries
    return [entries[k] for k in np.linspace(0, len(entries) - 1, MOST_ENTRIES).astype(int)]


def _sight(name: str, seen: Used, wired: Used, *, sequence: bool) -> Sight:
    rows = [
        one.reshape(len(one), -1) if sequence and one.ndim else one.reshape(1, -1)
        for one in (seen, wired)
    ]
    return Sight(name, len(rows[0]), *map(_extent, rows))


def _extent(seen: Used) -> Extent:
    """Gather what is seen: (step, feature)."""
    lags = len(seen) - np.flatnonzero(seen.any(axis=1))
    if not len(lags):
        return Extent(0, 0, ())
    never = tuple(np.flatnonzero(~seen.any(axis=0)).tolist())
    return Extent(int(lags.min()), int(lags.max()), never)


def _shapes(network: Network) -> dict[str, tuple[int, ...]]:
    return {
        name: tuple(STEPS if n is None else n for n in entry.shape)
        for name, entry in network.inputs.items()
    }
