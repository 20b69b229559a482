"""Points along one input with names: of its values, branches and states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.labels.network_provenance import network_provenance
from rnnlens.results.label import label

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.api.shared.settling.held_input import HeldInput
    from rnnlens.dynamics.fixed_points.along import PointsAlong
    from rnnlens.dynamics.fixed_points.recurrence import Recurrence

__all__ = ["labelled_branches"]


def labelled_branches(
    case: Case,
    stack: Recurrence,
    held: tuple[HeldInput, int],
    moved: tuple[str, NDArray[np.float64]],
    result: PointsAlong,
    told: NamedTarget | None,
) -> xr.Dataset:
    """Label what was found: ``held`` with the order of the cycles, ``moved`` with its values."""
    (given, order), (feature, values) = held, moved
    windows = case.windows
    unit = "" if windows is None else windows.units[list(case.features).index(feature)]
    about: dict[str, object] = {
        "layer": ", ".join(place.name for place in stack.places),
        "feature": feature,
        "feature_unit": unit,
        "at": given.text if len(case.features) > 1 else "",
        "period": given.period,
        "order": order,
        "kind": "fixed points",
        "target": "" if told is None else told.name,
        "unit": "" if told is None else told.unit,
    }
    if windows is not None and windows.step:
        about["step"] = windows.step
    layers, kinds, units = zip(*stack.states, strict=True)
    count, branches, length, _ = result.location.shape
    coords: dict[str, object] = {
        "value": ("value", values, {"long_name": feature, "units": unit or "network units"}),
        "branch": np.arange(branches),
        "change": np.arange(len(result.change_low)),
        "phase": np.arange(length),
        "state": [f"{a}.{b}.{c}" for a, b, c in stack.states],
        "state_layer": ("state", list(layers)),
        "state_kind": ("state", list(kinds)),
        "state_unit": ("state", list(units)),
    }
    assert count == len(values)
    return label(
        result,
        coords=coords,
        attrs=network_provenance(case.network, method="bifurcations", extra=about),
        long_names={"phase": "step of the cycle", "branch": "branch of points"},
    )
