"""More than one target or horizon in one result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from rnnlens.engine.schedule.progress import Progress, equal_parts
from rnnlens.names import told
from rnnlens.results.attributes import attributes

if TYPE_CHECKING:
    from rnnlens.api.shared.given.case import Case
    from rnnlens.attribution.options import Target

    #: A target by its name or number; None where there is one alone.
    Name = str | int | None

__all__ = ["EVERY", "explain_each", "several", "targets_asked"]

#: The word for all targets, or all horizons.
EVERY = "all"


def explain_each(
    case: Case,
    asked: Target,
    explain: Callable[[Name, int | None, Progress | None], xr.Dataset],
    progress: Progress | None = None,
) -> xr.Dataset:
    """Explain the target; where it is more than one number of the output, put them side by side."""
    names, steps = targets_asked(case, asked)
    if not (several(asked.name) or several(asked.horizon)):
        return explain(names[0], steps[0], progress)
    labels = [case.called(name, asked.output) for name in names]
    rows: list[xr.Dataset] = []
    largest: list[float] = []
    audits: list[_OneAudit] = []
    follow = iter(equal_parts(progress, len(names) * len(steps)))
    for step in steps:
        explained = [explain(name, step, next(follow)) for name in names]
        largest += [one.attrs["max_residual"] for one in explained if "max_residual" in one.attrs]
        audits += [
            _OneAudit(label if step is None else f"{label}, horizon {step}", one.attrs)
            for label, one in zip(labels, explained, strict=True)
            if "audit" in one.attrs
        ]
        joined = explained[0]
        if several(asked.name):
            joined = xr.concat(explained, "target", combine_attrs="drop_conflicts", join="exact")
            joined = joined.assign_coords(target=labels)
        rows.append(joined.assign_attrs(target=", ".join(labels), unit=_unit(explained)))
    whole = rows[0]
    if several(asked.horizon):
        whole = xr.concat(rows, "horizon", combine_attrs="drop_conflicts", join="exact")
        # an output without an axis of horizons is the first of them
        whole = whole.assign_coords(horizon=[1 if step is None else int(step) for step in steps])
    if largest:
        whole.attrs["max_residual"] = max(largest)
    if audits:
        whole.attrs |= attributes(_one_audit(audits))
    last = [name for name in ("horizon", "target") if name in whole.dims]
    return whole.transpose(..., *last)


class _OneAudit(NamedTuple):
    """Which target was audited, and what its result says of it."""

    label: str
    said: Mapping[str, Any]

    @property
    def windows(self) -> int:
        """How many windows were audited."""
        return int(self.said["audit_windows"])

    @property
    def share(self) -> float:
        """The mean difference in the mean size."""
        return float(self.said["audit_share"])


def _one_audit(audits: Sequence[_OneAudit]) -> dict[str, str | int | float]:
    """Say of all targets together how far secant is from exact values."""
    windows = sum(one.windows for one in audits)
    known = [one for one in audits if np.isfinite(one.share)]
    share = float("nan")
    text = told(
        "secant against exact Shapley values of lags in {count:,} forecasts of all targets",
        count=windows,
    )
    if known:
        share = float(np.average([a.share for a in known], weights=[a.windows for a in known]))
        worst = max(known, key=lambda one: one.share)
        text = told(
            "secant against exact Shapley values of lags in {count:,} forecasts of all targets: "
            "mean difference {share:.1%} of the mean size, most for {target}, {most:.1%}",
            count=windows,
            share=share,
            target=worst.label,
            most=worst.share,
        )
    said: dict[str, str | int | float] = {
        "audit": text,
        "audit_windows": windows,
        "audit_share": share,
    }
    if len({one.said["unit"] for one in audits}) == 1:  # differences of other units do not compare
        means, largest = (
            [float(one.said[name]) for one in audits] for name in ("audit_mean", "audit_largest")
        )
        weights = [one.windows for one in audits]
        said |= {
            "audit_mean": float(np.average(means, weights=weights)),
            "audit_largest": max(largest),
        }
    return said


def targets_asked(case: Case, asked: Target) -> tuple[list[Name], list[int | None]]:
    """Give the targets and the horizons that are asked for, each of them by itself."""
    if not (several(asked.name) or several(asked.horizon)):
        return _chosen(asked.name, ()), _chosen(asked.horizon, ())
    one: Name = None if several(asked.name) else _chosen(asked.name, ())[0]
    targets, horizons = case.choices(asked.output, one, by_horizon=several(asked.horizon))
    return _chosen(asked.name, targets), _chosen(asked.horizon, horizons)


def _unit(explained: Sequence[xr.Dataset]) -> str:
    return ", ".join(dict.fromkeys(one.attrs["unit"] for one in explained))


def _listed(given: object) -> bool:
    return isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)


def several(given: object) -> bool:
    """Say whether more than one target, or horizon, may be meant."""
    return _listed(given) or (isinstance(given, str) and given == EVERY)


def _chosen(given: Any, every: Sequence[Any]) -> list[Any]:
    if _listed(given):
        return list(given)
    return list(every) if isinstance(given, str) and given == EVERY else [given]
