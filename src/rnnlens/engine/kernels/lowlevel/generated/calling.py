"""Calling compiled functions at their addresses, and what is handed over to them.

What calls a function at its address is compiled once for all that may stand there. Of arrays it
hands over the place of the first number; a tuple that is known before the call is laid out in words
of 64 bits, one after the other (`words`), and made again where it is read (`tuple_at`): LLVM reads
those words alone that the function uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.arrayobj import populate_array
from numba.np.numpy_support import from_dtype

from rnnlens.engine.kernels.lowlevel.compiling import announcing_compilation
from rnnlens.engine.kernels.lowlevel.generated.hints import intrinsic
from rnnlens.engine.kernels.lowlevel.generated.registers import first_number

__all__ = [
    "address_for",
    "address_of",
    "address_of_two",
    "array_at",
    "call_at",
    "given_at",
    "items",
    "numbers_at",
    "tuple_at",
    "two_from",
    "words",
]

_WORD, _BYTE = ir.IntType(64), ir.IntType(8)


@intrinsic
def call_at(typing_context, place, arguments):
    """Call a function at an address; arrays are handed over as pointers to their first number."""

    def generate(context, builder, signature, given):
        pointer = _BYTE.as_pointer()
        handed = []
        for k, kind in enumerate(arguments.types):
            item = builder.extract_value(given[1], k)
            if isinstance(kind, types.Array):
                handed.append(builder.bitcast(first_number(context, builder, kind, item), pointer))
            else:
                handed.append(context.cast(builder, item, kind, types.intp))
        function = ir.FunctionType(pointer, [one.type for one in handed])
        target = builder.inttoptr(given[0], function.as_pointer())
        builder.call(target, handed)
        return context.get_dummy_value()

    return types.void(place, arguments), generate


def items(kind: Any) -> tuple[types.Type, ...]:
    """Give the types of what stands in tuples of a type, which Numba's annotations do not know."""
    return kind.types


def _borrowed(context, builder, kind, value):
    """Give what a tuple holds with arrays that nobody counts references to."""
    if isinstance(kind, types.BaseTuple):
        for k, one in enumerate(items(kind)):
            item = _borrowed(context, builder, one, builder.extract_value(value, k))
            value = builder.insert_value(value, item, k)
    elif isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        value = array._getvalue()
    return value


@intrinsic
def two_from(typing_context, place, weights, given):
    """Call a function at an address with the place of a tuple, and give two whole numbers.

    The function takes the places of laid out weights, of the tuple (`given_at`) and of the numbers
    that it gives.
    """
    two = types.UniTuple(types.intp, 2)

    def generate(context, builder, signature, arguments):
        lent = _borrowed(context, builder, given, arguments[2])
        tuple_place = cgutils.alloca_once_value(builder, lent)
        result = cgutils.alloca_once(builder, _WORD, size=2)
        data = first_number(context, builder, weights, arguments[1])
        pointer = _BYTE.as_pointer()
        handed = [builder.bitcast(one, pointer) for one in (data, tuple_place, result)]
        function = ir.FunctionType(pointer, [pointer] * 3)
        builder.call(builder.inttoptr(arguments[0], function.as_pointer()), handed)
        at = [builder.gep(result, [ir.Constant(_WORD, k)]) for k in range(2)]
        return context.make_tuple(builder, two, [builder.load(one) for one in at])

    return two(place, weights, given), generate


@intrinsic
def given_at(typing_context, place):
    """Give the tuple at a place, which `two_from` handed over."""

    def generate(context, builder, signature, arguments):
        kind = context.get_value_type(place.dtype)
        return builder.load(builder.bitcast(arguments[0], kind.as_pointer()))

    return place.dtype(place), generate


