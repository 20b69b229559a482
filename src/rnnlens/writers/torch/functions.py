"""Activations and functions between layers as Python code of PyTorch."""

from __future__ import annotations

from rnnlens.network.activations import FUNCTIONS as BETWEEN
from rnnlens.network.activations import Activation

__all__ = ["function_of"]

#: Functions of PyTorch with no parameters but their usual ones.
FUNCTIONS = {
    "tanh": "torch.tanh({})",
    "sigmoid": "torch.sigmoid({})",
    "relu": "torch.relu({})",
    "selu": "torch.nn.functional.selu({})",
    "softplus": "torch.logaddexp({0}, torch.zeros_like({0}))",
    "softsign": "torch.nn.functional.softsign({})",
    "silu": "torch.nn.functional.silu({})",
    "mish": "torch.nn.functional.mish({})",
    "exponential": "torch.exp({})",
    "log_sigmoid": "torch.nn.functional.logsigmoid({})",
    "hard_tanh": "torch.nn.functional.hardtanh({})",
    "hard_silu": "torch.nn.functional.hardswish({})",
    "tanh_shrink": "torch.nn.functional.tanhshrink({})",
}

#: Functions that stand between layers, without parameters, whose name in PyTorch is another.
NAMES = {"arctan": "atan", "is_zero": "eq", "truncate": "trunc"}


def function_of(activation: Activation) -> str | None:
    """Give an activation as Python code of PyTorch, with {0} for what it is applied to."""
    name = activation.name
    if name == "linear":
        return ""
    if name in BETWEEN:
        return _between(activation)
    made = _with_parameters(activation)
    usual = activation.parameters == Activation(name).parameters
    return made or (FUNCTIONS.get(name) if usual and name != "relu" else None)


def _with_parameters(activation: Activation) -> str | None:
    name, p = activation.name, activation.parameters
    here = "torch.nn.functional."
    made = None
    if name in {"softmax", "log_softmax"}:
        made = f"torch.{name}({{}}, dim={int(p['axis'])})"
    elif name in {"elu", "celu"}:
        made = f"{here}{name}({{}}, alpha={p['alpha']!r})"
    elif name == "gelu":
        made = f"{here}gelu({{}}, approximate={'tanh' if p['approximate'] else 'none'!r})"
    elif name == "hard_sigmoid":
        made = f"torch.clamp({p['slope']!r} * {{}} + 0.5, 0, 1)"
    elif name in {"hard_shrink", "soft_shrink"}:
        made = f"{here}{name.replace('_', '')}({{}}, {p['threshold']!r})"
    elif name == "threshold":
        made = f"{here}threshold({{}}, {p['threshold']!r}, {p['value']!r})"
    elif name == "glu":
        made = f"{here}glu({{}}, dim={int(p['axis'])})"
    elif name == "squareplus":
        made = f"({{0}} + torch.sqrt({{0}} ** 2 + {p['b']!r})) / 2"
    elif name == "relu" and p["threshold"] == 0:
        slope, limit = p["negative_slope"], p["max_value"]
        made = FUNCTIONS[name] if not slope else f"{here}leaky_relu({{}}, {slope!r})"
        made += "" if limit == float("inf") else f".clamp(max={limit!r})"
    return made


def _between(activation: Activation) -> str:
    name, p = activation.name, activation.parameters
    if name == "clip":
        # infinity as a bound changes nothing, and float() says it in code
        return f"{{}}.clamp(float('{p['min_value']}'), float('{p['max_value']}'))"
    if name == "power":
        return f"{{}} ** {p['exponent']!r}"
    if name == "step":
        return f"({{0}} {'>=' if p['at_zero'] else '>'} 0).to({{0}}.dtype)"
    if name == "is_zero":
        return "({0} == 0).to({0}.dtype)"
    return f"torch.{NAMES.get(name, name)}({{}})"
