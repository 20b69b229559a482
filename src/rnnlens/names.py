"""The words of rnnlens: dimensions, gates, array letters.

One word for one thing, in code, tables, figures and files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

__all__ = [
    "CANDIDATES",
    "DIMENSIONS",
    "GATE_LETTERS",
    "KINDS",
    "Told",
    "array_name",
    "clauses",
    "counted",
    "declared",
    "dimensions_of",
    "retold",
    "told",
]

#: Dimension names of labelled results, in the order in which they appear.
DIMENSIONS = (
    "baseline",
    "reference",
    "network",
    "remedy",
    "measure",
    "sample",
    "point",
    "slow_point",
    "value",
    "branch",
    "change",
    "phase",
    "tried",
    "by_method",
    "other_method",
    "layer",
    "outer_step",
    "step",
    "lag",
    "kept",
    "ahead",
    "part",
    "removed",
    "control",
    "shift",
    "direction",
    "with_lag",
    "player",
    "with_player",
    "shown",
    "tap",
    "token",
    "from_unit",
    "from_output",
    "feature",
    "gate",
    "rank",
    "recurrent_rank",
    "unit",
    "exponent",
    "state",
    "eigenvalue",
    "output",
    "head",
    "query",
    "attended",
    "horizon",
    "target",
)

#: Gate names by kind of cell, with the letter that the literature gives each.
GATE_LETTERS: dict[str, dict[str, str]] = {
    "LSTM": {"input": "i", "forget": "f", "cell": "c", "output": "o"},
    "GRU": {"update": "z", "reset": "r", "candidate": "n"},
    "SimpleRNN": {"hidden": ""},
}

#: Gates whose value is a candidate, a message, and no valve between closed and open.
CANDIDATES = frozenset({"cell", "candidate", "hidden"})

#: What each letter of an array name says.
KINDS: dict[str, str] = {
    "W": "input kernel",
    "U": "recurrent kernel",
    "b": "bias",
    "b_r": "recurrent bias",
    "V": "peephole",
}


def array_name(kind: str, letter: str) -> str:
    """Name one array of a gate.

    Examples
    --------
    >>> array_name("W", "f"), array_name("b_r", "n"), array_name("U", "")
    ('W_f', 'b_rn', 'U')
    """
    if not letter:
        return kind
    return f"{kind}{letter}" if kind == "b_r" else f"{kind}_{letter}"


def declared(*dimensions: str, optional: bool = False, long_name: str = "", unit: str = "") -> Any:
    """Declare the dimensions of a dataclass field, for the labelling of results.

    In its long name ``{target}`` stands for the target's name, and in its unit ``{unit}`` for the
    unit of the forecast.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Result:
    ...     forecast: object = declared("sample", "target")
    >>> dimensions_of(Result)["forecast"]
    ('sample', 'target')
    """
    unknown = [name for name in dimensions if name not in DIMENSIONS]
    if unknown:
        raise ValueError(f"unknown dimension {unknown[0]!r}: one of {', '.join(DIMENSIONS)}")
    metadata = {"dimensions": dimensions, "long_name": long_name, "units": unit}
    return field(default=None, metadata=metadata) if optional else field(metadata=metadata)


def dimensions_of(result: Any) -> dict[str, tuple[str, ...]]:
    """Give the declared dimensions of a result's fields."""
    return {
        name: spec.metadata["dimensions"]
        for name, spec in result.__dataclass_fields__.items()
        if "dimensions" in spec.metadata
    }


class Told(str):
    """A sentence in English that knows what it is made of, so that views say it in any language."""

    template: str
    values: Mapping[str, object]
    #: The template for several things, where what is told counts them; else nothing.
    several: str


def told(template: str, /, **values: object) -> Told:
    """Tell a fact in English by a template and what stands in its named places.

    A list stands there as it is in a sentence, and a tuple as clauses do.

    Examples
    --------
    >>> told("{names} turn: {how}", names=["a", "b", "c"], how=("one so", "one so"))
    'a, b and c turn: one so; one so'
    """
    return retold(template, values)


def counted(count: int, one: str, several: str, /, **values: object) -> Told:
    """Tell a fact by one of two templates, by a count which stands in their place `count`.

    Examples
    --------
    >>> counted(1, "{count} lag", "{count} lags"), counted(3, "{count} lag", "{count} lags")
    ('1 lag', '3 lags')
    """
    return retold(one, {**values, "count": count}, several)


def retold(template: str, values: Mapping[str, object], several: str = "") -> Told:
    """Tell a fact from what it is made of, as files keep it."""
    used = several if several and values["count"] != 1 else template
    made = Told(used.format(**{name: _in_english(value) for name, value in values.items()}))
    made.template, made.values, made.several = template, values, several
    return made


def clauses(facts: Iterable[str]) -> Told:
    """Tell several facts one after the other, with nothing around them.

    Examples
    --------
    >>> clauses(["the first", "the second"])
    'the first; the second'
    """
    return told("{clauses}", clauses=tuple(facts))


def _in_english(value: object) -> object:
    if isinstance(value, tuple):
        return "; ".join(map(str, value))
    if not isinstance(value, list) or len(value) < 2:
        return value[0] if isinstance(value, list) and value else value
    return f"{', '.join(map(str, value[:-1]))} and {value[-1]}"
