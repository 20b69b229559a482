"""How unlike the data the windows are that a method shows to the network.

A baseline may be as usual as any step of the data and its mixtures with a window still be unlike
anything: half a summer's day glued to half a mean. Two figures say so. For each cut of a window
into older steps that are hidden and newer ones that are shown,

- the *window place* is the share of the data's windows with a smaller Mahalanobis distance from
  their mean: near 1 the mixture is unlike any of them, near 0 it is flatter than all of them;
- the *joint place* is the same for the two neighbouring steps on either side of the cut, among all
  neighbouring steps of the data: near 1 the jump between baseline and window is one that the data
  never make.

Both are 1/2 on average where the mixtures are drawn like the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from rnnlens.attribution.baseline import Array, Baseline
from rnnlens.attribution.conditional import GaussianConditional
from rnnlens.attribution.covariance import WindowMoments, window_moments
from rnnlens.errors import DataError

__all__ = ["MixedPlace", "mixed_place"]

#: Windows and cuts that are looked at: spread evenly over those given.
MOST_SAMPLES = 100
MOST_CUTS = 8
#: Windows whose distances are computed together.
AT_ONCE = 512


@dataclass(frozen=True)
class MixedPlace:
    """How far out the mixed windows lie among the data.

    Parameters
    ----------
    window : float
        Mean place of whole mixed windows among the data's windows; NaN where there are too few
        windows for a covariance.
    joint : float
        Mean place of the two steps at the cut among the data's neighbouring steps; NaN where there
        are too few.
    """

    window: float
    joint: float


def mixed_place(
    baseline: Baseline | GaussianConditional,
    x: Array,
    *,
    real: NDArray[np.bool_] | None = None,
    background: Array | None = None,
) -> MixedPlace:
    """Say how unlike the data the mixtures of windows and baseline are.

    Parameters
    ----------
    baseline : Baseline or GaussianConditional
        What stands in for hidden steps.
    x : array (sample, step, feature)
        The windows that are explained.
    real : array (sample, step) of bool, optional
        False at the steps that the network masks.
    background : array (window, step, feature), optional
        The data to compare with; the explained windows where not given.

    Returns
    -------
    MixedPlace
        Places between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlens.attribution.baseline import make_baseline
    >>> x = np.random.default_rng(0).normal(size=(200, 6, 2)).cumsum(axis=1)
    >>> mixed_place(make_baseline(np.full((6, 2), 30.0), x), x).joint > 0.99
    True
    """
    steps = x.shape[1]
    data = x if background is None else background
    free = np.setdiff1d(np.arange(x.shape[2]), baseline.held)
    if steps < 2 or not len(free):
        return MixedPlace(float("nan"), float("nan"))
    which = _spread(len(x), MOST_SAMPLES)
    some, part = x[which], None if real is None else real[which]
    cuts = 1 + _spread(steps - 1, MOST_CUTS)
    masks = np.arange(steps) >= cuts[:, None]
    mixed = _mixed(baseline, which, some, part, masks)[..., free]
    windows = _places(data[..., free], mixed.reshape(-1, steps, len(free)))
    pairs = np.lib.stride_tricks.sliding_window_view(data[..., free], 2, axis=1)
    pairs = pairs.swapaxes(-1, -2).reshape(-1, 2, len(free))
    joints = np.stack([mixed[:, k, :, c - 1 : c + 1] for k, c in enumerate(cuts)], axis=1)
    return MixedPlace(windows, _places(pairs, joints.reshape(-1, 2, len(free))))


def _spread(count: int, most: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _mixed(
    baseline: Baseline | GaussianConditional,
    which: NDArray[np.int64],
    x: Array,
    real: NDArray[np.bool_] | None,
    masks: NDArray[np.bool_],
) -> Array:
    """Give the mixed windows (sample, cut, draw or background, step, feature)."""
    if isinstance(baseline, GaussianConditional):
        return baseline.stand_in(x, masks)
    own = Baseline(
        baseline.text,
        tuple(w if len(w) == 1 else w[which] for w in baseline.windows),
        baseline.held,
    )
    stand_ins = [own.stand_in(x, real, k) for k in range(len(own.windows))]
    x0 = np.stack(stand_ins, axis=1)[:, None]
    return np.where(masks[:, None, :, None], x[:, None, None], x0)


def _places(data: Array, windows: Array) -> float:
    """Give the mean share of the data that lie nearer to their mean than the windows do."""
    try:
        moments = window_moments(data)
    except DataError:
        return float("nan")
    if not len(moments.varying):
        return float("nan")
    factor = cho_factor(moments.covariance)
    ordered = np.sort(_distances(data, moments, factor))
    found = _distances(windows, moments, factor)
    return float(np.searchsorted(ordered, found).mean() / len(ordered))


def _distances(windows: Array, moments: WindowMoments, factor: tuple[Array, bool]) -> Array:
    flat = windows.reshape(len(windows), -1)[:, moments.varying]
    found, mean = np.empty(len(flat)), moments.mean[moments.varying]
    for first in range(0, len(flat), AT_ONCE):
        away = flat[first : first + AT_ONCE] - mean
        found[first : first + AT_ONCE] = np.einsum("nk,kn->n", away, cho_solve(factor, away.T))
    return found
