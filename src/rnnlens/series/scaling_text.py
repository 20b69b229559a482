"""The sidecar's words for a variable's scaling.

``mean`` and ``scale``, or ``min`` and ``max`` with ``to``; and ``log1p`` or ``power`` before them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rnnlens.errors import ConfigError
from rnnlens.series.transform import Transform
from rnnlens.series.variable import Limits, Variable

__all__ = ["SCALING_KEYS", "scaling_from", "scaling_literals"]

#: Powers by their names in the file.
_POWERS = ("yeo_johnson", "box_cox")
SCALING_KEYS = ("mean", "scale", "min", "max", "to", "log1p", "power")


def scaling_from(path: str, value: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read what a variable's line says of its scaling; give the rest of the line too."""
    rest = {key: item for key, item in value.items() if key not in SCALING_KEYS}
    bent = _transform(path, value)
    given = {key: value[key] for key in ("mean", "scale", "min", "max") if key in value}
    if {"min", "max"} & set(given):
        if {"mean", "scale"} & set(given):
            raise ConfigError(
                f"{path} has min or max beside mean or scale, and training used one pair of both: "
                "leave the other out"
            )
        return {"limits": _limits(path, value), "transform": bent}, rest
    if "to" in value:
        raise ConfigError(f"{path}.to says what min and max become, and they are not there")
    for key in ("mean", "scale"):
        if key not in given:
            usual = "0" if key == "mean" else "1"
            raise ConfigError(
                f"{path}.{key} is missing; it must be the number that training scaled with, "
                f"{usual} where the network takes the value as it stands"
            )
    numbers = {key: _number(f"{path}.{key}", item) for key, item in given.items()}
    return {**numbers, "transform": bent}, rest


def _limits(path: str, value: Mapping[str, Any]) -> Limits:
    for key, other in (("min", "max"), ("max", "min")):
        if key not in value:
            raise ConfigError(
                f"{path}.{key} is missing; it must be the value that training scaled to 1 or 0, "
                f"as {other} is"
            )
    to = value.get("to", [0, 1])
    if not isinstance(to, list) or len(to) != 2:
        raise ConfigError(
            f"{path}.to must be the two numbers that min and max become, such as [-1, 1], and is "
            f"{to!r}"
        )
    low, high = (_number(f"{path}.{key}", value[key]) for key in ("min", "max"))
    first, second = (_number(f"{path}.to", item) for item in to)
    return Limits(low, high, (first, second))


def _transform(path: str, value: Mapping[str, Any]) -> Transform | None:
    log1p, power = value.get("log1p", False), value.get("power")
    if not isinstance(log1p, bool):
        raise ConfigError(f"{path}.log1p must be true or false and is {log1p!r}")
    if log1p and power is not None:
        raise ConfigError(f"{path} has log1p and power, of which one is enough: leave one out")
    if power is None:
        return Transform("log1p") if log1p else None
    if not isinstance(power, Mapping) or len(power) != 1 or not set(power) <= set(_POWERS):
        raise ConfigError(
            f"{path}.power must name the transform and its lambda, {{ yeo_johnson = 0.3 }} or "
            f"{{ box_cox = 0.3 }}, and is {power!r}"
        )
    ((kind, exponent),) = power.items()
    return Transform(kind, _number(f"{path}.power.{kind}", exponent))


def _number(path: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{path} must be a number and is {value!r}")
    return float(value)


def scaling_literals(variable: Variable, literal: Callable[[Any], str]) -> tuple[str, str, str]:
    """Write a variable's scaling: its first number, its second, and the rest of the line."""
    bent = variable.transform
    rest = ""
    if variable.limits is None:
        first, second = f"mean = {literal(variable.mean)}", f"scale = {literal(variable.scale)}"
    else:
        limits = variable.limits
        first, second = f"min = {literal(limits.low)}", f"max = {literal(limits.high)}"
        if limits.to != (0.0, 1.0):
            rest += f", to = [{literal(limits.to[0])}, {literal(limits.to[1])}]"
    if bent is not None and bent.kind == "log1p":
        rest += ", log1p = true"
    elif bent is not None:
        rest += f", power = {{ {bent.kind} = {literal(bent.power)} }}"
    return first, second, rest
