"""Layers with kernels and tables: dense, convolution, embedding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from rnnlens.network.activations import Activation
from rnnlens.network.cells import FloatArray
from rnnlens.network.layers.base import Layer

__all__ = ["Conv1D", "Dense", "Embedding"]

LINEAR = Activation("linear")


@dataclass(frozen=True, eq=False)
class Dense(Layer):
    """``activation(x W + b)`` on the last axis.

    Parameters
    ----------
    W : array (feature, unit)
        Kernel.
    b : array (unit,), optional
        Bias.
    activation : Activation
        Linear unless stated.
    """

    meanings: ClassVar[dict[str, str]] = {"W": "kernel", "b": "bias"}
    dimensions: ClassVar[dict[str, tuple[str, ...]]] = {"W": ("feature", "unit"), "b": ("unit",)}

    W: FloatArray
    b: FloatArray | None = None
    activation: Activation = LINEAR


@dataclass(frozen=True, eq=False)
class Conv1D(Layer):
    """A convolution over the steps.

    Parameters
    ----------
    W : array (tap, feature / groups, unit)
        Kernel; the first tap meets the oldest step.
    b : array (unit,), optional
        Bias.
    activation : Activation
        Linear unless stated.
    stride, dilation, groups : int
        As in Keras.
    padding : {"valid", "same", "causal"}
        As in Keras.
    """

    meanings: ClassVar[dict[str, str]] = {"W": "kernel", "b": "bias"}
    dimensions: ClassVar[dict[str, tuple[str, ...]]] = {
        "W": ("tap", "feature", "unit"),
        "b": ("unit",),
    }

    W: FloatArray
    b: FloatArray | None = None
    activation: Activation = LINEAR
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    padding: Literal["valid", "same", "causal"] = "valid"


@dataclass(frozen=True, eq=False)
class Embedding(Layer):
    """A table of vectors, looked up by an integer.

    Parameters
    ----------
    E : array (token, feature)
        The table.
    mask_zero : bool
        Whether token 0 is padding.
    """

    meanings: ClassVar[dict[str, str]] = {"E": "embedding table"}
    dimensions: ClassVar[dict[str, tuple[str, ...]]] = {"E": ("token", "feature")}

    E: FloatArray
    mask_zero: bool = False
