"""What stands in for an input that is hidden. The baseline is part of every answer.

====================  =========================================================================
``zero``              0 in the network's own units (the training mean of standardised features)
``mean``              each feature's mean over the windows given
``persistence``       every step holds the newest one, "the last value held": lag 1 is its own
                      baseline, and contributions say what the way here added to the state now
``background``        real windows, drawn without replacement; contributions are the mean over them
``hourly mean``       each feature's mean over the steps of the same hour of the day; likewise
                      ``monthly mean`` and ``seasonal mean``
                      (`rnnlens.attribution.baselines.grouped`)
array ``(feature,)``  one value a feature, at every step
array ``(step, feature)``            one window
array ``(background, step, feature)``  several windows, as ``background``
====================  =========================================================================

Held features keep their own values whatever the baseline, and so do the steps that the network
masks: neither is hidden, and both contribute exactly zero. Padding is no data either: means are
over real steps, and the steps that a drawn window lacks are those of other windows at the same lag.

All of these are *interventional*: they replace values whatever is shown beside them, and so say
what the network computes. A *conditional* baseline (`rnnlens.attribution.baselines.conditional`)
says what the data imply instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.arguments import did_you_mean
from rnnlens.attribution.baselines.grouped import CALENDAR, Groups, group_mean, mean_of
from rnnlens.attribution.baselines.rows import Rows
from rnnlens.attribution.baselines.windows import RealWindows
from rnnlens.errors import DataError
from rnnlens.names import told

__all__ = [
    "NAMED",
    "Baseline",
    "apart",
    "checked_data",
    "free_features",
    "make_baseline",
    "unusual",
    "whose_windows",
]

Array = NDArray[np.float64]

#: The baselines that have a name.
NAMED = ("zero", "mean", "persistence", "background", *CALENDAR)
#: What results say of the baselines by calendar.
CALENDAR_TEXTS = {
    "hourly mean": told("hourly mean"),
    "monthly mean": told("monthly mean"),
    "seasonal mean": told("seasonal mean"),
}
#: Windows drawn for ``background`` where their number is not given.
BACKGROUNDS = 32
#: Steps that a baseline's steps are compared with: evenly taken from the data where it has more.
MOST_STEPS = 5_000
#: Numbers of all windows beyond which they are averaged in blocks.
MOST_COPIED = 1 << 22


@dataclass(frozen=True, eq=False)
class Baseline:
    """One or more windows that stand in for each explained window.

    Parameters
    ----------
    text : str
        What it is, for the result.
    windows : tuple of array (1 or sample, step, feature)
        One entry a background; the first axis is 1 where it is the same for every sample.
    held : array of int
        Features that keep their own values.
    kept : array (step, feature) of bool, optional
        Numbers that keep their own values, where these are not the same at every step.
    """

    kind: ClassVar[str] = "interventional"

    text: str
    windows: tuple[Array, ...]
    held: NDArray[np.int64]
    kept: NDArray[np.bool_] | None = None

    def stand_in(
        self, x: Array, real: NDArray[np.bool_] | None, number: int, into: Array | None = None
    ) -> Array:
        """Give what the network sees where everything that can be hidden is hidden.

        Shapes: x (sample, step, feature), real (sample, step) of bool, into as x, where it is
        written -> (sample, step, feature).
        """
        given = np.empty(x.shape, x.dtype) if into is None else into
        given[...] = self.windows[number]
        given[..., self.held] = x[..., self.held]
        if self.kept is not None:
            np.copyto(given, x, where=self.kept)
        if real is not None:
            np.copyto(given, x, where=~real[..., None])
        return given

    def part(self, samples: slice | NDArray[np.int64]) -> Baseline:
        """Give the baseline of some of the samples."""
        windows = tuple(w if len(w) == 1 else w[samples] for w in self.windows)
        return Baseline(self.text, windows, self.held, self.kept)


def _newest_real(x: Array, real: NDArray[np.bool_] | None) -> Array:
    if real is None:
        return x[:, -1:]
    last = x.shape[1] - 1 - np.argmax(real[:, ::-1], axis=1)
    return x[np.arange(len(x)), last][:, None]


def make_baseline(
    given: str | ArrayLike,
    x: Array,
    *,
    real: NDArray[np.bool_] | None = None,
    held: NDArray[np.int64] | None = None,
    background: Array | RealWindows | None = None,
    groups: Groups | None = None,
    count: int = BACKGROUNDS,
    seed: int = 0,
) -> Baseline:
    """Make a baseline from its name or from an array.

    Shapes: x (sample, step, feature), real (sample, step) of bool, background (window, step,
    feature), or with what of it is data.
    """
    held = np.array([], dtype=np.int64) if held is None else held
    given_data = RealWindows(x, real) if background is None else RealWindows.of(background)
    data = x if background is None else checked_data(given_data.values, x)
    there = given_data.real if given_data.padded else None
    whose = whose_windows(len(data), background is None)
    if isinstance(given, str):
        if given == "background":
            order = np.random.default_rng(seed).permutation(len(data))
            drawn = np.sort(order[:count])
            values = {"number": len(drawn), "whose": whose, "seed": seed}
            text = told("background ({number} of {whose}, seed {seed})", **values)
            windows = tuple(data[k : k + 1] for k in drawn)
            if there is not None:
                text = told(
                    "background ({number} of {whose}, seed {seed}, steps that are padding from "
                    "others)",
                    **values,
                )
                # the fullest come first: what is filled in then comes from as few as can be
                fullest = order[np.argsort(-there[order].sum(axis=1), kind="stable")]
                windows = tuple(_filled(data, there, int(k), fullest)[None] for k in drawn)
        elif given in CALENDAR:
            text = told("{mean} (of {whose})", mean=CALENDAR_TEXTS[given], whose=whose)
            windows = (group_mean(given, groups, x, data),)
        else:
            if given == "mean" and there is None and data.size > MOST_COPIED:
                # windows cut from a table overlap: laid out as rows they take many times its memory
                mean = Rows(data, np.arange(data.shape[2])).mean()[0]
                return Baseline(told("mean (of {whose})", whose=whose), (mean[None, None],), held)
            steps = data.reshape(-1, data.shape[2]) if there is None else data[there]
            text, windows = _named(given, x, real, steps, whose)
    else:
        text, windows = _array(np.asarray(given, dtype=np.float64), x)
    return Baseline(text, windows, held)


def checked_data(given: ArrayLike, x: Array) -> Array:
    """Check the windows that a baseline is made from.

    Shapes: given (window, step, feature), x (sample, step, feature) -> (window, step, feature).
    """
    data = np.asarray(given, dtype=np.float64)
    if data.shape[1:] != x.shape[1:] or not len(data):
        raise DataError(
            f"background windows must have shape (window, {x.shape[1]}, {x.shape[2]}), but came "
            f"with {data.shape}"
        )
    if not np.isfinite(data).all():
        where = tuple(int(k) for k in np.argwhere(~np.isfinite(data))[0])
        raise DataError(
            f"the background windows hold {data[where]} at index {where}: fill or drop missing "
            "values before windows are made"
        )
    return data


def _filled(data: Array, real: NDArray[np.bool_], window: int, others: NDArray[np.int64]) -> Array:
    """Give a window, its padding filled from other windows at the same lag: (step, feature)."""
    filled, missing = data[window].copy(), ~real[window]
    for other in others:
        if not missing.any():
            return filled
        take = missing & real[other]
        filled[take] = data[other][take]
        missing &= ~take
    if missing.any() and real.any():  # steps that are padding in all windows
        filled[missing] = mean_of(data[real])
    return filled


def whose_windows(count: int, explained: bool) -> str:
    """Say which windows something is made of, the explained ones or those of the background."""
    if explained:
        return told("{count:,} explained windows", count=count)
    return told("{count:,} background windows", count=count)


def _named(
    name: str, x: Array, real: NDArray[np.bool_] | None, steps: Array, whose: str
) -> tuple[str, tuple[Array, ...]]:
    """Make a baseline by its name: steps (row, feature) are those of the data that are real."""
    if name == "zero":
        return told("zero (0 in the network's own units)"), (np.zeros((1, 1, 1)),)
    if name == "mean":
        if not len(steps):
            raise DataError(
                "no step of these windows is real, as the network masks all of them, so they have "
                "no mean: give windows with data, as background too"
            )
        return told("mean (of {whose})", whose=whose), (mean_of(steps)[None, None],)
    if name == "persistence":
        text = told("persistence (the newest value held over the window)")
        return text, (_newest_real(x, real),)
    raise DataError(
        f"no baseline is called {name!r}{did_you_mean(name, NAMED)}: give one of "
        f"{', '.join(NAMED)}, or an array"
    )


def _array(array: Array, x: Array) -> tuple[str, tuple[Array, ...]]:
    steps, features = x.shape[1:]
    if not np.isfinite(array).all():
        raise DataError("the baseline holds NaN or infinity: give a number for every entry")
    if array.shape == (features,):
        return told("array (one value a feature)"), (array[None, None],)
    if array.shape == (steps, features):
        return told("array (one window)"), (array[None],)
    if array.ndim == 3 and array.shape[1:] == (steps, features) and len(array):
        text = told("array ({count} background windows)", count=len(array))
        return text, tuple(w[None] for w in array)
    raise DataError(
        f"the baseline has shape {array.shape}, but must be ({features},), ({steps}, {features}) "
        f"or (background, {steps}, {features})"
    )


def apart(count: int, steps: int, *, most: int) -> int:
    """Say how many steps lie between those that are looked at, where these are so many at most.

    The number has no divisor in common with the steps of a window: of windows that all begin at
    midnight every hour is seen.
    """
    every = max(1, -(-count // most))
    while gcd(every, steps) > 1:
        every += 1
    return every


def free_features(features: int, held: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the features that are not held, by number."""
    every = np.arange(features)
    return np.setdiff1d(every, held) if len(held) else every


