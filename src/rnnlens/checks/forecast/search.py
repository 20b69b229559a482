"""What would fit better than what was stated: other leads, scalings, orders, steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.checks.forecast.noise import FEWEST, beyond_noise
from rnnlens.checks.forecast.references import persistence
from rnnlens.checks.forecast.remedies import Remedy, Try, tries
from rnnlens.checks.forecast.scalings import Line
from rnnlens.engine.schedule.cost import cost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rnnlens.checks.forecast.data import ForecastData, Series

    Array = NDArray[np.float64]

__all__ = ["Fit", "search"]

#: Leads that are tried at least.
LEADS = 24
#: Windows that every remedy is tried on, and the best of them again.
FEW, WINDOWS = 64, 256
#: Windows for leads, whose errors differ little from one to the next and take one run together.
FOR_LEADS = 1024
#: Remedies that are tried again.
AGAIN = 12
#: Multiplications that all tries together may take, about.
WORK = 6e9


@dataclass(frozen=True, eq=False)
class Fit:
    """How well the network forecasts with one remedy.

    Parameters
    ----------
    remedy : Remedy
        What is done otherwise.
    error, stated : float
        Mean absolute error with it, and as stated, on the same windows; root mean square errors
        where squares are compared.
    rmse : float
        Root mean square error with it, over that as stated.
    skill : float
        The error over that of persistence for the same time.
    gain : float
        How far beyond noise the error is smaller, as a t-ratio.
    """

    remedy: Remedy
    error: float
    stated: float
    rmse: float
    skill: float
    gain: float


def search(
    data: ForecastData,
    like: ForecastData,
    rows: Series | None,
    history: Series | None,
    *,
    only_leads: bool = False,
) -> list[Fit]:
    """Try every remedy on a few windows, the best again on more, and give these, the best first.

    `like` are the data that scalings come from. Other leads cost no other run of the network.
    """
    known = np.flatnonzero(np.isfinite(data.actual))
    found = [*_Judge.of(data, known, FOR_LEADS, history).at_leads(history)]
    if only_leads:
        return sorted(found, key=lambda fit: fit.error)
    work = max(1.0, cost(data.network, dict(data.inputs)).work)
    most = int(WORK / (2 * FEW * work))
    few, more = (_Judge.of(data, known, count, history) for count in (FEW, WINDOWS))
    first = [fit for one in tries(few.data, like, rows, history, most) for fit in few.fits(one)]
    again = {fit.remedy for fit in sorted(first, key=lambda fit: fit.error)[:AGAIN]}
    for one in tries(more.data, like, rows, history, most):
        made = tuple((remedy, line) for remedy, line in one.made if remedy in again)
        if made:
            found += more.fits(replace(one, made=made))
    return sorted(found, key=lambda fit: fit.error)


@dataclass(frozen=True, eq=False)
class _Judge:
    """Some windows, what the network makes of them as stated, and how far off that is.

    Shapes: plain, missed, now (sample,): the output, the absolute error, the newest value.
    """

    data: ForecastData
    plain: Array
    missed: Array
    now: Array

    @classmethod
    def of(
        cls, data: ForecastData, known: NDArray[np.int64], count: int, history: Series | None
    ) -> _Judge:
        """Take as many windows of those with actuals, evenly spaced."""
        chosen = known[np.unique(np.linspace(0, len(known) - 1, count).astype(int))]
        some = data.select(chosen)
        plain, target = some.run(), some.target
        missed = np.abs(plain * target.scale + target.offset - some.actual)
        return cls(some, plain, missed, persistence(some, history))

    def at_leads(self, history: Series | None) -> Iterator[Fit]:
        """Compare the forecasts with what happened at other leads."""
        if history is None or self.data.places is None:
            return
        line = Line(self.data.target.scale, self.data.target.offset)
        for lead in range(max(2 * self.data.lead, LEADS) + 1):
            if lead != self.data.lead:
                actual = history.at(self.data.places.issued + lead)
                yield from self._fit(Remedy("lead", lead=lead), self.plain, line, actual)

    def fits(self, one: Try) -> Iterator[Fit]:
        """Run what is tried, and compare what its remedies make of it."""
        same = one.values is None and one.index == self.data.target.index
        with np.errstate(over="ignore", invalid="ignore"):
            made = self.plain if same else self.data.run(one.values, one.index)
        for remedy, line in one.made:
            yield from self._fit(remedy, made, line, one.actual)

    def _fit(self, remedy: Remedy, made: Array, line: Line, actual: Array | None) -> Iterator[Fit]:
        wanted = self.data.actual if actual is None else actual
        with np.errstate(over="ignore", invalid="ignore"):
            missed = np.abs(made * line.scale + line.offset - wanted)
        both = np.isfinite(missed)
        if both.sum() < max(FEWEST, len(both) // 2):
            return
        still = np.abs(self.now - wanted)[both]
        level = self.data.size(still) if np.isfinite(still).all() else float("nan")
        error = self.data.size(missed[both])
        square = [float(np.sqrt((one[both] ** 2).mean())) for one in (missed, self.missed)]
        yield Fit(
            remedy=remedy,
            error=error,
            stated=self.data.size(self.missed[both]),
            rmse=square[0] / square[1] if square[1] > 0 else float("inf"),
            skill=error / level if level > 0 else float("nan"),
            gain=beyond_noise((self.data.loss(self.missed) - self.data.loss(missed))[both]),
        )
