"""The check of a forecast that runs before every answer about it."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnnlens.api.shared.forecast.kept import kept_check
from rnnlens.api.shared.forecast.places import places_of, sliding_places
from rnnlens.api.shared.given.joint.by_input import laid_out
from rnnlens.api.shared.labels.forecast import labelled_check, plain_check
from rnnlens.checks.forecast.data import ForecastData
from rnnlens.checks.forecast.noise import FEWEST
from rnnlens.checks.forecast.references import FIT
from rnnlens.engine.forward import entries
from rnnlens.errors import DataError, InputError
from rnnlens.names import clauses, told
from rnnlens.results.attributes import attributes
from rnnlens.series.joint.windows import WindowsByInput
from rnnlens.series.windows import Windows
from rnnlens.views.words.forecast import CheckPage, caution_sentence, forecast_line
from rnnlens.views.words.language import telling

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.attribution.options import Target
    from rnnlens.checks.forecast.check import ForecastCheck

    Array = NDArray[np.float64]

__all__ = ["about_forecast", "about_single", "forecast_page", "unjudged", "with_check"]

#: Windows of a background that a check looks at, the newest: over a year of hours.
NEWEST = 10_000
#: Targets and horizons that are checked one by one, at most, where a result is about several.
CHECKED = 4


def unjudged(explained_on: str, *, sequences: bool = True) -> dict[str, str]:
    """Say why a forecast was not judged: classes, or states that are carried in."""
    why = told("classes have no error in a unit")
    if not sequences:
        why = told("no sequence is explained")
    elif explained_on != "logits":
        why = told("states are carried into its windows")
    line = told("the forecast was not judged: {why}", why=why)
    return {"forecast_check": line, "caution": "", "forecast_verdict": "not known"}


def about_forecast(
    case: Case,
    target: NamedTarget,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None = None,
    y: Array | None = None,
    made: Array | None = None,
) -> dict[str, str]:
    """Say what every result about a forecast says of it: how good it is, and a caution.

    Shapes: made (sample,), the forecasts of the windows in the target's own unit where known.
    """
    found = _checked(case, target, background, y, made, whole=False)
    return _about(plain_check(case, target, found.check, found.about))


def about_single(
    case: Case,
    target: NamedTarget,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None,
) -> dict[str, str]:
    """Say the same of the one sequence that is asked about, where it is one that was observed."""
    single = case.single
    if single is None:
        return unjudged("output", sequences=False)
    return about_forecast(single, target, background)


def _about(page: CheckPage) -> dict[str, str]:
    with telling():
        return {
            "forecast_check": forecast_line(page),
            "caution": caution_sentence(page),
            "forecast_verdict": str(page.attrs["verdict"]),
        }


def with_check(
    result: xr.Dataset,
    case: Case,
    asked: Target,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None,
) -> xr.Dataset:
    """Add the check to a result about one target, or about several of them and horizons."""
    targets, horizons = case.choices(asked.output)
    names = list(result["target"].values) if "target" in result.dims else [asked.name]
    steps = list(result["horizon"].values) if "horizon" in result.dims else [asked.horizon]
    if len(names) == len(targets) == 1:
        names = [None]
    steps = [step if step is None else int(str(step)) for step in steps] or list(horizons)
    every = [case.target(_plain(name), step, asked.output) for name in names for step in steps]
    places = [(name, step) for name in names for step in steps]
    said = [
        about_forecast(case, one, background, made=_made(result, *place))
        for one, place in zip(every[:CHECKED], places, strict=False)
    ]
    if len(every) == 1:
        result.attrs |= attributes(said[0])  # which is ours: a copy would be one more Dataset
        return result
    lines = [
        told("{name}: {fact}", name=one.name, fact=each["forecast_check"])
        for one, each in zip(every, said, strict=False)
    ]
    cautions = dict.fromkeys(each["caution"] for each in said if each["caution"])
    verdicts = dict.fromkeys(each["forecast_verdict"] for each in said)
    if len(every) > CHECKED:
        lines.append(told("{count} more not checked here", count=len(every) - CHECKED))
    about = {
        "forecast_check": clauses(lines),
        "caution": clauses(cautions),
        "forecast_verdict": ", ".join(verdicts),
    }
    return result.assign_attrs(attributes(about))


def _made(result: xr.Dataset, name: object, step: int | None) -> Array | None:
    """Give the forecasts of one target at one horizon, where the method gave any."""
    if "forecast" not in result:
        return None
    forecast = result.variables["forecast"]
    if not {"target", "horizon"} & {*forecast.dims}:
        return forecast.values
    forecast = result["forecast"]
    for dimension, chosen in (("target", name), ("horizon", step)):
        if dimension in forecast.dims:
            # one that was not named is the only one, or the first
            at = {dimension: 0 if chosen is None else chosen}
            forecast = forecast.isel(at) if chosen is None else forecast.sel(at)
    return forecast.values


def _plain(name: object) -> str | int | None:
    return name if name is None or isinstance(name, int) else str(name)


def with_references(
    page: xr.Dataset,
    case: Case,
    target: NamedTarget,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None,
    y: Array | None,
) -> xr.Dataset:
    """Add the check and the errors of its references to a page of `rnnlens.trust`."""
    check = forecast_page(case, target, background, y)
    errors = {name: check[name] for name in ("error", "better")}
    errors["reference_rmse"] = check["rmse"]  # a page of trust has an rmse of its own windows
    return page.assign(errors).assign_attrs(
        attributes(_about(check)),
        **{name: check.attrs[name] for name in ("season_of", "mean_of", "measure")},
    )


def forecast_page(
    case: Case,
    target: NamedTarget,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None = None,
    y: Array | None = None,
) -> xr.Dataset:
    """Check a forecast: y (sample,) in the target's own unit, where windows have none."""
    found = _checked(case, target, background, y)
    return labelled_check(case, target, found.check, found.about)


