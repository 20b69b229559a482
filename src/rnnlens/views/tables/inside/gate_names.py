"""Gates as they are named in a cell of a table: by one word."""

from __future__ import annotations

from rnnlens.views.words.language import say

__all__ = ["gate_name"]


def gate_name(gate: object) -> str:
    """Name a gate by one word; one that is not known by its own name.

    Examples
    --------
    >>> gate_name("forget"), gate_name("attention")
    ('forget', 'attention')
    """
    names = {
        "input": say("input"),
        "forget": say("forget"),
        "output": say("output"),
        "cell": say("cell"),
        "update": say("update"),
        "reset": say("reset"),
        "candidate": say("candidate"),
        "hidden": say("hidden"),
    }
    return names.get(str(gate), str(gate))
