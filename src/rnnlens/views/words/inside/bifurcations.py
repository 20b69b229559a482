"""What happens to points of rest while one input is moved, in sentences."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.words.inside.fixed_points import SETTLES
from rnnlens.views.words.units import with_unit

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["bifurcation_sentences", "bracket"]

#: Values that are listed one by one.
LISTED = 6


def bifurcation_sentences(moved: xr.Dataset) -> list[str]:
    """Say how many points there are along the way, where they change, and what is not proven."""
    proven = moved["proven"].values
    sentences = [_counted(moved)]
    changes = [_changed(moved.isel(change=k)) for k in range(moved.sizes["change"])]
    if not changes and proven.sum() > 1:
        changes = ["Nothing appears, vanishes or changes stability from value to value."]
    sentences.extend(changes)
    sentences.extend(_drift(moved))
    if not proven.all():
        missing = int((~proven).sum())
        sentences.append(
            f"At {missing} of {len(proven)} values not everything is proven: changes are told "
            "between the others alone."
        )
    return sentences


def _drift(moved: xr.Dataset) -> list[str]:
    share = moved["drifting"].values
    if not share.any():
        return []
    values = [f"{value:g}" for value in moved["value"].values[share > 0]]
    listed = ", ".join(values) if len(values) <= LISTED else f"{values[0]}, ..., {values[-1]}"
    every = "every state" if (share[share > 0] == 1).all() else "some states"
    return [
        f"At {with_unit(listed, moved.attrs.get('feature_unit'))} a cell state grows from {every} "
        f"without end, for its forget gate stands at 1: {SETTLES}."
    ]


def _counted(moved: xr.Dataset) -> str:
    attrs, values = moved.attrs, moved["value"].values
    one, many = ("fixed point", "fixed points")
    if moved.sizes["phase"] > 1:
        one, many = (f"{name} of {moved.sizes['phase']} steps" for name in ("cycle", "cycles"))
    points = _range(moved["points"].values)
    kind = f"{one} is" if points == "1" else f"{many} are"
    ends = with_unit(f"{values[0]:g} to {values[-1]:g}", attrs.get("feature_unit"))
    others = f", and other features held at {attrs['at']}" if attrs["at"] else ""
    return (
        f"With {attrs['feature']} moved from {ends} in {len(values)} values{others}, {points} "
        f"{kind} proven at each, {_range(moved['stable'].values)} stable."
    )


def _range(counts: np.ndarray) -> str:
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else f"{low} to {high}"


def _changed(one: xr.Dataset) -> str:
    low, high = bracket(float(one["change_low"]), float(one["change_high"]))
    above = f"Above {with_unit(high, one.attrs.get('feature_unit'))}, "
    after = f": the change lies above {low}."
    stable, stable_after = int(one["stable_before"]), int(one["stable_after"])
    points, points_after = int(one["points_before"]), int(one["points_after"])
    every = f"{points} point{'s' * (points != 1)} in all become{'s' * (points == 1)} {points_after}"
    if stable != stable_after:
        name = "rest state" if one.sizes["phase"] == 1 else "stable cycle"
        kind = f"{name} becomes" if stable == 1 else f"{name}s become"
        more = "" if points == stable and points_after == stable_after else f" ({every})"
        return f"{above}{stable} {kind} {stable_after}{more}{after}"
    if points != points_after:
        return f"{above}{every}, of them {stable} stable as before{after}"
    return f"{above}a point is unstable in another number of directions{after}"


def bracket(low: float, high: float) -> tuple[str, str]:
    """Write two values that a change lies between, rounded outward by a tenth of their distance.

    Examples
    --------
    >>> bracket(30.9837, 31.0164), bracket(-2.296875, -2.290178)
    (('30.983', '31.017'), ('-2.2969', '-2.2901'))
    """
    digits = int(np.clip(np.ceil(1 - np.log10(max(high - low, 1e-12))), 0, 12))
    step = Decimal(1).scaleb(-digits)
    lower = Decimal(low).quantize(step, ROUND_FLOOR)
    upper = Decimal(high).quantize(step, ROUND_CEILING)
    return f"{lower:f}", f"{upper:f}"
