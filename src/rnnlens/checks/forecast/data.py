"""What a check of a forecast is about: a network, its windows, and what happened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.checks.forecast.noise import lopsided
from rnnlens.engine.forward import outputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rnnlens.attribution.target import ResolvedTarget
    from rnnlens.network.network import Network

    Array = NDArray[np.float64]
    Whole = NDArray[np.int64]

__all__ = ["ForecastData", "Places", "Series"]


@dataclass(frozen=True, eq=False)
class Series:
    """Values by their place in time, the places rising and each there once.

    Parameters
    ----------
    places : array (row,)
        In steps of the series.
    values : array (row,) or (row, feature)
        In original units.
    """

    places: Whole
    values: Array

    def at(self, places: Whole) -> Array:
        """Look values up, NaN where none is known: places of any shape."""
        if not len(self.places):
            return np.full((*places.shape, *self.values.shape[1:]), np.nan)
        row = np.minimum(np.searchsorted(self.places, places), len(self.places) - 1)
        found = self.values[row].astype(float)
        found[self.places[row] != places] = np.nan
        return found

    def between(self, places: Array) -> Array:
        """Look values up at places between rows, on a straight line: places of any shape."""
        low = np.floor(places).astype(np.int64)
        part = places - low
        part = part.reshape(*part.shape, *(1,) * (self.values.ndim - 1))
        below = self.at(low)
        return np.where(part == 0, below, below * (1 - part) + self.at(low + 1) * part)


@dataclass(frozen=True, eq=False)
class Places:
    """Where windows lie in time, in steps of the series.

    Parameters
    ----------
    issued, valid : array (sample,)
        The newest step of each window, and what its forecast is for.
    day, week, year : int
        Steps of a day, a week and a year; 0 where they are no whole number or no clock is known.
    """

    issued: Whole
    valid: Whole
    day: int = 0
    week: int = 0
    year: int = 0

    def select(self, chosen: NDArray[np.int64]) -> Places:
        """Take some windows."""
        return replace(self, issued=self.issued[chosen], valid=self.valid[chosen])


@dataclass(frozen=True, eq=False, kw_only=True)
class ForecastData:
    """A network, its windows and what happened.

    Parameters
    ----------
    network : Network
        The network.
    inputs : mapping of str to array (sample, ...)
        In network units.
    of : str
        The input that holds the windows.
    target : ResolvedTarget
        Which number of the output.
    original : array (sample, step, feature) or None
        The windows in original units; None for tokens.
    mean, scale : array (feature,)
        The scaling as it was stated: ``network = (original - mean) / scale``.
    held : tuple of int
        Features whose scaling is not doubted: calendars, markers.
    own : int or None
        The feature that the target is.
    actual : array (sample,)
        What happened, in original units; NaN where it is not known.
    places : Places or None
        Where the windows lie in time; None where that is not known.
    targets : array (target, 2) or None
        Offset and scale of every target, where the targets are the features in their order.
    real : array (sample, step) of bool, or None
        Which steps are no padding; None where all are real.
    units : tuple of str
        The unit that each feature is said to have, the target's at the end; empty where unknown.
    squared : bool
        Whether squared errors are compared and not absolute ones, see `judged`.
    made : array (sample,), optional
        The target's numbers in network units, where the network was run on the windows already.
    """

    network: Network
    inputs: Mapping[str, Array]
    of: str
    target: ResolvedTarget
    original: Array | None
    mean: Array
    scale: Array
    held: tuple[int, ...]
    own: int | None
    actual: Array
    places: Places | None
    targets: Array | None = None
    real: NDArray[np.bool_] | None = None
    units: tuple[str, ...] = ()
    squared: bool = False
    made: Array | None = None

    def __len__(self) -> int:
        """Give the number of windows."""
        return len(self.actual)

    @property
    def values(self) -> Array:
        """The windows as they go into the network: (sample, step, feature)."""
        array = self.inputs[self.of]
        return array.reshape(*array.shape[:2], -1)

    @property
    def steps(self) -> Array:
        """All real steps as they go into the network: (row, feature)."""
        values = self.values
        return values.reshape(-1, values.shape[2]) if self.real is None else values[self.real]

    @property
    def lead(self) -> int:
        """Steps from the newest one taken to the one forecast, as stated; 0 where not known."""
        if self.places is None:
            return 0
        return int(np.median(self.places.valid - self.places.issued))

    def judged(self) -> ForecastData:
        """Choose the errors that are compared by what happened."""
        return replace(self, squared=lopsided(self.actual))

    def loss(self, missed: Array) -> Array:
        """Give what is compared of absolute errors: themselves, or their squares."""
        return missed**2 if self.squared else missed

    def size(self, missed: Array) -> float:
        """Give the mean absolute error, or the root mean square where squares are compared."""
        mean = float(self.loss(missed).mean())
        return float(np.sqrt(mean)) if self.squared else mean

    def select(self, chosen: NDArray[np.int64]) -> ForecastData:
        """Take some windows: a run of them is no copy."""
        taken = _as_run(chosen)
        return replace(
            self,
            inputs={name: array[taken] for name, array in self.inputs.items()},
            original=None if self.original is None else self.original[taken],
            actual=self.actual[taken],
            real=None if self.real is None else self.real[taken],
            places=None if self.places is None else self.places.select(chosen),
            made=None if self.made is None else self.made[taken],
        )

    def run(self, values: Array | None = None, index: tuple[int, ...] | None = None) -> Array:
        """Give the target's number in network units, for the windows or for others: (sample,)."""
        if values is None and index is None and self.made is not None:
            return self.made.astype(float)
        inputs = dict(self.inputs)
        if values is not None:
            inputs[self.of] = np.ascontiguousarray(values).reshape(
                len(values), *self.inputs[self.of].shape[1:]
            )
        made = outputs(self.network, inputs)[self.target.output]
        return made[slice(None), *(self.target.index if index is None else index)].astype(float)

    def rows(self) -> Series | None:
        """Lay the windows out as the series that they were cut from: (row, feature)."""
        if self.original is None or self.places is None:
            return None
        steps = self.original.shape[1]
        issued = self.places.issued
        places, first = np.unique(issued, return_index=True)
        values = self.original[first, -1]
        # the older steps of windows before which there is none
        begins = np.flatnonzero(~np.isin(issued - 1, places))
        if len(begins) * steps > 4 * len(issued) + 4 * steps:
            begins = begins[:4]  # windows apart: their older steps are not needed one by one
        older = (issued[begins, None] - np.arange(steps - 1, 0, -1)).reshape(-1)
        more = self.original[begins, :-1].reshape(-1, self.original.shape[2])
        every, at = np.unique(np.concatenate([places, older]), return_index=True)
        return Series(every, np.concatenate([values, more])[at])

    def history(self, rows: Series | None) -> Series | None:
        """Give what is known of the target by time: its rows where it is a feature, and actuals."""
        if self.places is None:
            return None
        known = np.isfinite(self.actual)
        places, values = self.places.valid[known], self.actual[known]
        if rows is not None and self.own is not None:
            places = np.concatenate([places, rows.places])
            values = np.concatenate([values, rows.values[:, self.own]])
        every, at = np.unique(places, return_index=True)
        return Series(every, values[at])


def _as_run(chosen: Whole) -> Whole | slice:
    """Give numbers that follow each other as a slice."""
    follow = len(chosen) > 0 and chosen[-1] - chosen[0] + 1 == len(chosen)
    if follow and (np.diff(chosen) == 1).all():
        return slice(int(chosen[0]), int(chosen[-1]) + 1)
    return chosen
