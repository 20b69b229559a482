"""An ONNX graph as it grows: operators, their constants, and the names of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from rnnlens.network.activations import FUNCTIONS, Activation
from rnnlens.network.unique import unique_name

if TYPE_CHECKING:
    import onnx

__all__ = ["OnnxGraphWriter"]


@dataclass
class OnnxGraphWriter:
    """The operators of a graph, in order."""

    #: Operators and initialisers so far.
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    #: Sentences so far.
    notes: list[str] = field(default_factory=list)
    #: The layer that is being written, before the names of its values.
    scope: str = ""
    #: How many steps of each sample the layer reads; empty where it reads all.
    lengths: str = ""
    #: Whether it moves masked steps, which the reader of rnnlens does not follow.
    packs: bool = False
    #: Whether it runs a graph over the steps, which the reader of rnnlens does not follow either.
    scans: bool = False
    #: Names of values, and of those that are whole numbers.
    used: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)

    def name(self, wanted: str) -> str:
        """Give a name that no other value has."""
        return unique_name(f"{self.scope}/{wanted}" if self.scope else wanted, self.used)

    def constant(self, values: ArrayLike, wanted: str) -> str:
        """Add numbers to the file."""
        from onnx import numpy_helper

        array = np.asarray(values)
        kept = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
        name = self.name(wanted)
        self.constants.append(numpy_helper.from_array(kept.copy(order="C"), name))
        return name

    def op(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add an operator with one output."""
        return self.ops(kind, inputs, 1, **attributes)[0]

    def ops(self, kind: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> list[str]:
        """Add an operator with several outputs."""
        from onnx import helper

        names = [self.name(kind if not k else f"{kind}.{k}") for k in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, name=names[0], **attributes))
        return names

    def activated(self, x: str, activation: Activation) -> str | None:
        """Apply an activation."""
        name, p = activation.name, activation.parameters
        if name == "linear":
            return x
        if name in PLAIN:
            return self.op(PLAIN[name], [x])
        if name in WITH_AXIS:
            return self.op(WITH_AXIS[name], [x], axis=int(p["axis"]))
        attributes: dict[str, tuple[str, dict[str, float]]] = {
            "elu": ("Elu", {"alpha": p.get("alpha", 1.0)}),
            "celu": ("Celu", {"alpha": p.get("alpha", 1.0)}),
            "hard_sigmoid": ("HardSigmoid", {"alpha": p.get("slope", 0.0), "beta": 0.5}),
            "sparse_sigmoid": ("HardSigmoid", {"alpha": 0.5, "beta": 0.5}),
            "hard_shrink": ("Shrink", {"lambd": p.get("threshold", 0.0), "bias": 0.0}),
            "soft_shrink": (
                "Shrink",
                {"lambd": p.get("threshold", 0.0), "bias": p.get("threshold", 0.0)},
            ),
        }
        if name in attributes:
            kind, options = attributes[name]
            return self.op(kind, [x], **options)
        if name in FUNCTIONS:
            return self._function(x, activation)
        return self._composed(x, activation)

    def _function(self, x: str, activation: Activation) -> str:
        """Apply a function that stands between layers."""
        name, p = activation.name, activation.parameters
        if name in ALONE:
            return self.op(ALONE[name], [x])
        one, zero = self.constant(1.0, "one"), self.constant(0.0, "zero")
        if name == "clip":
            limits = {"low": p["min_value"], "high": p["max_value"]}
            given = {key: self.constant(n, key) for key, n in limits.items() if np.isfinite(n)}
            return self.op("Clip", [x, *(given.get(key, "") for key in limits)])
        if name == "power":
            return self.op("Pow", [x, self.constant(p["exponent"], "exponent")])
        if name == "log1p":
            return self.op("Log", [self.op("Add", [x, one])])
        if name == "expm1":
            return self.op("Sub", [self.op("Exp", [x]), one])
        if name == "truncate":
            return self.op("Mul", [self.op("Sign", [x]), self.op("Floor", [self.op("Abs", [x])])])
        kinds = {"is_zero": "Equal", "step": "GreaterOrEqual" if p.get("at_zero") else "Greater"}
        return self.op("Where", [self.op(kinds[name], [x, zero]), one, zero])

    def _composed(self, x: str, activation: Activation) -> str | None:
        name, p = activation.name, activation.parameters
        made = None
        if name == "relu":
            made = self._relu(x, activation)
        elif name == "gelu":
            made = self.op("Gelu", [x], approximate="tanh" if p["approximate"] else "none")
        elif name == "silu":
            made = self.op("Mul", [x, self.op("Sigmoid", [x])])
        elif name == "hard_tanh":
            made = self._clip(x, -1.0, 1.0)
        elif name == "tanh_shrink":
            made = self.op("Sub", [x, self.op("Tanh", [x])])
        elif name == "log_sigmoid":
            made = self.op("Neg", [self.op("Softplus", [self.op("Neg", [x])])])
        elif name == "threshold" and p["value"] == 0 and p["threshold"] >= 0:
            made = self.op("ThresholdedRelu", [x], alpha=p["threshold"])
        elif name == "glu":
            left, right = self.ops("Split", [x], 2, axis=int(p["axis"]), num_outputs=2)
            made = self.op("Mul", [left, self.op("Sigmoid", [right])])
        return made

    def _relu(self, x: str, activation: Activation) -> str | None:
        limit, slope = activation["max_value"], activation["negative_slope"]
        if activation["threshold"] or (slope and limit != float("inf")):
            return None
        if slope:
            return self.op("LeakyRelu", [x], alpha=slope)
        return self.op("Relu", [x]) if limit == float("inf") else self._clip(x, 0.0, limit)

    def _clip(self, x: str, low: float, high: float) -> str:
        return self.op("Clip", [x, self.constant(low, "low"), self.constant(high, "high")])


#: Operators without attributes.
PLAIN = {
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "selu": "Selu",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "mish": "Mish",
    "exponential": "Exp",
    "hard_silu": "HardSwish",
}

#: Functions that stand between layers, without parameters.
ALONE = {
    "abs": "Abs",
    "arctan": "Atan",
    "ceil": "Ceil",
    "cos": "Cos",
    "erf": "Erf",
    "floor": "Floor",
    "log": "Log",
    "reciprocal": "Reciprocal",
    "round": "Round",
    "sign": "Sign",
    "sin": "Sin",
    "sqrt": "Sqrt",
}

WITH_AXIS = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}
