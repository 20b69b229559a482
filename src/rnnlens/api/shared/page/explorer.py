"""What the page needs to run a network: its arrays, the series, the baseline, scalings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.dynamics.memory.series import follow
from rnnlens.network.shapes import output_shapes
from rnnlens.views.report.parts import Explorer
from rnnlens.views.words.language import say
from rnnlens.writers.page import page_network, text_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.attribution.question import AnyBaseline
    from rnnlens.attribution.target import ResolvedTarget

__all__ = ["MOST_NUMBERS", "explorer_of", "new_steps", "series_of"]

#: Numbers of series and baselines that a page carries: in single precision, as text, 2.7 MB.
MOST_NUMBERS = 500_000


def explorer_of(
    case: Case, target: NamedTarget, baseline: AnyBaseline, *, carried: bool
) -> Explorer | str:
    """Give what the page runs, or say in one sentence why it runs nothing.

    Shapes: of the case's windows (sample, step, feature).
    """
    if case.layout is not None or case.held_inputs:
        return say(
            "This page cannot run the network itself: its input is not one table of numbers."
        )
    if carried:
        return say(
            "This page cannot run the network itself: it starts from states that were given."
        )
    if not isinstance(baseline, Baseline) or baseline.kept is not None:
        return say(
            "This page cannot run the network itself: its baseline depends on what is shown."
        )
    spec, why_not = page_network(case.network, target.resolved.output)
    if why_not:
        return why_not
    new = new_steps(case.x)
    first = _first_that_fits(new, case.x.shape, baseline)
    windows, new = case.x[first:], new[first:]
    new[0] = windows.shape[1]
    series, starts = series_of(windows, new)
    hidden = np.stack([w if len(w) == 1 else w[first:] for w in baseline.windows])
    means, scales, units = _own_units(case)
    return Explorer(
        network=spec,
        steps=windows.shape[1],
        series=text_of(series),
        starts=starts,
        first=first,
        windows=len(case.x),
        shape=hidden.shape,
        baselines=text_of(hidden),
        held=tuple(int(k) for k in baseline.held),
        place=_place(case, target.resolved),
        scale=target.resolved.scale,
        offset=target.resolved.offset,
        means=means,
        scales=scales,
        units=units,
        unusual=_unusual(windows),
    )


def _place(case: Case, target: ResolvedTarget) -> int:
    """Give the place of a target among the numbers of its output, one behind the other."""
    name, number = target.ref(case.network)
    shapes = output_shapes(case.network, given={case.of: case.x.shape[1:]})
    # every size is known, as the windows are there
    sizes = tuple(int(size or 1) for size in shapes[name][number])
    return int(np.ravel_multi_index(target.index, sizes))


def _own_units(
    case: Case,
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
    """Give mean, scale and unit of each feature; of one bent by a curve, in the network's own."""
    features = case.x.shape[2]
    means, scales, units = np.zeros(features), np.ones(features), [""] * features
    known = case.windows
    if known is None or len(known.features) != features:
        return means, scales, tuple(units)
    scaling = known.feature_scaling
    for k, unit in enumerate(known.units):
        bent = scaling.transforms[k]
        if bent is None:
            means[k], scales[k], units[k] = scaling.mean[k], scaling.scale[k], unit
        else:
            units[k] = (
                say("{curve} of {unit}, scaled", curve=bent.kind, unit=unit)
                if unit
                else say("{curve}, scaled", curve=bent.kind)
            )
    return means, scales, tuple(units)


def new_steps(windows: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count the steps of each window that the one before it has not: one where it follows.

    Shapes: windows (sample, step, feature) -> (sample,).
    """
    steps = windows.shape[1]
    return np.concatenate([[steps], np.where(follow(windows), 1, steps)])


def series_of(
    windows: NDArray[np.float64], new: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Lay windows into one series, each step once where windows follow one another.

    Shapes: windows (sample, step, feature), new (sample,), all steps of the first -> series (row,
    feature), first rows (sample,).
    """
    steps = windows.shape[1]
    series = np.concatenate([w[steps - n :] for w, n in zip(windows, new, strict=True)])
    return series, np.cumsum(new) - steps


def _first_that_fits(new: NDArray[np.int64], shape: tuple[int, ...], baseline: Baseline) -> int:
    """Give the first window of those that the page carries: the newest that fit."""
    samples, steps, features = shape
    own = sum(int(np.prod(w.shape[1:])) for w in baseline.windows if len(w) > 1)
    numbers = new * features + own
    fits = np.cumsum(numbers[::-1]) + (steps - 1) * features <= MOST_NUMBERS
    return samples - max(1, int(fits.sum()))


def _unusual(windows: NDArray[np.float64]) -> int:
    """Give the window that lies furthest from the mean of all, by its standardised numbers."""
    mean, size = windows.mean(axis=(0, 1)), windows.std(axis=(0, 1))
    z = (windows - mean) / np.where(size > 0, size, 1.0)
    return int(np.argmax((z**2).mean(axis=(1, 2))))
