"""Functions of one number, and the activations that Keras has as operations."""

from __future__ import annotations

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.layers import Activate, Rescaling
from rnnlens.network.network import Ref
from rnnlens.readers.keras.graph.norms import normalized
from rnnlens.readers.keras.operations.call import OperationCall, operation

__all__: list[str] = []

#: Operations of one value without options, by Keras 3's class.
PLAIN = {
    "Abs": "abs",
    "Absolute": "abs",
    "Arctan": "arctan",
    "Ceil": "ceil",
    "Cos": "cos",
    "Erf": "erf",
    "Exp": "exponential",
    "Expm1": "expm1",
    "Floor": "floor",
    "HardSilu": "hard_silu",
    "HardTanh": "hard_tanh",
    "Log": "log",
    "Log1p": "log1p",
    "LogSigmoid": "log_sigmoid",
    "Reciprocal": "reciprocal",
    "Relu": "relu",
    "Selu": "selu",
    "Sigmoid": "sigmoid",
    "Sign": "sign",
    "Silu": "silu",
    "Sin": "sin",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Sqrt": "sqrt",
    "Tanh": "tanh",
    "TanhShrink": "tanh_shrink",
    "Trunc": "truncate",
}


@operation(*PLAIN)
def plain(call: OperationCall) -> Ref:
    """Give a function of each number."""
    return call.add(Activate(Activation(PLAIN[call.kind])), call.ref())


@operation("Gelu")
def gelu(call: OperationCall) -> Ref:
    """``x Phi(x)``, approximated by a tanh as is usual or not."""
    near = 1.0 if call.given(1, "approximate", True) else 0.0
    return call.add(Activate(Activation("gelu", {"approximate": near})), call.ref())


@operation("Normalize")
def normalize(call: OperationCall) -> Ref:
    """``x / max(norm of x, epsilon)`` over an axis."""
    ref = call.ref()
    if call.option("order", 2) != 2:
        raise call.refuse("rnnlens divides by the Euclidean norm alone, order=2")
    epsilon = float(call.numbers(call.option("epsilon") or 1e-7, "epsilon"))
    axes = call.axes(call.given(1, "axis", -1), call.nodes.rank(ref))
    return normalized(call.nodes, ref, axes, epsilon**2)


@operation("Relu6")
def relu6(call: OperationCall) -> Ref:
    """``min(max(x, 0), 6)``."""
    return call.add(Activate(Activation("relu", {"max_value": 6.0})), call.ref())


@operation("LeakyRelu")
def leaky_relu(call: OperationCall) -> Ref:
    """``max(x, slope x)``."""
    slope = float(call.numbers(call.given(1, "negative_slope", 0.2), "negative_slope"))
    return call.add(Activate(Activation("relu", {"negative_slope": slope})), call.ref())


@operation("Elu")
def elu(call: OperationCall) -> Ref:
    """``x`` above zero, ``alpha (e^x - 1)`` below."""
    alpha = float(call.numbers(call.given(1, "alpha", 1.0), "alpha"))
    return call.add(Activate(Activation("elu", {"alpha": alpha})), call.ref())


@operation("HardSigmoid")
def hard_sigmoid(call: OperationCall) -> Ref:
    """``clip(x / 6 + 1/2)``, Keras 3's."""
    return call.add(Activate(Activation("hard_sigmoid", {"slope": 1 / 6})), call.ref())


@operation("Rsqrt")
def rsqrt(call: OperationCall) -> Ref:
    """``1 / sqrt(x)``."""
    return call.add(Activate(Activation("power", {"exponent": -0.5})), call.ref())


@operation("Round")
def rounded(call: OperationCall) -> Ref:
    """Give the nearest whole number."""
    if call.option("decimals", 0) != 0:
        raise call.refuse("it rounds to decimals; rnnlens rounds to whole numbers")
    return call.add(Activate(Activation("round")), call.ref())


@operation("Clip")
def clip(call: OperationCall) -> Ref:
    """``min(max(x, low), high)``."""
    bounds = {}
    for place, name, side in ((1, "x_min", "min_value"), (2, "x_max", "max_value")):
        value = call.given(place, name)
        array = call.numbers(value, name)
        if array.ndim:
            raise call.refuse("its bounds are arrays; rnnlens clips between two numbers")
        bounds[side] = float(array)
    return call.add(Activate(Activation("clip", bounds)), call.ref())


@operation("Softmax", "LogSoftmax")
def softmax(call: OperationCall) -> Ref:
    """Give a softmax over an axis, or its logarithm."""
    ref = call.ref()
    rank, given = call.nodes.rank(ref), call.given(1, "axis", -1)
    name = "softmax" if call.kind == "Softmax" else "log_softmax"
    axis = call.axis(-1 if given is None else given, rank)
    return call.add(Activate(Activation(name, {"axis": float(axis - rank)})), ref)


@operation("ZerosLike", "OnesLike", "FullLike")
def like(call: OperationCall) -> Ref:
    """Give the same number at every place of a value."""
    fill = {"ZerosLike": 0.0, "OnesLike": 1.0}.get(call.kind)
    if fill is None:
        fill = float(call.numbers(call.given(1, "fill_value"), "fill_value"))
    return call.add(Rescaling(np.array(0.0), np.array(fill)), call.ref())
