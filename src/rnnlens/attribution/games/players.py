"""Named groups of lags or of features, each one player."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import DataError

__all__ = ["Columns", "Members", "PlayerGroups", "columns_of", "make_groups"]


@dataclass(frozen=True)
class PlayerGroups:
    """Which lags and which features stand together.

    Parameters
    ----------
    lags : mapping of str to tuple of int
        Lags by the group's name.
    features : mapping of str to tuple of int
        Numbers of features by the group's name.
    """

    lags: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    features: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Members:
    """Who plays inside a union of steps.

    Parameters
    ----------
    masks : array (member, feature) of bool
        The features of each.
    columns : tuple of int
        The entries of each along the feature axis of a result.
    """

    masks: NDArray[np.bool_]
    columns: tuple[int, ...]

    @property
    def choices(self) -> NDArray[np.bool_]:
        """The ways to show some but not all members: (choice, feature) of bool."""
        count = len(self.masks)
        which = np.arange(1, max(1, (1 << count) - 1))
        bits = (which[:, None] >> np.arange(count) & 1).astype(bool)
        return (bits.astype(int) @ self.masks.astype(int)).astype(bool)


@dataclass(frozen=True)
class Columns:
    """The features of a window, some of them together.

    Parameters
    ----------
    members : tuple of tuple of int
        The features of each column.
    names : tuple of str
        Empty for a feature by itself.
    free : tuple of int
        The columns that are players: those that are not held.
    """

    members: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    free: tuple[int, ...]

    def masks(self, features: int) -> NDArray[np.bool_]:
        """Give the features of each column that is a player: (player, feature) of bool."""
        masks = np.zeros((len(self.free), features), bool)
        for row, column in enumerate(self.free):
            masks[row, list(self.members[column])] = True
        return masks


def make_groups(
    given: Mapping[str, Sequence[int | str]] | None,
    *,
    steps: int,
    features: Sequence[str],
    held: Iterable[int] = (),
) -> PlayerGroups:
    """Read groups given by name: numbers are lags, texts are features.

    Examples
    --------
    >>> made = make_groups({"wind": ["u", "v"], "day": range(1, 25)}, steps=48, features="tuv")
    >>> made.features, len(made.lags["day"])
    ({'wind': (1, 2)}, 24)
    """
    lags: dict[str, tuple[int, ...]] = {}
    columns: dict[str, tuple[int, ...]] = {}
    whose: dict[int | str, str] = {}
    still = {features[k] for k in held}
    for name, listed in (given or {}).items():
        members = [listed] if isinstance(listed, int | str) else list(listed)
        texts = [isinstance(member, str) for member in members]
        if not members or any(texts) != all(texts):
            raise DataError(
                f"group {name!r} must hold lags (numbers) or features (names), at least one and "
                f"of one kind, but holds {members}"
            )
        for member in members:
            _check(name, member, steps, features, still)
            if member in whose:
                raise DataError(
                    f"{_text(member)} is in the groups {whose[member]!r} and {name!r}: put it in "
                    "one of them"
                )
            whose[member] = name
        if texts[0]:
            columns[name] = tuple(sorted(list(features).index(str(m)) for m in members))
        else:
            lags[name] = tuple(sorted(int(m) for m in members))
    return PlayerGroups(lags, columns)


def _text(member: int | str) -> str:
    return f"feature {member!r}" if isinstance(member, str) else f"lag {member}"


def _check(
    group: str, member: int | str, steps: int, features: Sequence[str], held: set[str]
) -> None:
    if isinstance(member, str):
        if member not in features:
            raise DataError(
                f"group {group!r} names feature {member!r}, but the features are "
                f"{', '.join(features)}"
            )
        if member in held:
            raise DataError(
                f"feature {member!r} of group {group!r} is held, and what keeps its values plays "
                "no part: leave it out of the group, or do not hold it"
            )
    elif not isinstance(member, int | np.integer) or not 1 <= member <= steps:
        raise DataError(f"group {group!r} names lag {member}, but the lags are 1 to {steps}")


def columns_of(groups: PlayerGroups | None, features: int, held: Iterable[int] = ()) -> Columns:
    """Lay the features out as columns: named groups, and every other feature by itself.

    Examples
    --------
    >>> columns_of(PlayerGroups(features={"wind": (0, 2)}), 4, held=[3])
    Columns(members=((0, 2), (1,), (3,)), names=('wind', '', ''), free=(0, 1))
    """
    named = dict(groups.features) if groups is not None else {}
    taken = {k for members in named.values() for k in members}
    parts = [(members, name) for name, members in named.items()]
    parts += [((k,), "") for k in range(features) if k not in taken]
    members, names = zip(*sorted(parts), strict=True)
    still = {int(k) for k in held}
    free = tuple(k for k, those in enumerate(members) if not still.intersection(those))
    return Columns(members, names, free)
