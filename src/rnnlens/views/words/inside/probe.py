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
from rnnlens.views.words.language import marked, phrase, say

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "best_control",
    "control_text",
    "held_beyond",
    "probe_sentences",
    "state_nodes",
    "state_text",
    "used",
]

#: The level of what is said to be held or used.
ALPHA = 0.05
#: Change of a forecast, as a part of the largest along a random direction, that is rounding.
NOTHING = 1e-6
#: What each control is in a sentence.
SAID = {
    "untrained": marked("an untrained network"),
    "random weights": marked("a network with random weights of the same scale"),
    "recent inputs": marked("the recent inputs themselves"),
    "moving means": marked("moving means of the inputs"),
    "shifted concept": marked("the concept moved round in time"),
    "random smooth target": marked("a random series as smooth"),
}
#: What each is in a table, and in a chart.
CONTROLS = (
    marked("untrained"),
    marked("random weights"),
    marked("recent inputs"),
    marked("moving means"),
    marked("shifted concept"),
    marked("random smooth target"),
)


def control_text(kind: str) -> str:
    """Name a control in a few words."""
    return phrase(kind) if kind in CONTROLS else kind


def state_text(node: xr.Dataset) -> str:
    """Name a state by its layer, in a few words."""
    layer, state = node.attrs["layer"], node.attrs["state"]
    if state == "cell":
        return say("{layer} cell", layer=layer)
    return say("{layer} hidden", layer=layer) if state == "hidden" else f"{layer} {state}"


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
        said.insert(
            0,
            say(
                "Most selective: {state}, {selectivity:+.2f}.",
                state=_name(best),
                selectivity=float(best["selectivity"]),
            ),
        )
    return said


def _name(node: xr.Dataset) -> str:
    layer, state = node.attrs["layer"], node.attrs["state"]
    if state == "cell":
        return say("the cell state of {layer}", layer=layer)
    if state == "hidden":
        return say("the hidden state of {layer}", layer=layer)
    return say("the {state} state of {layer}", state=state, layer=layer)


def _held(node: xr.Dataset) -> str:
    r2, (kind, beside) = float(node["r2"]), best_control(node)
    low, high = float(node["selectivity_low"]), float(node["selectivity_high"])
    control = phrase(SAID[kind])
    read = say(
        "{state} reads the concept at R2 {r2:.2f}, {control} at {beside:.2f}",
        state=_upper(_name(node)),
        r2=r2,
        control=control,
        beside=beside,
    )
    interval = say(
        "selectivity {selectivity:+.2f} (95 % interval {low:+.2f} to {high:+.2f})",
        selectivity=float(node["selectivity"]),
        low=low,
        high=high,
    )
    values = {"read": read, "interval": interval}
    if r2 <= 0:
        return say("{read}: the concept cannot be read off it.", read=read)
    if held_beyond(node):
        return say("{read}: {interval}, so it holds the concept beyond every control.", **values)
    if low > 0:
        return say(
            "{read}: {interval}, but series moved in time are read as well ({p}).",
            p=p_text(float(node["p_value"])),
            **values,
        )
    if high < 0:
        return (
            say("{read}: {interval}, so {control} tell it better.", control=control, **values)
            if kind in {"recent inputs", "moving means"}
            else say("{read}: {interval}, so {control} tells it better.", control=control, **values)
        )
    return say("{read}: {interval}, so it is not shown to hold more than its controls.", **values)


def _use(node: xr.Dataset) -> str:
    unit = str(node.attrs.get("unit") or "")
    target = node.attrs.get("target") or say("the output")
    erased, pushed = float(node["erased_change"]), node["pushed_change"].values
    shown = used(node)
    if shown is False:
        return say(
            "With that reading held at its mean, the forecast of {target} moves by nothing: the "
            "forecast does not use it.",
            target=target,
        )
    moves = say(
        "With that reading held at its mean, the forecast of {target} moves by {change} on average",
        target=target,
        change=figure(erased, unit, digits=3),
    )
    if not len(pushed):
        return say(
            "{moves}; with one unit there is no other direction to compare it with.", moves=moves
        )
    beside = say(
        "as large a move in {count} random directions by {change} (median)",
        count=len(pushed),
        change=figure(float(np.median(pushed)), digits=3),
    )
    values = {"moves": moves, "beside": beside}
    if shown:
        return say(
            "{moves}, {beside}: the forecast uses it, and one more of the concept, with what goes "
            "with it in the state, moves it by {effect}.",
            effect=figure(float(node["per_concept"]), unit, digits=3),
            **values,
        )
    values["p"] = p_text(float(node["erased_p_value"]))
    return (
        say("{moves}, {beside} ({p}): it is held, but not shown to be used.", **values)
        if held_beyond(node)
        else say("{moves}, {beside} ({p}): not shown to be used.", **values)
    )


def _stores(tree: xr.DataTree) -> Iterator[str]:
    """Say how long units keep what they take in."""
    for node in (one.to_dataset() for one in tree.subtree if "residence_time" in one):
        times = node["residence_time"].values
        if np.isnan(times).all():
            continue
        step, longest = str(tree.attrs.get("step", "")), int(np.nanargmax(times))
        yield say(
            "Units of {layer} keep what they take in for {median} (median), unit {unit} longest: "
            "{longest}.",
            layer=node.attrs["layer"],
            median=steps_in_words(float(np.nanmedian(times)), step),
            unit=longest,
            longest=steps_in_words(float(times[longest]), step),
        )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
