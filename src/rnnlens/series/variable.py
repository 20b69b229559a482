"""One feature or one target of a network, with its unit and its scaling."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite

from rnnlens.errors import ConfigError
from rnnlens.series.column import Column, check_column

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
    column : Column
        Where its numbers come from, where that is not simply the column of its name.
    lead : int, optional
        Of a target: steps from the newest one taken to the one that it is for; the sidecar's own
        lead where not given.
    """

    name: str
    unit: str = "-"
    mean: float = 0.0
    scale: float = 1.0
    held: bool = False
    column: Column = field(default_factory=Column)
    lead: int | None = None

    @property
    def source(self) -> str:
        """The name of its column."""
        return self.name if self.column.of is None else self.column.of


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
        check_column(path, variable.column)
        if variable.lead is not None and variable.lead < 0:
            raise ConfigError(
                f"{path}.lead must be a whole number of steps from 0 and is {variable.lead}"
            )
        if not isfinite(variable.mean):
            raise ConfigError(f"{path}.mean must be a finite number and is {variable.mean}")
        if not (isfinite(variable.scale) and variable.scale > 0):
            raise ConfigError(f"{path}.scale must be a number above 0 and is {variable.scale}")
