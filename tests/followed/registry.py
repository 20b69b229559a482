"""Acts that do what refusals advise; which advice other tests follow, and which none needs to."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from refused import REFUSALS

__all__ = ["ACTS", "ELSEWHERE", "UNTESTED", "Act", "advice", "is_advice"]

#: Words with which advice begins.
VERBS = (
    "add|ask|begin|build|call|check|compare|convert|copy|download|explain|export|fetch|fit|"
    "give|have|install|join|leave|let|load|make|mask|merge|name|pad|pick|pip install|read|"
    "replace|report|run|save|say|set|sort|stack|state|store|take|train|transform|unpack|use|"
    "write"
)
ADVICE = re.compile(rf"(?:[:;] |, (?:so |or |and |please )?|please )(?:{VERBS})\b")


def is_advice(sentence: str) -> bool:
    """Tell whether a sentence says what to do."""
    return ADVICE.search(sentence) is not None


@dataclass(frozen=True)
class Act:
    """What does what is advised, given an empty folder, and fails where that does not work."""

    case: str
    does: Callable[[Path], None]


#: By the words of the advice, which its refusal ends in or holds.
ACTS: dict[str, Act] = {}

_LISTED = tomllib.loads(Path(__file__).with_name("elsewhere.toml").read_text(encoding="utf-8"))
#: The tests that follow an advice elsewhere.
ELSEWHERE: dict[str, str] = _LISTED["followed by other tests"]
#: Why nothing is done.
UNTESTED: dict[str, str] = _LISTED["not done in a test"]


def advice(case: str, words: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Give the decorator of an act that follows the words of a case's refusal."""
    assert words in REFUSALS[case], (case, words)

    def keep(act: Callable[[Path], None]) -> Callable[[Path], None]:
        assert words not in ACTS, words
        ACTS[words] = Act(case, act)
        return act

    return keep
