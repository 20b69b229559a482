"""Checks of forecasts that were made before: of the same network, on the same numbers.

One window says too little of how good a forecast is, so that its background is judged. That is the
same for every window that is asked about beside it, and for every verb, and is judged once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from rnnlens.checks.forecast.check import ForecastCheck, check_forecast

if TYPE_CHECKING:
    from rnnlens.checks.forecast.data import ForecastData
    from rnnlens.network.network import Network

__all__ = ["kept_check"]

#: Checks that are kept for a network, the newest.
MOST = 16

_KEPT: WeakKeyDictionary[Network, dict[str, ForecastCheck]] = WeakKeyDictionary()


def kept_check(
    data: ForecastData, background: ForecastData | None, *, numbers: bool
) -> ForecastCheck:
    """Check a forecast, or give what the check said of the same numbers before."""
    known = _KEPT.setdefault(data.network, {})
    key = _digest(data, background, numbers=numbers)
    if key not in known:
        made = check_forecast(data, background, numbers=numbers)
        while len(known) >= MOST:
            known.pop(next(iter(known)), None)
        known[key] = made
        return _copied(made)
    return _copied(known[key])


def _copied(check: ForecastCheck) -> ForecastCheck:
    """Copy the arrays, which a result hands to whoever asked and may write into them."""
    values = {one.name: getattr(check, one.name) for one in fields(check)}
    own = {name: one.copy() for name, one in values.items() if isinstance(one, np.ndarray)}
    return replace(check, **own)


def _digest(*several: ForecastData | None, numbers: bool) -> str:
    """Give a name to all that a check is made from, weights too: someone may write into them."""
    digest = hashlib.blake2b(str(numbers).encode(), digest_size=20)
    for each in several:
        _take(each, digest.update)
    return digest.hexdigest()


def _take(value: object, update: Callable[[bytes], None]) -> None:
    """Hand on the bytes of a value, those of what it holds in turn."""
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        update(f"{value.dtype.str}{value.shape}".encode())
        update(value.tobytes())
    elif isinstance(value, Mapping):
        _take(tuple(value.items()), update)
    elif isinstance(value, tuple | list):
        update(f"{len(value)}:".encode())
        for one in value:
            _take(one, update)
    elif is_dataclass(value) and not isinstance(value, type):
        update(type(value).__name__.encode())
        for field in fields(value):
            _take(getattr(value, field.name), update)
    else:
        update(f"{type(value).__name__} {value!r};".encode())
