"""Layers that lay a sample's numbers out anew."""

from __future__ import annotations

from dataclasses import dataclass

from rnnlens.network.layers.base import Layer

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]


@dataclass(frozen=True, eq=False)
class Flatten(Layer):
    """All axes but the sample's made into one."""


@dataclass(frozen=True, eq=False)
class Reshape(Layer):
    """The sample's axes laid out anew, in C order.

    Parameters
    ----------
    shape : tuple of int
        New shape of one sample; one entry may be -1.
    """

    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Permute(Layer):
    """The sample's axes in another order.

    Parameters
    ----------
    axes : tuple of int
        Axis numbers of the input, from 1, in the order of the output.
    """

    axes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class RepeatVector(Layer):
    """A vector made into a sequence of equal steps.

    Parameters
    ----------
    times : int or None
        Number of steps; None for as many as its second input, a sequence, has.
    """

    times: int | None
