"""More than one target or horizon in one result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import xarray as xr

from rnnlens.engine.schedule.progress import Progress, equal_parts

if TYPE_CHECKING:
    from rnnlens.api.shared.given.case import Case
    from rnnlens.attribution.options import Target

__all__ = ["EVERY", "Name", "chosen", "explain_each", "is_many"]

#: A target by its name or number; None where there is one alone.
Name: TypeAlias = str | int | None
#: The word for all targets, or all horizons.
EVERY = "all"


def explain_each(
    case: Case,
    asked: Target,
    explain: Callable[[Name, int | None, Progress | None], xr.Dataset],
    progress: Progress | None = None,
) -> xr.Dataset:
    """Explain the target; where it is more than one number of the output, put them side by side."""
    if not (is_many(asked.name) or is_many(asked.horizon)):
        (name,), (step,) = chosen(asked.name, ()), chosen(asked.horizon, ())
        return explain(name, step, progress)
    one: Name = None if is_many(asked.name) else chosen(asked.name, ())[0]
    targets, horizons = case.choices(asked.output, one, by_horizon=is_many(asked.horizon))
    names, steps = chosen(asked.name, targets), chosen(asked.horizon, horizons)
    labels = [case.called(name, asked.output) for name in names]
    rows: list[xr.Dataset] = []
    largest: list[float] = []
    told = iter(equal_parts(progress, len(names) * len(steps)))
    for step in steps:
        explained = [explain(name, step, next(told)) for name in names]
        largest += [one.attrs["max_residual"] for one in explained if "max_residual" in one.attrs]
        joined = explained[0]
        if is_many(asked.name):
            joined = xr.concat(explained, "target", combine_attrs="drop_conflicts", join="exact")
            joined = joined.assign_coords(target=labels)
        rows.append(joined.assign_attrs(target=", ".join(labels), unit=_unit(explained)))
    whole = rows[0]
    if is_many(asked.horizon):
        whole = xr.concat(rows, "horizon", combine_attrs="drop_conflicts", join="exact")
        # an output without an axis of horizons is the first of them
        whole = whole.assign_coords(horizon=[1 if step is None else int(step) for step in steps])
    if largest:
        whole.attrs["max_residual"] = max(largest)
    last = [name for name in ("horizon", "target") if name in whole.dims]
    return whole.transpose(..., *last)


def _unit(explained: Sequence[xr.Dataset]) -> str:
    return ", ".join(dict.fromkeys(one.attrs["unit"] for one in explained))


def _listed(given: object) -> bool:
    return isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)


def is_many(given: object) -> bool:
    """Say whether more than one target, or horizon, is asked for."""
    return _listed(given) or (isinstance(given, str) and given == EVERY)


def chosen(given: Any, every: Sequence[Any]) -> list[Any]:
    """Give the targets, or horizons, that are asked for, of all that there are."""
    if _listed(given):
        return list(given)
    return list(every) if isinstance(given, str) and given == EVERY else [given]
