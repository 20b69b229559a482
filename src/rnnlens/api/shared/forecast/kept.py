"""Checks of forecasts that were made before: of the same network, on the same numbers.

One window says too little of how good a forecast is, so that its background is judged. That is the
same for every window that is asked about beside it, and for every verb, and is judged once. Where
nothing is known of what happened, a check takes less than to tell whether the numbers are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from rnnlens.checks.forecast.check import ForecastCheck, check_forecast, made_whole
from rnnlens.checks.forecast.noise import FEWEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.checks.forecast.data import ForecastData
    from rnnlens.network.network import Network

__all__ = ["kept_check"]

#: Checks that are kept for a network, the newest.
MOST = 16
#: Bytes that are handed on at once.
BLOCK = 1 << 20


class _Kept(NamedTuple):
    """A check, and whether all was said that is not needed for sentences."""

    check: ForecastCheck
    whole: bool


_KEPT: WeakKeyDictionary[Network, dict[str, _Kept]] = WeakKeyDictionary()


def kept_check(
    data: ForecastData, background: ForecastData | None, *, numbers: bool, whole: bool = True
) -> ForecastCheck:
    """Check a forecast, or give what the check said of the same numbers before."""
    if np.isfinite(data.actual).sum() < FEWEST:
        return check_forecast(data, background, numbers=numbers, whole=whole)
    known = _KEPT.setdefault(data.network, {})
    key = _digest(data, background, numbers=numbers)
    if key not in known:
        made = check_forecast(data, background, numbers=numbers, whole=whole)
        while len(known) >= MOST:
            known.pop(next(iter(known)), None)
        known[key] = _Kept(made, whole)
    elif whole and not known[key].whole:
        known[key] = _Kept(made_whole(known[key].check, data, numbers=numbers), whole)
    return _copied(known[key].check)


def _copied(check: ForecastCheck) -> ForecastCheck:
    """Copy the arrays, which a result hands to whoever asked and may write into them."""
    values = {one.name: getattr(check, one.name) for one in fields(check)}
    own = {name: one.copy() for name, one in values.items() if isinstance(one, np.ndarray)}
    return replace(check, **own)


def _digest(*several: ForecastData | None, numbers: bool) -> str:
    """Give a name to all that a check is made from, weights too: someone may write into them."""
    digest = hashlib.blake2b(str(numbers).encode(), digest_size=20)
    taken: dict[object, int] = {}
    for each in several:
        # what the network makes of the windows follows from the rest
        _take(None if each is None else replace(each, made=None), digest.update, taken)
    return digest.hexdigest()


def _take(value: object, update: Callable[[bytes], None], taken: dict[object, int]) -> None:
    """Hand on the bytes of a value, those of what it holds in turn, of each array once."""
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        update(f"{value.dtype.str}{value.shape}{value.strides}".encode())
        where = (value.ctypes.data, value.dtype.str, value.shape, value.strides)
        if where not in taken:
            _feed(_stored(value), update)
        update(f"{taken.setdefault(where, len(taken))};".encode())
    elif isinstance(value, Mapping):
        _take(tuple(value.items()), update, taken)
    elif isinstance(value, tuple | list):
        update(f"{len(value)}:".encode())
        for one in value:
            _take(one, update, taken)
    elif is_dataclass(value) and not isinstance(value, type):
        update(type(value).__name__.encode())
        for field in fields(value):
            _take(getattr(value, field.name), update, taken)
    else:
        update(f"{type(value).__name__} {value!r};".encode())


def _feed(array: NDArray[np.generic], update: Callable[[bytes], None]) -> None:
    """Hand on the bytes of an array some at a time, for all of them are one more array."""
    rows = np.atleast_1d(array)
    size = max(1, BLOCK // max(1, rows[:1].nbytes))
    for first in range(0, len(rows), size):
        update(rows[first : first + size].tobytes())


def _stored(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Give the numbers that an array shows, each once where windows that overlap share them."""
    size = array.itemsize
    ends = [(length - 1) * step for length, step in zip(array.shape, array.strides, strict=True)]
    if not array.size or min((*array.strides, 0)) < 0 or any(step % size for step in array.strides):
        return array
    numbers = sum(ends) // size + 1
    if numbers >= array.size:
        return array
    return np.lib.stride_tricks.as_strided(array, (numbers,), (size,), writeable=False)
