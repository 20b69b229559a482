"""Layers that make one value of several."""

from __future__ import annotations

from dataclasses import dataclass

from rnnlens.network.layers.base import Layer

__all__ = ["Add", "Average", "Concatenate", "Multiply", "Subtract"]


@dataclass(frozen=True, eq=False)
class Concatenate(Layer):
    """Inputs side by side.

    Parameters
    ----------
    axis : int
        The axis that grows, counted from the batch axis or from the end.
    """

    axis: int = -1


@dataclass(frozen=True, eq=False)
class Add(Layer):
    """The sum of the inputs."""


@dataclass(frozen=True, eq=False)
class Subtract(Layer):
    """The first input less the second."""


@dataclass(frozen=True, eq=False)
class Multiply(Layer):
    """The product of the inputs, entry by entry."""


@dataclass(frozen=True, eq=False)
class Average(Layer):
    """The mean of the inputs, entry by entry."""
