"""What fixed points and cycles say of a network, in sentences."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.words.durations import steps_in_words

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SETTLES", "fixed_points_sentences"]

#: What happens where a cell state grows without end.
SETTLES = "the hidden state and the forecast settle, though the whole state never rests"
#: A direction this many times slower than the next is a slow manifold of its own.
APART = 8.0
#: And a time constant of fewer steps than this is not slow.
LONG = 20.0


def fixed_points_sentences(found: xr.Dataset) -> list[str]:
    """Say what was found, what it sums to, and what was not proven."""
    sentences = [_counted(found), *_summed(found), *_drift(found), *_slow_directions(found)]
    slow = found.sizes["slow_point"]
    if slow:
        places = "place is" if slow == 1 else "places are"
        speed = float(found["speed"].values.min())
        sentences.append(
            f"{slow} {places} slow and not proven to be a fixed point: one step moves the state by "
            f"{speed:.2g} at the least. They are not counted."
        )
    return sentences


def _kind(found: xr.Dataset) -> tuple[str, str]:
    steps = found.sizes["phase"]
    if steps == 1:
        return "fixed point", "fixed points"
    return f"cycle of {steps} steps", f"cycles of {steps} steps"


def _counted(found: xr.Dataset) -> str:
    one, many = _kind(found)
    at = f"With the input held at {found.attrs['at']}"
    count = found.sizes["point"]
    if not count:
        return f"{at}, no {one} was found that could be proven."
    kinds = Counter(int(value) for value in found["unstable"].values)
    parts = []
    for directions, number in sorted(kinds.items()):
        if directions < 0:
            parts.append(f"{number} whose stability is not proven")
        elif directions == 0:
            parts.append(f"{number} stable")
        else:
            ways = "direction" if directions == 1 else "directions"
            parts.append(f"{number} unstable in {directions} {ways}")
    return f"{at}, {count} {one if count == 1 else many} proven: {', '.join(parts)}."


def _summed(found: xr.Dataset) -> list[str]:
    if found.attrs.get("every_region") == "true":
        return ["Every region of the map was looked at: there are no others."]
    if found.attrs.get("confined") != "true":
        return ["Nothing bounds the states here, so that more points may lie anywhere."]
    total = found.attrs.get("index_sum")
    if total is None:
        return ["The signs of det(I - F') are not all proven, so that points may be missing."]
    if total == 1:
        return ["Their signs sum to 1, as those of all points must; others come in pairs."]
    return [f"Their signs sum to {total}, and those of all points to 1: points are missing."]


def _drift(found: xr.Dataset) -> list[str]:
    share = float(found.attrs.get("drifting", 0.0))
    if not share:
        return []
    which = "all states" if share == 1 else "some of the states"
    return [
        f"From {which} that were followed a cell state grows by the same amount at every step, "
        f"without end, for its forget gate stands at 1: {SETTLES}."
    ]


def _slow_directions(found: xr.Dataset) -> list[str]:
    """Say of stable points whether some directions are far slower than the rest."""
    said = []
    step = str(found.attrs.get("step", ""))
    stable = found["unstable"].values == 0
    for k in np.flatnonzero(stable)[:3]:
        times = np.abs(found["time_constant"].values[k])
        if len(times) < 2 or not times[0] > LONG:
            continue
        steps = times[:-1] / np.maximum(times[1:], 1e-12)
        number = int(np.argmax(steps)) + 1
        if steps[number - 1] >= APART:
            ways = "direction is" if number == 1 else "directions are"
            said.append(
                f"At point {k}, {number} {ways} slow ({steps_in_words(times[0], step)} to fall by "
                f"the factor e), the others at most {steps_in_words(times[number], step)}: states "
                f"come near along a slow manifold of dimension {number}."
            )
    return said
