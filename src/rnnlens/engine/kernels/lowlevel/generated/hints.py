"""What a function may tell the compiler of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import extending, types

__all__ = ["always_inline", "intrinsic", "never_inline", "no_alias"]

#: Has compiled code call what a function generates. Numba's annotations do not say that its result
#: is called without the typing context.
intrinsic = cast("Callable[[Callable[..., object]], Callable[..., Any]]", extending.intrinsic)


def _stating(state: Callable[[ir.Function], None]) -> tuple[Any, Callable[..., Any]]:
    """Give signature and code generator of what states something of the function it is in."""

    def generate(context, builder, signature, arguments):
        state(builder.function)
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def never_inline(typing_context):
    """Keep the function that this stands in from being copied into those that call it."""
    return _stating(lambda function: function.attributes.add("noinline"))


@intrinsic
def always_inline(typing_context):
    """Copy the function that this stands in into those that call it, whatever its size."""
    return _stating(lambda function: function.attributes.add("alwaysinline"))


@intrinsic
def no_alias(typing_context):
    """State that what the function that this stands in writes to overlaps with nothing it reads.

    The compiler then need not compare the places of arrays before each loop, which counts where
    loops are short.
    """

    def state(function: ir.Function) -> None:
        for argument in function.args:
            if isinstance(argument.type, ir.PointerType):
                argument.add_attribute("noalias")

    return _stating(state)
