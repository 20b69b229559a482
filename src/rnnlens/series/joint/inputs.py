"""One of several inputs of a network, as a sidecar describes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from rnnlens.errors import ConfigError
from rnnlens.series.variable import Variable, check_variables

__all__ = ["SidecarInput", "check_inputs", "main_input"]


@dataclass(frozen=True)
class SidecarInput:
    """What one of several inputs of a network takes.

    Parameters
    ----------
    name : str
        The network's name for it.
    features : tuple of Variable
        What it takes, in its order.
    steps : int, optional
        Steps up to the newest one; the sidecar's window where not given. None are taken of a known
        future that states none.
    ahead : int
        Steps after the newest one, which are known beforehand: a calendar, a weather forecast.
    static : bool
        Whether it takes one value of each variable a window, which does not change in time.
    table : str, optional
        The file with its columns, where that is not one of those that are given.
    key : str, optional
        The column of that file which says whose row it is; the sidecar's group where not given.

    Examples
    --------
    >>> site = SidecarInput("site", (Variable("area"),), static=True, table="sites.csv", key="id")
    >>> site.title, SidecarInput("weather", (Variable("rain"),), ahead=6).title
    ('static', '6 steps ahead')
    """

    name: str
    features: tuple[Variable, ...]
    steps: int | None = None
    ahead: int = 0
    static: bool = False
    table: str | None = None
    key: str | None = None

    @property
    def title(self) -> str:
        """What kind of input it is, in words."""
        if self.static:
            return "static"
        return f"{self.ahead} steps ahead" if self.ahead else "a series"

    def back(self, window: int) -> int:
        """Give its steps up to the newest one, the sidecar's window being known."""
        if self.static:
            return 0
        return (0 if self.ahead else window) if self.steps is None else self.steps

    @property
    def held(self) -> tuple[str, ...]:
        """Names of the features that keep their values when others are hidden."""
        return tuple(variable.name for variable in self.features if variable.held)

    def beside(self, sidecar: str | PathLike[str]) -> SidecarInput:
        """Give the same with its table by its path, where it lies beside the sidecar."""
        if self.table is None:
            return self
        return replace(self, table=str(Path(sidecar).parent / self.table))


def main_input(inputs: Sequence[SidecarInput]) -> SidecarInput:
    """Give the series that windows are cut from and that targets belong to."""
    series = [one for one in inputs if not one.static]
    first = next((one for one in series if not one.ahead), None)
    first = first or next((one for one in series if one.steps), None)
    if first is None:
        raise ConfigError(
            f"inputs ({', '.join(one.name for one in inputs)}) must hold a series, an input "
            "without static and without ahead, whose newest step is when a forecast is made"
        )
    return first


def check_inputs(
    inputs: Sequence[SidecarInput], time: str | tuple[str, ...] | None, group: str | None
) -> None:
    """Check that what is said of each input goes together."""
    for one in inputs:
        path = f"inputs.{one.name}"
        check_variables(f"{path}.features", one.features)
        for key, count in (("steps", one.steps), ("ahead", one.ahead)):
            if count is not None and count < (1 if key == "steps" else 0):
                raise ConfigError(f"{path}.{key} must be a whole number from 1 and is {count}")
        if one.static and (one.steps is not None or one.ahead):
            raise ConfigError(
                f"{path} is static, one value a window, and has steps or ahead too: leave out "
                "static where it is a sequence, and the other where it is not"
            )
        if one.key is not None and one.table is None:
            raise ConfigError(
                f'{path}.key names a column of its own table, which table = "..." does not name: '
                "add it, or name the column that all tables have as group"
            )
        if one.key is not None and group is None:
            raise ConfigError(
                f"{path}.key says whose row it is, and nothing says whose the series' are: name "
                "their column as group, or leave key out and one row in the table"
            )
        names = [variable.source for variable in one.features]
        if isinstance(time, str) and time in names:
            raise ConfigError(
                f"time names the column {time!r}, which is a feature of {path} too; it must be a "
                "column of its own"
            )
    main_input(inputs)
