"""Operations on single numbers that Python has no word for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from rnnlens.engine.kernels.lowlevel.generated.hints import intrinsic

__all__ = ["add_in_any_order", "polynomial", "power_of_two", "with_sign"]


@intrinsic
def add_in_any_order(typing_context, a, b):
    """Add where the order of a sum is free, so that it may be split over a vector's lanes."""

    def generate(context, builder, signature, arguments):
        return builder.fadd(*arguments, flags=("reassoc", "nsz", "contract"))

    return a(a, a), generate


@intrinsic
def power_of_two(typing_context, v):
    """Give ``2^n`` for a number whose lowest bits are ``n`` plus the exponent's bias."""
    bits, place = (32, 23) if v == types.float32 else (64, 52)

    def generate(context, builder, signature, arguments):
        whole = ir.IntType(bits)
        shifted = builder.shl(builder.bitcast(arguments[0], whole), ir.Constant(whole, place))
        return builder.bitcast(shifted, context.get_value_type(v))

    return v(v), generate


@intrinsic
def with_sign(typing_context, y, x):
    """Give ``y`` the sign of ``x``."""

    def generate(context, builder, signature, arguments):
        kind = context.get_value_type(y)
        kinds = ir.FunctionType(kind, [kind, kind])
        copysign = builder.module.declare_intrinsic("llvm.copysign", [kind], kinds)
        return builder.call(copysign, arguments)

    return y(y, x), generate


def polynomial(coefficients: Sequence[float], dtype: np.dtype[Any]) -> Callable[[float], float]:
    """Make a polynomial in Horner's form, lowest power first."""
    rounded = [float(dtype.type(c)) for c in coefficients]

    @intrinsic
    def evaluate(typing_context, r):
        def generate(context, builder, signature, arguments):
            kind, flags = context.get_value_type(r), ("contract",)
            total = ir.Constant(kind, rounded[-1])
            for c in reversed(rounded[:-1]):
                product = builder.fmul(total, arguments[0], flags=flags)
                total = builder.fadd(product, ir.Constant(kind, c), flags=flags)
            return total

        return r(r), generate

    return evaluate
