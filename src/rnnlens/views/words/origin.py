"""What every view says of a network: what is assumed, left out, or cut off from the forecast."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from rnnlens.names import Told
from rnnlens.views.words.language import counted_phrase, filled, listed, phrase, say

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "attribute_text",
    "clause_texts",
    "each_text",
    "fact_text",
    "note_text",
    "origin_sentences",
]


def fact_text(fact: object) -> str:
    """Say what a description tells of a network; what it holds as mere text stays as it is.

    Examples
    --------
    >>> fact_text("dropout acts in training alone")
    'dropout acts in training alone'
    """
    if not isinstance(fact, Told):
        return str(fact)
    values = {name: _place(value) for name, value in fact.values.items()}
    if fact.several:
        count = int(str(values["count"]))
        return filled(counted_phrase(count, fact.template, fact.several), values)
    return filled(phrase(fact.template), values)


def attribute_text(attrs: Mapping[Any, object], name: str) -> str:
    """Say what an attribute of a result tells; nothing where there is none.

    Examples
    --------
    >>> attribute_text({"why": "as given"}, "why"), attribute_text({}, "why")
    ('as given', '')
    """
    from rnnlens.results.attributes import told_of  # an inspection needs no results

    return fact_text(told_of(attrs, name) or "")


def clause_texts(attrs: Mapping[Any, object], name: str) -> list[str]:
    """Say each clause of an attribute that was told as several, or that files hold as such.

    Examples
    --------
    >>> clause_texts({"missing": "no test; no draws"}, "missing")
    ['no test', 'no draws']
    """
    from rnnlens.results.attributes import told_of

    fact = told_of(attrs, name) or ""
    if isinstance(fact, Told) and isinstance(own := fact.values.get("clauses"), tuple):
        return [fact_text(one) for one in own]
    return [fact_text(fact)] if isinstance(fact, Told) else [c for c in str(fact).split("; ") if c]


def each_text(attrs: Mapping[Any, object], name: str) -> dict[str, str]:
    """Say what an attribute tells by name."""
    from rnnlens.results.attributes import told_each

    return {key: fact_text(fact) for key, fact in told_each(attrs, name).items()}


def note_text(table: xr.Dataset, note: str) -> str:
    """Say what must be known of a row of a table, which its column of notes holds in English."""
    from rnnlens.results.attributes import told_in

    return fact_text(told_in(table["note"].attrs, note))


def _place(value: object) -> object:
    if isinstance(value, tuple):
        return say("; ").join(map(fact_text, value))
    if isinstance(value, list):
        return listed([fact_text(one) for one in value])
    return fact_text(value) if isinstance(value, str) else value


def origin_sentences(attrs: Mapping[Hashable, object]) -> list[str]:
    """Say what a result rests on that its source did not say, and what it leaves out or cuts off.

    Examples
    --------
    >>> origin_sentences({"assumed": "fc takes the last hidden state"})[0]
    'ASSUMED, not shown: fc takes the last hidden state.'
    >>> origin_sentences({})
    []
    """
    assumed, left = (
        attrs.get(key) and attribute_text(attrs, key) for key in ("assumed", "left_out")
    )
    sentences = []
    if assumed:
        sentences += [
            say("ASSUMED, not shown: {assumed}.", assumed=assumed),
            say(
                "rnnlens.fidelity(net, outputs, X), with outputs that the model itself gave, shows "
                "it; on the command line --outputs with an .npz file of outputs and X does."
            ),
        ]
    if attrs.get("cut_off"):
        sentences.append(say("CAUTION: {caution}.", caution=attribute_text(attrs, "cut_off")))
    if attrs.get("starts_from"):
        sentences.append(
            say(
                "The source carries its state from call to call; here every window starts {start}.",
                start=attribute_text(attrs, "starts_from"),
            )
        )
    if left:
        sentences.append(say("Left out: {left}.", left=left))
    return sentences
