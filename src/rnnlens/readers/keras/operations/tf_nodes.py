"""Nodes of TensorFlow's graph between the layers of tf.keras 2.2 and 2.3, as operations of Keras 3.

These versions write each operation as a layer of the class ``TensorFlowOpLayer``, which holds the
node as JSON, and beside it what the node takes that is fixed, by its place
(tensorflow/python/keras/engine/base_layer.py of 2.3). A node takes its inputs by place alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.json_values import Json, JsonObject
from rnnlens.readers.keras.operations.tf_keras import Translated

__all__ = ["NODES", "SPECIAL", "translated_node"]


class Form(NamedTuple):
    """How a node of TensorFlow is called in Keras 3."""

    kind: str
    #: What its inputs are called, by place; one more than these is refused.
    takes: tuple[str, ...] = ("x",)
    #: Attributes that are arguments, by name.
    attributes: Mapping[str, str] = {}
    #: Arguments that Keras 3 needs and a node has not.
    fixed: Mapping[str, Any] = {}


TWO = ("x1", "x2")
REDUCED = ("x", "axis"), {"keep_dims": "keepdims"}
MATRICES = {"transpose_a": "transpose_a", "transpose_b": "transpose_b"}
MATRICES |= {"adj_x": "transpose_a", "adj_y": "transpose_b"}

#: Operations of TensorFlow whose inputs, one by one, are arguments.
NODES: Mapping[str, Form] = {
    **{name: Form(kind, TWO) for name, kind in {
        "Add": "Add", "AddV2": "Add", "BiasAdd": "Add", "Sub": "Subtract", "Mul": "Multiply",
        "RealDiv": "TrueDivide", "Pow": "Power", "Maximum": "Maximum", "Minimum": "Minimum",
        "Greater": "Greater", "GreaterEqual": "GreaterEqual", "Less": "Less",
        "LessEqual": "LessEqual", "Equal": "Equal", "NotEqual": "NotEqual",
        "LogicalAnd": "LogicalAnd", "LogicalOr": "LogicalOr",
    }.items()},
    **{name: Form(kind) for name, kind in {
        "Abs": "Abs", "Atan": "Arctan", "Ceil": "Ceil", "Cos": "Cos", "Elu": "Elu", "Erf": "Erf",
        "Exp": "Exp", "Expm1": "Expm1", "Floor": "Floor", "Identity": "Identity", "Log": "Log",
        "Log1p": "Log1p", "LogicalNot": "LogicalNot", "Neg": "Negative", "OnesLike": "OnesLike",
        "Reciprocal": "Reciprocal", "Relu": "Relu", "Relu6": "Relu6", "Rsqrt": "Rsqrt",
        "Selu": "Selu", "Sigmoid": "Sigmoid", "Sign": "Sign", "Sin": "Sin",
        "Softplus": "Softplus", "Sqrt": "Sqrt", "Square": "Square",
        "StopGradient": "StopGradient", "Tanh": "Tanh", "ZerosLike": "ZerosLike",
    }.items()},
    **{name: Form(name, *REDUCED) for name in ("Any", "Max", "Mean", "Min", "Prod", "Sum")},
    "BatchMatMul": Form("Matmul", TWO, MATRICES),
    "BatchMatMulV2": Form("Matmul", TWO, MATRICES),
    "ClipByValue": Form("Clip", ("x", "x_min", "x_max")),
    "Cumsum": Form("Cumsum", ("x", "axis")),
    "ExpandDims": Form("ExpandDims", ("x", "axis")),
    "GatherV2": Form("Take", ("x", "indices", "axis")),
    "LeakyRelu": Form("LeakyRelu", ("x",), {"alpha": "negative_slope"}),
    "LogSoftmax": Form("LogSoftmax", ("x",), fixed={"axis": -1}),
    "MatMul": Form("Matmul", TWO, MATRICES),
    "Pad": Form("Pad", ("x", "pad_width")),
    "PadV2": Form("Pad", ("x", "pad_width", "constant_values")),
    "Reshape": Form("Reshape", ("x", "newshape")),
    "ReverseV2": Form("Flip", ("x", "axis")),
    "SelectV2": Form("Where", ("condition", "x1", "x2")),
    "Slice": Form("Slice", ("x", "start_indices", "shape")),
    "Softmax": Form("Softmax", ("x",), fixed={"axis": -1}),
    "Split": Form("Split", ("axis", "x"), {"num_split": "indices_or_sections"}),
    "Squeeze": Form("Squeeze", ("x",), {"squeeze_dims": "axis"}),
    "Tile": Form("Tile", ("x", "repeats")),
    "Transpose": Form("Transpose", ("x", "axes")),
    "Unpack": Form("Unstack", ("x",), {"axis": "axis", "num": "num"}),
}  # fmt: skip

#: Attributes that say of which type numbers are or how many inputs there are, or change nothing.
SILENT = frozenset({
    *("T", "N", "Tidx", "Tperm", "Tdim", "Tshape", "Index", "Tindices", "Tparams", "Taxis"),
    *("Tmultiples", "Tpaddings", "Tlen", "num_axes", "data_format"),
})


def translated_node(words: str, config: JsonObject, given: Sequence[Any]) -> Translated:
    """Say a node of TensorFlow's graph in the words of Keras 3."""
    node, fixed = config.get("node_def"), config.get("constants") or {}
    if not isinstance(node, Mapping) or not isinstance(node.get("op"), str):
        raise UnsupportedModel(
            f"the operation {words} is kept in a form that rnnlens does not read (bytes, or none): "
            "save the model again with tf.keras 2.4 or newer"
        )
    operator = node["op"]
    make = SPECIAL.get(operator)
    if operator not in NODES and make is None:
        raise UnsupportedModel(
            f"the operation {words} is the node {operator} of TensorFlow, which rnnlens does not "
            "read; use operations of the table in docs/support.md, or a layer of Keras"
        )
    try:
        inputs = list(given)
        for place in sorted(fixed, key=int):
            inputs.insert(int(place), fixed[place])
        attributes = {name: _plain(value) for name, value in node.get("attr", {}).items()}
        called = make(inputs, attributes) if make else _called(NODES[operator], inputs, attributes)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise UnreadableFile(
            f"the operation {words} does not fit the node {operator} that it is; the file is "
            "damaged"
        ) from error
    left = [name for name, value in attributes.items() if value and not _silent(name)]
    if left:
        raise UnsupportedModel(
            f"the operation {words} sets {left[0]} of TensorFlow's {operator}, which rnnlens does "
            "not read; leave it out"
        )
    return called


