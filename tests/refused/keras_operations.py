"""Operations between layers of Keras, and layers that are several here, that are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_graphs import X, entry, graph, operation, placed, tensor
from refused.registry import section
from rnnlens.network.network import Network

case = section("Operations of Keras")


def op(kind: str, *arguments: Any, shape: tuple[int | None, ...] = (6, 4), **config: Any) -> Any:
    """A case of one operation on windows of a shape."""
    return lambda: graph(operation(kind, "op", placed(*arguments), **config), shape=shape)


def part(start: Any = None, stop: Any = None, step: Any = None) -> dict[str, Any]:
    return {"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": step}}


ALL = part()
LAST = operation("GetItem", "last", placed(X, [ALL, -1]))


def node(kind: str, fixed: dict[str, object] | None = None, **flags: bool) -> dict[str, object]:
    """An operation as tf.keras 2.3 writes it, with attributes that are true or false."""
    held = {"op": kind, "attr": {name: {"b": flag} for name, flag in flags.items()}}
    place = [[["x", 0, 0, {}]]]
    return entry("TensorFlowOpLayer", "op", place, node_def=held, constants=fixed or {})


OPERATIONS: dict[str, Callable[[], Network]] = {
    "unknown": op("Median", X, axis=1),
    "argument that is not there": op("GetItem", X),
    "argument that is not read": op("Cumsum", X, axis=1, dtype="int32"),
    "argument that is no output": op("Abs", 3.0),
    "numbers that are none": op("Add", X, [[1.0], [1.0, 2.0]]),
    "numbers without end": op("Add", X, float("inf")),
    "list without outputs": op("Concatenate", [1.0, 2.0], axis=1),
    "list with numbers": op("Concatenate", [X, [[1.0, 2.0]]], axis=1),
    "axis that is none": op("Sum", X, axis=4),
    "axis of the samples": op("Sum", X, axis=0),
    "all axes": op("Sum", X, axis=None),
    "slice that is computed": op("GetItem", X, [ALL, part(X)]),
    "more axes than there are": op("GetItem", X, [ALL, 1, 1, 1]),
    "samples picked": op("GetItem", X, part(2)),
    "places that are computed": op("GetItem", X, [ALL, X]),
    "place beyond the end": op("GetItem", X, [ALL, 6]),
    "take by what is computed": op("Take", X, X, axis=1),
    "split that does not fit": op("Split", X, indices_or_sections=4, axis=1),
    "split by what is computed": op("Split", X, X, axis=1),
    "unstack of open length": op("Unstack", X, axis=1, shape=(None, 4)),
    "slice from what is computed": op("Slice", X, X, [-1, 2, 2]),
    "slice of samples": op("Slice", X, [0, 0, 0], [4, 2, 2]),
    "differences of differences": op("Diff", X, n=2, axis=1),
    "cast that rounds": op("Cast", X, dtype="int32"),
    "squeeze of open length": op("Squeeze", X, shape=(None, 4)),
    "squeeze of what is longer": op("Squeeze", X, axis=1),
    "shape that is computed": op("Reshape", X, newshape=[-1, X]),
    "shape across samples": op("Reshape", X, newshape=[-1, 4]),
    "samples moved": op("Transpose", X, axes=[1, 0, 2]),
    "repeats that are computed": op("Tile", X, X),
    "samples repeated": op("Tile", X, repeats=[2, 1, 1]),
    "repeats by a list": op("Repeat", X, repeats=[1, 2, 1, 1, 1, 1], axis=1),
    "repeats of open length": op("Repeat", X, repeats=2, axis=2, shape=(None, 4)),
    "roll of open length": op("Roll", X, shift=1, axis=1, shape=(None, 4)),
    "pad by mirror": op("Pad", X, [[0, 0], [1, 0], [0, 0]], "reflect"),
    "pad of samples": op("Pad", X, [[1, 0], [1, 0], [0, 0]]),
    "pad beside open length": op("Pad", X, [[0, 0], [0, 0], [1, 0]], shape=(None, 4)),
    "no side that depends on the inputs": op("Add", 1.0, 2.0),
    "sides of different ranks": lambda: graph(
        LAST, operation("Add", "op", placed(X, tensor("last")))
    ),
    "numbers for each sample": op("Add", X, [[[1.0] * 4] * 6] * 2),
    "division by zero": op("TrueDivide", X, 0.0),
    "power of a negative base": op("Power", -2.0, X),
    "condition beside numbers": op("LogicalAnd", X, 1.0),
    "choice of another rank": lambda: graph(
        LAST, operation("Where", "op", placed(X, tensor("last"), 0.0))
    ),
    "rounding to decimals": op("Round", X, decimals=2),
    "clip between arrays": op("Clip", X, x_min=[0.0, 1.0], x_max=2.0),
    "norm of another order": op("Norm", X, ord=1, axis=1),
    "normalization of another order": op("Normalize", X, axis=1, order=1),
    "matrices of different ranks": lambda: graph(
        LAST, operation("Matmul", "op", placed(X, tensor("last")))
    ),
    "matrix that is none": op("Matmul", X, [1.0, 2.0, 3.0, 4.0]),
    "product across samples": op("Dot", X, X),
    "product without an arrow": op("Einsum", X, X, subscripts="btf,btg"),
    "product that sums samples": op("Einsum", X, X, subscripts="btf,btg->fg"),
    "function of TensorFlow": lambda: graph(
        entry("TFOpLambda", "op", [["x", 0, 0, {}]], function="signal.fft")
    ),
    "node of TensorFlow": lambda: graph(node("TopKV2")),
    "node of TensorFlow as bytes": lambda: graph(
        entry("TensorFlowOpLayer", "op", [[["x", 0, 0, {}]]], node_def="\n\x03Add")
    ),
    "node of TensorFlow in another layout": lambda: graph(node("Cumsum", {"1": 1}, exclusive=True)),
    "node of TensorFlow with too many inputs": lambda: graph(node("Tanh", {"1": 1})),
}

for name, make in OPERATIONS.items():

    @case(name)
    def _(_: Path, make: Callable[[], Network] = make) -> Network:
        return make()
