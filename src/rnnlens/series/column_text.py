"""The sidecar's words for a variable's column and for the time that a target is for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rnnlens.errors import ConfigError
from rnnlens.series.column import Column
from rnnlens.series.scaling_text import SCALING_KEYS
from rnnlens.series.variable import Variable

__all__ = [
    "COLUMN_KEYS",
    "INHERITING",
    "column_from",
    "column_literals",
    "horizons_of",
    "leads_from",
    "refuse_dotted",
    "toml_hint",
]

#: A text without the quotes that TOML wants, as the value of a line and within a table.
_BARE = re.compile(r"[A-Za-z_][\w .:/%-]*")
_BARE_INSIDE = re.compile(r"[{,]\s*(\w+)\s*=\s*([A-Za-z_][\w /%]*?)\s*[,}]")
#: Keys of a target that leave its unit and scaling to the feature that it is of.
INHERITING = frozenset({"of", "lead", "horizons"})


def column_from(path: str, value: Mapping[str, Any]) -> tuple[Column, dict[str, Any]]:
    """Read what a variable's line says of its column; give the rest of the line too."""
    read = {key: _KEYS[key](f"{path}.{key}", value[key]) for key in _KEYS if key in value}
    return Column(**read), {key: item for key, item in value.items() if key not in _KEYS}


def leads_from(path: str, value: object, lead: int) -> tuple[int, ...]:
    """Read the horizons of a target: their leads in the network's order, none where not given."""
    given = value.get("horizons") if isinstance(value, Mapping) else None
    if given is None or not isinstance(value, Mapping):
        return ()
    if _is_whole(given) and given > 0:
        first = value.get("lead", lead)
        return tuple(range(first, first + given)) if _is_whole(first) else ()
    if not isinstance(given, list) or not given or not all(_is_whole(each) for each in given):
        raise ConfigError(
            f"{path}.horizons must be how many steps are forecast, such as 6, or which, such as "
            f"[1, 2, 3, 6], and is {given!r}"
        )
    if "lead" in value:
        raise ConfigError(f"{path} has lead and a list of horizons, which are leads: leave one out")
    if len(set(given)) < len(given):
        raise ConfigError(f"{path}.horizons must each be given once and are {given}")
    return tuple(given)


def horizons_of(target: Variable, leads: tuple[int, ...]) -> list[Variable]:
    """Give a target for each of its leads; the target itself where none are given."""
    column = replace(target.column, of=target.source)
    return [
        replace(target, name=f"{target.name} t+{lead}", column=column, lead=lead) for lead in leads
    ] or [target]


def refuse_dotted(path: str, value: Mapping[str, Any]) -> None:
    """Refuse a name that TOML took apart at its dots, as ``pm2.5`` is without quotes."""
    for key, item in value.items():
        if isinstance(item, Mapping) and key not in _KEYS and key not in SCALING_KEYS:
            name = f"{path.partition('.')[2]}.{key}"
            raise ConfigError(
                f'{path}.{key} is a name with a dot, which must be in quotes: "{name}" = {{ ... }}'
            )


def toml_hint(text: str) -> str:
    """Say what is probably wrong with a file that is not TOML: its first line without quotes."""
    return next((hint for line in text.splitlines() if (hint := _line_hint(line))), "")


def _line_hint(line: str) -> str:
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        key, equals, value = line.partition("=")
    else:
        return ""
    meant = value.partition("#")[0].strip()
    if equals and _BARE.fullmatch(meant):
        return f'; a text must be in quotes: {key.strip()} = "{meant}"'
    if equals and not re.fullmatch(r"""\s*([\w.-]+|"[^"]*"|'[^']*')\s*""", key):
        return f'; a name like this must be in quotes: "{key.strip()}" = ...'
    inner = _BARE_INSIDE.search(line)
    if inner and inner[2] not in {"true", "false", "inf", "nan"}:
        return f'; a text must be in quotes: {inner[1]} = "{inner[2]}"'
    return ""


def column_literals(variable: Variable, literal: Callable[[Any], str]) -> list[str]:
    """Write what is said of a variable's column, and its lead: ``key = value`` each."""
    import tomlkit

    column = variable.column
    written = [
        f"{key} = {literal(getattr(column, key))}"
        for key in ("of", "equals", "missing", "limit", "value")
        if getattr(column, key) is not None
    ]
    if column.map:
        pairs = ", ".join(
            f"{tomlkit.key(text).as_string()} = {literal(number)}" for text, number in column.map
        )
        written.append(f"map = {{ {pairs} }}")
    return written + ([] if variable.lead is None else [f"lead = {variable.lead}"])


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(path: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{path} must be a text in quotes and is {value!r}")
    return value


def _limit(path: str, value: object) -> int:
    if not isinstance(value, int) or not _is_whole(value):
        raise ConfigError(f"{path} must be a whole number of rows from 1 and is {value!r}")
    return value


def _missing(path: str, value: object) -> str | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return _text(path, value)


def _number(path: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{path} must be a number and is {value!r}")
    return float(value)


def _numbers(path: str, value: object) -> tuple[tuple[str, float], ...]:
    if not isinstance(value, Mapping) or not value:
        raise ConfigError(
            f"{path} must say the number of each text, such as {{ NW = 0, SE = 1 }}, and is "
            f"{value!r}"
        )
    for text, number in value.items():
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise ConfigError(f"{path}.{text} must be a number and is {number!r}")
    return tuple((str(text), float(number)) for text, number in value.items())


_KEYS: dict[str, Callable[[str, Any], Any]] = {
    "of": _text,
    "equals": _text,
    "map": _numbers,
    "missing": _missing,
    "limit": _limit,
    "value": _number,
}
#: What a variable's line may say of its column.
COLUMN_KEYS = (*_KEYS, "lead")
