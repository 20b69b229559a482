"""What a caller may say about a source that the source itself does not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from os import PathLike
from typing import Any

from rnnlens.errors import InputError

__all__ = ["ReadOptions", "refuse_others"]


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """The options of `rnnlens.read`; each format takes those that it names in its ``TAKES``."""

    #: Input on which a live PyTorch module is called, batch included: its values do not matter, its
    #: shape does.
    example: Any = None
    #: What follows the last hidden state of a PyTorch state dict: a linear layer by its name there,
    #: or a chain of layers.
    head: str | None = None
    #: Which state dict of several in a file, or which part of one, by name.
    part: str | None = None
    #: What the plain recurrent layers of a PyTorch state dict compute, which it does not say.
    nonlinearity: str | None = None
    #: Weights of an ONNX graph that takes them as inputs, by input name.
    weights: Mapping[str, Any] | None = None
    #: The axis of the samples of an ONNX graph's input, where the graph leaves it open.
    batch_axes: Mapping[str, int] | None = None
    #: The axis of each input that counts steps, where the layers do not tell, by input name.
    step_axes: Mapping[str, int] | None = None
    #: The text of the architecture, JSON or YAML, that belongs to a file of weights alone.
    architecture: str | PathLike[str] | None = None
    #: The layers of a file of weights alone, such as ``"LSTM(tanh, sigmoid) > Dense(linear)"``, or
    #: of a PyTorch state dict, such as ``"LSTM > relu > Linear(fc)"``.
    layers: str | None = None
    #: Classes of the user's in a Keras model that compute what a class of Keras does, by name.
    same_as: Mapping[str, str] | None = None

    #: The layer of a Keras model behind which it is cut: what does not lead to it is left out.
    until: str | None = None
    #: The layer whose output becomes the network's, of a network that is read whole.
    output: str | None = None
    #: Steps over which a network that carries its state from call to call is unrolled.
    unroll: int | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the options that the caller set."""
        return tuple(spec.name for spec in fields(self) if getattr(self, spec.name) is not None)


def refuse_others(options: ReadOptions, takes: Collection[str], what: str) -> None:
    """Refuse the options that a format does not take: none is ever ignored."""
    for name in options.given:
        if name not in takes:
            known = f"takes {' and '.join(sorted(takes))}" if takes else "takes no option"
            raise InputError(f"{what} {known}, but {name} was given: leave it out")
