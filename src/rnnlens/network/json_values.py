"""Types of what is read from JSON and written to it: each value is checked where it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Json", "JsonObject"]

#: A value of JSON: None, a bool, a number, a text, a list or an object.
Json = Any

#: An object of JSON, as it is read.
JsonObject = Mapping[str, Json]
