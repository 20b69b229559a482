"""What the kernels tell Numba of their own functions, by its public interface for extensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

from rnnlens.engine.kernels.lowlevel.compiling import ALLOCATING, INNER, Options, linked

__all__ = ["implement_for_numbers", "implement_for_weights", "inlined", "like"]

Function = Callable[..., Any]


def inlined(function: Function) -> Function:
    """Make a function of Python serve compiled code too."""
    return register_jitable(**linked(ALLOCATING))(function)


_NUMBERS = {types.float32: np.dtype(np.float32), types.float64: np.dtype(np.float64)}


def implement_for_weights(
    stub: Function, weights: type, function: Function, options: Options = INNER
) -> None:
    """Have compiled code call a function for a stub where the first argument has a type.

    As `functools.singledispatch` would at run time: Numba picks the function when it compiles the
    call, and compiles no other.
    """

    @overload(stub, jit_options=linked(options), strict=False)
    def _(w: types.Type, *others: types.Type) -> Function | None:
        return function if getattr(w, "instance_class", None) is weights else None


def implement_for_numbers(
    stub: Function, functions: Mapping[np.dtype[Any], Function], options: Options
) -> None:
    """Have compiled code call the function of a stub that belongs to the type of its numbers."""

    @overload(stub, jit_options=linked(options), strict=False)
    def _(x: types.Type, *others: types.Type) -> Function | None:
        dtype = _NUMBERS.get(x)
        return None if dtype is None or any(one != x for one in others) else functions[dtype]


def like(x: Any, number: float) -> Any:
    """Give a number of the type of ``x``."""
    return type(x)(number)


@overload(like, jit_options=linked(ALLOCATING))
def _(x, number):
    if x == types.float32:
        return lambda x, number: np.float32(number)
    return lambda x, number: np.float64(number)
