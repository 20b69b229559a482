"""Which sampler stands in for hidden inputs, and whether it fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.banded import FEWEST_WINDOWS
from rnnlens.errors import DataError
from rnnlens.evidence.options import Test
from rnnlens.evidence.statistics.parts import Part, lags_title
from rnnlens.evidence.statistics.sampler_fit import FEWEST, SamplerFit, sampler_fit
from rnnlens.evidence.statistics.samplers import (
    NEIGHBOURS,
    OwnSampler,
    Sampler,
    gaussian_sampler,
    neighbour_sampler,
)
from rnnlens.evidence.table.rows import Rows
from rnnlens.names import clauses, told

__all__ = ["ChosenSampler", "chosen_sampler"]

Array = NDArray[np.float64]

#: Rows for which it is measured whether a sampler fits: the newest, the oldest and some between.
MEASURED = 6


@dataclass(frozen=True, eq=False)
class ChosenSampler:
    """A sampler, and whether it fits.

    Parameters
    ----------
    sampler : Sampler
        What stands in for hidden inputs.
    fit : SamplerFit or None
        How well it fits; None where there are too few windows to tell.
    text : str
        The same in words.
    """

    sampler: Sampler
    fit: SamplerFit | None
    text: str


def chosen_sampler(
    asked: Test,
    x: Array,
    background: Array | None,
    rows: Rows,
    order: NDArray[np.int64] | None = None,
) -> ChosenSampler:
    """Make the sampler that was asked for, and say whether it fits.

    Shapes: order (sample,), of the windows in time; None for what does not change in time, which
    cannot drift.
    """
    made: Sampler
    if not callable(asked.sampler):
        _check_learned(x if background is None else background)
    if callable(asked.sampler):
        made = OwnSampler(asked.sampler)
    elif asked.sampler == "neighbours":
        made = neighbour_sampler(x, background=background)
    else:
        made = gaussian_sampler(x, background=background)
    if len(x) < FEWEST:
        text = told("whether it fits cannot be told from fewer than {count} windows", count=FEWEST)
        return ChosenSampler(made, None, text)
    some = _measured(rows.parts)
    fit = sampler_fit(made, x, some, order=order, seed=asked.seed)
    drift = "" if order is None else fit.drift_sentence(rows.features, rows.free)
    also = [drift] if drift else []
    if asked.sampler == "auto" and not fit.fits.all() and _has_neighbours(x, background):
        other = neighbour_sampler(x, background=background)
        better = sampler_fit(other, x, some, order=order, seed=asked.seed)
        if better.away < fit.away:
            gaussian = told("the Gaussian one: {area:.2f}", area=0.5 + fit.away)
            return ChosenSampler(other, better, clauses([better.sentence, gaussian, *also]))
    return ChosenSampler(made, fit, clauses([fit.sentence, *also]))


def _check_learned(windows: Array) -> None:
    """Refuse too few windows to learn from how their numbers go together."""
    if len(windows) < FEWEST_WINDOWS and len(windows) <= windows[0].size:
        raise DataError(
            "learning how the numbers of neighbouring steps go together needs at least "
            f"{FEWEST_WINDOWS} windows, but there are {len(windows)}: give a longer series, or a "
            "sampler of your own"
        )


def _measured(parts: Sequence[Part]) -> list[Part]:
    """Choose some of the parts, and the older half of the window, which the horizon hides."""
    places = np.geomspace(1, len(parts), min(MEASURED, len(parts))).round().astype(int) - 1
    some = [parts[place] for place in np.unique(places)]
    older = np.zeros_like(parts[0].hidden)
    for part in parts:
        older[part.touched] |= part.hidden[part.touched]
    steps = len(older)
    older[(steps + 1) // 2 :] = False
    touched = np.flatnonzero(older.any(axis=1)).tolist()
    if steps > 2 and touched:
        span = touched[0], touched[-1] - touched[0] + 1
        some.append(Part(lags_title(steps // 2 + 1, steps), older, span))
    return some


def _has_neighbours(x: Array, background: Array | None) -> bool:
    """Say whether there are more windows than a sampler of neighbours draws from."""
    return len(np.unique(x if background is None else background, axis=0)) > NEIGHBOURS
