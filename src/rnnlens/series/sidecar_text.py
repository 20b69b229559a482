"""The sidecar's TOML: reading with every key checked, and writing for people to read.

The format is described in `rnnlens.series.sidecar`.
"""

from __future__ import annotations

import contextlib
import datetime
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rnnlens.arguments import did_you_mean
from rnnlens.errors import ConfigError
from rnnlens.names import told
from rnnlens.series.clock import local_times, utc_times
from rnnlens.series.column_text import (
    COLUMN_KEYS,
    INHERITING,
    column_from,
    column_literals,
    horizons_of,
    leads_from,
    refuse_dotted,
    toml_hint,
)
from rnnlens.series.joint.inputs_text import inputs_from, inputs_lines
from rnnlens.series.scaling_text import SCALING_KEYS, scaling_from, scaling_literals
from rnnlens.series.variable import Variable

__all__ = ["from_toml", "to_toml"]

_COMMENTS = {
    "time": told("the column with each row's time"),
    "step": told("from one row to the next"),
    "time_format": told("how times are written"),
    "time_zone": told("the clocks that times without an offset are of"),
    "group": told("the column that windows never cross"),
    "window": told("steps that the network takes"),
    "lead": told("steps from the newest one taken to the one forecast"),
    "target": told("what is explained unless told otherwise"),
    "test_from": told("the first time that training did not see"),
}


