"""Idioms of PyTorch by name: a module, and the windows that it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn

from torch_models import scrambled

__all__ = ["IDIOMS", "STEPS", "Idiom", "Several", "idiom", "lstm", "same"]

#: Steps of a window, where the code asks for no other number.
STEPS = 6

#: A window of three features.
WINDOW = {"x": (STEPS, 3)}


class Coded(nn.Module):
    """The layers that an idiom has, and its forward code."""

    def __init__(self, code: Callable[..., Any], layers: dict[str, Any]):
        super().__init__()
        self.code = code
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, *arrays: Any) -> Any:
        return self.code(self, *arrays)


@dataclass(frozen=True)
class Idiom:
    """What makes a module, the shapes of its inputs, and what becomes of it."""

    make: Callable[[], nn.Module]
    shapes: dict[str, tuple[int, ...]] = field(default_factory=lambda: dict(WINDOW))
    #: How many kinds there are of an input that holds whole numbers.
    kinds: dict[str, int] = field(default_factory=dict)
    #: Words of the sentence, where it is refused.
    refused: str = ""

    def module(self) -> nn.Module:
        """Make the module with distinct random weights, in double precision."""
        return scrambled(self.make().double())

    def arrays(
        self, rng: np.random.Generator, samples: int, steps: int | None = None
    ) -> dict[str, np.ndarray]:
        """Draw inputs; of another number of steps where one is given."""
        drawn = {}
        for name, shape in self.shapes.items():
            sides = [steps if steps and side == STEPS else side for side in shape]
            if name in self.kinds:
                drawn[name] = rng.integers(0, self.kinds[name], (samples, *sides))
            else:
                drawn[name] = rng.normal(size=(samples, *sides))
        return drawn


class Several(nn.Module):
    """Idioms of the same inputs: reading them together takes a fraction of the time."""

    def __init__(self, names: list[str]):
        super().__init__()
        self.parts = nn.ModuleList([IDIOMS[name].make() for name in names])

    def forward(self, *arrays: Any) -> Any:
        return tuple(part(*arrays) for part in self.parts)


IDIOMS: dict[str, Idiom] = {}


def idiom(
    layers: Callable[[], dict[str, Any]] = dict, refused: str = "", **shapes: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter forward code under the words of its name.

    Layers are made anew for each module. An input is given by its shape, or by its shape and the
    number of kinds where it holds whole numbers.
    """

    def enter(code: Callable[..., Any]) -> Callable[..., Any]:
        sides = {k: v[0] if isinstance(v[0], tuple) else v for k, v in shapes.items()}
        kinds = {k: v[1] for k, v in shapes.items() if isinstance(v[0], tuple)}
        made = Idiom(lambda: Coded(code, layers()), sides or dict(WINDOW), kinds, refused)
        name = code.__name__.replace("_", " ")
        assert name not in IDIOMS, name
        IDIOMS[name] = made
        return code

    return enter


def lstm(features: int = 3, units: int = 4, **options: Any) -> nn.LSTM:
    """Make a layer of windows (sample, step, feature)."""
    return nn.LSTM(features, units, batch_first=True, **options)


def same(**more: Callable[[], Any]) -> Callable[[], dict[str, Any]]:
    """Give what makes an LSTM, a head, and more layers or others."""
    usual = {"rnn": lstm, "fc": lambda: nn.Linear(4, 2)}
    return lambda: {name: make() for name, make in {**usual, **more}.items()}
