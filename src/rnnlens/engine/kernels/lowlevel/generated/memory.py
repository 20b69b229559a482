"""Memory that kernels lend themselves and give back.

Numba counts who uses an array that it made, and writes code for that wherever a name is bound or
ends, for every array of a tuple: it was half of what a kernel was lowered to. What is lent is given
back in one place, and nothing is counted.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils

from rnnlens.engine.kernels.lowlevel.generated.calling import array_at, items
from rnnlens.engine.kernels.lowlevel.generated.hints import intrinsic
from rnnlens.engine.kernels.lowlevel.generated.registers import first_number

__all__ = ["give_back", "lent"]

_WORD, _PLACE = ir.IntType(64), ir.IntType(8).as_pointer()
#: Bytes of a line of the cache: each array begins one.
_LINE = 64


def _sizes(context, builder, kind, value):
    """Give the sizes of an array's axes, of which a line of numbers has one."""
    if not isinstance(kind, types.BaseTuple):
        return [context.cast(builder, value, kind, types.intp)]
    return [
        context.cast(builder, builder.extract_value(value, k), one, types.intp)
        for k, one in enumerate(items(kind))
    ]


@intrinsic
def lent(typing_context, dtype, shapes):
    """Lend arrays of some shapes, in one piece that the first of them gives back.

    A shape is a whole number or a tuple of them. What the arrays hold is not set.
    """
    ndims = [len(one) if isinstance(one, types.BaseTuple) else 1 for one in shapes.types]
    made = types.Tuple([types.Array(dtype.dtype, ndim, "C") for ndim in ndims])

    def generate(context, builder, signature, arguments):
        begins, total, all_sizes = [], _WORD(0), []
        for k, one in enumerate(shapes.types):
            sizes = _sizes(context, builder, one, builder.extract_value(arguments[1], k))
            bytes_of = _WORD(dtype.dtype.bitwidth // 8)
            for size in sizes:
                bytes_of = builder.mul(bytes_of, size)
            whole = builder.and_(builder.add(bytes_of, _WORD(_LINE - 1)), _WORD(-_LINE))
            begins.append(total)
            all_sizes.append(sizes)
            # a line more: where two begin at the same place of a page, one waits for the other
            total = builder.add(total, builder.add(whole, _WORD(_LINE)))
        allocate = ir.FunctionType(_PLACE, [_WORD])
        function = cgutils.get_or_insert_function(builder.module, allocate, "NRT_Allocate")
        piece = builder.call(function, [builder.add(total, _WORD(_LINE))])
        with builder.if_then(cgutils.is_null(builder, piece), likely=False):
            context.call_conv.return_user_exc(builder, MemoryError, ("too little is left",))
        # the piece begins at a multiple of 16: before the first line there is place for where
        over = builder.and_(builder.ptrtoint(piece, _WORD), _WORD(_LINE - 1))
        first = builder.gep(piece, [builder.sub(_WORD(_LINE), over)])
        builder.store(piece, builder.gep(builder.bitcast(first, _PLACE.as_pointer()), [_WORD(-1)]))
        arrays = []
        for kind, begin, sizes in zip(made.types, begins, all_sizes, strict=True):
            data = builder.bitcast(
                builder.gep(first, [begin]), context.get_data_type(kind.dtype).as_pointer()
            )
            arrays.append(array_at(context, builder, kind, data, sizes))
        return context.make_tuple(builder, made, arrays)

    return made(dtype, shapes), generate


@intrinsic
def give_back(typing_context, first):
    """Give back what was lent, by the first of its arrays."""

    def generate(context, builder, signature, arguments):
        data = first_number(context, builder, first, arguments[0])
        place = builder.gep(builder.bitcast(data, _PLACE.as_pointer()), [_WORD(-1)])
        free = ir.FunctionType(ir.VoidType(), [_PLACE])
        function = cgutils.get_or_insert_function(builder.module, free, "NRT_Free")
        builder.call(function, [builder.load(place)])
        return context.get_dummy_value()

    return types.void(first), generate