def from_toml(text: str) -> dict[str, Any]:
    """Read a sidecar from TOML."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"this is not TOML: {error}{toml_hint(text)}") from None
    _known("", given, _KEYS)
    joint = inputs_from(given, _features) if "inputs" in given else {}
    for key, what in (("window", "the steps that the network takes"), ("features", "a table")):
        if key not in {**given, **joint}:
            raise ConfigError(f"{key} is missing; it must be {what}")
    values = {key: _KEYS[key](key, value) for key, value in given.items() if key != "inputs"}
    values |= joint
    zone, moment = values.get("time_zone"), values.get("test_from")
    if zone is not None and isinstance(moment, np.datetime64) and _is_local(given["test_from"]):
        values["test_from"] = utc_times(np.array([moment]), zone, "test_from")[0]
    values["targets"] = _targets(given.get("targets"), values["features"], values.get("lead", 1))
    return values


def _text(path: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{path} must be a text in quotes and is {value!r}")
    return value


def _text_or_texts(path: str, value: object) -> str | tuple[str, ...]:
    if not isinstance(value, list):
        return _text(path, value)
    if not value:
        raise ConfigError(f"{path} must name at least one column and is empty")
    return tuple(_text(f"{path}[{place}]", each) for place, each in enumerate(value))


def _whole(path: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{path} must be a whole number and is {value!r}")
    return value


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


def _is_local(value: object) -> bool:
    """Say whether a time has no offset of its own."""
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value)
    return getattr(value, "tzinfo", None) is None


def _variable(path: str, name: str, value: object) -> Variable:
    if not isinstance(value, Mapping):
        raise ConfigError(
            f'{path} must be a table such as {{ unit = "F", mean = 54.5, scale = 17.1 }} and is '
            f"{value!r}"
        )
    refuse_dotted(path, value)
    column, value = column_from(path, value)
    lead = _whole(f"{path}.lead", value["lead"]) if "lead" in value else None
    value = {key: item for key, item in value.items() if key != "lead"}
    _known(path, value, _VARIABLE_KEYS, (*SCALING_KEYS, *COLUMN_KEYS))
    scaling, value = scaling_from(path, value)
    return Variable(
        name,
        column=column,
        lead=lead,
        **scaling,
        **{key: _VARIABLE_KEYS[key](f"{path}.{key}", item) for key, item in value.items()},
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


def _targets(given: object, features: tuple[Variable, ...], lead: int) -> tuple[Variable, ...]:
    if given is None:
        return ()
    known = {feature.name: feature for feature in features}
    targets = []
    for name, value in _names_or_table("targets", given).items():
        targets += _target(f"targets.{name}", name, value, known, lead)
    if not targets:
        raise ConfigError("targets must name at least one target, or be left out")
    return tuple(targets)


def _target(
    path: str, name: str, value: Any, known: Mapping[str, Variable], lead: int
) -> list[Variable]:
    """Read one line of [targets]: a target, or the horizons of one."""
    if value == {} and name in known:
        return [known[name]]
    leads = leads_from(path, value, lead)
    own = {key: each for key, each in value.items() if key != "horizons"} if leads else value
    if isinstance(own, Mapping) and not set(own) - INHERITING:
        feature = _feature_of(path, name, own, known)
        column = replace(feature.column, of=feature.source)
        stated = _whole(f"{path}.lead", own["lead"]) if "lead" in own and not leads else None
        target = replace(feature, name=name, held=False, column=column, lead=stated)
    else:
        target = _variable(path, name, own)
    return horizons_of(target, leads)


def _feature_of(
    path: str, name: str, value: Mapping[str, Any], known: Mapping[str, Variable]
) -> Variable:
    """Give the feature whose unit and scaling a target has."""
    of = _text(f"{path}.of", value.get("of", name))
    if of not in known:
        raise ConfigError(
            f"{path}{'' if of == name else '.of'} is not a feature ({', '.join(known)})"
            f"{did_you_mean(of, known)}; it must be one, or have its own line "
            f"{name} = {{ unit = ..., mean = ..., scale = ... }} under [targets]"
        )
    return known[of]


def _known(
    path: str, given: Mapping[str, Any], keys: Mapping[str, Any], more: Iterable[str] = ()
) -> None:
    every = [*keys, *more]
    unknown = next((key for key in given if key not in every), None)
    if unknown is not None:
        full = f"{path}.{unknown}" if path else unknown
        near = did_you_mean(unknown, every)
        raise ConfigError(f"{full} is not a known key{near}; it must be one of {', '.join(every)}")


_KEYS: dict[str, Callable[[str, Any], Any]] = {
    "title": _text,
    "time": _text_or_texts,
    "time_format": _text,
    "time_zone": _text,
    "step": _text,
    "window": _whole,
    "lead": _whole,
    "target": _text,
    "baseline": _text,
    "method": _text,
    "test_from": _moment,
    "group": _text,
    "encoding": _text,
    "features": _features,
    "inputs": _features,  # read by `inputs_from`
    "targets": _names_or_table,
}
_VARIABLE_KEYS: dict[str, Callable[[str, Any], Any]] = {
    "unit": _text,
    "held": _flag,
}


def to_toml(values: Mapping[str, Any], speak: Callable[[str], str] = str) -> str:
    """Write a sidecar as TOML: one line for each variable, in columns.

    `speak` puts what comments tell into words.
    """
    moment = values["test_from"]
    if isinstance(moment, np.datetime64):
        values = {**values, "test_from": local_times(np.array([moment]), values["time_zone"])[0]}
    head = [
        (key, _literal(values[key]))
        for key in _KEYS
        if key not in {"features", "inputs", "targets"} and not _absent(values[key])
    ]
    key_width = max(len(key) for key, _ in head)
    noted = max(len(text) for key, text in head if key in _COMMENTS)
    lines = []
    for key, text in head:
        note = f"{text:<{noted}}  # {speak(_COMMENTS[key])}" if key in _COMMENTS else text
        lines.append(f"{key:<{key_width}} = {note}")
    plain = all(target in values["features"] for target in values["targets"])
    if plain:
        names = ", ".join(_literal(target.name) for target in values["targets"])
        gives = speak(told("what the network gives, in its order"))
        lines += ["", f"# {gives}", f"targets = [{names}]"]
    if values["inputs"]:
        every = tuple(variable for one in values["inputs"] for variable in one.features)
        named = told("the network's inputs by its names; {formula}", formula=_formula(every))
        lines += ["", f"# {speak(named)}"]
        lines += inputs_lines(values["inputs"], _literal, _lines)[1:]
    else:
        formula = _formula(values["features"])
        ordered = told("in the network's order; {formula}", formula=formula)
        lines += ["", f"[features]  # {speak(ordered)}"]
        lines += _lines(values["features"])
    if not plain:
        lines += ["", "[targets]  # " + speak(told("in the network's order"))]
        lines += _lines(values["targets"], known=values["features"])
    return "\n".join(lines) + "\n"


def _lines(variables: tuple[Variable, ...], known: tuple[Variable, ...] = ()) -> list[str]:
    import tomlkit

    columns = []
    for variable in variables:
        first, second, rest = scaling_literals(variable, _literal)
        rest += ", held = true" if variable.held else ""
        rest += "".join(f", {each}" for each in column_literals(variable, _literal))
        name, unit = tomlkit.key(variable.name).as_string(), f"unit = {_literal(variable.unit)},"
        columns.append((name, unit, f"{first},", second + rest))
    widths = [max(len(row[column]) for row in columns) for column in range(3)]
    lines = []
    for variable, row in zip(variables, columns, strict=True):
        name, unit, mean = (text.ljust(width) for text, width in zip(row, widths, strict=False))
        body = "{}" if variable in known else f"{{ {unit} {mean} {row[3]} }}"
        lines.append(f"{name} = {body}")
    return lines


def _formula(variables: tuple[Variable, ...]) -> str:
    """Tell what the numbers of the lines below mean."""
    bent = any(variable.transform is not None for variable in variables)
    value = told("transform(value)") if bent else told("value")
    by_limits = [variable.limits is not None for variable in variables]
    if all(by_limits) and by_limits:
        return told("network = ({value} - min) / (max - min)", value=value)
    if any(by_limits):
        return told(
            "network = ({value} - mean) / scale or ({value} - min) / (max - min)", value=value
        )
    return told("network = ({value} - mean) / scale", value=value)


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _literal(value: Any) -> str:
    import tomlkit

    if isinstance(value, np.datetime64):
        moment = value.astype("datetime64[us]").item()
        value = moment.date() if moment.time() == datetime.time() else moment
    if isinstance(value, tuple):
        value = list(value)
    return tomlkit.item(value).as_string()
