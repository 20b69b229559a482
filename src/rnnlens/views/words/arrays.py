"""What arrays are, as they are shown; a description holds it as it is named in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnlens.views.words.language import marked, phrase, say

__all__ = ["array_sentence", "array_text"]

MEANINGS = {
    marked("input kernel"),
    marked("recurrent kernel"),
    marked("bias"),
    marked("recurrent bias"),
    marked("peephole"),
    marked("kernel"),
    marked("projection of the hidden state"),
    marked("slope below zero"),
    marked("embedding table"),
    marked("scale"),
    marked("offset"),
    marked("moving mean"),
    marked("moving variance"),
    marked("mean"),
    marked("variance"),
}


def array_text(meaning: str) -> str:
    """Say what an array is; what is not known is given as it is.

    Examples
    --------
    >>> array_text("input kernel"), array_text("a wheel")
    ('input kernel', 'a wheel')
    """
    return phrase(meaning) if meaning in MEANINGS else meaning


def array_sentence(array: Mapping[str, Any]) -> str:
    """Say of a described array what it is, of which gate, and where it comes from.

    Examples
    --------
    >>> array_sentence({"meaning": "bias", "gate": "forget", "source": "lstm/bias[4:8]"})
    'bias, forget gate, from lstm/bias[4:8]'
    """
    origin = say("from {source}", source=array["source"]) if array["source"] else ""
    parts = (array_text(array["meaning"]), _of_gate(array["gate"]), origin)
    return say(", ").join(part for part in parts if part)


def _of_gate(gate: str) -> str:
    """Name the gate of an array; the only one of a simple cell needs no name."""
    names = {
        "": "",
        "hidden": "",
        "input": say("input gate"),
        "forget": say("forget gate"),
        "cell": say("cell gate"),
        "output": say("output gate"),
        "update": say("update gate"),
        "reset": say("reset gate"),
        "candidate": say("candidate"),
    }
    return names[gate] if gate in names else say("{name} gate", name=gate)
