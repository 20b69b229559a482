"""Layers that take the largest or the mean value of steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnlens.network.layers.base import Layer

__all__ = ["GlobalPooling1D", "Pooling1D"]


@dataclass(frozen=True, eq=False)
class Pooling1D(Layer):
    """The largest or the mean value of neighbouring steps.

    Parameters
    ----------
    kind : {"max", "average"}
        Which of the two.
    size, stride : int
        Steps in a pool, and from one pool to the next.
    padding : {"valid", "same"}
        As in Keras; padded steps count in neither.
    """

    kind: Literal["max", "average"]
    size: int
    stride: int
    padding: Literal["valid", "same"] = "valid"


@dataclass(frozen=True, eq=False)
class GlobalPooling1D(Layer):
    """The largest or the mean value of all steps; the mean leaves masked steps out.

    Parameters
    ----------
    kind : {"max", "average"}
        Which of the two.
    keepdims : bool
        Whether a step axis of length one stays.
    """

    kind: Literal["max", "average"]
    keepdims: bool = False
