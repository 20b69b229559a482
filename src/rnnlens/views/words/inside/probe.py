"""What was read off a network's states, in plain sentences made by fixed rules.

The rules, all in this file:

- *holds ... beyond*: only where the interval of the selectivity lies above 0 and no more than one
  in twenty shifts of the concept is read as well.
- *better*: only where the interval lies below 0; the control is named.
- *uses*: only where holding the reading moves the forecast more than nearly all random directions
  do that move the state as far, one in twenty at the most.
- *does not use*: only where holding the reading moves the forecast by nothing at all.
- What is held beyond every control and not shown to be used is said to be just that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.words.durations import steps_in_words
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.lags import p_text

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["best_control", "held_beyond", "probe_sentences", "state_nodes", "used"]

#: The level of what is said to be held or used.
ALPHA = 0.05
#: Change of a forecast, as a part of the largest along a random direction, that is rounding.
NOTHING = 1e-6
#: What each control is in a sentence.
SAID = {
    "untrained": "an untrained network",
    "random weights": "a network with random weights of the same scale",
    "recent inputs": "the recent inputs themselves",
    "moving means": "moving means of the inputs",
    "shifted concept": "the concept moved round in time",
    "random smooth target": "a random series as smooth",
}


def state_nodes(tree: xr.DataTree) -> list[xr.Dataset]:
    """Give what was found of each state, in the order of layers."""
    return [node.to_dataset() for node in tree.subtree if "selectivity" in node]


def best_control(node: xr.Dataset) -> tuple[str, float]:
    """Give the control that is read best, and its R2."""
    values = node["control_r2"].values
    best = int(np.argmax(values))
    return str(node["control"].values[best]), float(values[best])


def held_beyond(node: xr.Dataset) -> bool:
    """Say whether a state holds the concept beyond every control."""
    return float(node["selectivity_low"]) > 0 and float(node["p_value"]) <= ALPHA


def used(node: xr.Dataset) -> bool | None:
    """Say whether the forecast uses what is read; None where that is not shown either way."""
    erased, pushed = float(node["erased_change"]), node["pushed_change"].values
    if erased <= NOTHING * pushed.max(initial=0.0):
        return False
    return True if float(node["erased_p_value"]) <= ALPHA else None


def probe_sentences(tree: xr.DataTree) -> list[str]:
    """Say of every state how much of the concept it holds beyond its controls, and what uses it."""
    nodes = state_nodes(tree)
    said = []
    for node in nodes:
        said += [_held(node), _use(node)]
    said += _stores(tree)
    if len(nodes) > 1:
        best = max(nodes, key=lambda node: float(node["selectivity"]))
        said.insert(0, f"Most selective: {_name(best)}, {float(best['selectivity']):+.2f}.")
    return said


def _name(node: xr.Dataset) -> str:
    return f"the {node.attrs['state']} state of {node.attrs['layer']}"


def _held(node: xr.Dataset) -> str:
    r2, (kind, beside) = float(node["r2"]), best_control(node)
    low, high = float(node["selectivity_low"]), float(node["selectivity_high"])
    read = f"{_upper(_name(node))} reads the concept at R2 {r2:.2f}, {SAID[kind]} at {beside:.2f}"
    interval = (
        f"selectivity {float(node['selectivity']):+.2f} (95 % interval {low:+.2f} to {high:+.2f})"
    )
    if r2 <= 0:
        return f"{read}: the concept cannot be read off it."
    if held_beyond(node):
        return f"{read}: {interval}, so it holds the concept beyond every control."
    if low > 0:
        by_chance = p_text(float(node["p_value"]))
        return f"{read}: {interval}, but series moved in time are read as well ({by_chance})."
    if high < 0:
        return f"{read}: {interval}, so {SAID[kind]} {_hold(kind)} it better."
    return f"{read}: {interval}, so it is not shown to hold more than its controls."


def _use(node: xr.Dataset) -> str:
    unit, target = node.attrs.get("unit"), node.attrs.get("target") or "the output"
    erased, pushed = float(node["erased_change"]), node["pushed_change"].values
    start = f"With that reading held at its mean, the forecast of {target} moves by"
    moves = f"{start} {figure(erased, str(unit or ''), digits=3)} on average"
    shown = used(node)
    if shown is False:
        return f"{start} nothing: the forecast does not use it."
    if not len(pushed):
        return f"{moves}; with one unit there is no other direction to compare it with."
    beside = (
        f"as large a move in {len(pushed)} random directions by "
        f"{figure(float(np.median(pushed)), digits=3)} (median)"
    )
    if shown:
        effect = figure(float(node["per_concept"]), str(unit or ""), digits=3)
        return (
            f"{moves}, {beside}: the forecast uses it, and one more of the concept, with what goes "
            f"with it in the state, moves it by {effect}."
        )
    held = "it is held, but not shown to be used" if held_beyond(node) else "not shown to be used"
    return f"{moves}, {beside} ({p_text(float(node['erased_p_value']))}): {held}."


def _stores(tree: xr.DataTree) -> Iterator[str]:
    """Say how long units keep what they take in."""
    for node in (one.to_dataset() for one in tree.subtree if "residence_time" in one):
        times = node["residence_time"].values
        if np.isnan(times).all():
            continue
        step, longest = str(tree.attrs.get("step", "")), int(np.nanargmax(times))
        yield (
            f"Units of {node.attrs['layer']} keep what they take in for "
            f"{steps_in_words(float(np.nanmedian(times)), step)} (median), unit {longest} longest: "
            f"{steps_in_words(float(times[longest]), step)}."
        )


def _hold(kind: str) -> str:
    return "tell" if kind in {"recent inputs", "moving means"} else "tells"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
