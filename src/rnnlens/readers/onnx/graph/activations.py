"""The activation functions of recurrent ONNX nodes, with their alpha and beta.

The names and the usual values are those of the operators' documentation
(onnx/docs/Operators.md, LSTM, GRU and RNN).
"""

from __future__ import annotations

from collections.abc import Callable

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.activations import Activation
from rnnlens.readers.onnx.proto import Attributes

__all__ = ["POINTWISE", "activations_of"]

#: Limits beyond this are none.
LARGEST = 3e38

#: What a recurrent node may name: whether it takes alpha and beta, and their usual values.
PARAMETERS: dict[str, tuple[float | None, float | None]] = {
    "tanh": (None, None),
    "sigmoid": (None, None),
    "relu": (None, None),
    "softsign": (None, None),
    "softplus": (None, None),
    "leakyrelu": (0.01, None),
    "thresholdedrelu": (1.0, None),
    "elu": (1.0, None),
    "hardsigmoid": (0.2, 0.5),
    "affine": (1.0, 0.0),
    "scaledtanh": (1.0, 1.0),
}


def _hard_sigmoid(alpha: float, beta: float) -> Activation | None:
    return Activation("hard_sigmoid", {"slope": alpha}) if abs(beta - 0.5) < 1e-6 else None


def _one(name: str, alpha: float | None, beta: float | None) -> Activation | None:
    """Give one function, or None where rnnlens has none that equals it."""
    if name in {"tanh", "sigmoid", "relu", "softsign", "softplus"}:
        return Activation(name)
    assert alpha is not None
    if name == "leakyrelu":
        return Activation("relu", {"negative_slope": alpha})
    if name == "thresholdedrelu":
        return Activation("threshold", {"threshold": alpha})
    if name == "elu":
        return Activation("elu", {"alpha": alpha})
    assert beta is not None
    if name == "hardsigmoid":
        return _hard_sigmoid(alpha, beta)
    usual = (1.0, 0.0) if name == "affine" else (1.0, 1.0)
    if (alpha, beta) != usual:
        return None
    return Activation("linear" if name == "affine" else "tanh")


def activations_of(
    attributes: Attributes, usual: tuple[str, ...], directions: int, where: str
) -> list[list[Activation]]:
    """Give the activation functions of a recurrent node."""
    names = attributes.get("activations") or list(usual) * directions
    if len(names) != len(usual) * directions:
        raise UnreadableFile(
            f"node {where} names {len(names)} activations where {len(usual) * directions} are "
            "called for: the file is damaged"
        )
    alphas = iter(attributes.get("activation_alpha", []))
    betas = iter(attributes.get("activation_beta", []))
    activations = []
    for name in names:
        if name.lower() not in PARAMETERS:
            raise UnsupportedModel(
                f"node {where} names the activation {name!r}, which is none of the standard"
            )
        alpha, beta = PARAMETERS[name.lower()]
        # Values are consumed in the order of the functions, by those alone that take one.
        alpha = None if alpha is None else next(alphas, alpha)
        beta = None if beta is None else next(betas, beta)
        one = _one(name.lower(), alpha, beta)
        if one is None:
            raise UnsupportedModel(
                f"node {where} uses the activation {name} with alpha = {alpha:g} and beta = "
                f"{beta:g}, which rnnlens does not implement"
            )
        activations.append(one)
    for left, option in ((alphas, "activation_alpha"), (betas, "activation_beta")):
        if next(left, None) is not None:
            raise UnsupportedModel(
                f"node {where} states more numbers in {option} than its activations take, so that "
                "which belongs to which cannot be told"
            )
    return [activations[k : k + len(usual)] for k in range(0, len(activations), len(usual))]


def _clip(a: Attributes) -> Activation:
    # what exporters write for no limit is the largest number of the type
    low, high = a.get("min"), a.get("max")
    low = None if low is None or low < -LARGEST else low
    high = None if high is None or high > LARGEST else high
    if (low, high) == (-1, 1):
        return Activation("hard_tanh")
    if low == 0:
        return Activation("relu", {} if high is None else {"max_value": high})
    limits = {"min_value": low, "max_value": high}
    return Activation("clip", {name: one for name, one in limits.items() if one is not None})


def _plain(name: str) -> Callable[[Attributes], Activation]:
    return lambda a: Activation(name)


def _usual_selu(a: Attributes) -> Activation | None:
    near = abs(a.get("alpha", 1.67326319) - 1.6732632) < 1e-5
    return Activation("selu") if near and abs(a.get("gamma", 1.0507) - 1.0507) < 1e-4 else None


#: Operators that act on each number alone, by their attributes; None where rnnlens has no equal.
POINTWISE: dict[str, Callable[[Attributes], Activation | None]] = {
    **{name: _plain(name.lower()) for name in ("Abs", "Ceil", "Cos", "Erf", "Floor", "Log")},
    **{name: _plain(name.lower()) for name in ("Reciprocal", "Round", "Sign", "Sin", "Sqrt")},
    "Atan": lambda a: Activation("arctan"),
    "Celu": lambda a: Activation("celu", {"alpha": a.get("alpha", 1.0)}),
    "Clip": _clip,
    "Elu": lambda a: Activation("elu", {"alpha": a.get("alpha", 1.0)}),
    "Exp": lambda a: Activation("exponential"),
    "Gelu": lambda a: Activation(
        "gelu", {"approximate": float(a.get("approximate", "none") == "tanh")}
    ),
    "HardSigmoid": lambda a: _hard_sigmoid(a.get("alpha", 0.2), a.get("beta", 0.5)),
    "HardSwish": lambda a: Activation("hard_silu"),
    "LeakyRelu": lambda a: Activation("relu", {"negative_slope": a.get("alpha", 0.01)}),
    "Mish": lambda a: Activation("mish"),
    "Relu": lambda a: Activation("relu"),
    "Selu": _usual_selu,
    "Sigmoid": lambda a: Activation("sigmoid"),
    "Softplus": lambda a: Activation("softplus"),
    "Softsign": lambda a: Activation("softsign"),
    "Tanh": lambda a: Activation("tanh"),
    "ThresholdedRelu": lambda a: Activation("threshold", {"threshold": a.get("alpha", 1.0)}),
}