def array_at(context, builder, kind, data, shape):
    """Make an array of rows that lie together, from its first number and its sizes."""
    whole = context.make_array(kind)(context, builder)
    itemsize = ir.Constant(_WORD, kind.dtype.bitwidth // 8)
    strides = [itemsize]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    populate_array(whole, data=data, shape=shape, strides=strides, itemsize=itemsize, meminfo=None)
    made: ir.Value = whole._getvalue()
    return made


@intrinsic
def numbers_at(typing_context, place, count):
    """Give the line of so many numbers that begins at a place."""
    kind = types.Array(place.dtype, 1, "C")

    def generate(context, builder, signature, arguments):
        return array_at(context, builder, kind, arguments[0], [arguments[1]])

    return kind(place, types.intp), generate


@intrinsic
def tuple_at(typing_context, place):
    """Give the tuple whose `words` begin at a place, which is a pointer to such tuples."""

    def generate(context, builder, signature, arguments):
        base, at = builder.bitcast(arguments[0], _WORD.as_pointer()), iter(range(1 << 20))

        def word():
            return builder.load(builder.gep(base, [ir.Constant(_WORD, next(at))]))

        def made(kind):
            if isinstance(kind, types.BaseTuple):
                return context.make_tuple(builder, kind, [made(one) for one in items(kind)])
            if isinstance(kind, types.Array):
                data = builder.inttoptr(word(), context.get_data_type(kind.dtype).as_pointer())
                return array_at(context, builder, kind, data, [word() for _ in range(kind.ndim)])
            if kind == types.none:
                return context.get_dummy_value()
            return context.cast(builder, word(), types.intp, kind)

        return made(place.dtype)

    return place.dtype(place), generate


_SCALARS: tuple[tuple[type | tuple[type, ...], types.Type], ...] = (
    (type(None), types.none),
    ((bool, np.bool_), types.boolean),
    ((int, np.integer), types.intp),
    (float, types.float64),
)


def type_of(value: Any) -> types.Type:
    """Give the type of a number, of an array whose rows lie together, or of a tuple of them."""
    if isinstance(value, tuple):
        kinds = [type_of(one) for one in value]
        return types.Tuple(kinds) if type(value) is tuple else types.NamedTuple(kinds, type(value))
    if isinstance(value, np.ndarray):
        return types.Array(from_dtype(value.dtype), value.ndim, "C")
    for kind, known in _SCALARS:
        if isinstance(value, kind):
            return known
    raise TypeError(f"compiled functions are handed no {type(value).__name__}")


def _words(value: Any) -> Iterator[int]:
    if isinstance(value, tuple):
        for one in value:
            yield from _words(one)
    elif isinstance(value, np.ndarray):
        yield value.__array_interface__["data"][0]
        yield from value.shape
    elif value is not None:
        yield value


def words(value: Any) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Lay out a named tuple; its arrays are not kept, and must live on.

    Shapes: gives (word,).
    """
    return np.array([*_words(value)], np.int64)


def address_of(function: Any, arguments: tuple[types.Type, ...]) -> int:
    """Compile a function for arguments of some types and say where it stands in memory."""
    with announcing_compilation():
        function.compile(arguments)
    result = function.overloads[arguments]
    return result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name)


def address_for(function: Any, weights: Any, others: str) -> int:
    """Say where a function stands that takes the place of a tuple's `words`, and what is named.

    ``others`` has a letter for each of its other arguments: ``a`` for the place of numbers, of the
    type of the tuple's first line of them, and ``i`` for a whole number.
    """
    kind = type_of(weights)
    first = next(one for one in items(kind) if isinstance(one, types.Array))
    named = {"a": types.CPointer(first.dtype), "i": types.intp}
    return address_of(function, (types.CPointer(kind), *(named[letter] for letter in others)))


def address_of_two(function: Any, weights: Any, given: Any) -> int:
    """Say where a function stands that `two_from` calls with tuples of these types."""
    places = types.CPointer(type_of(weights)), types.CPointer(type_of(given))
    return address_of(function, (*places, types.CPointer(types.intp)))
