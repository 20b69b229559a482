"""What fixed points and cycles say of a network, in sentences."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.words.durations import steps_in_words
from rnnlens.views.words.language import many, marked, phrase, say
from rnnlens.views.words.origin import attribute_text

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SETTLES", "fixed_points_sentences"]

#: What happens where a cell state grows without end.
SETTLES = marked("the hidden state and the forecast settle, though the whole state never rests")
#: A direction this many times slower than the next is a slow manifold of its own.
APART = 8.0
#: And a time constant of fewer steps than this is not slow.
LONG = 20.0


def fixed_points_sentences(found: xr.Dataset) -> list[str]:
    """Say what was found, what it sums to, and what was not proven."""
    sentences = [_counted(found), *_summed(found), *_drift(found), *_slow_directions(found)]
    slow = found.sizes["slow_point"]
    if slow:
        sentences.append(
            many(
                slow,
                "{count} place is slow and not proven to be a fixed point: one step moves the "
                "state by {speed:.2g} at the least. They are not counted.",
                "{count} places are slow and not proven to be a fixed point: one step moves the "
                "state by {speed:.2g} at the least. They are not counted.",
                speed=float(found["speed"].values.min()),
            )
        )
    return sentences


def _counted(found: xr.Dataset) -> str:
    count, steps = found.sizes["point"], found.sizes["phase"]
    values = {"at": attribute_text(found.attrs, "at"), "steps": steps}
    if not count:
        return (
            say(
                "With the input held at {at}, no fixed point was found that could be proven.",
                **values,
            )
            if steps == 1
            else say(
                "With the input held at {at}, no cycle of {steps} steps was found that could be "
                "proven.",
                **values,
            )
        )
    values["kinds"] = _kinds(found)
    if steps == 1:
        return many(
            count,
            "With the input held at {at}, {count} fixed point proven: {kinds}.",
            "With the input held at {at}, {count} fixed points proven: {kinds}.",
            **values,
        )
    return many(
        count,
        "With the input held at {at}, {count} cycle of {steps} steps proven: {kinds}.",
        "With the input held at {at}, {count} cycles of {steps} steps proven: {kinds}.",
        **values,
    )


def _kinds(found: xr.Dataset) -> str:
    """Count points by the number of their unstable directions."""
    kinds = Counter(int(value) for value in found["unstable"].values)
    parts = []
    for directions, number in sorted(kinds.items()):
        if directions < 0:
            parts.append(say("{number} whose stability is not proven", number=number))
        elif directions == 0:
            parts.append(say("{number} stable", number=number))
        else:
            parts.append(
                many(
                    directions,
                    "{number} unstable in {count} direction",
                    "{number} unstable in {count} directions",
                    number=number,
                )
            )
    return say(", ").join(parts)


def _summed(found: xr.Dataset) -> list[str]:
    if found.attrs.get("every_region") == "true":
        return [say("Every region of the map was looked at: there are no others.")]
    if found.attrs.get("confined") != "true":
        return [say("Nothing bounds the states here, so that more points may lie anywhere.")]
    total = found.attrs.get("index_sum")
    if total is None:
        return [say("The signs of det(I - F') are not all proven, so that points may be missing.")]
    if total == 1:
        return [say("Their signs sum to 1, as those of all points must; others come in pairs.")]
    return [
        say(
            "Their signs sum to {total}, and those of all points to 1: points are missing.",
            total=total,
        )
    ]


def _drift(found: xr.Dataset) -> list[str]:
    share = float(found.attrs.get("drifting", 0.0))
    if not share:
        return []
    values = {"so": phrase(SETTLES)}
    return [
        say(
            "From all states that were followed a cell state grows by the same amount at every "
            "step, without end, for its forget gate stands at 1: {so}.",
            **values,
        )
        if share == 1
        else say(
            "From some of the states that were followed a cell state grows by the same amount at "
            "every step, without end, for its forget gate stands at 1: {so}.",
            **values,
        )
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
            said.append(
                many(
                    number,
                    "At point {point}, {count} direction is slow ({slow} to fall by the factor "
                    "e), the others at most {fast}: states come near along a slow manifold of "
                    "dimension {count}.",
                    "At point {point}, {count} directions are slow ({slow} to fall by the factor "
                    "e), the others at most {fast}: states come near along a slow manifold of "
                    "dimension {count}.",
                    point=k,
                    slow=steps_in_words(times[0], step),
                    fast=steps_in_words(times[number], step),
                )
            )
    return said
