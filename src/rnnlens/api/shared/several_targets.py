"""Several targets and horizons in one result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.case import Case

__all__ = ["EVERY", "asks_for_several", "several"]

#: The word for all targets, or all horizons.
EVERY = "all"


def asks_for_several(target: Any, horizon: Any) -> bool:
    """Say whether more than one number of the output is asked for."""
    return any(one is not None and (one == EVERY or _listed(one)) for one in (target, horizon))


def several(
    case: Case,
    target: Any,
    horizon: Any,
    output: int | str,
    explain: Callable[[Any, Any], xr.Dataset],
) -> xr.Dataset:
    """Explain several targets and horizons and put the results side by side."""
    import xarray as xr

    targets, horizons = case.choices(output)
    names = _chosen(target, targets)
    steps = _chosen(horizon, horizons)
    rows: list[xr.Dataset] = []
    largest: list[float] = []
    for step in steps:
        found = [explain(name, step) for name in names]
        largest += [one.attrs["max_residual"] for one in found if "max_residual" in one.attrs]
        labels = [one.attrs["target"].split(" (horizon")[0] for one in found]
        joined = found[0]
        if _many(target):
            joined = xr.concat(found, "target", combine_attrs="drop_conflicts", join="exact")
            joined = joined.assign_coords(target=labels)
        rows.append(joined.assign_attrs(target=", ".join(labels), unit=_unit(found)))
    whole = rows[0]
    if _many(horizon):
        whole = xr.concat(rows, "horizon", combine_attrs="drop_conflicts", join="exact")
        whole = whole.assign_coords(horizon=[int(step) for step in steps])
    if largest:
        whole.attrs["max_residual"] = max(largest)
    last = [name for name in ("horizon", "target") if name in whole.dims]
    return whole.transpose(..., *last)


def _unit(found: Sequence[xr.Dataset]) -> str:
    return ", ".join(dict.fromkeys(one.attrs["unit"] for one in found))


def _listed(given: Any) -> bool:
    return isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)


def _many(given: Any) -> bool:
    return given is not None and (_listed(given) or given == EVERY)


def _chosen(given: Any, every: Sequence[Any]) -> list[Any]:
    if given is not None and _listed(given):
        return list(given)
    return list(every) if isinstance(given, str) and given == EVERY else [given]
