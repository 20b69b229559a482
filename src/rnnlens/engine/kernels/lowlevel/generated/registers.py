"""Vectors of numbers in generated code: what a kernel's innermost loop is written with.

Numba compiles loops, and LLVM makes vectors of some of them; a sum that must stay in registers over
a loop, many of them side by side, is better written down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils

from rnnlens.engine.kernels.lowlevel.extending import inlined

__all__ = ["ROWS", "VECTORS", "Vectors", "columns_of", "first_number", "places", "summed"]

_WIDE = llvm.get_host_cpu_features().get("avx512f", False)
#: Rows of a tile: with two vectors a row they fill half of the vector registers, and there are
#: enough of them to hide the latency of a multiply-add.
ROWS = 8 if _WIDE else 4
#: Vectors in a row of a tile.
VECTORS = 2
#: Bytes of a vector: a machine with narrower registers uses two for one.
_BYTES = 64 if _WIDE else 32
_NARROW, _BROAD = VECTORS * _BYTES // 8, VECTORS * _BYTES // 4

_INTEGER = ir.IntType(64)
#: A value in generated code: llvmlite's annotations know less of it than there is.
Value = Any


@inlined
def columns_of(itemsize: int) -> int:
    """Give the numbers in a row of a tile, in Python and in kernels."""
    return _NARROW if itemsize == 8 else _BROAD


class Vectors:
    """Writes code for vectors of one kind of number.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
        Where the code goes.
    dtype : Numba type
        float32 or float64.
    lanes : int, optional
        Numbers of a vector; as many as fill a register unless given.
    """

    def __init__(self, builder: ir.IRBuilder, dtype: types.Float, lanes: int | None = None) -> None:
        self.builder = builder
        self.size = dtype.bitwidth // 8
        number = ir.FloatType() if self.size == 4 else ir.DoubleType()
        self.lanes = _BYTES // self.size if lanes is None else lanes
        self.kind = ir.VectorType(number, self.lanes)
        self.zero = ir.Constant(self.kind, [number(0.0)] * self.lanes)
        self._fused = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(self.kind, [self.kind] * 3),
            f"llvm.fmuladd.v{self.lanes}f{8 * self.size}",
        )

    def _at(self, place: Value, offset: int) -> Value:
        first = self.builder.gep(place, [_INTEGER(offset)])
        return self.builder.bitcast(first, self.kind.as_pointer())

    def load(self, place: Value, offset: int = 0) -> Value:
        """Load a vector from so many numbers after a place."""
        return self.builder.load(self._at(place, offset), align=self.size)

    def store(self, vector: Value, place: Value, offset: int = 0) -> None:
        """Store a vector so many numbers after a place."""
        self.builder.store(vector, self._at(place, offset), align=self.size)

    def spread(self, place: Value, offset: int = 0) -> Value:
        """Load one number into all lanes."""
        value = self.builder.load(self.builder.gep(place, [_INTEGER(offset)]), align=self.size)
        undefined = ir.Constant(self.kind, ir.Undefined)
        first = self.builder.insert_element(undefined, value, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, undefined, zeros)

    def fused(self, one: Value, other: Value, total: Value) -> Value:
        """Give ``one * other + total``."""
        return self.builder.call(self._fused, [one, other, total])


def first_number(context: Any, builder: ir.IRBuilder, kind: types.Array, array: Value) -> Value:
    """Give the place of an array's first number."""
    at = context.data_model_manager[kind].get_field_position("data")
    return builder.extract_value(array, at)


def places(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> list[Value]:
    """Give the arguments of generated code, the place of its first number for each array.

    What stands in tuples comes one by one.
    """
    given: list[Value] = []
    for kind, value in zip(signature.args, arguments, strict=True):
        if isinstance(kind, types.BaseTuple):
            kinds = list(kind)  # type: ignore[arg-type] - all tuples but the abstract one are
            items = [builder.extract_value(value, k) for k in range(len(kinds))]
            inside = types.void(*(_index_or_array(one) for one in kinds))
            cast = [
                context.cast(builder, item, one, goal)
                for item, one, goal in zip(items, kinds, inside.args, strict=True)
            ]
            given += places(context, builder, inside, cast)
        elif isinstance(kind, types.Array):
            given.append(first_number(context, builder, kind, value))
        else:
            given.append(value)
    return given


def _index_or_array(kind: types.Type) -> types.Type:
    return kind if isinstance(kind, types.Array) else types.intp


def summed(
    builder: ir.IRBuilder,
    K: Value,
    sums: Sequence[Value],
    add: Callable[[Value, Sequence[Value]], list[Value]],
) -> list[Value]:
    """Write a loop that adds to vectors while they stay in registers."""
    before, loop = builder.block, builder.append_basic_block("tile")
    done = builder.append_basic_block("tiled")
    builder.branch(loop)
    builder.position_at_end(loop)
    k = builder.phi(_INTEGER)
    held = [builder.phi(start.type) for start in sums]
    totals = add(k, held)
    after = builder.add(k, _INTEGER(1))
    for phi, start, total in zip([k, *held], [_INTEGER(0), *sums], [after, *totals], strict=True):
        phi.add_incoming(start, before)
        phi.add_incoming(total, loop)
    builder.cbranch(builder.icmp_signed("<", after, K), loop, done)
    builder.position_at_end(done)
    return totals
