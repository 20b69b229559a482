"""The sidecar's tables of inputs: ``[inputs.NAME]`` and ``[inputs.NAME.features]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rnnlens.arguments import did_you_mean
from rnnlens.errors import ConfigError
from rnnlens.series.joint.inputs import SidecarInput, main_input
from rnnlens.series.variable import Variable

__all__ = ["INPUT_KEYS", "inputs_from", "inputs_lines"]

#: What a table of an input may say beside its features.
INPUT_KEYS = ("features", "steps", "ahead", "static", "table", "key")

Features = Callable[[str, object], tuple[Variable, ...]]


def inputs_from(given: Mapping[str, Any], features: Features) -> dict[str, Any]:
    """Read the inputs of a sidecar; give them with the features and the window of the first series.

    ``features`` reads a table of variables.
    """
    if "features" in given:
        raise ConfigError(
            "features and inputs are both there: put the lines of [features] under "
            "[inputs.NAME.features] of the input that takes them"
        )
    tables = given["inputs"]
    if not isinstance(tables, Mapping) or not tables:
        raise ConfigError(
            f"inputs must be tables, [inputs.NAME] by the network's names, and is {tables!r}"
        )
    read = tuple(_input(name, table, features) for name, table in tables.items())
    main = main_input(read)
    window = given.get("window", main.steps)
    if window is None:
        raise ConfigError(
            f"window is missing; it must be the steps of inputs.{main.name}, there or as its steps"
        )
    if main.steps not in {None, window}:
        raise ConfigError(
            f"window is {window} and inputs.{main.name}.steps is {main.steps}: leave one out"
        )
    return {"inputs": read, "features": main.features, "window": window}


def _input(name: str, table: object, features: Features) -> SidecarInput:
    path = f"inputs.{name}"
    if not isinstance(table, Mapping) or "features" not in table:
        raise ConfigError(
            f"{path} must be a table with the columns of the input under [{path}.features] and is "
            f"{table!r}"
        )
    for key in table:
        if key not in INPUT_KEYS:
            raise ConfigError(
                f"{path}.{key} is not a known key{did_you_mean(key, INPUT_KEYS)}; it must be one "
                f"of {', '.join(INPUT_KEYS)}"
            )
    return SidecarInput(
        name,
        features(f"{path}.features", table["features"]),
        steps=_count(path, "steps", table),
        ahead=_count(path, "ahead", table) or 0,
        static=_flag(path, table),
        table=_text(path, "table", table),
        key=_text(path, "key", table),
    )


def _count(path: str, key: str, table: Mapping[str, Any]) -> int | None:
    count = table.get(key)
    if count is not None and (isinstance(count, bool) or not isinstance(count, int)):
        raise ConfigError(f"{path}.{key} must be a whole number of steps and is {count!r}")
    return count


def _flag(path: str, table: Mapping[str, Any]) -> bool:
    flag = table.get("static", False)
    if not isinstance(flag, bool):
        raise ConfigError(f"{path}.static must be true or false and is {flag!r}")
    return flag


def _text(path: str, key: str, table: Mapping[str, Any]) -> str | None:
    text = table.get(key)
    if text is not None and (not isinstance(text, str) or not text.strip()):
        raise ConfigError(f"{path}.{key} must be a text in quotes and is {text!r}")
    return text


def inputs_lines(
    inputs: Sequence[SidecarInput],
    literal: Callable[[Any], str],
    lines: Callable[[tuple[Variable, ...]], list[str]],
) -> list[str]:
    """Write the tables of the inputs: ``literal`` writes a value, ``lines`` variables."""
    import tomlkit

    written: list[str] = []
    for one in inputs:
        path = f"inputs.{tomlkit.key(one.name).as_string()}"
        said = {"steps": one.steps, "ahead": one.ahead or None, "static": one.static or None}
        said |= {"table": one.table, "key": one.key}
        rows = [f"{key} = {literal(value)}" for key, value in said.items() if value is not None]
        written += ["", f"[{path}]", *rows] if rows else [""]
        written += [f"[{path}.features]", *lines(one.features)]
    return written
