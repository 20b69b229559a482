"""Draws of a part of a window from its distribution given the rest of the window.

Replacing a lag by values that do not go with its neighbours asks the network about windows that
never occur, and finds lags used that are not (Hooker, Mentch and Zhou 2021, "Unrestricted
permutation forces extrapolation"). Three ways to draw what does go with them:

``gaussian``    normal with mean linear in the rest; exact for a VAR process with Gaussian noise
``neighbours``  the same mean, plus what that mean missed in one of the windows whose means are
                nearest (predictive mean matching; Little 1988): whatever shape the noise has, and
                however it changes with the level
a function      the user's own

The rest of the window is all of it where there are windows enough to learn how all its numbers go
together, and the neighbouring steps on either side otherwise
(`rnnlens.attribution.baselines.banded`); the sampler's text says which.

None is right for all data: `rnnlens.evidence.statistics.sampler_fit` says how well one fits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.attribution.baselines.conditional import GaussianConditional, gaussian_conditional
from rnnlens.engine.schedule.threads import each
from rnnlens.errors import DataError, InputError
from rnnlens.names import told

__all__ = [
    "GaussianSampler",
    "NeighbourSampler",
    "OwnSampler",
    "Sampler",
    "gaussian_sampler",
    "hidden_draws",
    "is_ours",
    "neighbour_sampler",
    "side_by_side",
]

Array = NDArray[np.float64]
Hidden = NDArray[np.bool_]
#: The user's own: windows (sample, step, feature), what is hidden (step, feature), and a random
#: generator; gives windows of which what is hidden was drawn anew.
OwnDraw = Callable[[Array, Hidden, np.random.Generator], ArrayLike]

#: Neighbours that a residual is drawn from, where their number is not given.
NEIGHBOURS = 20
#: Directions in which neighbours are sought; most of what many means do happens in few.
DIRECTIONS = 8
#: Numbers of a part whose means are looked at for that, of many those that differ most.
TELLING = 64


class Sampler(Protocol):
    """Draws parts of windows given the rest."""

    @property
    def text(self) -> str:
        """What it is, for the result."""
        ...

    def draw(self, x: Array, hidden: Hidden, draws: int, rng: np.random.Generator) -> Array:
        """Draw what is hidden, independently for every window.

        Shapes: x (sample, step, feature), hidden (step, feature) of bool -> (sample, draw, step,
        feature).
        """
        ...


@dataclass(frozen=True, eq=False)
class GaussianSampler:
    """Draws from the Gaussian conditional distribution.

    Parameters
    ----------
    given : GaussianConditional
        Made with draws.
    text : str
        What it is, for the result.
    """

    given: GaussianConditional
    text: str

    def draw(self, x: Array, hidden: Hidden, draws: int, rng: np.random.Generator) -> Array:
        """Draw what is hidden, independently for every window (see `Sampler`)."""
        return _put(x, hidden, self.values(x, hidden, draws, rng))

    def values(self, x: Array, hidden: Hidden, draws: int, rng: np.random.Generator) -> Array:
        """Draw what is hidden and give that alone: (sample, draw, hidden number)."""
        _fits(x, self.given)
        z = rng.standard_normal((len(x), draws, int(hidden.sum())))
        return self.given.hidden_values(x.reshape(len(x), -1), ~hidden.ravel(), z)


@dataclass(frozen=True, eq=False)
class NeighbourSampler:
    """Draws the conditional mean plus a neighbour's residual.

    Parameters
    ----------
    given : GaussianConditional
        Gives the mean.
    data : array (window, step, feature)
        The windows that residuals are taken from, each different. A window that is one of them
        never draws its own: it would not be replaced.
    neighbours : int
        How many residuals a draw is made among.
    text : str
        What it is, for the result.
    """

    given: GaussianConditional
    data: Array
    neighbours: int
    text: str

    def draw(self, x: Array, hidden: Hidden, draws: int, rng: np.random.Generator) -> Array:
        """Draw what is hidden, independently for every window (see `Sampler`)."""
        return _put(x, hidden, self.values(x, hidden, draws, rng))

    def values(self, x: Array, hidden: Hidden, draws: int, rng: np.random.Generator) -> Array:
        """Draw what is hidden and give that alone: (sample, draw, hidden number)."""
        _fits(x, self.given)
        part = hidden.ravel()
        flat, data = x.reshape(len(x), -1), self.data.reshape(len(self.data), -1)
        mean, mean_of_data = self._mean(flat, part), self._mean(data, part)
        missed = data[:, part] - mean_of_data
        near = self._near(mean, mean_of_data, missed)
        own = near == self._own(flat)[:, None]
        # a window's own comes last: at most one is, and one more is sought than is drawn from
        order = np.argsort(own, axis=1, kind="stable")
        place = rng.integers(self.neighbours, size=(len(x), draws))
        chosen = np.take_along_axis(near, np.take_along_axis(order, place, axis=1), axis=1)
        return mean[:, None] + missed[chosen]

    @cached_property
    def _places(self) -> dict[bytes, int]:
        """Give the place of each window of the data by its numbers."""
        return {row.tobytes(): place for place, row in enumerate(_rows(self.data))}

    def _own(self, flat: Array) -> NDArray[np.int64]:
        """Give the place in the data of windows that are among them, -1 of others: (sample,)."""
        return np.array([self._places.get(row.tobytes(), -1) for row in _rows(flat)])

    def _mean(self, flat: Array, part: Hidden) -> Array:
        return self.given.hidden_values(flat, ~part, np.zeros((len(flat), 1, int(part.sum()))))[
            :, 0
        ]

    def _near(self, mean: Array, mean_of_data: Array, missed: Array) -> NDArray[np.int64]:
        """Give the windows of the data with the nearest means, measured in what these miss."""
        from scipy.spatial import KDTree

        spread = missed.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        centre = mean_of_data.mean(axis=0)
        away = (mean_of_data - centre) / scale
        # far from what is shown, means hardly differ: they tell windows no further apart
        telling = np.sort(np.argsort(-away.var(axis=0), kind="stable")[:TELLING])
        away = away[:, telling]
        axes = np.linalg.svd(away, full_matrices=False)[2][:DIRECTIONS].T
        tree = KDTree(away @ axes)
        sought = ((mean - centre) / scale)[:, telling] @ axes
        near = tree.query(sought, k=self.neighbours + 1)[1]
        return np.asarray(near, dtype=np.int64)


def _rows(windows: Array) -> Array:
    """Lay the numbers of each window in a row; zeros of both signs are the same there."""
    return windows.reshape(len(windows), -1) + 0.0


@dataclass(frozen=True, eq=False)
class OwnSampler:
    """Draws by a function of the user's.

    Parameters
    ----------
    function : callable
        Takes windows (sample, step, feature), what is hidden (step, feature) and a random
        generator, and gives windows.
    text : str
        What it is, for the result.
    """

    function: OwnDraw
    text: str = told("the user's own sampler")

    def draw(self, x: Array, hidden: Hidden, draws: int, rng: np.random.Generator) -> Array:
        """Draw what is hidden, independently for every window: (sample, draw, step, feature)."""
        drawn = np.empty((len(x), draws, *x.shape[1:]))
        for d in range(draws):
            given = np.asarray(self.function(x.copy(), hidden.copy(), rng), dtype=np.float64)
            if given.shape != x.shape:
                raise DataError(
                    f"the sampler must give windows of shape {x.shape}, but gave {given.shape}"
                )
            if not np.isfinite(given).all():
                raise DataError("the sampler gave NaN or infinity: it must give numbers")
            if (given[:, ~hidden] != x[:, ~hidden]).any():
                raise DataError(
                    "the sampler changed numbers that were not to be replaced: give those back "
                    "as they came"
                )
            drawn[:, d] = given
        return drawn


Ours: TypeAlias = GaussianSampler | NeighbourSampler


def is_ours(sampler: Sampler) -> TypeGuard[Ours]:
    """Say whether a sampler is of this file: another may not bear to be called by two threads."""
    return isinstance(sampler, Ours)


def side_by_side(sampler: Sampler, work: Callable[[int], None], count: int) -> None:
    """Do so many pieces of work that draw from a sampler, each by a generator of its own."""
    if is_ours(sampler):
        each(work, [(k,) for k in range(count)])
        return
    for k in range(count):
        work(k)


def hidden_draws(
    sampler: Sampler, x: Array, hidden: Hidden, draws: int, rng: np.random.Generator
) -> Array:
    """Draw what is hidden, as `Sampler.draw` does, and give that alone.

    Shapes: gives (sample, draw, hidden number).
    """
    if is_ours(sampler):
        return sampler.values(x, hidden, draws, rng)
    return sampler.draw(x, hidden, draws, rng)[:, :, hidden]


def _put(x: Array, hidden: Hidden, values: Array) -> Array:
    """Put values (sample, draw, hidden number) into windows: (sample, draw, step, feature)."""
    drawn = x[:, None].repeat(values.shape[1], axis=1)
    drawn[:, :, hidden] = values
    return drawn


def gaussian_sampler(x: Array, *, background: ArrayLike | None = None) -> GaussianSampler:
    """Make the Gaussian sampler from windows.

    Shapes: x (sample, step, feature), background (window, step, feature).

    Examples
    --------
    >>> import numpy as np
    >>> data = np.random.default_rng(0).normal(size=(500, 3, 1)).cumsum(axis=1)
    >>> hidden = np.array([[False], [True], [False]])
    >>> drawn = gaussian_sampler(data).draw(data, hidden, 2, np.random.default_rng(1))
    >>> missed = drawn[:, 0, 1, 0] - data[:, [0, 2], 0].mean(axis=1)
    >>> drawn.shape, bool(0.4 < missed.var() < 0.6)  # half of a step's variance
    ((500, 2, 3, 1), True)
    """
    given = gaussian_conditional(x, background=background, draws=1)
    text = told(
        "Gaussian given {given} ({whose})",
        given=given.moments.given,
        whose=_whose(given, x, background),
    )
    return GaussianSampler(given, text)


def neighbour_sampler(
    x: Array, *, background: ArrayLike | None = None, neighbours: int = NEIGHBOURS
) -> NeighbourSampler:
    """Make the sampler of neighbours' residuals from windows.

    Shapes: x (sample, step, feature), background (window, step, feature).
    """
    if neighbours < 1:
        raise InputError(f"the number of neighbours must be 1 or more, but is {neighbours}")
    given = gaussian_conditional(x, background=background, draws=0)
    data = np.unique(np.asarray(x if background is None else background, dtype=np.float64), axis=0)
    if len(data) <= neighbours:
        raise DataError(
            f"{neighbours} neighbours need more than {neighbours} different windows, but there are "
            f"{len(data)}: give more background windows, or fewer neighbours"
        )
    text = told(
        "residuals of the {count} nearest windows around a linear mean given {given} ({whose})",
        count=neighbours,
        given=given.moments.given,
        whose=_whose(given, x, background),
    )
    return NeighbourSampler(given, data, neighbours, text)


def _whose(given: GaussianConditional, x: Array, background: ArrayLike | None) -> str:
    """Say which windows the covariance is of, and its ridge."""
    shrunk = given.moments.shrunk
    if background is None:
        return told("covariance of {count:,} tested windows, {shrunk}", count=len(x), shrunk=shrunk)
    count = len(np.asarray(background))
    return told("covariance of {count:,} background windows, {shrunk}", count=count, shrunk=shrunk)


def _fits(x: Array, given: GaussianConditional) -> None:
    if x.shape[1:] != given.shape:
        raise DataError(
            f"the sampler was made for windows of shape {given.shape}, but came to windows of "
            f"{x.shape[1:]}"
        )
