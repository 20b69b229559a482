"""What the verbs that look into a cell share: their data and their labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.api.shared.given.joint.by_input import laid_out
from rnnlens.api.shared.given.joint.kinds import has_steps
from rnnlens.api.shared.labels.joint import on_own_axis
from rnnlens.api.shared.labels.network_provenance import network_provenance
from rnnlens.engine.forward import entries
from rnnlens.network.network import leading_to
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
    from rnnlens.engine.recurrent_layers import LayerLocation

__all__ = ["by_step_of", "data_of", "labelled"]


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
    if isinstance(given, WindowsByInput):
        return laid_out(case.network, given)[1]
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


def by_step_of(case: Case, place: LayerLocation, found: xr.Dataset) -> xr.Dataset:
    """Count the steps of a layer forward where what it reads is a known future, step by step."""
    read = leading_to(case.network.nodes, [place.node.inputs[0][0]]) & set(case.inputs)
    sequences = [name for name in read if has_steps(case.network, name)]
    ahead = next((one for one in case.futures if [one.name] == sequences), None)
    last = found["lag_to" if "lag_to" in found else "lag"].values.max()
    if ahead is None or last != ahead.steps:  # the layer has steps of its own
        return found
    return on_own_axis(found, ahead)
