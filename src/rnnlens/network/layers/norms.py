"""Layers that scale and shift: normalisation by stored or own moments, rescaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rnnlens.network.cells import FloatArray
from rnnlens.network.layers.base import Layer

__all__ = ["BatchNormalization", "LayerNormalization", "Rescaling", "Standardization"]


@dataclass(frozen=True, eq=False)
class BatchNormalization(Layer):
    """``gamma (x - mean) / sqrt(variance + epsilon) + beta`` with the stored moments.

    Parameters
    ----------
    mean, variance : array (channel,)
        Moving moments of training.
    gamma, beta : array (channel,), optional
        Scale and offset.
    epsilon : float
        Added to the variance.
    axis : int
        The axis of the channels, counted from the batch axis or from the end.
    """

    meanings: ClassVar[dict[str, str]] = {
        "gamma": "scale",
        "beta": "offset",
        "mean": "moving mean",
        "variance": "moving variance",
    }

    mean: FloatArray
    variance: FloatArray
    gamma: FloatArray | None = None
    beta: FloatArray | None = None
    epsilon: float = 1e-3
    axis: int = -1


@dataclass(frozen=True, eq=False)
class LayerNormalization(Layer):
    """``gamma (x - mean) / sqrt(variance + epsilon) + beta`` with each sample's own moments.

    Parameters
    ----------
    gamma, beta : array of the shape of the axes, optional
        Scale and offset.
    axes : tuple of int
        The axes over which the moments are taken, in rising order.
    epsilon : float
        Added to the variance.
    centred : bool
        False where the source's option ``rms_scaling`` leaves the mean in ``x``: it divides by the
        root of the variance alone.
    """

    meanings: ClassVar[dict[str, str]] = {"gamma": "scale", "beta": "offset"}

    gamma: FloatArray | None = None
    beta: FloatArray | None = None
    axes: tuple[int, ...] = (-1,)
    epsilon: float = 1e-3
    centred: bool = True


@dataclass(frozen=True, eq=False)
class Rescaling(Layer):
    """``x scale + offset``.

    Parameters
    ----------
    scale, offset : array, broadcast over the sample's shape
        One number each, or one a channel.
    """

    meanings: ClassVar[dict[str, str]] = {"scale": "scale", "offset": "offset"}

    scale: FloatArray
    offset: FloatArray


@dataclass(frozen=True, eq=False)
class Standardization(Layer):
    """``(x - mean) / max(sqrt(variance), epsilon)`` or, inverted, ``x max(...) + mean``.

    Parameters
    ----------
    mean, variance : array, broadcast over the sample's shape
        The moments that the source adapted to its data.
    invert : bool
        Whether it undoes the scaling instead.
    epsilon : float
        Smallest divisor.
    """

    meanings: ClassVar[dict[str, str]] = {"mean": "mean", "variance": "variance"}

    mean: FloatArray
    variance: FloatArray
    invert: bool = False
    epsilon: float = 1e-7
