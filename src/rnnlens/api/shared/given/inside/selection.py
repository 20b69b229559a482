"""Lags, steps and units, as a user names them and as they are said back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from rnnlens.errors import DataError, InputError
from rnnlens.names import told

if TYPE_CHECKING:
    from numpy.typing import NDArray

    #: Numbers as a user gives them; None for all that there are.
    Chosen = int | Sequence[int] | None

__all__ = ["in_words", "some_units", "which_steps", "which_units"]


def which_units(given: Chosen, count: int) -> NDArray[np.bool_]:
    """Resolve the units that a user named: (unit,) of bool."""
    chosen = np.ones(count, dtype=bool)
    if given is not None:
        places = _numbers(given, "units", 0, count - 1)
        chosen[:] = False
        chosen[places] = True
    return chosen


def which_steps(lags: Chosen, steps: Chosen, count: int) -> NDArray[np.bool_]:
    """Resolve the steps that a user named, from either end: (step,) of bool."""
    if lags is not None and steps is not None:
        raise InputError("give lags or steps, not both: they say the same from either end")
    chosen = np.ones(count, dtype=bool)
    if lags is not None:
        chosen[:] = False
        chosen[count - np.array(_numbers(lags, "lags", 1, count))] = True
    if steps is not None:
        chosen[:] = False
        chosen[_numbers(steps, "steps", 0, count - 1)] = True
    return chosen


def _numbers(given: int | Sequence[int], what: str, first: int, last: int) -> list[int]:
    listed = isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)
    numbers = list(cast("Sequence[int]", given if listed else [given]))
    for number in numbers:
        whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
        if not whole or not first <= number <= last:
            raise DataError(f"{what} are whole numbers from {first} to {last}, not {number!r}")
    if not numbers:
        raise DataError(f"no {what} were named: leave them out to take all of them")
    return [int(number) for number in numbers]


def some_units(units: NDArray[np.bool_]) -> str:
    """Say in which units something is done.

    Shapes: units (unit,) of bool.

    Examples
    --------
    >>> import numpy as np
    >>> some_units(np.array([False, True, False])), some_units(np.ones(3, bool))
    (' in unit 1', '')
    """
    if units.all():
        return ""
    named = np.flatnonzero(units)
    listed = ", ".join(str(unit) for unit in named[:8]) + (", ..." if len(named) > 8 else "")
    if len(named) == 1:
        return told(" in unit {units}", units=listed)
    return told(" in units {units}", units=listed)


def in_words(steps: NDArray[np.bool_]) -> str:
    """Say at which lags something is done.

    Shapes: steps (step,) of bool.

    Examples
    --------
    >>> import numpy as np
    >>> in_words(np.array([True, False, False, True, True])), in_words(np.ones(4, bool))
    ('at lags 1 to 2 and 5', 'at all lags')
    """
    if steps.all():
        return told("at all lags")
    lags = np.sort(len(steps) - np.flatnonzero(steps))
    runs = np.split(lags, np.flatnonzero(np.diff(lags) > 1) + 1)
    listed = [
        told("{low} to {high}", low=int(run[0]), high=int(run[-1])) if len(run) > 1 else str(run[0])
        for run in runs
    ]
    if len(lags) == 1:
        return told("at lag {lags}", lags=listed)
    return told("at lags {lags}", lags=listed)
