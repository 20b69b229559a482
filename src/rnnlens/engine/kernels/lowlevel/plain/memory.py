"""Memory that kernels lend themselves and give back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import overload, register_jitable

__all__ = ["give_back", "lent"]


def lent(dtype: Any, shapes: Any) -> tuple[Any, ...]:
    """Lend arrays of some shapes, in one piece that the first of them gives back.

    A shape is a whole number or a tuple of them. What the arrays hold is not set.
    """
    raise NotImplementedError  # compiled code makes an array of each shape


@overload(lent)
def _(dtype, shapes):
    if len(shapes) == 1:
        return lambda dtype, shapes: (np.empty(shapes[0], dtype),)
    return lambda dtype, shapes: (np.empty(shapes[0], dtype), *lent(dtype, shapes[1:]))


@register_jitable
def give_back(first):
    """Give back what was lent, by the first of its arrays: Numba counts who uses them."""
