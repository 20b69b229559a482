"""What every view says of a network: what is assumed, left out, or cut off from the forecast."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from rnnlens.names import Told
from rnnlens.views.words.language import listed, phrase, say

__all__ = ["fact_text", "origin_sentences"]


def fact_text(fact: object) -> str:
    """Say what a description tells of a network; what it holds as mere text stays as it is.

    Examples
    --------
    >>> fact_text("dropout acts in training alone")
    'dropout acts in training alone'
    """
    if not isinstance(fact, Told):
        return str(fact)
    return phrase(fact.template).format(**{k: _place(value) for k, value in fact.values.items()})


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
    assumed, left = attrs.get("assumed"), attrs.get("left_out")
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
        sentences.append(say("CAUTION: {caution}.", caution=attrs["cut_off"]))
    if attrs.get("starts_from"):
        sentences.append(
            say(
                "The source carries its state from call to call; here every window starts {start}.",
                start=attrs["starts_from"],
            )
        )
    if left:
        sentences.append(say("Left out: {left}.", left=left))
    return sentences
