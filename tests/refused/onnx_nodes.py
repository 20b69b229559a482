"""Nodes of ONNX graphs that rnnlens does not read, or that do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from onnx_models import FEATURES, STEPS, UNITS, arrays_of, model, saved, single, tensor
from refused.registry import section
from rnnlens.readers.open import read
from rnnlens.readers.options import ReadOptions

node = helper.make_node
END = 2**62

#: Nodes by the names of their inputs and outputs, and the arrays of the file.
Case = tuple[list[Any], dict[str, Any]]


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def arrays(kind: str, **options: Any) -> dict[str, np.ndarray]:
    return arrays_of(np.random.default_rng(4), kind, **options)


def graph(
    folder: Path,
    nodes: list[Any],
    fixed: dict[str, Any] | None = None,
    *,
    shape: tuple[int | str, ...] = ("n", STEPS, FEATURES),
    batch: int = 0,
    inputs: tuple[Any, ...] = (),
    outputs: tuple[str, ...] = ("y",),
    opset: int = 21,
) -> object:
    """Read a graph whose input ``x`` has its samples along a stated axis."""
    shapes = [(name, None) for name in outputs]
    made = model(nodes, [("x", shape), *inputs], shapes, fixed or {}, opset=opset)
    return read(saved(made, folder), ReadOptions(batch_axes={"x": batch}))


# --- recurrent nodes ---------------------------------------------------------------------------

case = section("Recurrent nodes of ONNX")

#: The operator and its options.
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "clip": ("LSTM", {"clip": 0.5}),
    "coupled gates": ("LSTM", {"input_forget": 1}),
    "two functions in an LSTM": ("LSTM", {"activations": ["Sigmoid", "Tanh", "Relu"]}),
    "HardSigmoid of another offset": (
        "GRU",
        {"activations": ["HardSigmoid", "Tanh"], "activation_beta": [0.4]},
    ),
    "Affine": ("RNN", {"activations": ["Affine"], "activation_alpha": [2.0]}),
    "ScaledTanh": ("RNN", {"activations": ["ScaledTanh"], "activation_alpha": [1.7159]}),
    "unknown activation": ("RNN", {"activations": ["Swish"]}),
    "numbers that belong to no activation": ("GRU", {"activation_alpha": [0.1]}),
    "option of before opset 7": ("GRU", {"output_sequence": 1}),
    "activation too few": ("GRU", {"activations": ["Sigmoid"]}),
    "hidden_size that does not fit": ("GRU", {"hidden_size": 9}),
    "direction that is none": ("GRU", {"direction": "up"}),
}

for name, (kind, options) in OPTIONS.items():

    @case(name)
    def _(folder: Path, kind: str = kind, options: dict = options) -> object:
        return read(saved(single(kind, arrays(kind), **options), folder))


@case("bias that does not fit")
def _(folder: Path) -> object:
    fixed = arrays("GRU")
    return read(saved(single("GRU", fixed | {"B": fixed["B"][:, :-1]}), folder))


@case("weights that the caller supplies")
def _(folder: Path) -> object:
    fixed = arrays("GRU")
    W = ("W", fixed.pop("W").shape)
    gru = node("GRU", ["x", "W", "R", "B"], ["y"], hidden_size=UNITS)
    return graph(folder, [gru], fixed, batch=1, shape=(STEPS, "n", FEATURES), inputs=(W,))


#: The inputs of a GRU after its weights, and the arrays of the file besides these.
STATES: dict[str, tuple[list[str], dict[str, Any], tuple[Any, ...]]] = {
    "state that differs from sample to sample": (
        ["", "h0"],
        {"h0": np.random.default_rng(4).normal(size=(1, 5, UNITS)).astype(np.float32)},
        (),
    ),
    "state that is a vector": (["", "h0"], {"h0": ones(1, UNITS)}, ()),
    "state of another size": (["", "h0"], {}, (("h0", (1, "n", 9)),)),
    "lengths that differ from sample to sample": (
        ["lengths"],
        {"lengths": np.array([1, 2, 3, 4, 5], np.int32)},
        (),
    ),
    "lengths of each step": (
        ["lengths"],
        {},
        (tensor("lengths", ("n", 2), TensorProto.INT32),),
    ),
}

for name, (names, fixed, inputs) in STATES.items():

    @case(name)
    def _(folder: Path, names: list = names, fixed: dict = fixed, inputs: tuple = inputs) -> object:
        gru = node("GRU", ["x", "W", "R", "B", *names], ["y"], hidden_size=UNITS)
        whole = arrays("GRU") | fixed
        return graph(folder, [gru], whole, batch=1, shape=(STEPS, "n", FEATURES), inputs=inputs)


@case("lengths that only the data will tell")
def _(folder: Path) -> object:
    nodes = [
        node("Shape", ["z"], ["t"], start=1, end=2),
        node("Shape", ["x"], ["n"], start=1, end=2),
        node("Expand", ["t", "n"], ["lengths"]),
        node("GRU", ["x", "W", "R", "B", "lengths"], ["y"], hidden_size=UNITS),
        node("Identity", ["z"], ["same"]),
    ]
    z, shape = ("z", ("n", "t", 2)), (STEPS, 1, FEATURES)
    outputs = ("y", "same")
    return graph(folder, nodes, arrays("GRU"), batch=1, shape=shape, inputs=(z,), outputs=outputs)


@case("sequence that the file fixes")
def _(folder: Path) -> object:
    gru = node("GRU", ["k", "W", "R", "B", "", "x"], ["y"], hidden_size=UNITS)
    fixed = arrays("GRU") | {"k": ones(STEPS, 1, FEATURES)}
    return graph(folder, [gru], fixed, batch=1, shape=(1, "n", UNITS))


@case("no kernels")
def _(folder: Path) -> object:
    gru = node("GRU", ["x", "", "R"], ["y"], hidden_size=UNITS)
    return graph(folder, [gru], arrays("GRU"), batch=1, shape=(STEPS, "n", FEATURES))


@case("no batch axis")
def _(folder: Path) -> object:
    nodes = [
        node("Unsqueeze", ["x", "one"], ["wide"]),
        node("GRU", ["wide", "W", "R", "B"], ["y"], hidden_size=UNITS),
    ]
    made = model(nodes, [("x", (STEPS, FEATURES))], [("y", None)], arrays("GRU") | {"one": ints(1)})
    return read(saved(made, folder))


# --- recurrences without a recurrent node ------------------------------------------------------

case = section("Recurrences of ONNX that are written out")

for kind in ("Loop", "Scan"):

    @case(kind)
    def _(folder: Path, kind: str = kind) -> object:
        body = helper.make_graph([], "body", [], [])
        return graph(folder, [node(kind, ["x"], ["y"], name="rnn", body=body)])


@case("step by step")
def _(folder: Path) -> object:
    nodes = [node("Transpose", ["U"], ["Ut"])]
    state = "x"
    for t in range(3):
        nodes += [node("MatMul", [state, "Ut"], [f"a{t}"]), node("Tanh", [f"a{t}"], [f"h{t}"])]
        state = f"h{t}"
    return graph(folder, nodes, {"U": ones(3, 3)}, outputs=("h2",))


@case("one step")
def _(folder: Path) -> object:
    nodes = [
        node("MatMul", ["x", "W"], ["a"]),
        node("Sigmoid", ["a"], ["o"]),
        node("Tanh", ["a"], ["c"]),
        node("Mul", ["o", "c"], ["y"]),
    ]
    return graph(folder, nodes, {"W": ones(3, 3)})


# --- nodes over values that the network computes -----------------------------------------------

case = section("Nodes of ONNX over values")


def on_x(kind: str, *names: str, **options: Any) -> list[Any]:
    return [node(kind, ["x", *names], ["y"], **options)]


TURNED = node("Transpose", ["x"], ["xt"], perm=[1, 0, 2])
LAST = node("Gather", ["x", "place"], ["last"], axis=1)
ROWS = node("Reshape", ["x", "rows"], ["folded"])

NODES: dict[str, Case] = {
    "unknown operator": (on_x("Shrink"), {}),
    "operator of another domain": (on_x("LSTM", domain="com.microsoft", name="q"), {}),
    "operator with a graph": (
        on_x("Tanh", name="q", body=helper.make_graph([], "then", [], [])),
        {},
    ),
    "choice by what comes in": (
        on_x("If", name="q", then_branch=helper.make_graph([], "then", [], [])),
        {},
    ),
    "choice by several values": (
        [node("If", ["k"], ["y"], name="q", then_branch=helper.make_graph([], "then", [], []))],
        {"k": ints(1, 1)},
    ),
    "choice without the graph that it takes": (
        [node("If", ["k"], ["y"], name="q", then_branch=helper.make_graph([], "then", [], []))],
        {"k": ints(0)},
    ),
    "choice of a graph with inputs": (
        [
            node(
                "If",
                ["k"],
                ["y"],
                name="q",
                then_branch=helper.make_graph([], "then", [tensor("x", (1,))], []),
            )
        ],
        {"k": ints(1)},
    ),
    "input that nothing gives": (
        [node("Tanh", ["z"], ["w"]), node("Add", ["x", "w"], ["y"])],
        {},
    ),
    "option of another type": (on_x("Transpose", perm=1), {}),
    "Transpose that is no order": (on_x("Transpose", perm=[0, 0, 1]), {}),
    "Squeeze of the samples": (on_x("Squeeze", "k"), {"k": ints(0)}),
    "Squeeze of the steps": (on_x("Squeeze", "k"), {"k": ints(1)}),
    "Reshape that copies what is not there": (on_x("Reshape", "k"), {"k": ints(-1, 6, 3, 0)}),
    "Reshape of samples and steps into one": (on_x("Reshape", "k"), {"k": ints(-1)}),
    "Reshape that leaves no samples": (on_x("Reshape", "k"), {"k": ints(2, 3, 4)}),
    "Reshape to a computed shape": (on_x("Reshape", "x"), {}),
    "output of samples and steps in one axis": (on_x("Reshape", "k"), {"k": ints(-1, FEATURES)}),
    "Softmax of samples and steps in one axis": (
        [ROWS, node("Softmax", ["folded"], ["y"])],
        {"rows": ints(-1, FEATURES)},
    ),
    "Expand by an axis": (on_x("Expand", "k"), {"k": ints(1, 1, 6, 3)}),
    "Expand of steps": (on_x("Expand", "k"), {"k": ints(1, 12, 3)}),
    "Tile of samples": (on_x("Tile", "k"), {"k": ints(2, 1, 1)}),
    "mean of everything": (on_x("ReduceMean"), {}),
    "mean over samples": (on_x("ReduceMean", "k"), {"k": ints(0)}),
    "Slice that does not fit": (on_x("Slice", "a", "b"), {"a": ints(0, 1), "b": ints(1)}),
    "Slice of samples": (
        on_x("Slice", "a", "b", "c"),
        {"a": ints(1), "b": ints(2), "c": ints(0)},
    ),
    "Gather of samples": (on_x("Gather", "k", axis=0), {"k": ints(0)}),
    "Gather of a place that is not there": (on_x("Gather", "k", axis=1), {"k": ints(9)}),
    "Gather by a table of places": (
        on_x("Gather", "k", axis=1),
        {"k": np.array([[0, 1], [2, 3]], np.int64)},
    ),
    "Gather by computed places": (on_x("Gather", "x"), {}),
    "Gather along a table's columns": (
        [node("Gather", ["k", "x"], ["y"], axis=1)],
        {"k": ones(4, 4)},
    ),
    "Concat of samples": (on_x("Concat", "x", axis=0), {}),
    "Concat of other batch axes": ([TURNED, *on_x("Concat", "xt", axis=2)], {}),
    "Concat along an axis that is not there": (on_x("Concat", "x", axis=5), {}),
    "Split of samples": ([node("Split", ["x"], ["y", "z"], axis=0, num_outputs=2)], {}),
    "Split that does not fit": (
        [node("Split", ["x", "k"], ["y", "z"], axis=1)],
        {"k": ints(1, 1)},
    ),
    "product of two values that do not fit": (on_x("MatMul", "x"), {}),
    "product of samples": ([TURNED, *on_x("MatMul", "xt")], {}),
    "Einsum of a diagonal": (on_x("Einsum", "k", equation="nij,ii->ni"), {"k": ones(3, 3)}),
    "mean of samples and heads in one axis": (
        [
            node("Shape", ["x"], ["n"], start=0, end=1),
            node("Mul", ["n", "two"], ["both"]),
            node("Concat", ["both", "rest"], ["whole"], axis=0),
            node("Reshape", ["x", "whole"], ["heads"]),
            node("ReduceMean", ["heads", "axis"], ["y"]),
        ],
        {"two": ints(2), "rest": ints(9), "axis": ints(1)},
    ),
    "Einsum of one value": (on_x("Einsum", equation="nij->nji"), {}),
    "Tile of fixed numbers": ([node("Tile", ["k", "x"], ["y"])], {"k": ones(1, 3)}),
    "Gemm of two values": (
        [LAST, node("Gemm", ["last", "last"], ["y"])],
        {"place": np.array(0)},
    ),
    "largest of other batch axes": ([TURNED, *on_x("Max", "xt")], {}),
    "largest of NaN": (on_x("Max", "k"), {"k": ones(3) * np.float32("nan")}),
    "NaN of a root": (
        [
            node("Sqrt", ["x"], ["r"]),
            node("IsNaN", ["r"], ["c"]),
            node("Where", ["c", "k", "r"], ["y"]),
        ],
        {"k": ones(1)},
    ),
    "running sum over samples": (on_x("CumSum", "k"), {"k": np.array(0)}),
    "running sum without its own place": (on_x("CumSum", "k", exclusive=1), {"k": np.array(1)}),
    "quotient by zero": (on_x("Div", "k"), {"k": 0 * ones(1)}),
    "places by the number of samples": (
        [
            node("Shape", ["x"], ["s"], start=0, end=1),
            node("Gather", ["k", "s"], ["g"]),
            *on_x("Add", "g"),
        ],
        {"k": ones(9)},
    ),
    "product along the samples": (
        [node("Transpose", ["x"], ["xt"], perm=[1, 2, 0]), node("MatMul", ["xt", "k"], ["y"])],
        {"k": ones(3, 2)},
    ),
    "product of other sizes": (on_x("MatMul", "k"), {"k": ones(4, 2)}),
    "Gemm of no matrix": (on_x("Gemm", "k"), {"k": ones(1, 3, 2)}),
    "Gemm along the samples": (
        [LAST, node("Gemm", ["last", "k"], ["y"], transA=1)],
        {"place": np.array(0), "k": ones(3, 2)},
    ),
    "sum of other batch axes": ([TURNED, *on_x("Add", "xt")], {}),
    "sum of other lengths": (
        [node("Slice", ["x", "a", "b", "c"], ["part"]), *on_x("Add", "part")],
        {"a": ints(0), "b": ints(2), "c": ints(2)},
    ),
    "sum without its other side": (on_x("Add", ""), {}),
    "sum with more features": (on_x("Add", "k"), {"k": ones(9)}),
    "sum with more axes": (on_x("Add", "k"), {"k": ones(1, 1, 6, 3)}),
    "sum with numbers that differ from sample to sample": (
        on_x("Add", "k"),
        {"k": np.arange(2, dtype=np.float32).reshape(2, 1, 1)},
    ),
    "HardSigmoid of another offset": (on_x("HardSigmoid", beta=0.3), {}),
    "Softmax over samples": (on_x("Softmax", axis=0), {}),
    "BatchNormalization as in training": (
        [node("BatchNormalization", ["x", *"gbmv"], ["y", "m2", "v2"], training_mode=1)],
        {name: ones(6) for name in "gbmv"},
    ),
    "BatchNormalization with moments that do not fit": (
        on_x("BatchNormalization", *"gbmv"),
        {name: ones(9) for name in "gbmv"},
    ),
    "LayerNormalization over samples": (on_x("LayerNormalization", "k", axis=0), {"k": ones(3)}),
    "Dropout as in training": (
        on_x("Dropout", "k", "t"),
        {"k": np.float32(0.5), "t": np.array(True)},
    ),
    "Cast to text": (on_x("Cast", to=TensorProto.STRING), {}),
    "shape of nothing": ([node("Shape", [""], ["s"]), *on_x("Reshape", "s")], {}),
    "Conv with a kernel of four axes": (on_x("Conv", "k"), {"k": ones(2, 6, 1, 1)}),
    "Conv with a stride of zero": (on_x("Conv", "k", strides=[0]), {"k": ones(2, 6, 1)}),
    "Conv padded before": (
        on_x("Conv", "k", auto_pad="SAME_LOWER"),
        {"k": ones(2, 6, 2)},
    ),
    "pool that rounds up": (on_x("MaxPool", kernel_shape=[2], ceil_mode=1), {}),
    "pool padded with zeros": (on_x("MaxPool", kernel_shape=[3], pads=[2, 0]), {}),
    "output that is fixed": ([node("Identity", ["k"], ["y"])], {"k": ones(3)}),
}

for name, (nodes, fixed) in NODES.items():

    @case(name)
    def _(folder: Path, nodes: list = nodes, fixed: dict = fixed) -> object:
        used = [*nodes, node("Identity", ["x"], ["used"])]
        return graph(folder, used, fixed, outputs=("y", "used"))


#: Inputs of other shapes: nodes, arrays, the shape and the axis of the samples.
OTHERS: dict[str, tuple[list[Any], dict[str, Any], tuple[int | str, ...], int]] = {
    "Expand to a length of another axis": (
        [
            node("Shape", ["x"], ["s"], start=1, end=2),
            node("Concat", ["k", "s"], ["whole"], axis=0),
            node("Slice", ["x", "zero", "one", "two"], ["part"]),
            node("Expand", ["part", "whole"], ["y"]),
        ],
        {"k": ints(1, 1), "zero": ints(0), "one": ints(1), "two": ints(2)},
        ("n", "t", 3),
        0,
    ),
    "Reshape of two unknown lengths": (
        on_x("Reshape", "k"),
        {"k": ints(0, 0, 0)},
        ("n", "t", "f"),
        0,
    ),
    "Slice at a place that only the data will tell": (
        [node("Shape", ["x"], ["s"], start=1, end=2), *on_x("Slice", "s", "b", "c")],
        {"b": ints(END), "c": ints(1)},
        ("n", "t", 3),
        0,
    ),
    "Concat with numbers of unknown length": (
        on_x("Concat", "k", axis=2),
        {"k": ones(1, 1, 2)},
        ("n", "t", 3),
        0,
    ),
    "Split of an unknown length": (
        [node("Split", ["x"], ["y", "z"], axis=1, num_outputs=2)],
        {},
        ("n", "t", 3),
        0,
    ),
    "BatchNormalization along the samples": (
        on_x("BatchNormalization", *"gbmv"),
        {name: ones(6) for name in "gbmv"},
        (6, "n", 3),
        1,
    ),
    "LayerNormalization of an unknown length": (
        on_x("LayerNormalization", "k"),
        {"k": ones(1)},
        ("n", 6, "f"),
        0,
    ),
    "Conv over pictures": (on_x("Conv", "k"), {"k": ones(2, 6, 1, 1)}, ("n", 6, 3, 3), 0),
    "Conv along the samples": (on_x("Conv", "k"), {"k": ones(2, 6, 1)}, (6, "n", 3), 1),
    "Conv that pads an unknown number of channels": (
        on_x("Conv", "k", pads=[2, 1]),
        {"k": ones(2, 6, 2)},
        ("n", "c", 3),
        0,
    ),
    "sum with a length": (
        [node("Shape", ["x"], ["s"], start=1, end=2), *on_x("Add", "s")],
        {},
        ("n", "t", 3),
        0,
    ),
    "old Softmax over several axes": (on_x("Softmax"), {}, ("n", 6, 3), 0),
}

for name, (nodes, fixed, shape, batch) in OTHERS.items():

    @case(name)
    def _(
        folder: Path,
        nodes: list = nodes,
        fixed: dict = fixed,
        shape: tuple = shape,
        batch: int = batch,
        opset: int = 12 if name.startswith("old") else 21,
    ) -> object:
        return graph(folder, nodes, fixed, shape=shape, batch=batch, opset=opset)


# --- nodes over fixed numbers ------------------------------------------------------------------

case = section("Nodes of ONNX over fixed numbers")

#: A matrix of as many rows as there are samples, and a vector of as many numbers as steps.
SAMPLES = [
    node("Shape", ["x"], ["n"], start=0, end=1),
    node("Concat", ["n", "two"], ["wide"], axis=0),
    node("ConstantOfShape", ["wide"], ["rows"]),
]
TWO = {"two": ints(2)}
T = node("Shape", ["x"], ["t"], start=1, end=2)


def over(kind: str, *names: str, **options: Any) -> list[Any]:
    return [node(kind, list(names), ["k2"], **options)]


FIXED: dict[str, Case] = {
    "shape that does not fit": (over("Reshape", "k", "s"), {"k": ones(3), "s": ints(2, 2)}),
    "more numbers than memory": (over("ConstantOfShape", "s"), {"s": ints(1 << 40, 4)}),
    "Cast to text": (over("Cast", "k", to=TensorProto.STRING), {"k": ones(3)}),
    "Constant of text": (over("Constant", value_string="a"), {}),
    "operator that is not folded": (over("Relu", "k"), {"k": ones(3)}),
    "Squeeze of the samples": ([*SAMPLES, *over("Squeeze", "rows", "k")], {"k": ints(0), **TWO}),
    "Reshape of the samples": (
        [*SAMPLES, *over("Reshape", "rows", "k")],
        {"k": ints(2, -1), **TWO},
    ),
    "Reshape to the steps": ([T, *over("Reshape", "k", "t")], {"k": ones(3)}),
    "Slice of the samples": (
        [*SAMPLES, *over("Slice", "rows", "a", "b", "c")],
        {"a": ints(0), "b": ints(1), "c": ints(0), **TWO},
    ),
    "Concat of the samples": ([*SAMPLES, *over("Concat", "rows", "rows", axis=0)], TWO),
    "as many numbers as steps": ([T, *over("ConstantOfShape", "t")], {}),
    "samples along two axes": (
        [
            *SAMPLES,
            node("Concat", ["n", "one", "one"], ["more"], axis=0),
            *over("Expand", "rows", "more"),
        ],
        {"one": ints(1), **TWO},
    ),
    "samples along another axis": (
        [*SAMPLES, node("Identity", ["rows"], ["k2"])],
        {"two": ints(3)},
    ),
}

for name, (nodes, fixed) in FIXED.items():

    @case(name)
    def _(folder: Path, nodes: list = nodes, fixed: dict = fixed) -> object:
        return graph(folder, [*nodes, *on_x("Add", "k2")], fixed, shape=("n", "t", 3))
