"""Arithmetic between two or three values that the network computes, entry by entry.

How a reader states what frameworks have as operations, ``x`` and ``y`` being values of the network
(against fixed numbers `Rescaling` and `Activate` serve; what is said here of two values holds for
a `Constant` too):

========================  ====================================================================
operation                 layers
========================  ====================================================================
``x / y``                 ``Binary("divide")`` of x, y
``max(x, y)``, ``min``    ``Binary("maximum")``, ``Binary("minimum")``
``x ** y``                ``Binary("power")``; ``x ** 3``: ``Activate(Activation("power",
                          {"exponent": 3}))``
``x > y``, ``x >= y``     ``Subtract`` of x, y, then ``Activate(Activation("step"))`` or
                          ``Activation("step", {"at_zero": 1})``; ``x < y`` by ``y - x``
``x == y``                ``Subtract``, then ``Activate(Activation("is_zero"))``
``not c``                 ``Rescaling(-1, 1)`` of c; ``c and d``: ``Multiply``; ``c or d``:
                          ``Binary("maximum")``
``where(c, x, y)``        ``Where()`` of c, x, y
``clip(x, low, high)``    ``Activate(Activation("clip", {"min_value": low, "max_value": high}))``
abs, sqrt, log, ...       ``Activate(Activation(name))``, names in `FUNCTIONS`
a mask as numbers         ``MaskValues()``: (sample, step), 1 where the step is real
========================  ====================================================================

Inputs are broadcast as the arrays of one sample each: axes of length one come after the sample
axis, ``(sample, 3)`` beside ``(sample, 5, 3)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rnnlens.network.layers.base import Layer

__all__ = ["Binary", "MaskValues", "Where"]


@dataclass(frozen=True, eq=False)
class Binary(Layer):
    """An operation of two inputs, entry by entry, that is no sum and no product.

    Parameters
    ----------
    operation : {"divide", "maximum", "minimum", "power"}
        Which; the first input is the dividend, or the base, which must be positive.
    """

    operation: Literal["divide", "maximum", "minimum", "power"]


@dataclass(frozen=True, eq=False)
class Where(Layer):
    """The second input where the first is not zero, and the third elsewhere."""


@dataclass(frozen=True, eq=False)
class MaskValues(Layer):
    """The mask of a sequence as numbers: 1 at a real step, 0 at a masked one."""
