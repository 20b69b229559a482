"""Parts of arrays, for kernels that take many.

A slice of Python's may be negative, may reach beyond the end and may step: Numba writes code for
all of that at each, and compiling it was a good part of what compiling a kernel took.
"""

from __future__ import annotations

from numba import types
from numba.core.imputils import impl_ret_borrowed

from rnnlens.engine.kernels.lowlevel.generated.calling import array_at
from rnnlens.engine.kernels.lowlevel.generated.hints import intrinsic
from rnnlens.engine.kernels.lowlevel.generated.registers import first_number

__all__ = ["in_line", "part", "rest"]


def _between(context, builder, kind, array, begin, end=None):
    """Write the view of an array from one place to another; the whole array's end unless given.

    The array is a value with fields, of which three change: a fourth of the code that Numba writes
    for an array of its own.
    """
    place = context.data_model_manager[kind].get_field_position
    shape = place("shape")
    if end is None:
        end = builder.extract_value(array, [shape, 0])
    size = builder.sub(end, begin)
    data = builder.gep(builder.extract_value(array, place("data")), [begin])
    view = builder.insert_value(array, data, place("data"))
    view = builder.insert_value(view, size, [shape, 0])
    view = builder.insert_value(view, size, place("nitems"))
    return impl_ret_borrowed(context, builder, kind, view)


@intrinsic
def part(typing_context, a, begin, end):
    """Give ``a[begin:end]`` of a line of numbers; both places must be in it."""

    def generate(context, builder, signature, arguments):
        a, begin, end = arguments
        return _between(context, builder, signature.args[0], a, begin, end)

    return a(a, types.intp, types.intp), generate


@intrinsic
def rest(typing_context, a, begin):
    """Give ``a[begin:]`` of a line of numbers; the place must be in it or at its end."""

    def generate(context, builder, signature, arguments):
        a, begin = arguments
        return _between(context, builder, signature.args[0], a, begin)

    return a(a, types.intp), generate


@intrinsic
def in_line(typing_context, a):
    """Give the numbers of an array whose rows lie together as one line; it must not outlive it."""
    kind = types.Array(a.dtype, 1, "C")

    def generate(context, builder, signature, arguments):
        at = context.data_model_manager[a].get_field_position("nitems")
        size = builder.extract_value(arguments[0], at)
        first = first_number(context, builder, a, arguments[0])
        return array_at(context, builder, kind, first, [size])

    return kind(a), generate
