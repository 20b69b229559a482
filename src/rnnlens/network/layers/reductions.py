"""Layers that take many numbers of a sample together, or run along an axis.

``Reduction("sum", (1,))`` is the sum over the steps; the mean is `rnnlens.network.axes.Mean`. The
standard deviation is ``Reduction("variance", ...)`` and then ``Activate(Activation("sqrt"))``; a
Euclidean norm ``Activation("power")`` (a square), a sum, and a root. Axes count the sample axis
as 0, or from the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnlens.network.layers.base import Layer

__all__ = ["CumulativeSum", "Reduction"]


@dataclass(frozen=True, eq=False)
class Reduction(Layer):
    """Sum, largest, smallest, product, variance, or log of the sum of exponentials, over axes.

    Parameters
    ----------
    kind : {"sum", "max", "min", "product", "variance", "logsumexp"}
        Which.
    axes : tuple of int
        Over which axes.
    keepdims : bool
        Whether they stay, with length one.
    correction : int
        Of the variance: the sum of squares is divided by the count less this.
    """

    kind: Literal["sum", "max", "min", "product", "variance", "logsumexp"]
    axes: tuple[int, ...]
    keepdims: bool = False
    correction: int = 0


@dataclass(frozen=True, eq=False)
class CumulativeSum(Layer):
    """The sum of all places of an axis up to each.

    Parameters
    ----------
    axis : int
        Which axis.
    reverse : bool
        Whether it sums from the end.
    """

    axis: int = 1
    reverse: bool = False