def _checked(
    case: Case,
    target: NamedTarget,
    background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None,
    y: Array | None = None,
    made: Array | None = None,
    *,
    whole: bool = True,
) -> _Checked:
    """Check a forecast on its windows, or on a background where too little is known of them."""
    begun = perf_counter()
    data = _data(case, target, y, made)
    seen = _background(case, target, background)
    judged_on = "the windows"
    if _known(data) < FEWEST and seen is not None and _known(seen) >= FEWEST:
        data, seen, judged_on = seen, None, "the background"
    if seen is not None and _share_times(data, seen):
        seen = None
    check = kept_check(data, seen, numbers=not case.tokens, whole=whole)
    from_background = seen is not None and _known(seen) >= FIT
    about = _About(judged_on, len(data), _known(data), perf_counter() - begun, from_background)
    return _Checked(check, about)


class _Checked(NamedTuple):
    """A check, and what it was made on."""

    check: ForecastCheck
    about: _About


class _About(NamedTuple):
    """What the check was made on."""

    judged_on: str
    windows: int
    known: int
    seconds: float
    background: bool


def _known(data: ForecastData) -> int:
    return int(np.isfinite(data.actual).sum())


def _share_times(data: ForecastData, seen: ForecastData) -> bool:
    """Say whether some windows are in both, so that one is no background of the other."""
    if data.original is None or seen.original is None:
        return False
    if data.original.shape[1:] != seen.original.shape[1:]:
        return False
    one, other = (each.original[:, -1] for each in (data, seen))  # type: ignore[index]
    chosen = one[np.unique(np.linspace(0, len(one) - 1, 16).astype(int))]
    return any(bool((other == row).all(axis=1).any()) for row in chosen)


