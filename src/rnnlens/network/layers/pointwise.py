"""Activation functions as layers of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rnnlens.network.activations import Activation
from rnnlens.network.cells import FloatArray
from rnnlens.network.layers.base import Layer

__all__ = ["Activate", "PReLU"]


@dataclass(frozen=True, eq=False)
class Activate(Layer):
    """An activation function as a layer of its own.

    Parameters
    ----------
    activation : Activation
        The function.
    """

    activation: Activation


@dataclass(frozen=True, eq=False)
class PReLU(Layer):
    """``max(0, x) + alpha min(0, x)`` with a learned slope.

    Parameters
    ----------
    alpha : array, broadcast over the sample's shape
        The slope below zero.
    """

    meanings: ClassVar[dict[str, str]] = {"alpha": "slope below zero"}

    alpha: FloatArray
