"""Fixed points with names: of states, units and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.labels.network_provenance import network_provenance
from rnnlens.results.label import label

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.api.shared.settling.held_input import HeldInput
    from rnnlens.dynamics.fixed_points.find import Settling
    from rnnlens.dynamics.fixed_points.recurrence import Recurrence
    from rnnlens.dynamics.fixed_points.result import FixedPoints

__all__ = ["labelled_points"]


def labelled_points(
    case: Case,
    stack: Recurrence,
    held: tuple[HeldInput, int],
    found: tuple[FixedPoints, Settling],
    told: NamedTarget | None,
) -> xr.Dataset:
    """Label what was found: ``held`` with the order of the cycles."""
    (given, order), (result, settling) = held, found
    about: dict[str, object] = {
        "layer": ", ".join(place.name for place in stack.places),
        "at": given.text,
        "period": given.period,
        "order": order,
        "confined": str(settling.confined).lower(),
        "every_region": str(settling.every_region).lower(),
        "kind": "fixed points",
        "target": "" if told is None else told.name,
        "unit": "" if told is None else told.unit,
    }
    if settling.drifting:
        about["drifting"] = settling.drifting
    if settling.index_sum is not None:
        about["index_sum"] = settling.index_sum
    if case.windows is not None and case.windows.step:
        about["step"] = case.windows.step
    layers, kinds, units = zip(*stack.states, strict=True)
    count, length, size = result.location.shape
    coords: dict[str, object] = {
        "point": np.arange(count),
        "slow_point": np.arange(len(result.slow_location)),
        "phase": np.arange(length),
        "eigenvalue": np.arange(size),
        "state": [f"{a}.{b}.{c}" for a, b, c in stack.states],
        "state_layer": ("state", list(layers)),
        "state_kind": ("state", list(kinds)),
        "state_unit": ("state", list(units)),
    }
    return label(
        result,
        coords=coords,
        attrs=network_provenance(case.network, method="fixed_points", extra=about),
        long_names={"phase": "step of the cycle", "eigenvalue": "eigenvalue, largest first"},
    )
