"""What a TensorFlow Lite file lists: operators, tensors, and the numbers of those that are fixed.

The numbers of fields and of operators are those of tensorflow/compiler/mlir/lite/schema/schema.fbs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import UnreadableFile
from rnnlens.readers.hardening.flatbuffers import Table, root

__all__ = ["OPERATORS", "Model", "Operator", "Tensor", "match", "model_in"]

#: Bytes of a file at most, and how often tensors may share the numbers that it holds.
LARGEST, MOST_SHARED = 2**31, 16
#: Where the mark of the format stands.
MARK = b"TFL3"
#: Types of numbers in ``TensorType``.
TYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "u1", 4: "<i8", 6: "?", 7: "<i2", 9: "i1", 10: "<f8"}
#: Operators by their numbers in ``BuiltinOperator``: those that are read, and those named often.
OPERATORS = {
    **{0: "ADD", 2: "CONCATENATION", 3: "CONV_2D", 6: "DEQUANTIZE", 9: "FULLY_CONNECTED"},
    **{14: "LOGISTIC", 16: "LSTM", 18: "MUL", 19: "RELU", 21: "RELU6", 22: "RESHAPE", 24: "RNN"},
    **{25: "SOFTMAX", 28: "TANH", 32: "CUSTOM", 35: "UNIDIRECTIONAL_SEQUENCE_RNN", 36: "GATHER"},
    **{39: "TRANSPOSE", 40: "MEAN", 41: "SUB", 42: "DIV", 43: "SQUEEZE", 49: "SPLIT"},
    **{44: "UNIDIRECTIONAL_SEQUENCE_LSTM", 45: "STRIDED_SLICE", 46: "BIDIRECTIONAL_SEQUENCE_RNN"},
    **{52: "BIDIRECTIONAL_SEQUENCE_LSTM", 65: "SLICE", 70: "EXPAND_DIMS", 74: "SUM", 83: "PACK"},
    **{88: "UNPACK", 105: "REVERSE_V2", 114: "QUANTIZE", 119: "WHILE", 126: "BATCH_MATMUL"},
    **{142: "VAR_HANDLE", 143: "READ_VARIABLE", 144: "ASSIGN_VARIABLE"},
}
#: The newer field of an operator's number counts from here on.
PLACEHOLDER = 127


@dataclass(frozen=True)
class Tensor:
    """One tensor: its name, its shape with None for an open axis, its numbers where it has some."""

    name: str
    shape: tuple[int | None, ...]
    kind: int
    raw: NDArray[np.generic]
    scales: NDArray[np.generic]
    zeros: NDArray[np.generic]
    #: Which axis the scales belong to.
    axis: int
    #: Whether it keeps its numbers from one call to the next.
    variable: bool

    @property
    def fixed(self) -> bool:
        """Whether the file holds its numbers."""
        return self.raw.size > 0

    @property
    def rounded(self) -> bool:
        """Whether its numbers are whole ones with scales."""
        return self.fixed and self.scales.size > 0

    def values(self) -> NDArray[np.generic]:
        """Give the numbers, those that are rounded times their scales."""
        dtype = TYPES.get(self.kind)
        sizes = [size or 0 for size in self.shape]
        if dtype is None or len(self.raw) != math.prod(sizes) * np.dtype(dtype).itemsize:
            raise ValueError(f"{self.name} has other numbers than its shape")
        array = np.frombuffer(self.raw.tobytes(), dtype).reshape(sizes)
        if not self.scales.size:
            return array
        if self.scales.size != 1 and self.scales.size != sizes[self.axis]:
            raise ValueError(f"{self.name} has {self.scales.size} scales")
        along = [1] * array.ndim
        if self.scales.size > 1:
            along[self.axis] = -1
        zeros = self.zeros if self.zeros.size == self.scales.size else np.zeros(1)
        scales, zeros = (one.astype(np.float64) for one in (self.scales, zeros))
        if scales.size > 1:
            return (array - zeros.reshape(along if zeros.size > 1 else ())) * scales.reshape(along)
        return (array - zeros[0]) * scales[0]


@dataclass(frozen=True)
class Operator:
    """One operator: what it computes, of which tensors, with which options."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None


