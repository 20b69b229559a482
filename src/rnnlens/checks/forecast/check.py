"""Whether a forecast is one: all that can be said of it from its windows and what happened."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnnlens.checks.forecast.inputs import NOWHERE, input_range, misplaced, saturation
from rnnlens.checks.forecast.leak import Leak, find_leak
from rnnlens.checks.forecast.noise import FEWEST, beyond_noise
from rnnlens.checks.forecast.references import references
from rnnlens.checks.forecast.search import Fit, search
from rnnlens.checks.forecast.verdict import Errors, judge
from rnnlens.names import declared

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.checks.forecast.data import ForecastData
    from rnnlens.checks.forecast.references import References

    Array = NDArray[np.float64]

__all__ = ["WINDOWS", "ForecastCheck", "check_forecast", "made_whole"]

#: Windows that are judged, evenly spaced, where there are more.
WINDOWS = 512
#: Part of the windows for which a reference must be known to be judged.
KNOWN = 0.5
#: Forecasts whose standard deviation is this part of their size do not vary, whatever happened.
STILL = 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class ForecastCheck:
    """How good a forecast is, where its inputs lie, and what would fit better.

    Parameters
    ----------
    error, rmse : array (reference,)
        Mean absolute and root mean square error of the forecast and its references, on the same
        windows; NaN where a reference does not exist or nothing is known.
    better : array (reference,)
        How far beyond noise the forecast is better than each, as a t-ratio of absolute errors, of
        squared ones where `squared`.
    input_mean, input_spread, input_low, input_high, input_beyond : array (feature,)
        Where the inputs lie, in network units, and the share that is more than 5 from zero.
    input_misplaced : array (feature,)
        1 where a feature lies where no usual scaler puts it.
    saturated : array (layer,)
        Share of the gates of each recurrent layer that are within 0.01 of 0 or 1.
    remedy_error, remedy_stated : array (remedy,)
        Mean absolute error with each remedy that is named, and as stated on the same windows; root
        mean square errors where `squared`.
    forecast_spread, actual_spread : float
        Standard deviations of the forecasts and of what happened.
    layers : tuple of str
        The recurrent layers.
    remedies : tuple of Fit
        What fits better, the best first.
    leak : Leak or None
        An input that holds what is to be forecast.
    verdict : str
        One of `rnnlens.checks.forecast.verdict.VERDICTS`.
    judged : int
        Windows whose errors were judged.
    season_of : str
        What the season before is.
    squared : bool
        Whether squared errors were compared, for absolute ones reward a forecast that never moves.
    """

    error: Array = declared("reference", long_name="mean absolute error of {target}", unit="{unit}")
    rmse: Array = declared(
        "reference", long_name="root mean square error of {target}", unit="{unit}"
    )
    better: Array = declared(
        "reference", long_name="standard errors by which the forecast is better"
    )
    input_mean: Array = declared("feature", long_name="mean of the input", unit="network units")
    input_spread: Array = declared(
        "feature", long_name="standard deviation of the input", unit="network units"
    )
    input_low: Array = declared("feature", long_name="smallest input", unit="network units")
    input_high: Array = declared("feature", long_name="largest input", unit="network units")
    input_beyond: Array = declared("feature", long_name="share of inputs beyond 5 network units")
    input_misplaced: NDArray[np.int64] = declared(
        "feature", long_name="1 where an input lies where no usual scaler puts it"
    )
    saturated: Array = declared("layer", long_name="share of gates within 0.01 of 0 or 1")
    remedy_error: Array = declared(
        "remedy", long_name="error of {target} with the remedy", unit="{unit}"
    )
    remedy_stated: Array = declared(
        "remedy", long_name="error of {target} as stated", unit="{unit}"
    )
    forecast_spread: float = declared(
        long_name="standard deviation of the forecasts of {target}", unit="{unit}"
    )
    actual_spread: float = declared(long_name="standard deviation of {target}", unit="{unit}")
    layers: tuple[str, ...]
    remedies: tuple[Fit, ...]
    leak: Leak | None
    verdict: str
    judged: int
    season_of: str
    squared: bool


def check_forecast(
    data: ForecastData,
    background: ForecastData | None = None,
    *,
    numbers: bool = True,
    whole: bool = True,
    windows: int = WINDOWS,
) -> ForecastCheck:
    """Ask whether a forecast is one, of windows in the order of time.

    `numbers` says whether inputs are quantities, which tokens are not; `whole` whether it is said
    where inputs lie and how many gates are saturated, which is said in any case where inputs lie
    where no usual scaler puts them.
    """
    known = np.flatnonzero(np.isfinite(data.actual))
    data = data.judged() if len(known) else data
    chosen = _chosen(known, data, windows)
    some = data if len(chosen) == len(data) else data.select(chosen)
    made = some.run() * some.target.scale + some.target.offset
    steps = some.steps if numbers else np.zeros((1, 0))
    wrong = misplaced(steps, data.held)
    spread = float(made.std())
    still = len(some) >= FEWEST and spread <= STILL * float(np.abs(made).max())
    found = _Judged(Errors.unknown(misplaced=len(wrong) > 0, still=still), "", (), None)
    if len(known) >= FEWEST:
        found = _judged(data, chosen, made, background, misplaced=len(wrong) > 0)
    verdict, named = judge(found.errors, found.fits, found.leak)
    lies, layers, saturated = NOWHERE, (), np.array([])
    if whole or len(wrong):
        lies, (layers, saturated) = input_range(steps), saturation(some)
    return ForecastCheck(
        error=found.errors.error,
        rmse=found.errors.rmse,
        better=found.errors.better,
        input_mean=lies.mean,
        input_spread=lies.spread,
        input_low=lies.low,
        input_high=lies.high,
        input_beyond=lies.beyond,
        input_misplaced=_marked(len(lies.mean), wrong),
        saturated=saturated,
        remedy_error=np.array([fit.error for fit in named]),
        remedy_stated=np.array([fit.stated for fit in named]),
        forecast_spread=spread,
        actual_spread=float(some.actual.std()) if found.errors.judged else float("nan"),
        layers=layers,
        remedies=named,
        leak=found.leak,
        verdict=verdict,
        judged=found.errors.judged,
        season_of=found.season_of,
        squared=data.squared,
    )


def made_whole(check: ForecastCheck, data: ForecastData, *, numbers: bool) -> ForecastCheck:
    """Say of the same data what a check left out that was not to be whole."""
    known = np.flatnonzero(np.isfinite(data.actual))
    some = data.select(_chosen(known, data, WINDOWS))
    steps = some.steps if numbers else np.zeros((1, 0))
    lies, (layers, saturated) = input_range(steps), saturation(some)
    return replace(
        check,
        layers=layers,
        saturated=saturated,
        input_misplaced=_marked(len(lies.mean), misplaced(steps, data.held)),
        **{f"input_{one.name}": getattr(lies, one.name) for one in fields(lies)},
    )


def _marked(count: int, which: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give 1 for some of so many, and 0 for the others."""
    marks = np.zeros(count, int)
    marks[which] = 1
    return marks