def _silent(name: str) -> bool:
    return name in SILENT or name.startswith("_")


def _plain(value: JsonObject) -> Json:
    """Give an attribute: JSON has a key for its type, and whole numbers as text."""
    ((kind, held),) = value.items()
    if kind == "list":
        return [item if key != "i" else int(item) for key, items in held.items() for item in items]
    return int(held) if kind == "i" else held


def _called(form: Form, inputs: list[Any], attributes: dict[str, Json]) -> Translated:
    named = dict(zip(form.takes, inputs, strict=True)) | dict(form.fixed)
    for name, ours in form.attributes.items():
        if name in attributes:
            named[ours] = attributes.pop(name)
    if form.kind == "Squeeze" and named.get("axis") == []:
        del named["axis"]
    # values first and in order, as a call has them
    first = [named.pop(name) for name in form.takes if name in {*TWO, "x", "condition"}]
    return Translated(form.kind, first, named)


def _joined(inputs: list[Any], _: dict[str, Json]) -> Translated:
    *values, axis = inputs
    return Translated("Concatenate", [values], {"axis": axis})


def _stacked(inputs: list[Any], attributes: dict[str, Json]) -> Translated:
    return Translated("Stack", [inputs], {"axis": attributes.pop("axis", 0)})


def _cast(inputs: list[Any], attributes: dict[str, Json]) -> Translated:
    names = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16"}
    kind = str(attributes.pop("DstT"))
    for name in ("SrcT", "Truncate"):
        attributes.pop(name, None)
    return Translated("Cast", inputs, {"dtype": names.get(kind, kind)})


def _split_by_sizes(inputs: list[Any], attributes: dict[str, Json]) -> Translated:
    value, sizes, axis = inputs
    attributes.pop("num_split", None)
    places = [sum(sizes[: k + 1]) for k in range(len(sizes) - 1)]
    return Translated("Split", [value], {"indices_or_sections": places, "axis": axis})


def _picked(inputs: list[Any], attributes: dict[str, Json]) -> Translated:
    """Say ``x[begin:end:strides]``, whose masks say by bits which axes are otherwise meant."""
    value, begin, end, strides = inputs
    masks = {
        name: int(attributes.pop(f"{name}_mask", 0) or 0)
        for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    key: list[Json] = []
    for k, (first, last, step) in enumerate(zip(begin, end, strides, strict=True)):
        has = {name: bool(mask >> k & 1) for name, mask in masks.items()}
        if has["ellipsis"]:
            key.append({"class_name": "__ellipsis__"})
        elif has["new_axis"]:
            key.append(None)
        elif has["shrink_axis"]:
            key.append(first)
        else:
            start, stop = None if has["begin"] else first, None if has["end"] else last
            key.append({"start": start, "stop": stop, "step": step})
    return Translated("GetItem", [value], {"key": key})


#: Operations whose inputs are laid out otherwise.
SPECIAL: Mapping[str, Callable[[list[Any], dict[str, Json]], Translated]] = {
    "Cast": _cast,
    "ConcatV2": _joined,
    "Pack": _stacked,
    "SplitV": _split_by_sizes,
    "StridedSlice": _picked,
}
