"""From what a scaler does to the variables of a sidecar."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike

from rnnlens.arguments import did_you_mean
from rnnlens.errors import ConfigError, DataError
from rnnlens.series.scalers.inert import Refused
from rnnlens.series.scalers.lines import Columns, Line
from rnnlens.series.scalers.read import columns_of_object, read_scaler
from rnnlens.series.variable import Limits, Variable

__all__ = ["columns_given", "variables_from"]


def columns_given(scaler: object) -> Columns:
    """Read a scaler, from its file or as the object that it is."""
    if isinstance(scaler, str | PathLike):
        return read_scaler(scaler)
    try:
        return columns_of_object(scaler)
    except Refused as error:
        raise DataError(
            f"an object of type {type(scaler).__name__} cannot be read as a scaler: {error}"
        ) from None


def variables_from(
    columns: Columns, names: Iterable[str] | None = None, *, key: str = "features"
) -> tuple[Variable, ...]:
    """Give a variable a column, under its own name or the names given, in their order."""
    given = None if names is None else tuple(names)
    if columns.names is None:
        if given is None:
            raise ConfigError(
                f"the scaler does not know the names of its {len(columns)} columns: give {key}, in "
                "the order in which it was fitted on them"
            )
        if len(given) != len(columns):
            raise ConfigError(
                f"{key} must name the {len(columns)} columns that the scaler was fitted on and has "
                f"{len(given)}"
            )
        return tuple(map(_variable, given, columns.lines))
    known = dict(zip(columns.names, columns.lines, strict=True))
    return tuple(_variable(name, _line(name, known, key)) for name in given or columns.names)


def _line(name: str, known: dict[str, Line], key: str) -> Line:
    if name not in known:
        raise ConfigError(
            f"{key} names {name!r}, which the scaler was not fitted on{did_you_mean(name, known)}; "
            f"it has {', '.join(known)}"
        )
    return known[name]


def _variable(name: str, line: Line) -> Variable:
    if line.limits is None:
        return Variable(name, mean=line.mean, scale=line.scale, transform=line.transform)
    low, high, *to = line.limits
    return Variable(name, transform=line.transform, limits=Limits(low, high, (to[0], to[1])))
