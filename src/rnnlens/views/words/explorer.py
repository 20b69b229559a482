"""What the page that runs the network says: controls, headings and one sentence on a window."""

from __future__ import annotations

__all__ = ["EXPLORER"]

#: By the name that the page's module asks for; what stands in braces is filled in by it.
EXPLORER = {
    # controls
    "window": "Window",
    "pick": "One worth a look",
    "any": "any window",
    "w": "Any",
    "when": "At",
    "s": "Step",
    "input": "Change an input",
    "f": "Feature",
    "by": "at this step by",
    "inside": "Knock out",
    "l": "Layer",
    "g": "Gate",
    "hold": "held at",
    "unit": "Unit frozen",
    "undo": "Undo all changes",
    # gates and states
    "gate i": "input gate",
    "gate f": "forget gate",
    "gate g": "candidate",
    "gate o": "output gate",
    "gate z": "update gate",
    "gate r": "reset gate",
    "gate n": "candidate",
    "gate c": "cell state",
    "gate h": "hidden state",
    # headings and names
    "over": "{name} over the window",
    "observed": "as observed",
    "altered": "as changed",
    "steps": "Contributions by step",
    "parts": "From the baseline to this forecast",
    "rest": "all others",
    "from": "baseline",
    "to": "forecast",
    "cells": "{layer}: {gate}, {shown} of {units} units",
    "table": "{title}, as a table",
    # the sentence
    "said forecast": "{time}: the forecast of {target} is {forecast}{behind}.",
    "said changed": "That is {change} from {before} before the change.",
    "said baseline": "From the baseline it is {baseline}.",
    "said actual": "What happened: {actual}.",
    "said bound": "Inputs at {step} are proven to move it by {bound}{behind} at most ({range}).",
}
