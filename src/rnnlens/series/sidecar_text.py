"""The sidecar's TOML: reading with every key checked, and writing for people to read.

The format is described in `rnnlens.series.sidecar`.
"""

from __future__ import annotations

import contextlib
import datetime
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rnnlens.errors import ConfigError
from rnnlens.series.variable import Variable

__all__ = ["from_toml", "to_toml"]

_COMMENTS = {
    "time": "the column with each row's time",
    "step": "from one row to the next",
    "window": "steps that the network takes",
    "lead": "steps from the newest one taken to the one forecast",
    "target": "what is explained unless told otherwise",
    "test_from": "the first time that training did not see",
}


def from_toml(text: str) -> dict[str, Any]:
    """Read a sidecar from TOML."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"this is not TOML: {error}") from None
    _known("", given, _KEYS)
    for key, what in (("window", "the steps that the network takes"), ("features", "a table")):
        if key not in given:
            raise ConfigError(f"{key} is missing; it must be {what}")
    values = {key: _KEYS[key](key, value) for key, value in given.items()}
    values["targets"] = _targets(given.get("targets"), values["features"])
    return values


def _text(path: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{path} must be a text in quotes and is {value!r}")
    return value


def _whole(path: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{path} must be a whole number and is {value!r}")
    return value


def _number(path: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{path} must be a number and is {value!r}")
    return float(value)


def _flag(path: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{path} must be true or false and is {value!r}")
    return value


def _moment(path: str, value: object) -> np.datetime64 | int:
    if isinstance(value, str):
        # What is not a time stays a text, which the sentence below shows.
        with contextlib.suppress(ValueError):
            value = datetime.datetime.fromisoformat(value)
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    if isinstance(value, datetime.date):
        return np.datetime64(value).astype("datetime64[ns]")
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ConfigError(f"{path} must be a time such as 2013-10-01 or a row number and is {value!r}")


def _variable(path: str, name: str, value: object) -> Variable:
    if not isinstance(value, Mapping):
        raise ConfigError(
            f'{path} must be a table such as {{ unit = "F", mean = 54.5, scale = 17.1 }} and is '
            f"{value!r}"
        )
    _known(path, value, _VARIABLE_KEYS)
    for key in ("mean", "scale"):
        if key not in value:
            usual = "0" if key == "mean" else "1"
            raise ConfigError(
                f"{path}.{key} is missing; it must be the number that training scaled with, "
                f"{usual} where the network takes the value as it stands"
            )
    return Variable(
        name, **{key: _VARIABLE_KEYS[key](f"{path}.{key}", item) for key, item in value.items()}
    )


def _features(path: str, value: object) -> tuple[Variable, ...]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{path} must be a table with one line for each feature and is {value!r}")
    return tuple(_variable(f"{path}.{name}", name, item) for name, item in value.items())


def _names_or_table(path: str, value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, list):
        raise ConfigError(f"{path} must be a table or a list of names and is {value!r}")
    names = [_text(f"{path}[{position}]", name) for position, name in enumerate(value)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"{path}.{twice} is named twice; each name must be given once")
    return {name: {} for name in names}


def _targets(given: object, features: tuple[Variable, ...]) -> tuple[Variable, ...]:
    if given is None:
        return ()
    known = {feature.name: feature for feature in features}
    targets = []
    for name, value in _names_or_table("targets", given).items():
        path = f"targets.{name}"
        if value == {} and name not in known:
            raise ConfigError(
                f"{path} is not a feature ({', '.join(known)}); it must be one, or have its own "
                f"line {name} = {{ unit = ..., mean = ..., scale = ... }} under [targets]"
            )
        target = known[name] if value == {} else _variable(path, name, value)
        targets.append(target)
    if not targets:
        raise ConfigError("targets must name at least one target, or be left out")
    return tuple(targets)


def _known(path: str, given: Mapping[str, Any], keys: Mapping[str, Any]) -> None:
    unknown = next((key for key in given if key not in keys), None)
    if unknown is not None:
        full = f"{path}.{unknown}" if path else unknown
        raise ConfigError(f"{full} is not a known key; it must be one of {', '.join(keys)}")


_KEYS: dict[str, Callable[[str, Any], Any]] = {
    "title": _text,
    "time": _text,
    "step": _text,
    "window": _whole,
    "lead": _whole,
    "target": _text,
    "baseline": _text,
    "method": _text,
    "test_from": _moment,
    "features": _features,
    "targets": _names_or_table,
}
_VARIABLE_KEYS: dict[str, Callable[[str, Any], Any]] = {
    "unit": _text,
    "mean": _number,
    "scale": _number,
    "held": _flag,
}


def to_toml(values: Mapping[str, Any]) -> str:
    """Write a sidecar as TOML: one line for each variable, in columns."""
    head = [
        (key, _literal(values[key]))
        for key in _KEYS
        if key not in {"features", "targets"} and not _absent(values[key])
    ]
    key_width = max(len(key) for key, _ in head)
    noted = max(len(text) for key, text in head if key in _COMMENTS)
    lines = []
    for key, text in head:
        note = f"{text:<{noted}}  # {_COMMENTS[key]}" if key in _COMMENTS else text
        lines.append(f"{key:<{key_width}} = {note}")
    plain = all(target in values["features"] for target in values["targets"])
    if plain:
        names = ", ".join(_literal(target.name) for target in values["targets"])
        lines += ["", "# what the network gives, in its order", f"targets = [{names}]"]
    lines += ["", "[features]  # in the network's order; network = (value - mean) / scale"]
    lines += _lines(values["features"])
    if not plain:
        lines += ["", "[targets]  # in the network's order"]
        lines += _lines(values["targets"], known=values["features"])
    return "\n".join(lines) + "\n"


def _lines(variables: tuple[Variable, ...], known: tuple[Variable, ...] = ()) -> list[str]:
    import tomlkit

    columns = [
        (
            tomlkit.key(variable.name).as_string(),
            f"unit = {_literal(variable.unit)},",
            f"mean = {_literal(variable.mean)},",
            f"scale = {_literal(variable.scale)}" + (", held = true" if variable.held else ""),
        )
        for variable in variables
    ]
    widths = [max(len(row[column]) for row in columns) for column in range(3)]
    lines = []
    for variable, row in zip(variables, columns, strict=True):
        name, unit, mean = (text.ljust(width) for text, width in zip(row, widths, strict=False))
        body = "{}" if variable in known else f"{{ {unit} {mean} {row[3]} }}"
        lines.append(f"{name} = {body}")
    return lines


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _literal(value: Any) -> str:
    import tomlkit

    if isinstance(value, np.datetime64):
        moment = value.astype("datetime64[us]").item()
        value = moment.date() if moment.time() == datetime.time() else moment
    return tomlkit.item(value).as_string()
