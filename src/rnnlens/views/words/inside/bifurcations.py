"""What happens to points of rest while one input is moved, in sentences."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.words.inside.fixed_points import SETTLES
from rnnlens.views.words.language import many, phrase, say
from rnnlens.views.words.origin import attribute_text
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
        changes = [say("Nothing appears, vanishes or changes stability from value to value.")]
    sentences.extend(changes)
    sentences.extend(_drift(moved))
    if not proven.all():
        missing = int((~proven).sum())
        sentences.append(
            say(
                "At {missing} of {values} values not everything is proven: changes are told "
                "between the others alone.",
                missing=missing,
                values=len(proven),
            )
        )
    return sentences


def _drift(moved: xr.Dataset) -> list[str]:
    share = moved["drifting"].values
    if not share.any():
        return []
    known = [f"{value:g}" for value in moved["value"].values[share > 0]]
    named = say(", ").join(known if len(known) <= LISTED else [known[0], "...", known[-1]])
    values = {
        "values": with_unit(named, moved.attrs.get("feature_unit")), "so": phrase(SETTLES)
    }  # fmt: skip
    return [
        say(
            "At {values} a cell state grows from every state without end, for its forget gate "
            "stands at 1: {so}.",
            **values,
        )
        if (share[share > 0] == 1).all()
        else say(
            "At {values} a cell state grows from some states without end, for its forget gate "
            "stands at 1: {so}.",
            **values,
        )
    ]


def _counted(moved: xr.Dataset) -> str:
    attrs, values, phases = moved.attrs, moved["value"].values, moved.sizes["phase"]
    ends = {
        "low": f"{values[0]:g}",
        "high": with_unit(f"{values[-1]:g}", attrs.get("feature_unit")),
    }
    said = {
        "feature": attrs["feature"],
        "count": len(values),
        "at": attribute_text(attrs, "at"),
        **ends,
    }
    moves = (
        say(
            "With {feature} moved from {low} to {high} in {count} values, and other features held "
            "at {at}",
            **said,
        )
        if attrs["at"]
        else say("With {feature} moved from {low} to {high} in {count} values", **said)
    )
    points = moved["points"].values
    found = {"moves": moves, "points": _range(points), "stable": _range(moved["stable"].values)}
    number = int(points.max()) if points.min() == points.max() else 2
    if phases == 1:
        return many(
            number,
            "{moves}, {points} fixed point is proven at each, {stable} stable.",
            "{moves}, {points} fixed points are proven at each, {stable} stable.",
            **found,
        )
    return many(
        number,
        "{moves}, {points} cycle of {phases} steps is proven at each, {stable} stable.",
        "{moves}, {points} cycles of {phases} steps are proven at each, {stable} stable.",
        phases=phases,
        **found,
    )


def _range(counts: np.ndarray) -> str:
    low, high = int(counts.min()), int(counts.max())
    return str(low) if low == high else say("{low} to {high}", low=low, high=high)


def _changed(one: xr.Dataset) -> str:
    low, high = bracket(float(one["change_low"]), float(one["change_high"]))
    ends = {"high": with_unit(high, one.attrs.get("feature_unit")), "low": low}
    stable, stable_after = int(one["stable_before"]), int(one["stable_after"])
    points, points_after = int(one["points_before"]), int(one["points_after"])
    every = many(
        points,
        "{count} point in all becomes {after}",
        "{count} points in all become {after}",
        after=points_after,
    )
    if stable != stable_after:
        what = (
            many(stable, "{count} rest state becomes {after}", "{count} rest states become {after}",
                 after=stable_after)
            if one.sizes["phase"] == 1
            else many(stable, "{count} stable cycle becomes {after}",
                      "{count} stable cycles become {after}", after=stable_after)
        )  # fmt: skip
        if (points, points_after) != (stable, stable_after):
            what = say("{what} ({every})", what=what, every=every)
    elif points != points_after:
        what = say("{every}, of them {stable} stable as before", every=every, stable=stable)
    else:
        what = say("a point is unstable in another number of directions")
    return say("Above {high}, {what}: the change lies above {low}.", what=what, **ends)


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
