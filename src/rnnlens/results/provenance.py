"""Say where a result came from, in attributes that every file format can hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["UNSURE", "file_safe", "provenance"]

#: Attributes that say what is assumed of a network, what of its source is left out of it, and which
#: of the newest steps its forecast cannot see.
UNSURE = ("assumed", "left_out", "cut_off")


def provenance(
    *,
    method: str,
    settings: Mapping[str, Any] | None = None,
    network_digest: str = "",
    network_format: str = "",
    network_path: str = "",
    created: datetime | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, str | int | float]:
    """Collect what a reader needs in order to make a result again.

    Examples
    --------
    >>> attrs = provenance(method="secant", settings={"seed": 7}, extra={"unit": "F"})
    >>> attrs["method"], attrs["settings"], attrs["unit"]
    ('secant', '{"seed": 7}', 'F')
    """
    moment = (created or datetime.now(UTC)).astimezone(UTC)
    attributes = {
        "method": method,
        "settings": dict(settings or {}),
        "network": Path(network_path).name if network_path else "",
        "network_format": network_format,
        "sha256": network_digest,
        "rnnlens_version": _version(),
        "numpy_version": np.__version__,
        "created": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **(extra or {}),
    }
    return {key: file_safe(value) for key, value in attributes.items()}


@cache
def _version() -> str:
    """Give the version of this package, whose description is read from disk for it."""
    return version("rnnlens")


def file_safe(value: object) -> str | int | float:
    """Give a value in a form that netCDF, JSON and CSV all hold.

    Examples
    --------
    >>> file_safe(True), file_safe(None), file_safe(["hour_sin", "hour_cos"])
    (1, '', 'hour_sin, hour_cos')
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, str | int | float):
        return int(value) if isinstance(value, bool) else value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(_plain(value), ensure_ascii=False)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return "" if value is None else str(value)


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    return file_safe(value)
