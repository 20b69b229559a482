"""Parts of a window that a question is asked about: a lag, a feature at a lag, a group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import DataError
from rnnlens.names import told

__all__ = ["Part", "group_parts", "lag_feature_parts", "lag_parts", "lags_title", "older_part"]


@dataclass(frozen=True, eq=False)
class Part:
    """Numbers of a window that are replaced together.

    Of long windows of many features a part is a little, and there are many: nothing reads more of
    `hidden` than the steps that are touched, whose pages alone of its memory are ever there.

    Parameters
    ----------
    title : str
        What it is called, such as ``"lag 3"`` or ``"wind at lag 3"``.
    hidden : array (step, feature) of bool
        The numbers.
    span : tuple of two int
        The first step that it touches, and how many it is to its last one.
    doubtful : bool
        Whether it is made sure of a counter-example, where observed values are drawn.
    """

    title: str
    hidden: NDArray[np.bool_]
    span: tuple[int, int]
    doubtful: bool = True

    @property
    def touched(self) -> slice:
        """The steps from the first to the last that it touches."""
        first, count = self.span
        return slice(first, first + count)

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Where its numbers stand among all of a window (number,)."""
        here = np.flatnonzero(self.hidden[self.touched])
        return here + self.span[0] * self.hidden.shape[1]

    @property
    def lags(self) -> tuple[int, int]:
        """The newest and the oldest lag that it touches."""
        first, count = self.span
        return len(self.hidden) - first - count + 1, len(self.hidden) - first

    def meets(self, numbers: NDArray[np.bool_]) -> bool:
        """Say whether any of its numbers is among some: numbers (step, feature)."""
        return bool((numbers[self.touched] & self.hidden[self.touched]).any())


def lags_title(first: int, last: int) -> str:
    """Name one lag, or several that follow each other.

    Examples
    --------
    >>> lags_title(3, 3), lags_title(4, 6)
    ('lag 3', 'lags 4 to 6')
    """
    if first >= last:
        return told("lag {lag}", lag=first)
    return told("lags {first} to {last}", first=first, last=last)


def _part(
    title: str,
    shape: tuple[int, int],
    lags: Iterable[int],
    features: Iterable[int],
    held: Iterable[int],
) -> Part:
    steps, count = shape
    lags, features = list(lags), list(features)
    for lag in lags:
        if not 1 <= lag <= steps:
            raise DataError(
                f"lag {lag} is beyond the window: windows of {steps} steps have lags 1 to {steps}"
            )
    for feature in features:
        if not 0 <= feature < count:
            raise DataError(
                f"there is no feature number {feature}: windows of {count} features have "
                f"numbers 0 to {count - 1}"
            )
    free = sorted({*features} - {*held})
    if not lags or not free:
        raise DataError(f"{title} has nothing to replace: all of its features are held")
    hidden = np.zeros(shape, bool)
    hidden[np.ix_([steps - lag for lag in lags], free)] = True
    return Part(title, hidden, (steps - max(lags), max(lags) - min(lags) + 1))


def lag_parts(
    shape: tuple[int, int], *, lags: Sequence[int] | None = None, held: Sequence[int] = ()
) -> tuple[Part, ...]:
    """Make each lag, with all its features, a part.

    Examples
    --------
    >>> [part.title for part in lag_parts((3, 2))]
    ['lag 1', 'lag 2', 'lag 3']
    """
    chosen = range(1, shape[0] + 1) if lags is None else lags
    every = range(shape[1])
    return tuple(_part(lags_title(lag, lag), shape, [lag], every, held) for lag in chosen)


def lag_feature_parts(
    shape: tuple[int, int],
    *,
    lags: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    held: Sequence[int] = (),
) -> tuple[Part, ...]:
    """Make each feature at each lag a part.

    Examples
    --------
    >>> [part.title for part in lag_feature_parts((2, 2), names=["y", "u"], lags=[2])]
    ['y at lag 2', 'u at lag 2']
    """
    chosen = range(1, shape[0] + 1) if lags is None else lags
    called = [f"feature {f}" for f in range(shape[1])] if names is None else names
    free = [feature for feature in range(shape[1]) if feature not in held]
    return tuple(
        _part(
            told("{name} at {lags}", name=called[feature], lags=lags_title(lag, lag)),
            shape,
            [lag],
            [feature],
            (),
        )
        for lag in chosen
        for feature in free
    )


def group_parts(
    shape: tuple[int, int],
    groups: Mapping[str, tuple[Sequence[int] | None, Sequence[int] | None]],
    *,
    held: Sequence[int] = (),
) -> tuple[Part, ...]:
    """Make named groups of lags and features parts.

    Examples
    --------
    >>> night, = group_parts((4, 2), {"night": ([3, 4], [1])})
    >>> night.lags, int(night.hidden.sum())
    ((3, 4), 2)
    """
    return tuple(
        _part(
            title,
            shape,
            range(1, shape[0] + 1) if lags is None else lags,
            range(shape[1]) if features is None else features,
            held,
        )
        for title, (lags, features) in groups.items()
    )


def older_part(shape: tuple[int, int], lag: int, *, held: Sequence[int] = ()) -> Part:
    """Make a lag and all older ones one part.

    Examples
    --------
    >>> older_part((5, 1), 4).title, older_part((5, 1), 4).hidden[:, 0]
    ('lags 4 to 5', array([ True,  True, False, False, False]))
    """
    title = lags_title(lag, max(lag, shape[0]))
    lags = range(lag, max(lag, shape[0]) + 1)
    return _part(title, shape, lags, range(shape[1]), held)