def unusual(baseline: Baseline, x: Array, real: NDArray[np.bool_] | None = None) -> float:
    """Say how far out among the data's steps the baseline's steps lie.

    Shapes: x (sample, step, feature), real (sample, step) of bool.
    """
    free = free_features(x.shape[2], baseline.held)
    count = x.shape[0] * x.shape[1] if real is None else int(real.sum())
    steps = Rows(x, free, every=apart(count, x.shape[1], most=MOST_STEPS), real=real)
    if len(free) == 0 or len(steps) < 10 * len(free):
        return float("nan")
    mean, _ = steps.mean()
    numbers = np.arange(len(free))
    precision = np.linalg.pinv(steps.products(mean, numbers) / (len(steps) - 1))

    def distance(rows: Array) -> Array:
        away = rows - mean
        return np.einsum("ij,ij->i", away @ precision, away)

    ordered = steps.each(distance)
    ordered.sort()
    total = count = 0
    for window in baseline.windows:
        given = np.broadcast_to(window, (*window.shape[:2], x.shape[2]))
        own = real if window.shape[:2] == x.shape[:2] else None
        for block in Rows(given, free, real=own).blocks():
            total += int(np.searchsorted(ordered, distance(block)).sum())
            count += len(block)
    return total / count / len(ordered)
