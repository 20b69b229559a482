"""What the page that runs the network says: controls, headings and one sentence on a window."""

from __future__ import annotations

from rnnlens.views.words.language import marked, phrase

__all__ = ["explorer_words"]

#: By the name that the page's module asks for; what stands in braces is filled in by it.
EXPLORER = {
    # controls
    "window": marked("Window"),
    "pick": marked("One worth a look"),
    "any": marked("any window"),
    "w": marked("Any"),
    "when": marked("At"),
    "s": marked("Step"),
    "input": marked("Change an input"),
    "f": marked("Feature"),
    "by": marked("at this step by"),
    "inside": marked("Knock out"),
    "l": marked("Layer"),
    "g": marked("Gate"),
    "hold": marked("held at"),
    "unit": marked("Unit frozen"),
    "undo": marked("Undo all changes"),
    # gates and states
    "gate i": marked("input gate"),
    "gate f": marked("forget gate"),
    "gate g": marked("candidate"),
    "gate o": marked("output gate"),
    "gate z": marked("update gate"),
    "gate r": marked("reset gate"),
    "gate n": marked("candidate"),
    "gate c": marked("cell state"),
    "gate h": marked("hidden state"),
    # headings and names
    "over": marked("{name} over the window"),
    "observed": marked("as observed"),
    "altered": marked("as changed"),
    "steps": marked("Contributions by step"),
    "parts": marked("From the baseline to this forecast"),
    "rest": marked("all others"),
    "from": marked("baseline"),
    "to": marked("forecast"),
    "cells": marked("{layer}: {gate}, {shown} of {units} units"),
    "table": marked("{title}, as a table"),
    # the sentence
    "said forecast": marked("{time}: the forecast of {target} is {forecast}{behind}."),
    "said changed": marked("That is {change} from {before} before the change."),
    "said baseline": marked("From the baseline it is {baseline}."),
    "said actual": marked("What happened: {actual}."),
    "said bound": marked(
        "Inputs at {step} are proven to move it by {bound}{behind} at most ({range})."
    ),
}


def explorer_words() -> dict[str, str]:
    """Give what the page's module says, its places to be filled by it."""
    return {name: phrase(text) for name, text in EXPLORER.items()}
