"""Activation functions as data: a name and its parameters, as the file states them.

The mathematics is in `rnnlens.engine.activations`; here stands only what a reader may say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType

from rnnlens.errors import UnsupportedModel

__all__ = ["ACTIVATIONS", "AXIS_WISE", "FUNCTIONS", "Activation"]

#: Every activation that rnnlens knows, with its parameters and their usual values.
ACTIVATIONS: dict[str, dict[str, float]] = {
    "linear": {},
    "tanh": {},
    "sigmoid": {},
    "relu": {"max_value": inf, "negative_slope": 0.0, "threshold": 0.0},
    "elu": {"alpha": 1.0},
    "selu": {},
    "celu": {"alpha": 1.0},
    "gelu": {"approximate": 0.0},
    "softplus": {},
    "softsign": {},
    "silu": {},
    "mish": {},
    "exponential": {},
    "squareplus": {"b": 4.0},
    "log_sigmoid": {},
    "hard_sigmoid": {"slope": 1 / 6},
    "hard_silu": {},
    "hard_tanh": {},
    "hard_shrink": {"threshold": 0.5},
    "soft_shrink": {"threshold": 0.5},
    "tanh_shrink": {},
    "threshold": {"threshold": 0.0, "value": 0.0},
    "sparse_plus": {},
    "sparse_sigmoid": {},
    "softmax": {"axis": -1.0},
    "log_softmax": {"axis": -1.0},
    "sparsemax": {"axis": -1.0},
    "glu": {"axis": -1.0},
}

#: Functions of one number that no cell has as its activation, and that stand between layers; with
#: their parameters and their usual values. ``step`` is 1 above zero and 0 below, ``is_zero`` is 1
#: at zero alone, and ``round`` takes halves to the even number.
FUNCTIONS: dict[str, dict[str, float]] = {
    "abs": {},
    "arctan": {},
    "ceil": {},
    "clip": {"min_value": -inf, "max_value": inf},
    "cos": {},
    "erf": {},
    "expm1": {},
    "floor": {},
    "is_zero": {},
    "log": {},
    "log1p": {},
    "power": {"exponent": 2.0},
    "reciprocal": {},
    "round": {},
    "sign": {},
    "sin": {},
    "sqrt": {},
    "step": {"at_zero": 0.0},
    "truncate": {},
}

#: Activations that mix the entries of an axis instead of acting on each number alone.
AXIS_WISE = frozenset({"softmax", "log_softmax", "sparsemax", "glu"})


@dataclass(frozen=True)
class Activation:
    """An activation function: its name and its parameters.

    Parameters
    ----------
    name : str
        A key of `ACTIVATIONS` or of `FUNCTIONS`.
    parameters : mapping of str to float, optional
        The parameters that differ from the usual ones.

    Raises
    ------
    UnsupportedModel
        If the name or a parameter is not known.

    Examples
    --------
    >>> Activation("hard_sigmoid", {"slope": 0.2})["slope"]
    0.2
    """

    name: str
    parameters: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        usual = ACTIVATIONS.get(self.name, FUNCTIONS.get(self.name))
        if usual is None:
            raise UnsupportedModel(
                f"the activation {self.name!r} is not one that rnnlens knows "
                f"({', '.join(sorted(ACTIVATIONS))})"
            )
        unknown = sorted(set(self.parameters) - set(usual))
        if unknown:
            raise UnsupportedModel(
                f"the activation {self.name!r} has no parameter {unknown[0]!r}; "
                f"it has {sorted(usual) or 'none'}"
            )
        complete = {key: float(value) for key, value in {**usual, **self.parameters}.items()}
        object.__setattr__(self, "parameters", MappingProxyType(complete))

    def __getitem__(self, parameter: str) -> float:
        return self.parameters[parameter]

    def __reduce__(self) -> tuple[type, tuple[str, dict[str, float]]]:
        return Activation, (self.name, dict(self.parameters))

    @property
    def axis_wise(self) -> bool:
        """Whether the function mixes the entries of an axis (softmax and its kin)."""
        return self.name in AXIS_WISE

    def __str__(self) -> str:
        """Give the name, with the parameters that are not the usual ones."""
        usual = ACTIVATIONS.get(self.name, FUNCTIONS.get(self.name, {}))
        shown = [f"{k}={v:.4g}" for k, v in self.parameters.items() if v != usual[k]]
        if self.name == "hard_sigmoid":
            shown = [f"slope={self['slope']:.4g}"]
        return f"{self.name}({', '.join(shown)})" if shown else self.name