def _chosen(known: NDArray[np.int64], data: ForecastData, windows: int) -> NDArray[np.int64]:
    """Choose the windows that are looked at: of those whose outcome is known, where it is."""
    return _spaced(known if len(known) >= FEWEST else np.arange(len(data)), windows)


class _Judged(NamedTuple):
    """What actuals tell of a forecast."""

    errors: Errors
    season_of: str
    fits: tuple[Fit, ...]
    leak: Leak | None


def _judged(
    data: ForecastData,
    chosen: NDArray[np.int64],
    made: Array,
    background: ForecastData | None,
    *,
    misplaced: bool,
) -> _Judged:
    """Judge forecasts by what happened, and look for what fits better where they are doubtful."""
    rows = data.rows()
    history = data.history(rows)
    some, refs = data.select(chosen), references(data, chosen, history, background)
    errors = _errors(some, made, refs, misplaced=misplaced)
    held = data.own is not None and data.own in data.held
    fits: tuple[Fit, ...] = ()
    # a calendar is told by simple means, and nothing is tried on padded windows
    if data.original is not None and (errors.worse or not held):
        like = data if background is None or background.original is None else background
        only_leads = not (errors.worse or errors.doubtful)
        fits = tuple(search(data, like, rows, history, only_leads=only_leads))
    return _Judged(errors, refs.season_of, fits, None if held else find_leak(some))


def _spaced(places: NDArray[np.int64], windows: int) -> NDArray[np.int64]:
    """Take windows evenly spaced among those at some places."""
    if len(places) <= windows:
        return places
    return places[np.unique(np.linspace(0, len(places) - 1, windows).astype(int))]


def _errors(some: ForecastData, made: Array, refs: References, *, misplaced: bool) -> Errors:
    """Compare the forecast with its references on the windows where all are known."""
    every = [made, refs.persistence, refs.mean, refs.season, refs.linear]
    there = [one is not None and np.isfinite(one).mean() >= KNOWN for one in every]
    both = np.isfinite(some.actual)
    for one, known in zip(every, there, strict=True):
        if known and one is not None:
            both &= np.isfinite(one)
    actual = some.actual[both]
    missed = [
        np.abs(one[both] - actual) if known and one is not None else None
        for one, known in zip(every, there, strict=True)
    ]
    own = missed[0]
    nothing = np.full(len(every), np.nan)
    if own is None or len(own) < FEWEST:
        return Errors.unknown(misplaced=misplaced, still=False)
    error, rmse, better = nothing, nothing.copy(), nothing.copy()
    for k, each in enumerate(missed):
        if each is not None:
            error[k], rmse[k] = each.mean(), np.sqrt((each**2).mean())
            better[k] = beyond_noise(some.loss(each) - some.loss(own)) if k else np.nan
    spread = float(actual.std())
    varies = float(made[both].std()) / spread if spread > 0 else float("nan")
    return Errors(error, rmse, better, int(both.sum()), varies, misplaced, some.squared)
