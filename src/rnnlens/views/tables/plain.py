"""A result's values as JSON holds them, and rows of a table as dicts."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, TypeAlias

import numpy as np

from rnnlens.results.attributes import is_beside

__all__ = ["Attributes", "Json", "Row", "plain", "plain_attributes"]

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
#: One row of a table, by its columns.
Row: TypeAlias = "dict[str, Any]"
#: The attributes of a Dataset.
Attributes: TypeAlias = "Mapping[Hashable, Any]"


def plain(value: Any) -> Json:
    """Give a value as JSON holds it: arrays as lists, and None for what is not finite."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def plain_attributes(attrs: Mapping[Any, Any]) -> Row:
    """Give attributes as JSON holds them, without what their sentences are made of."""
    return {str(key): plain(value) for key, value in attrs.items() if not is_beside(key)}
