"""Functions of TensorFlow between the layers of tf.keras, as the operations of Keras 3.

tf.keras writes each as a layer of the class ``TFOpLambda``, or ``SlicingOpLambda`` for ``x[...]``,
with the function's name (tf_keras/src/layers/core/tf_op_layer.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rnnlens.errors import UnsupportedModel

__all__ = ["FUNCTIONS", "NODE_CLASS", "TF_CLASSES", "Translated", "translated"]

#: The class of layers that are one node of TensorFlow's graph, before functions were kept.
NODE_CLASS = "TensorFlowOpLayer"
#: Classes of layers that are one operation of TensorFlow.
TF_CLASSES = frozenset({"TFOpLambda", "SlicingOpLambda", NODE_CLASS})

#: Functions that take and mean what the operation of Keras 3 does, once names are changed.
FUNCTIONS = {
    "__operators__.add": "Add",
    "__operators__.getitem": "GetItem",
    "cast": "Cast",
    "clip_by_value": "Clip",
    "compat.v1.gather": "Take",
    "compat.v1.norm": "Norm",
    "compat.v1.pad": "Pad",
    "compat.v1.squeeze": "Squeeze",
    "compat.v1.transpose": "Transpose",
    "concat": "Concatenate",
    "expand_dims": "ExpandDims",
    "gather": "Take",
    "identity": "Identity",
    "linalg.matmul": "Matmul",
    "math.abs": "Abs",
    "math.add": "Add",
    "math.atan": "Arctan",
    "math.ceil": "Ceil",
    "math.cos": "Cos",
    "math.cumsum": "Cumsum",
    "math.divide": "TrueDivide",
    "math.equal": "Equal",
    "math.erf": "Erf",
    "math.exp": "Exp",
    "math.expm1": "Expm1",
    "math.floor": "Floor",
    "math.greater": "Greater",
    "math.greater_equal": "GreaterEqual",
    "math.l2_normalize": "Normalize",
    "math.less": "Less",
    "math.less_equal": "LessEqual",
    "math.log": "Log",
    "math.log1p": "Log1p",
    "math.logical_and": "LogicalAnd",
    "math.logical_not": "LogicalNot",
    "math.logical_or": "LogicalOr",
    "math.maximum": "Maximum",
    "math.minimum": "Minimum",
    "math.multiply": "Multiply",
    "math.negative": "Negative",
    "math.not_equal": "NotEqual",
    "math.pow": "Power",
    "math.reciprocal": "Reciprocal",
    "math.reduce_any": "Any",
    "math.reduce_logsumexp": "Logsumexp",
    "math.reduce_max": "Max",
    "math.reduce_mean": "Mean",
    "math.reduce_min": "Min",
    "math.reduce_prod": "Prod",
    "math.reduce_std": "Std",
    "math.reduce_sum": "Sum",
    "math.reduce_variance": "Var",
    "math.rsqrt": "Rsqrt",
    "math.sigmoid": "Sigmoid",
    "math.sign": "Sign",
    "math.sin": "Sin",
    "math.softplus": "Softplus",
    "math.sqrt": "Sqrt",
    "math.square": "Square",
    "math.subtract": "Subtract",
    "math.tanh": "Tanh",
    "math.truediv": "TrueDivide",
    "nn.elu": "Elu",
    "nn.leaky_relu": "LeakyRelu",
    "nn.log_softmax": "LogSoftmax",
    "nn.relu": "Relu",
    "nn.relu6": "Relu6",
    "nn.selu": "Selu",
    "nn.sigmoid": "Sigmoid",
    "nn.silu": "Silu",
    "nn.softmax": "Softmax",
    "nn.softplus": "Softplus",
    "nn.tanh": "Tanh",
    "ones_like": "OnesLike",
    "pad": "Pad",
    "repeat": "Repeat",
    "reshape": "Reshape",
    "reverse": "Flip",
    "roll": "Roll",
    "slice": "Slice",
    "split": "Split",
    "squeeze": "Squeeze",
    "stack": "Stack",
    "stop_gradient": "StopGradient",
    "tile": "Tile",
    "transpose": "Transpose",
    "unstack": "Unstack",
    "where": "Where",
    "zeros_like": "ZerosLike",
}

#: Names of arguments where TensorFlow has others, by operation; ``""`` holds for all.
NAMES: Mapping[str, Mapping[str, str]] = {
    "": {
        "y": "x2",
        "b": "x2",
        "input": "x",
        "a": "x1",
        "perm": "axes",
        "multiples": "repeats",
        "shape": "newshape",
        "slice_spec": "key",
        "num_or_size_splits": "indices_or_sections",
        "clip_value_min": "x_min",
        "clip_value_max": "x_max",
        "paddings": "pad_width",
        "features": "x",
        "logits": "x",
        "begin": "start_indices",
    },
    "Where": {"x": "x1", "y": "x2"},
    "LeakyRelu": {"alpha": "negative_slope"},
    "Slice": {"size": "shape"},
}

#: Arguments that change nothing, or whose usual value does not.
USUAL: Mapping[str, Any] = {
    "name": None,
    "out_type": None,
    "validate_indices": None,
    "conjugate": False,
    "batch_dims": 0,
    "exclusive": False,
    "reverse": False,
    "num": None,
}


class Translated(NamedTuple):
    """A call in the words of Keras 3."""

    kind: str
    arguments: Sequence[Any]
    keywords: Mapping[str, Any]


def translated(
    words: str, function: str, arguments: Sequence[Any], keywords: Mapping[str, Any]
) -> Translated:
    """Say a call of a function of TensorFlow in the words of Keras 3."""
    kind = FUNCTIONS.get(function)
    if kind is None:
        raise UnsupportedModel(
            f"the operation {words} is tf.{function}, which rnnlens does not read; use functions "
            "of the table in docs/support.md, or a layer of Keras"
        )
    names = {**NAMES[""], **NAMES.get(kind, {})}
    renamed = {
        names.get(key, key): value
        for key, value in keywords.items()
        if not (key in USUAL and value in {None, USUAL[key]}) and key != "name"
    }
    if kind == "Split" and isinstance(renamed.get("indices_or_sections"), list):
        # TensorFlow names the sizes of the parts, Keras 3 the places where they end.
        sizes = renamed["indices_or_sections"]
        renamed["indices_or_sections"] = [sum(sizes[: k + 1]) for k in range(len(sizes) - 1)]
    if kind == "Normalize":
        # TensorFlow bounds the sum of squares, Keras 3 the norm.
        renamed["epsilon"] = renamed.get("epsilon", 1e-12) ** 0.5
    if kind in {"Take", "Cumsum"}:
        renamed.setdefault("axis", 0)
    return Translated(kind, arguments, renamed)
