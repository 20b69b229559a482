"""What the verbs that look into a cell share: their data and their labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.case import Case

__all__ = ["data_of", "labelled"]


def data_of(case: Case, background: Any) -> dict[str, Any]:
    """Give the windows over which a gate's mean is taken: dict of str to (sample, ...)."""
    from rnnlens.engine.forward import entries
    from rnnlens.series.windows import Windows

    if background is None:
        return case.inputs
    return entries(
        case.network, background.values if isinstance(background, Windows) else background
    )


def labelled(
    case: Case,
    found: Any,
    method: str,
    about: dict[str, Any],
    coords: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Label a result about the inside of a layer."""
    from rnnlens.results.label import label
    from rnnlens.results.provenance import provenance

    name, unit = about["target"], about["unit"] or "network units"
    measured = (
        "forecast",
        "forecast_intervened",
        "effect",
        "whole_effect",
        "mean_size",
        "whole_mean_size",
        "contribution",
        "baseline_forecast",
        "elsewhere",
    )
    return label(
        found,
        coords={**(coords or {}), **case.sample_coords()},
        attrs=provenance(method=method, **case.attributes(), extra=about),
        long_names={
            "forecast": f"forecast of {name}",
            "forecast_intervened": f"forecast of {name} with the intervention",
            "effect": f"change of the forecast of {name}",
            "mean_size": "mean absolute change of the forecast",
            "whole_effect": f"change of the forecast of {name}, the gate clamped at every lag",
            "whole_mean_size": "mean absolute change, the gate clamped at every lag",
            "gate_mean": "mean value of the gate",
            "contribution": f"contribution to {name}",
            "baseline_forecast": f"forecast of {name} for the baseline",
            "elsewhere": "what does not enter through this layer",
            "lag": "lag (1 = newest step of the layer's input)",
            "lag_to": "last lag of the group",
            "time": "time that the forecast is for",
            "issued": "time of the newest step fed in",
        },
        units=dict.fromkeys(measured, unit),
    )