def _data(
    case: Case, target: NamedTarget, y: Array | None, made: Array | None = None
) -> ForecastData:
    """Collect what the check is about, windows in the order of time."""
    windows, number = case.windows, target.resolved
    actual = y if y is not None else _actual(windows, target.name, len(case.x))
    features = case.x.shape[2]
    data = ForecastData(
        network=case.network,
        inputs=case.inputs,
        of=case.of,
        target=target.resolved,
        original=None if case.tokens else case.x,
        mean=np.zeros(features),
        scale=np.ones(features),
        held=tuple(int(k) for k in case.held(None)[0]),
        own=None,
        actual=actual,
        places=None,
        made=None if made is None or not number.scale else (made - number.offset) / number.scale,
    )
    if case.tokens or case.real is not None:  # padding is no data, and no row of a series
        return replace(data, original=None, real=case.real)
    if windows is None and np.isfinite(actual).sum() < FEWEST:
        return data  # what nothing is compared with needs no place in time
    if windows is None:
        places, own = sliding_places(case.x, actual)
        return replace(data, places=places, own=own)
    return _of_windows(data, windows, target)


def _of_windows(data: ForecastData, windows: Windows, target: NamedTarget) -> ForecastData:
    """Add what windows say: names, scalings, times."""
    if data.values.shape[1:] != windows.values.shape[1:]:
        return data  # another input than the one that the windows describe
    place = windows.targets.index(target.name) if target.name in windows.targets else None
    same = windows.targets == windows.features
    source = target.name if place is None or not windows.sources else windows.sources[place]
    own = windows.features.index(source) if source in windows.features else None
    scaling = windows.target_scaling
    made = replace(
        data,
        # with a transform what that gives: targets and actual values are in the unit of that too
        original=windows.feature_scaling.line.undo_windows(data.values),
        mean=windows.feature_scaling.mean,
        scale=windows.feature_scaling.scale,
        own=own,
        places=None if place is None else places_of(windows, place),
        units=(*windows.units, target.unit),
        targets=np.stack([scaling.mean, scaling.scale], axis=1) if same else None,
    )
    if made.places is None:
        return made
    order = np.argsort(made.places.issued, kind="stable")
    return made if (np.diff(order) == 1).all() else made.select(order)


def _actual(windows: Windows | None, name: str, count: int) -> Array:
    actual = None if windows is None else windows.actual_of(name)
    return np.full(count, np.nan) if actual is None else actual


def _background(
    case: Case,
    target: NamedTarget,
    given: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None,
) -> ForecastData | None:
    """Collect what a background holds, where it is like the windows."""
    if given is None or case.tokens:
        return None
    if isinstance(given, WindowsByInput):
        return _several(case, target, given)
    if len(case.inputs) != 1:
        return None
    if isinstance(given, Windows) and len(given) > NEWEST:
        given = given.newest(NEWEST)
    try:
        values = given.values if isinstance(given, Windows) else given
        inputs = entries(case.network, values)
    except (DataError, InputError, TypeError, ValueError):
        return None  # whoever uses it says what is wrong with it
    if not len(inputs[case.of]):
        return None
    known = given if isinstance(given, Windows) else None
    other = replace(case, inputs=inputs, windows=known)
    if known is None and case.windows is not None:
        scaling = case.windows.feature_scaling.line
        data = replace(_data(other, target, None), mean=scaling.mean, scale=scaling.scale)
        return replace(data, original=scaling.undo_windows(data.values), places=None)
    return _data(other, target, None)


def _several(case: Case, target: NamedTarget, given: WindowsByInput) -> ForecastData | None:
    """Collect what a background of several inputs holds."""
    if given.samples > NEWEST:
        given = given.newest(NEWEST)
    try:
        known, inputs = laid_out(case.network, given)
    except (DataError, InputError):
        return None  # whoever uses it says what is wrong with it
    if not given.samples or case.real is not None or case.of not in inputs:
        return None
    return _data(replace(case, inputs=inputs, windows=known[case.of]), target, None)
