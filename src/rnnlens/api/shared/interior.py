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

    return label(
        found,
        coords={**(coords or {}), **case.sample_coords()},
        attrs=provenance(method=method, **case.attributes(), extra=about),
        long_names={
            "lag": "lag (1 = newest step of the layer's input)",
            "lag_to": "last lag of the group",
            "time": "time that the forecast is for",
            "issued": "time of the newest step fed in",
        },
    )
