"""What the network itself says: run on the table, which columns do its outputs go with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import InputError
from rnnlens.series.build import windows_from_table
from rnnlens.series.draft.clock_found import ClockFound
from rnnlens.series.draft.facts import Run
from rnnlens.series.draft.look import Look
from rnnlens.series.sidecar import Sidecar

__all__ = ["Trial", "tried"]

#: Windows that the network is run on.
WINDOWS = 400


@dataclass(frozen=True, eq=False)
class Trial:
    """How an output and a column, so many steps after the window, go together.

    Parameters
    ----------
    names : tuple of str
        The columns.
    correlation : array (lead, output, column)
        From one step after the window on.
    """

    names: tuple[str, ...]
    correlation: NDArray[np.float64]

    @property
    def worth(self) -> float:
        """How well the outputs go with what comes next, whatever that is: 1 at the best."""
        return float(self.correlation[0].max(axis=1).mean())


def tried(
    data: Mapping[str, object],
    sidecar: Sidecar,
    looks: Sequence[Look],
    clock: ClockFound | None,
    run: Run | None,
) -> Trial | None:
    """Run the network on windows of the table; None where that cannot be done."""
    if run is None:
        return None
    try:
        made = windows_from_table(data, sidecar)  # type: ignore[arg-type]
        every = np.unique(np.linspace(0, len(made) - 1, WINDOWS).astype(int))
        some = made.select(every)
        outputs = run(some.values)
    except InputError:
        return None
    if outputs.ndim != 2 or not np.isfinite(outputs).all():
        return None
    rows = _rows_of(some.issued, clock)
    held = [look for look in looks if look.codes is not None]
    leads = outputs.shape[1] if outputs.shape[1] <= 48 else 1
    table = np.zeros((leads, outputs.shape[1], len(held)))
    for lead in range(leads):
        for column, look in enumerate(held):
            table[lead, :, column] = _correlations(outputs, look.codes, rows + lead + 1)
    return Trial(tuple(look.name for look in held), table)


def _rows_of(issued: NDArray[np.generic], clock: ClockFound | None) -> NDArray[np.intp]:
    """Give the row of each window's newest step."""
    if clock is None or issued.dtype.kind != "M":
        return issued.astype(np.intp)
    rank = np.argsort(clock.times, kind="stable")
    return rank[np.searchsorted(clock.times[rank], issued.astype("datetime64[ns]"))]


def _correlations(
    outputs: NDArray[np.float64], codes: NDArray[np.float64] | None, rows: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Give the correlation of each output with the values at some rows: (output,)."""
    values = np.full(len(rows), np.nan)
    there = rows < (0 if codes is None else len(codes))
    if codes is not None:
        values[there] = codes[rows[there]]
    known = ~np.isnan(values)
    if known.sum() < 10 or values[known].std() == 0:
        return np.zeros(outputs.shape[1])
    x = values[known] - values[known].mean()
    y = outputs[known] - outputs[known].mean(axis=0)
    size = np.sqrt((x**2).sum() * (y**2).sum(axis=0))
    return np.divide(x @ y, size, out=np.zeros(outputs.shape[1]), where=size > 0)
