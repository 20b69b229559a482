"""From the arrays of a method to a labelled result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rnnlens.api.shared.labels.joint import joint_coords
from rnnlens.api.shared.labels.network_provenance import network_provenance
from rnnlens.results.label import label

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.given.case import Case
    from rnnlens.attribution.registry import AttributionMethod
    from rnnlens.attribution.runners import MethodArrays
    from rnnlens.series.windows import Windows

__all__ = ["labelled"]


class _Words(NamedTuple):
    """How numbers of a kind are spoken of."""

    title: str
    plural: str


_WORDS = {
    "contribution": _Words("contribution to", "contributions"),
    "sensitivity": _Words("sensitivity of", "sensitivities"),
    "relevance": _Words("relevance for", "relevances"),
    "write time": _Words("written into the memory for", "writes"),
}


def labelled(
    case: Case, arrays: MethodArrays, method: AttributionMethod, about: Mapping[str, Any]
) -> xr.Dataset:
    """Label the arrays of a method of `rnnlens.explain`."""
    windows, words = case.windows, _WORDS[method.kind]
    name, unit = about["target"], about["unit"] or "network units"
    extra = {key: value for key, value in about.items() if key != "method"} | {
        "kind": method.kind,
        "shows": method.variable,
        "step": "" if windows is None else windows.step,
        "lead": "" if windows is None else _lead(windows, name),
    }
    lag_from, lag_to = (getattr(arrays, end, None) for end in ("lag_from", "lag_to"))
    # lags that are taken one by one
    settings = {} if lag_from is None else {"newest": int(np.count_nonzero(lag_from == lag_to))}
    same = (method.variable, "forecast", "baseline_forecast", "residual", "standard_error")
    slope = f"{'1' if unit == '-' else unit} per network unit"
    result = label(
        arrays,
        coords=(_coords if case.layout is None else joint_coords)(
            case, arrays, method.variable, name
        ),
        attrs=network_provenance(
            case.network, method=about["method"], settings=settings, extra=extra
        ),
        long_names={
            method.variable: f"{words.title} {name}",
            "forecast": f"forecast of {name}",
            "baseline_forecast": f"forecast of {name} for the baseline",
            "residual": f"what the {words.plural} leave unexplained",
            "standard_error": "standard error of the contribution",
            "carried": f"contribution of the carried state to {name}",
            "lag": "lag (1 = newest step fed in)",
            "lag_to": "last lag of the group",
            "time": "time that the forecast is for",
            "issued": "time of the newest step fed in",
        },
        units=dict.fromkeys((*same, "carried"), unit) | {"sensitivity": slope},
    )
    actual = None if windows is None else windows.actual_of(name)
    if actual is not None:
        result["actual"] = ("sample", actual, {"long_name": f"{name} as it came", "units": unit})
    return result


def _lead(windows: Windows, name: str) -> int | str:
    """Give the lead of a target, nothing where its horizon has none that is known."""
    known = name in windows.targets
    return windows.lead_of(windows.targets.index(name)) if known else ""


def _coords(case: Case, arrays: MethodArrays, variable: str, target: str) -> dict[str, Any]:
    array = getattr(arrays, variable)
    lag_axis = 2 if variable == "written" else 1
    singles = np.arange(1, array.shape[lag_axis] + 1)
    lag_from, lag_to = (getattr(arrays, end, singles) for end in ("lag_from", "lag_to"))
    coords: dict[str, Any] = {
        "lag": lag_from,
        "lag_to": ("lag", lag_to),
        **case.sample_coords(target),
    }
    if variable == "written":
        coords["layer"] = list(getattr(arrays, "layers", ()))
    elif array.ndim == 3:
        coords["feature"] = _columns(case, arrays)
    players = getattr(arrays, "players", ())
    if players:
        coords["player"] = ("lag", list(players))
    return coords


def _columns(case: Case, arrays: MethodArrays) -> list[str]:
    """Name the entries along the feature axis: groups, or features by themselves."""
    columns = getattr(arrays, "columns", None)
    if columns is None:
        return list(case.features)
    names = getattr(arrays, "column_names", ()) or ("",) * len(columns)
    return [
        given or case.features[members[0]] for given, members in zip(names, columns, strict=True)
    ]
