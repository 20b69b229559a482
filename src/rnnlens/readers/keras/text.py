"""An architecture as text: the JSON or YAML that Keras's ``to_json`` and ``to_yaml`` give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rnnlens.errors import UnreadableFile
from rnnlens.network.json_values import Json, JsonObject
from rnnlens.readers.hardening.yaml_text import plain_yaml

__all__ = ["Architecture", "architecture_in", "is_architecture"]

#: No architecture has more text than this.
LARGEST_TEXT = 64 * 1024**2


@dataclass(frozen=True, eq=False)
class Architecture:
    """A model without its weights."""

    #: The model as Keras serialises it.
    config: JsonObject
    #: The version of Keras that it states.
    version: str | None
    path: Path


def is_architecture(value: Json) -> bool:
    """Tell whether parsed text is an architecture."""
    return isinstance(value, Mapping) and "class_name" in value and "config" in value


def architecture_in(path: Path) -> Architecture:
    """Read an architecture."""
    try:
        if path.stat().st_size > LARGEST_TEXT:
            raise UnreadableFile(
                f"{path} is too long to be the text of an architecture: give the JSON that "
                "model.to_json() writes"
            )
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"{path} is not text: give as architecture the JSON that model.to_json() writes"
        ) from error
    except OSError as error:
        raise UnreadableFile(f"the architecture {path} cannot be read: {error.strerror}") from error
    value = _json(text, path) if text.lstrip()[:1] in {"{", "[", '"'} else _yaml(text, path)
    if not is_architecture(value):
        raise UnreadableFile(
            f"{path} holds no architecture: give the JSON that model.to_json() writes"
        )
    version = value.get("keras_version")
    return Architecture(value, None if version is None else str(version), path)


def _json(text: str, path: Path) -> Json:
    try:
        value = json.loads(text)
        # json.dump(model.to_json()) writes the text as one string within the text.
        return json.loads(value) if isinstance(value, str) else value
    except (json.JSONDecodeError, RecursionError) as error:
        raise UnreadableFile(
            f"{path} begins like JSON, but it is damaged: write it again with model.to_json()"
        ) from error


def _yaml(text: str, path: Path) -> Json:
    return plain_yaml(
        text,
        path,
        purpose="is not JSON; to read an architecture in YAML",
        instead="is neither JSON nor plain YAML: give the JSON that model.to_json() writes",
    )
