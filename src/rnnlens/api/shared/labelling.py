"""From what a method found to a labelled result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.case import Case
    from rnnlens.api.shared.methods import Method

__all__ = ["labelled"]


def labelled(case: Case, found: Any, method: Method, about: dict[str, Any]) -> xr.Dataset:
    """Label what a method of `rnnlens.explain` found."""
    from rnnlens.results.label import label
    from rnnlens.results.provenance import provenance

    windows = case.windows
    name, unit = about["target"], about["unit"] or "network units"
    extra = {key: value for key, value in about.items() if key != "method"} | {
        "kind": method.kind,
        "shows": method.variable,
        "step": "" if windows is None else windows.step,
        "lead": "" if windows is None else windows.lead,
    }
    coords = _coords(case, found, method.variable)
    settings = {"newest": _singles(found)} if hasattr(found, "lag_from") else {}
    same = (method.variable, "forecast", "baseline_forecast", "residual", "standard_error")
    slope = f"{unit} per network unit"
    result = label(
        found,
        coords=coords,
        attrs=provenance(
            method=about["method"], settings=settings, **case.attributes(), extra=extra
        ),
        long_names={
            method.variable: f"{_title(method)} {name}",
            "forecast": f"forecast of {name}",
            "baseline_forecast": f"forecast of {name} for the baseline",
            "residual": f"what the {_plural(method)} leave unexplained",
            "standard_error": "standard error of the contribution",
            "carried": f"contribution of the carried state to {name}",
            "lag": "lag (1 = newest step fed in)",
            "lag_to": "last lag of the group",
            "time": "time that the forecast is for",
            "issued": "time of the newest step fed in",
        },
        units=dict.fromkeys((*same, "carried"), unit) | {"sensitivity": slope},
    )
    if windows is not None and windows.actual is not None and name in windows.targets:
        actual = windows.actual[:, windows.targets.index(name)]
        result["actual"] = ("sample", actual, {"long_name": f"{name} as it came", "units": unit})
    return result


def _coords(case: Case, found: Any, variable: str) -> dict[str, Any]:
    array = getattr(found, variable)
    lag_axis = 2 if variable == "written" else 1
    singles = np.arange(1, array.shape[lag_axis] + 1)
    lag_from, lag_to = (getattr(found, end, singles) for end in ("lag_from", "lag_to"))
    coords: dict[str, Any] = {"lag": lag_from, "lag_to": ("lag", lag_to), **case.sample_coords()}
    if variable == "written":
        coords["layer"] = list(found.layers)
    elif array.ndim == 3:
        coords["feature"] = _columns(case, found)
    if getattr(found, "players", ()):
        coords["player"] = ("lag", list(found.players))
    return coords


def _singles(found: Any) -> int:
    """Count the lags that are taken one by one."""
    return int(np.count_nonzero(np.asarray(found.lag_from) == np.asarray(found.lag_to)))


def _columns(case: Case, found: Any) -> list[str]:
    """Name the entries along the feature axis: groups, or features by themselves."""
    if not hasattr(found, "columns"):
        return list(case.features)
    names = found.column_names or ("",) * len(found.columns)
    return [
        given or case.features[members[0]]
        for given, members in zip(names, found.columns, strict=True)
    ]


def _title(method: Method) -> str:
    return {
        "contribution": "contribution to",
        "sensitivity": "sensitivity of",
        "relevance": "relevance for",
        "write time": "written into the memory for",
    }[method.kind]


def _plural(method: Method) -> str:
    return {
        "contribution": "contributions",
        "sensitivity": "sensitivities",
        "relevance": "relevances",
        "write time": "writes",
    }[method.kind]