@dataclass(frozen=True)
class Model:
    """The graph of a file, and what its loops hold."""

    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[Operator, ...]
    version: str
    #: Tensors of its other graphs, the bodies of loops.
    within_loops: tuple[Tensor, ...] = ()


def match(path: Path) -> bool:
    """Tell a file by its content."""
    with path.open("rb") as file:
        return file.read(8)[4:] == MARK


def model_in(path: Path) -> Model:
    """Give what a file lists."""
    if path.stat().st_size > LARGEST:
        raise UnreadableFile(
            f"{path} has {path.stat().st_size} bytes, more than a TensorFlow Lite model can have; "
            "it is damaged or hostile"
        )
    try:
        return _model(root(path.read_bytes()), path)
    except (ValueError, IndexError, OverflowError, TypeError) as error:
        raise UnreadableFile(
            f"{path} is a TensorFlow Lite model, but it is truncated or damaged ({error}); copy or "
            "convert it again"
        ) from error


def _model(table: Table, path: Path) -> Model:
    graphs, buffers = table.tables(2), table.tables(4)
    if not graphs:
        raise ValueError("it holds no graph")
    codes = [_code(one) for one in table.tables(1)]
    graph = graphs[0]
    tensors = tuple(_tensor(one, buffers) for one in graph.tables(0))
    operators = tuple(
        Operator(codes[one.whole(0, "I")], _places(one, 1), _places(one, 2), one.table(4))
        for one in graph.tables(3)
    )
    tensors, operators = _unpacked(tensors, operators)
    within = tuple(_tensor(one, buffers) for other in graphs[1:] for one in other.tables(0))
    version = str(table.whole(0, "I"))
    model = Model(tensors, _places(graph, 1), _places(graph, 2), operators, version, within)
    used = {place for one in operators for place in (*one.inputs, *one.outputs)}
    size = len(table.data)
    if (
        sum(one.raw.size for one in (*tensors, *within)) > MOST_SHARED * size
        or len(operators) > size // 16
    ):
        raise ValueError("its tensors share more numbers than it holds")
    if max(used | {*model.inputs, *model.outputs}, default=0) >= len(tensors) or min(used) < -1:
        raise ValueError("an operator names a tensor that is not there")
    return model


def _unpacked(
    tensors: tuple[Tensor, ...], operators: tuple[Operator, ...]
) -> tuple[tuple[Tensor, ...], tuple[Operator, ...]]:
    """Take fixed numbers for what makes them float32 again: weights kept in half precision."""
    made, left = list(tensors), list[Operator]()
    for operator in operators:
        places = [*operator.inputs[:1], *operator.outputs[:1]]
        known = len(places) == 2 and all(0 <= place < len(made) for place in places)
        if operator.kind == "DEQUANTIZE" and known and made[places[0]].fixed:
            made[places[1]] = replace(made[places[0]], shape=made[places[1]].shape)
        else:
            left.append(operator)
    return tuple(made), tuple(left)


def _code(table: Table) -> str:
    code = max(table.whole(0, "b"), table.whole(3, "i"))
    return OPERATORS.get(code, f"number {code}")


def _places(table: Table, number: int) -> tuple[int, ...]:
    return tuple(int(place) for place in table.numbers(number, "<i4"))


def _tensor(table: Table, buffers: list[Table]) -> Tensor:
    shape = [int(size) for size in table.numbers(0, "<i4")]
    stated = [int(size) for size in table.numbers(7, "<i4")]
    sizes = stated if len(stated) == len(shape) else shape
    raw = buffers[table.whole(2, "I")].numbers(0, "u1")
    scaling = table.table(4)
    none = np.zeros(0)
    return Tensor(
        table.text(3),
        tuple(None if size < 0 else size for size in sizes),
        table.whole(1, "b"),
        raw,
        none if scaling is None else scaling.numbers(2, "<f4"),
        none if scaling is None else scaling.numbers(3, "<i8"),
        0 if scaling is None else scaling.whole(6, "i"),
        bool(table.whole(5, "B")),
    )
