"""What every layer is, and the layers that compute nothing: entries, identities, masks."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from rnnlens.network.cells import FloatArray

__all__ = ["Identity", "Input", "Layer", "Masking"]


@dataclass(frozen=True, eq=False)
class Layer:
    """What every layer has: arrays by their own names."""

    #: What each array of the layer is, for `inspect`.
    meanings: ClassVar[dict[str, str]] = {}
    #: Dimension names of those arrays that always have the same.
    dimensions: ClassVar[dict[str, tuple[str, ...]]] = {}

    def arrays(self) -> dict[str, FloatArray]:
        """Give the layer's own arrays by name; recurrent cells list theirs by gate."""
        values = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


@dataclass(frozen=True, eq=False)
class Input(Layer):
    """A named entry of the network.

    Parameters
    ----------
    shape : tuple of int or None
        Shape of one sample, ``(step, feature)`` for a sequence; ``None`` where any length serves.
    steps : int, optional
        The axis that counts steps, from 1, where the caller had to state it; what the layers walk
        along tells it otherwise.
    """

    shape: tuple[int | None, ...]
    steps: int | None = None


@dataclass(frozen=True, eq=False)
class Identity(Layer):
    """A layer that changes nothing when the network predicts (dropout, noise).

    Parameters
    ----------
    of : str
        The layer's kind in the source, such as ``"Dropout"``.
    """

    of: str


@dataclass(frozen=True, eq=False)
class Masking(Layer):
    """Hide the steps whose every feature equals a value.

    Parameters
    ----------
    value : float
        The value that marks padding, in the network's own units.
    """

    value: float
