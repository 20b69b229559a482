"""Bundles of options, laid out as options of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import get_type_hints

__all__ = ["flattened"]


def flattened(command: Callable[..., None]) -> Callable[..., None]:
    """Make every field of a bundle an option of its own."""
    hints = get_type_hints(command, include_extras=True)
    bundles = {
        name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)
    }
    parameters: list[Parameter] = []
    for name, parameter in signature(command).parameters.items():
        if name not in bundles:
            parameters.append(parameter.replace(annotation=hints[name]))
            continue
        own = get_type_hints(bundles[name], include_extras=True)
        parameters += [
            Parameter(
                spec.name, Parameter.KEYWORD_ONLY, default=spec.default, annotation=own[spec.name]
            )
            for spec in fields(bundles[name])
        ]

    @wraps(command)
    def run(**typed: object) -> None:
        packed = {
            name: bundle(**{spec.name: _plain(typed.pop(spec.name)) for spec in fields(bundle)})
            for name, bundle in bundles.items()
        }
        command(**typed, **packed)

    ordered = sorted(parameters, key=lambda parameter: parameter.kind)
    run.__signature__ = Signature(ordered)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in ordered}
    del run.__wrapped__
    return run


def _plain(value: object) -> object:
    """Give the word that one of several stands for."""
    return value.value if isinstance(value, Enum) else value
