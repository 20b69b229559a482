"""Certificates: how far a forecast can move while one lag's features run through a range.

For one window ``x``, one lag and some of its features::

    D  >=  |f(x with that lag's features anywhere in the range) - f(x)|

with all other inputs as they are: a statement about this window and this network, proven by
`rnnlens.evidence.proof.zonotope.bounds` and branch and bound, never sampled. Its verdict is
*proven* where ``D`` is within the tolerance, *refuted* where a value was found that moves the
forecast further (a plain run of the network does), *undecided* where the budget ended before;
*structural* where the weights alone show that the features never reach the forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import predict
from rnnlens.errors import DataError, InputError
from rnnlens.evidence.proof.ranges import checked, checked_places
from rnnlens.evidence.proof.search import Answers, Questions, answer
from rnnlens.evidence.proof.zonotope.bounds import start
from rnnlens.evidence.proof.zonotope.functions import UNIT
from rnnlens.evidence.structural import reaching
from rnnlens.names import declared
from rnnlens.network.network import Network

__all__ = ["BUDGET", "VERDICTS", "Certificates", "certify"]

Array = NDArray[np.float64]

#: From the strongest statement of irrelevance to none.
VERDICTS = ("structural", "proven", "refuted", "undecided")
#: Boxes that a question may take.
BUDGET = 2000


@dataclass(frozen=True, eq=False, kw_only=True)
class Certificates:
    """One certificate a window and lag; changes in the target's own unit.

    Parameters
    ----------
    forecast : array (sample,)
        The forecast with the window as it is.
    bound : array (sample, lag)
        ``D``: no value in the range moves the forecast by more. Rounded up, with twice the
        deviation added.
    attained : array (sample, lag)
        The largest change that a plain run of the network was seen to make.
    value : array (sample, lag, feature)
        The values that made it, in the network's own units.
    low, high : array (sample, lag, feature)
        The ranges, in the network's own units.
    verdict : array (sample, lag) of str
        One of `VERDICTS`.
    boxes : array (sample, lag) of int
        Boxes that were bounded.
    structural, proven, refuted, undecided : array (lag,) of int
        Windows with that verdict.
    worst : array (lag,) of int
        The window with the largest bound.
    largest_bound, largest_attained : array (lag,)
        Over all windows.
    tolerance : float
        The change that does not matter.
    deviation : float
        By how much the user's own framework was seen to differ from exact arithmetic.
    """

    forecast: Array = declared("sample")
    bound: Array = declared("sample", "lag")
    attained: Array = declared("sample", "lag")
    value: Array = declared("sample", "lag", "feature")
    low: Array = declared("sample", "lag", "feature")
    high: Array = declared("sample", "lag", "feature")
    verdict: NDArray[np.str_] = declared("sample", "lag")
    boxes: NDArray[np.int64] = declared("sample", "lag")
    structural: NDArray[np.int64] = declared("lag")
    proven: NDArray[np.int64] = declared("lag")
    refuted: NDArray[np.int64] = declared("lag")
    undecided: NDArray[np.int64] = declared("lag")
    worst: NDArray[np.int64] = declared("lag")
    largest_bound: Array = declared("lag")
    largest_attained: Array = declared("lag")
    tolerance: float
    deviation: float


def certify(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    *,
    of: str,
    lags: Sequence[int],
    features: Sequence[int],
    low: ArrayLike,
    high: ArrayLike,
    tolerance: float,
    gap: float | None = None,
    budget: int = BUDGET,
    deviation: float = 0.0,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Certificates:
    """Bound how far each forecast can move while one lag's features run through their ranges.

    Shapes: inputs mapping of str to (sample, ...).
    """
    steps, count = inputs[of].shape[1:3] if inputs[of].ndim == 3 else (0, 0)
    lags, features = checked_places((steps, count), lags, features)
    _check_options(tolerance, gap, budget, deviation)
    if not len(inputs[of]):
        raise DataError("there are no windows to certify")
    x = np.asarray(inputs[of], float)
    own = x[:, [steps - lag for lag in lags]][:, :, features]
    ends = checked(low, high, own, lags)
    scale = abs(target.scale)
    asked, where = _questions(reaching(network, of, x.shape[1:]), (lags, features), ends)
    found = _nothing(own)
    if len(asked.window):
        reserved = max(tolerance - 2 * deviation, 0.0)
        got = answer(
            start(network, inputs, target, of=of),
            asked,
            tolerance=reserved / scale * (1 - 8 * UNIT),
            gap=(tolerance if gap is None else gap) / scale,
            budget=budget,
            seed=seed,
            progress=progress,
        )
        for mine, theirs in zip(found, got, strict=True):
            mine[:, where] = theirs.reshape(len(x), len(where), *theirs.shape[1:])
    outputs = predict(network, inputs)
    forecast = target.pick(outputs if isinstance(outputs, tuple) else (outputs,))
    return _made(forecast, found, ends, scale, (float(tolerance), float(deviation)))


def _check_options(tolerance: float, gap: float | None, budget: int, deviation: float) -> None:
    if not (np.isfinite(tolerance) and tolerance > 0):
        raise InputError(f"the tolerance must be a number above 0, and is {tolerance}")
    if gap is not None and not gap >= 0:
        raise InputError(f"the gap must be 0 or above, and is {gap}")
    if budget < 1:
        raise InputError(f"the budget must be at least one box, and is {budget}")
    if not (np.isfinite(deviation) and deviation >= 0):
        raise InputError(f"the deviation must be 0 or above, and is {deviation}")


def _questions(
    used: NDArray[np.bool_], places: tuple[list[int], list[int]], ends: tuple[Array, Array]
) -> tuple[Questions, list[int]]:
    """Give the questions that the weights do not answer, and which lags they are about."""
    lags, features = places
    samples, steps = len(ends[0]), len(used)
    where = [k for k, lag in enumerate(lags) if used[steps - lag, features].any()]
    grid = (samples, len(where))
    window = np.broadcast_to(np.arange(samples)[:, None], grid).ravel()
    step = np.broadcast_to(np.array([steps - lags[k] for k in where], int), grid).ravel()
    feature = np.broadcast_to(np.array(features), (len(window), len(features))).copy()
    low, high = (end[:, where].reshape(-1, len(features)) for end in ends)
    return Questions(window, step, feature, low, high), where


def _nothing(own: Array) -> Answers:
    """Give the answers of questions whose features reach nothing."""
    none = np.zeros(own.shape[:2])
    return Answers(none, none.copy(), own.copy(), none.astype(np.int64), none.astype(np.bool_))


def _made(
    forecast: Array,
    found: Answers,
    ends: tuple[Array, Array],
    scale: float,
    allowed: tuple[float, float],
) -> Certificates:
    """Bring answers to the target's own unit, and give each its verdict."""
    tolerance, deviation = allowed
    exact = np.where(found.reached, found.bound * scale * (1 + 4 * UNIT), 0.0)
    bound = np.where(found.reached, np.nextafter(exact + 2 * deviation, np.inf), 0.0)
    attained = found.attained * scale
    verdict = np.full(bound.shape, "undecided", dtype="<U10")
    verdict[bound <= tolerance] = "proven"
    verdict[attained - 2 * deviation > tolerance] = "refuted"
    verdict[~found.reached] = "structural"
    counts = {name: (verdict == name).sum(axis=0) for name in VERDICTS}
    return Certificates(
        forecast=forecast,
        bound=bound,
        attained=np.where(found.reached, attained, 0.0),
        value=found.value,
        low=ends[0],
        high=ends[1],
        verdict=verdict,
        boxes=found.boxes,
        worst=bound.argmax(axis=0),
        largest_bound=bound.max(axis=0),
        largest_attained=attained.max(axis=0),
        tolerance=tolerance,
        deviation=deviation,
        **counts,
    )
