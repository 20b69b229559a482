"""Idioms that are read together: of the same inputs, and of the same lengths."""

from __future__ import annotations

from itertools import groupby

from torch_idioms.registry import IDIOMS

__all__ = ["GROUPS", "OWN_LENGTH", "READ"]

READ = [name for name, one in IDIOMS.items() if not one.refused]

#: What serves windows of the example's length alone, in its code or as it is read.
OWN_LENGTH = {
    "attention with a temperature and a bias for age",
    "block normed before",
    "cells with a residual between",
    "every future step attends to the past",
    "features weighted by the state",
    "future beside the repeated state",
    "future decoded from the states",
    "future fed beside the forecast",
    "heads across states and inputs",
    "inputs that fade where missing",
    "learned place of each step",
    "line taken away",
    "mean of both directions",
    "memory that fades with the gap",
    "old state mixed in as zoneout predicts",
    "sliding windows",
    "slow cell every other step",
    "state clipped at every step",
    "state of two steps before",
    "statics added to the states handed over",
    "trend and season apart",
    "two sequences of two lengths",
    "weekdays one hot",
    "window of three steps attended",
}
#: Idioms that are read together.
TOGETHER = 8


def alike(name: str) -> tuple[bool, str]:
    """Say what idioms that are read together share: their inputs, and the lengths they serve."""
    idiom = IDIOMS[name]
    return name in OWN_LENGTH, str((idiom.shapes, idiom.kinds))


GROUPS = [
    names[start : start + TOGETHER]
    for _, together in groupby(sorted(READ, key=alike), key=alike)
    for names in [list(together)]
    for start in range(0, len(names), TOGETHER)
]
