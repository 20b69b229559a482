"""Asking memory early for what is read soon.

A block reads one step of many windows, which lie far apart: the processor does not see the pattern,
and would wait for most of them.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils

from rnnlens.engine.kernels.lowlevel.compiling import inner
from rnnlens.engine.kernels.lowlevel.generated.hints import intrinsic, never_inline

__all__ = ["prefetch_block"]

#: Steps between asking and reading.
_DISTANCE = 4
#: Bytes that come at once.
_LINE = 64


@intrinsic
def _prefetch(typing_context, x, b, t, f):
    """Ask for the part of the cache where ``x[b, t, f]`` stands; its place must exist.

    Shapes: x (sample, step, feature).
    """
    signature = types.void(x, types.intp, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        kind = signature.args[0]
        array = cgutils.create_struct_proxy(kind)(context, builder, arguments[0])
        place = cgutils.get_item_pointer(
            context, builder, kind, array, arguments[1:], wraparound=False
        )
        number = ir.IntType(32)
        byte = ir.IntType(8).as_pointer()
        prefetch = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [byte, number, number, number]),
            "llvm.prefetch.p0i8",
        )
        # to read, to be kept in every cache, data
        builder.call(prefetch, [builder.bitcast(place, byte), number(0), number(3), number(1)])
        return context.get_dummy_value()

    return signature, generate


@inner
def prefetch_block(x, b, k, backwards, R):
    """Ask for the inputs of a block some steps on, of this block or of the next one.

    Shapes: x (sample, step, feature).
    """
    never_inline()
    samples, steps, features = x.shape
    k += _DISTANCE
    if k >= steps:
        k -= steps
        b += R
    if k >= steps:
        return
    t = steps - 1 - k if backwards else k
    for s in range(b, min(b + R, samples)):
        for f in range(0, features, _LINE // x.itemsize):
            _prefetch(x, s, t, f)
