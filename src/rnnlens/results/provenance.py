"""Say where a result came from, in attributes that every file format can hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from rnnlens.results.attributes import attributes, beside

__all__ = ["UNSURE", "provenance"]

#: Attributes that say what is assumed of a network, what of its source is left out of it, and which
#: of the newest steps its forecast cannot see.
UNSURE = tuple(end for name in ("assumed", "left_out", "cut_off") for end in (name, beside(name)))


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
    known = {
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
    return attributes(known)


@cache
def _version() -> str:
    """Give the version of this package, whose description is read from disk for it."""
    return version("rnnlens")
