"""Stated recurrent layers: which module of the state dict each is, and what is taken of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rnnlens.network.layers import Bidirectional, Layer, Recurrent
from rnnlens.readers.torch.recurrent import Level
from rnnlens.readers.torch.weights.statement import Part, wrong
from rnnlens.readers.torch.weights.words import folded_word

__all__ = ["RECURRENT", "RecurrentModules", "every_step", "which_module"]

#: Words for recurrent layers, and the kind of cell that each is.
RECURRENT = {"lstm": "LSTM", "gru": "GRU", "rnn": "SimpleRNN", "lstmcell": "LSTM"}
RECURRENT |= {"grucell": "GRU", "rnncell": "SimpleRNN"}


@dataclass(frozen=True)
class RecurrentModules:
    """The recurrent modules of a state dict, by name."""

    kinds: Mapping[str, str]
    #: Makes the layers of one, by its name and the activation of a plain one.
    levels: Callable[[str, str | None], list[tuple[str, Level]]]


def which_module(
    text: str, modules: RecurrentModules, ran: Sequence[str], part: Part
) -> tuple[str, str | None]:
    """Find the module that a recurrent layer of the statement is, and its activation."""
    named = part.word in modules.kinds
    kind = "" if named else RECURRENT.get(folded_word(part.word), "")
    given = list(part.given)
    if named:
        name = part.word
    elif given and given[0] in modules.kinds:
        name = given.pop(0)
    else:
        fitting = [name for name, of in modules.kinds.items() if of == kind]
        left = [name for name in fitting if name not in ran]
        if len(left) != 1 or (given and given[0] not in {"tanh", "relu"}):
            there = ", ".join(f"{of}({name})" for name, of in modules.kinds.items())
            raise wrong(text, f"it does not say which {part.word} is meant of {there}")
        name = left[0]
    held = modules.kinds[name]
    if kind and held != kind:
        raise wrong(text, f"{name or 'the module'} is of the kind {held}, not {part.word}")
    options = [*given, *(value for key, value in part.named if key == "nonlinearity")]
    if len(options) > 1 or len(part.named) != len(options) - len(given):
        raise wrong(text, f"{part.word} takes its name, and a plain one its nonlinearity")
    return name, options[0] if options else None


def every_step(layer: Recurrent | Bidirectional | Layer, *, every: bool) -> Layer:
    """Let a recurrent layer give every step, or its last alone."""
    if isinstance(layer, Bidirectional):
        forward, backward = (
            replace(one, return_sequences=every) for one in (layer.forward, layer.backward)
        )
        return replace(layer, forward=forward, backward=backward)
    assert isinstance(layer, Recurrent)
    return replace(layer, return_sequences=every)
