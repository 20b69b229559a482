"""What the file of a model does not say of itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from rnnlens.cli.options.choices import Nonlinearity
from rnnlens.errors import ConfigError

__all__ = ["ReadingOptions"]


@dataclass(frozen=True)
class ReadingOptions:
    """What the model's file does not say of itself."""

    architecture: Annotated[
        Path | None,
        typer.Option(
            help="For a file of weights alone: the JSON or YAML of its architecture.",
            show_default=False,
        ),
    ] = None
    layers: Annotated[
        str | None,
        typer.Option(
            help="For a file of weights alone: its layers, of Keras as 'LSTM(tanh, sigmoid) > "
            "Dense(linear)', of PyTorch as 'LSTM > relu > Linear(fc)'.",
            show_default=False,
        ),
    ] = None
    head: Annotated[
        str | None,
        typer.Option(
            help="For a PyTorch state dict: the linear layer that makes the forecast, by its name, "
            "or the layers after the last hidden state, as 'relu > Linear(fc)'.",
            show_default=False,
        ),
    ] = None
    part: Annotated[
        str | None,
        typer.Option(
            help="For a PyTorch file of several state dicts or recurrent modules: which is "
            "meant. Of an archive i/n: --job.",
            show_default=False,
        ),
    ] = None
    nonlinearity: Annotated[
        Nonlinearity | None,
        typer.Option(
            help="For a PyTorch state dict: what its plain recurrent layers compute.",
            show_default=False,
        ),
    ] = None
    until: Annotated[
        str | None,
        typer.Option(
            help="For a Keras model: the layer behind which it is cut, so that those after it are "
            "not read.",
            show_default=False,
        ),
    ] = None
    output: Annotated[
        str | None,
        typer.Option(
            help="The layer whose output becomes the network's.",
            show_default=False,
        ),
    ] = None
    same_as: Annotated[
        list[str] | None,
        typer.Option(
            help="For a Keras model with a class of your own: the class of Keras that computes the "
            "same, as MyLSTM=LSTM; may be given several times.",
            show_default=False,
        ),
    ] = None

    unroll: Annotated[
        int | None,
        typer.Option(
            help="For a network that carries its state from call to call: the steps of the windows "
            "over which its calls are laid one after the other.",
            min=1,
            show_default=False,
        ),
    ] = None

    @property
    def same_classes(self) -> dict[str, str] | None:
        """Classes of the user's by the class of Keras that computes the same."""
        if not self.same_as:
            return None
        pairs = [text.partition("=") for text in self.same_as]
        for text, (own, _, meant) in zip(self.same_as, pairs, strict=True):
            if not own.strip() or not meant.strip():
                raise ConfigError(
                    f"--same-as takes a class of yours and one of Keras, as MyLSTM=LSTM, not "
                    f"{text!r}"
                )
        return {own.strip(): meant.strip() for own, _, meant in pairs}
