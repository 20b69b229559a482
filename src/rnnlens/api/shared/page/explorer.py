"""What the page needs to run a network: its arrays, the series, the baseline, scalings."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.network.shapes import output_shapes
from rnnlens.views.report.parts import Explorer
from rnnlens.writers.page import page_network, text_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.attribution.question import AnyBaseline

__all__ = ["MOST_NUMBERS", "explorer_of", "series_of"]

#: Numbers of series and baselines that a page carries: in single precision, as text, 2.7 MB.
MOST_NUMBERS = 500_000


def explorer_of(
    case: Case, target: NamedTarget, baseline: AnyBaseline, *, carried: bool
) -> Explorer | str:
    """Give what the page runs, or say in one sentence why it runs nothing.

    Shapes: of the case's windows (sample, step, feature).
    """
    if case.layout is not None or case.held_inputs:
        return "This page cannot run the network itself: its input is not one table of numbers."
    if carried:
        return "This page cannot run the network itself: it starts from states that were given."
    if not isinstance(baseline, Baseline) or baseline.kept is not None:
        return "This page cannot run the network itself: its baseline depends on what is shown."
    spec, why_not = page_network(case.network, target.resolved.output)
    if why_not:
        return why_not
    samples, steps, features = case.x.shape
    first = _first_that_fits(case.x, baseline)
    windows = case.x[first:]
    series, starts = series_of(windows)
    hidden = np.stack([w if len(w) == 1 else w[first:] for w in baseline.windows])
    shape = output_shapes(case.network)[target.resolved.ref(case.network)[0]][
        target.resolved.ref(case.network)[1]
    ]
    sizes = [size or 1 for size in shape]
    place = int(np.ravel_multi_index(target.resolved.index, tuple(sizes)))
    known, scaling = case.windows, None
    means, scales = np.zeros(features), np.ones(features)
    units = [""] * features
    if known is not None and len(known.features) == features:
        scaling, units = known.feature_scaling, list(known.units)
        for k in range(features):
            bent = scaling.transforms[k] if scaling.transforms else None
            if bent is None:
                means[k], scales[k] = scaling.mean[k], scaling.scale[k]
            else:
                units[k] = f"{bent.kind} of {units[k]}, scaled"
    assert prod(sizes) > place
    return Explorer(
        network=spec,
        steps=steps,
        series=text_of(series),
        starts=starts,
        first=first,
        windows=samples,
        shape=hidden.shape,
        baselines=text_of(hidden),
        held=tuple(int(k) for k in baseline.held),
        place=place,
        scale=target.resolved.scale,
        offset=target.resolved.offset,
        means=means,
        scales=scales,
        units=tuple(units),
        unusual=_unusual(windows),
    )


def series_of(windows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Lay windows into one series, each step once where windows follow one another.

    Shapes: windows (sample, step, feature) -> series (row, feature), first rows (sample,).
    """
    follows = (windows[1:, :-1] == windows[:-1, 1:]).all(axis=(1, 2))
    steps = windows.shape[1]
    new = np.concatenate([[steps], np.where(follows, 1, steps)])
    series = np.concatenate([w[steps - n :] for w, n in zip(windows, new, strict=True)])
    return series, np.cumsum(new) - steps


def _first_that_fits(x: NDArray[np.float64], baseline: Baseline) -> int:
    """Give the first window of those that the page carries: the newest that fit."""
    own = sum(int(np.prod(w.shape[1:])) for w in baseline.windows if len(w) > 1)
    follows = (x[1:, :-1] == x[:-1, 1:]).all(axis=(1, 2))
    steps, features = x.shape[1:]
    new = np.concatenate([[steps], np.where(follows, 1, steps)]) * features + own
    fits = np.cumsum(new[::-1]) + (steps - 1) * features <= MOST_NUMBERS
    return len(x) - max(1, int(fits.sum()))


def _unusual(windows: NDArray[np.float64]) -> int:
    """Give the window that lies furthest from the mean of all, by its standardised numbers."""
    mean, size = windows.mean(axis=(0, 1)), windows.std(axis=(0, 1))
    z = (windows - mean) / np.where(size > 0, size, 1.0)
    return int(np.argmax((z**2).mean(axis=(1, 2))))
