"""What outputs cannot see of their inputs, in sentences made by fixed rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from rnnlens.views.words.language import in_clauses, marked, phrase, say
from rnnlens.views.words.language import listed as joined

__all__ = ["cut_off_clause", "reach_sentences"]

#: What one number of the output sees of one input, as a plain dictionary: ``label``, ``place``,
#: ``input``, ``steps``, ``newest``, ``oldest``, ``unseen`` (of str), and for each of these ``why``.
Sight: TypeAlias = "Mapping[str, Any]"

#: What keeps something out of sight, as a description names it.
WHY = (
    marked("not wired"),
    marked("zero weights"),
    marked("not wired, or zero weights"),
)


def reach_sentences(sights: Sequence[Sight]) -> list[str]:
    """Say which steps, features and inputs each output cannot see, alike ones together.

    Examples
    --------
    >>> one = {"input": "x", "steps": 24, "oldest": 24, "unseen": [], "why": {"newest": ""}}
    >>> seen = [{**one, "label": f"horizon {k + 1}", "newest": 3 - k} for k in range(3)]
    >>> for sentence in reach_sentences(seen):
    ...     print(sentence)
    CAUTION: outputs cannot see the newest steps of x: horizon 1 not t-1 to t-2, horizon 2 not t-1.
    """
    lines: list[str] = []
    blind = [one for one in sights if one["newest"] > 1]
    for name in dict.fromkeys(one["input"] for one in blind):
        lines.append(_newest([one for one in blind if one["input"] == name], name))
    groups: dict[tuple[Any, ...], list[str]] = {}
    for one in sights:
        for clause, why in _others(one):
            groups.setdefault((clause, why), []).append(one["label"])
    lines += [
        say(
            "{outputs} cannot see {unseen}: {why}.",
            outputs=_listed(labels),
            unseen=clause,
            why=_why(why),
        )
        for (clause, why), labels in groups.items()
    ]
    return [line[0].upper() + line[1:] for line in lines]


def cut_off_clause(sights: Iterable[Sight]) -> str:
    """Say which of the newest steps one number of the output cannot see, or nothing.

    Examples
    --------
    >>> cut_off_clause([{"input": "x", "newest": 12, "why": {"newest": "not wired"}}])
    'the forecast cannot see t-1 to t-11 of x: not wired'
    >>> cut_off_clause([{"input": "x", "newest": 1}])
    ''
    """
    said = [
        say(
            "the forecast cannot see {steps} of {input}: {why}",
            steps=_steps(one),
            input=one["input"],
            why=_why(one["why"]["newest"]),
        )
        for one in sights
        if one["newest"] > 1
    ]
    return in_clauses(said)


def _newest(blind: Sequence[Sight], name: str) -> str:
    """Say which outputs do not see the newest steps of an input."""
    first = blind[0]
    kinds = {(one["newest"], one["why"]["newest"]) for one in blind}
    own = {one["place"][1]: one["newest"] for one in blind if len(one.get("place", ())) > 1}
    if own == {k: first["steps"] - k for k in range(first["steps"] - 1)}:
        return say(
            "each step of the output sees its own step of {input} and older ones alone.",
            input=name,
        )
    if len(kinds) == 1:
        return say(
            "CAUTION: {outputs} cannot see {steps} of {input}: {why}.",
            outputs=_listed([one["label"] for one in blind]),
            steps=_steps(first),
            input=name,
            why=_why(first["why"]["newest"]),
        )
    shown = [*blind[:2], blind[-1]] if len(blind) > 3 else list(blind)
    clauses = [say("{output} not {steps}", output=one["label"], steps=_steps(one)) for one in shown]
    if len(blind) > 3:
        clauses.insert(2, say("{count} more between", count=len(blind) - 3))
    return say(
        "CAUTION: outputs cannot see the newest steps of {input}: {which}.",
        input=name,
        which=say(", ").join(clauses),
    )


def _why(why: str) -> str:
    return phrase(why) if why in WHY else why


def _others(one: Sight) -> list[tuple[str, str]]:
    """Say what else one number of the output does not see of an input, and why."""
    name, why = one["input"], one["why"]
    if not one["newest"]:
        return [(say("input {name}", name=name), why["newest"])]
    clauses = []
    if one["oldest"] < one["steps"]:
        older = say("what is older than t-{lag} in {input}", lag=one["oldest"], input=name)
        clauses.append((older, why["oldest"]))
    if one["unseen"]:
        features = say("{features} of {input}", features=_listed(list(one["unseen"])), input=name)
        clauses.append((features, why["unseen"]))
    return clauses


def _steps(one: Sight) -> str:
    last = one["newest"] - 1
    return "t-1" if last == 1 else say("t-{first} to t-{last}", first=1, last=last)


def _listed(items: list[str]) -> str:
    if len(items) > 4:
        items = [*items[:3], say("{count} more", count=len(items) - 3)]
    return joined(items)
