"""Layers that pick, turn and stretch axes: what exported graphs are full of.

Axes count from the batch axis, 0, or from the end; the batch axis itself is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rnnlens.network.cells import FloatArray
from rnnlens.network.layers import Layer

__all__ = [
    "Constant",
    "ExpandDims",
    "Flip",
    "Index",
    "Lengths",
    "Mean",
    "Repeat",
    "Slice",
    "Squeeze",
    "Take",
    "Unmask",
]


@dataclass(frozen=True, eq=False)
class Constant(Layer):
    """The same numbers for every sample; its one input says how many samples there are.

    Parameters
    ----------
    C : array
        The numbers for one sample.
    """

    meanings: ClassVar[dict[str, str]] = {"C": "constant"}

    C: FloatArray


@dataclass(frozen=True, eq=False)
class ExpandDims(Layer):
    """A new axis of length one.

    Parameters
    ----------
    axis : int
        Where it stands in the output.
    """

    axis: int


@dataclass(frozen=True, eq=False)
class Flip(Layer):
    """An axis turned round.

    Parameters
    ----------
    axis : int
        Which.
    """

    axis: int = 1


@dataclass(frozen=True, eq=False)
class Index(Layer):
    """One place of an axis, which is gone afterwards: ``x[:, -1]``.

    Parameters
    ----------
    index : int
        The place, negative from the end.
    axis : int
        Which axis.
    """

    index: int
    axis: int = 1


@dataclass(frozen=True, eq=False)
class Lengths(Layer):
    """A sequence with each sample's number of real steps: the steps after it are masked.

    It takes the sequence and then the lengths, one number a sample.

    Parameters
    ----------
    newest : bool
        Whether the real steps are the last ones of the window instead of the first.
    """

    newest: bool = False


@dataclass(frozen=True, eq=False)
class Mean(Layer):
    """The mean over axes.

    Parameters
    ----------
    axes : tuple of int
        Which.
    keepdims : bool
        Whether they stay, with length one.
    """

    axes: tuple[int, ...]
    keepdims: bool = False


@dataclass(frozen=True, eq=False)
class Repeat(Layer):
    """Copies of a value side by side along an axis, the whole axis again and again.

    Where the times are not stated, a second input says them: an axis of length one is made as long
    as the same axis of that input, so that a static vector stands beside every step of a sequence
    of any length.

    Parameters
    ----------
    axis : int
        Which axis.
    times : int or None
        How many copies.
    """

    axis: int = 1
    times: int | None = None


@dataclass(frozen=True, eq=False)
class Slice(Layer):
    """A run of places of an axis, as Python slices.

    Parameters
    ----------
    start, stop : int or None
        As in Python.
    step : int
        Positive or negative, never zero.
    axis : int
        Which axis.
    """

    start: int | None
    stop: int | None
    step: int = 1
    axis: int = 1


@dataclass(frozen=True, eq=False)
class Squeeze(Layer):
    """An axis of length one taken away.

    Parameters
    ----------
    axis : int
        Which.
    """

    axis: int


@dataclass(frozen=True, eq=False)
class Take(Layer):
    """Some places of an axis, in an order of their own: ``x[:, :, [0, 2, 1]]``.

    Parameters
    ----------
    places : tuple of int
        The places, negative from the end; one may come several times.
    axis : int
        Which axis.
    """

    places: tuple[int, ...]
    axis: int = 1


@dataclass(frozen=True, eq=False)
class Unmask(Layer):
    """A sequence handed on without its mask: from here on every step counts as real."""
