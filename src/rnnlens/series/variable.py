"""One feature or one target of a network, with its unit and its scaling."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import isfinite

from rnnlens.errors import ConfigError
from rnnlens.series.column import Column, check_column
from rnnlens.series.transform import Transform

__all__ = ["Limits", "Variable", "check_variables"]


@dataclass(frozen=True)
class Limits:
    """A scaling stated by two values and the numbers that they become.

    Parameters
    ----------
    low, high : float
        The values, in the variable's unit; of what its transform makes of it where it has one.
    to : tuple of float
        What they become in the network.

    Examples
    --------
    >>> Variable("rain", limits=Limits(0.0, 50.0)).scale
    50.0
    >>> Variable("rain", limits=Limits(0.0, 50.0, (-1.0, 1.0))).mean
    25.0
    """

    low: float
    high: float
    to: tuple[float, float] = (0.0, 1.0)

    @property
    def mean_and_scale(self) -> tuple[float, float]:
        """The same as what becomes 0, and what is one network unit."""
        scale = (self.high - self.low) / (self.to[1] - self.to[0])
        return self.low - self.to[0] * scale, scale


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
    transform : Transform, optional
        What bends a value before it is scaled: ``network = (transform(value) - mean) / scale``.
    limits : Limits, optional
        The scaling as two values and what they become; `mean` and `scale` follow from it.
    """

    name: str
    unit: str = "-"
    mean: float = 0.0
    scale: float = 1.0
    held: bool = False
    column: Column = field(default_factory=Column)
    lead: int | None = None
    transform: Transform | None = None
    limits: Limits | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.limits is None:
            return
        low, high, to = self.limits.low, self.limits.high, self.limits.to
        if not (low < high and to[0] < to[1] and all(map(isfinite, (low, high, *to)))):
            raise ConfigError(
                f"{self.name} must have a min below its max, and become two numbers that rise; it "
                f"goes from {low:g} to {high:g} and becomes {to[0]:g} to {to[1]:g}"
            )
        mean, scale = self.limits.mean_and_scale
        if (self.mean, self.scale) not in {(0.0, 1.0), (mean, scale)}:
            raise ConfigError(
                f"{self.name} is scaled by mean {self.mean:g} and scale {self.scale:g} and by its "
                f"limits too, which say {mean:g} and {scale:g}: give one of both"
            )
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "scale", scale)

    @property
    def scaled_unit(self) -> str:
        """The unit of what is scaled: the variable's own, or that of what its transform gives."""
        return self.unit if self.transform is None else self.transform.unit(self.unit)

    @property
    def named_transform(self) -> Transform | None:
        """The transform, which then names the column in its messages."""
        return self.transform and replace(self.transform, of=self.name)

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
