"""An archive as it is asked: what series it holds, and the values of some rows of some of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Source", "Span"]

#: The first station or row, and the one after the last.
Span = tuple[int, int]


@dataclass(frozen=True, eq=False, kw_only=True)
class Source(ABC):
    """Series that lie beside each other on one axis of time.

    Parameters
    ----------
    path : str
        Where the archive is.
    rows : int
        Rows of every series.
    times : array (row,), optional
        When each row is, as its clock says: datetime64. Rows are counted where there are none.
    stations : tuple of str, optional
        Whose series each is; None where there is one, which has no name.
    station_name : str
        What stations are called in the archive.
    of_stations : mapping of str to array (station,)
        What is known of each station, by its name: a basin, a height.
    structure : mapping of str to str
        What of the archive tells that it is another one: shapes, and names and sizes of files.
    series : set of str
        What may be read of it by its name.
    """

    path: str
    rows: int
    times: NDArray[Any] | None
    stations: tuple[str, ...] | None
    station_name: str = "station"
    of_stations: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    structure: Mapping[str, str] = field(default_factory=dict)
    series: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        """How many series there are."""
        return 1 if self.stations is None else len(self.stations)

    @abstractmethod
    def read(self, names: Sequence[str], stations: Span, rows: Span) -> dict[str, NDArray[Any]]:
        """Read some rows of some series: (station, row) each, numbers or texts, by name."""

    def place(self, station: int) -> str:
        """Say whose a series is, for messages."""
        return "" if self.stations is None else f", {self.station_name} {self.stations[station]!r}"


def as_numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    """Give numbers in float64, flags and integers too; what is masked is NaN."""
    return np.asarray(np.ma.filled(np.ma.asarray(values, np.float64), np.nan))
