"""One feature or one target of a network, with its unit and its scaling."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from rnnlens.errors import ConfigError

__all__ = ["Variable", "check_variables"]


@dataclass(frozen=True)
class Variable:
    """One feature or one target.

    Parameters
    ----------
    name : str
        Its column in the table.
    unit : str
        Its unit, ``"-"`` for none.
    mean, scale : float
        ``network = (value - mean) / scale``.
    held : bool
        Whether it keeps its values when other inputs are hidden (calendar, markers, statics).
    """

    name: str
    unit: str = "-"
    mean: float = 0.0
    scale: float = 1.0
    held: bool = False


def check_variables(key: str, variables: tuple[Variable, ...]) -> None:
    """Check that names differ and that every scaling can be undone."""
    if not variables:
        raise ConfigError(f"{key} must name at least one column and is empty")
    seen: set[str] = set()
    for variable in variables:
        path = f"{key}.{variable.name}"
        if variable.name in seen:
            raise ConfigError(f"{path} is named twice; each name must be given once")
        seen.add(variable.name)
        if not isfinite(variable.mean):
            raise ConfigError(f"{path}.mean must be a finite number and is {variable.mean}")
        if not (isfinite(variable.scale) and variable.scale > 0):
            raise ConfigError(f"{path}.scale must be a number above 0 and is {variable.scale}")
