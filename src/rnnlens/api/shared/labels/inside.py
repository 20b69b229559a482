"""What the verbs that look into a cell share: their data and their labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.api.shared.labels.network_provenance import network_provenance
from rnnlens.engine.forward import entries
from rnnlens.results.label import label
from rnnlens.series.joint.windows import WindowsByInput
from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.case import Case
    from rnnlens.attribution.inside.gate_contributions import GateContribution
    from rnnlens.attribution.inside.gate_effects import GateEffect, InterventionEffect
    from rnnlens.attribution.inside.paths import PathContribution

__all__ = ["data_of", "labelled"]


def data_of(
    case: Case, background: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike] | None
) -> dict[str, NDArray[np.float64]]:
    """Give the windows over which a gate's mean is taken: dict of str to (sample, ...)."""
    if background is None:
        return case.inputs
    given: Any = background.values if isinstance(background, Windows) else background
    if case.within and not isinstance(given, Mapping):
        array = np.asarray(given, float)
        given = array.reshape(*array.shape[:2], -1)
    return entries(case.network, given)


def labelled(
    case: Case,
    arrays: InterventionEffect | GateEffect | PathContribution | GateContribution,
    method: str,
    about: Mapping[str, object],
    coords: Mapping[str, object] | None = None,
) -> xr.Dataset:
    """Label a result about the inside of a layer."""
    return label(
        arrays,
        coords={
            **(coords or {}),
            **case.sample_coords(str(about["target"]) if "target" in about else None),
        },
        attrs=network_provenance(case.network, method=method, extra=about),
        long_names={
            "lag": "lag (1 = newest step of the layer's input)",
            "lag_to": "last lag of the group",
            "time": "time that the forecast is for",
            "issued": "time of the newest step fed in",
        },
    )
