"""A number of steps, whole or not, and how long that is where the length of a step is known."""

from __future__ import annotations

import math

from rnnlens.views.words.lags import SECONDS, span, step_length
from rnnlens.views.words.language import say

__all__ = ["hours_of", "steps_in_words", "time_constant_in_words"]

#: Times of this many of a larger unit are said in it, where they are not whole numbers of steps.
ENOUGH = 3
#: Units of such times, rising.
UNITS = ("ms", "s", "min", "h", "d")


def steps_in_words(steps: float, step: str) -> str:
    """Say a number of steps, and how long that is.

    Examples
    --------
    >>> steps_in_words(8.0, "1h"), steps_in_words(2.416, ""), steps_in_words(float("inf"), "1h")
    ('8 steps (8 h)', '2.4 steps', 'longer than can be said')
    >>> steps_in_words(5.14, "1h"), steps_in_words(0.42, "1d"), steps_in_words(1234.5, "15min")
    ('5.1 steps (about 5.1 h)', '0.42 steps (about 10 h)', '1234 steps (about 13 d)')
    >>> steps_in_words(1.83, "1h"), steps_in_words(1.83, "15min"), steps_in_words(2.5, "1w")
    ('1.8 steps (about 1.8 h)', '1.8 steps (about 27 min)', '2.5 steps (about 2.5 w)')
    """
    if not math.isfinite(steps):
        return say("longer than can be said")
    whole = steps == round(steps)
    if whole or steps >= 10:
        shown = f"{steps:.0f}"
    else:
        shown = f"{steps:.1f}" if steps >= 1 else f"{steps:.2g}"
    said = say("{number} step", number=shown) if shown == "1" else _steps(shown)
    length = step_length(step)
    if length is None:
        return said
    time = span(int(steps), step) if whole else _about(steps, *length)
    return say("{steps} ({time})", steps=said, time=time)


def _steps(number: str) -> str:
    return say("{number} steps", number=number)


def _about(steps: float, count: int, unit: str) -> str:
    """Give a time that is no whole number of steps, in the unit that it is best said in."""
    own = SECONDS[unit]
    seconds = steps * count * own
    # less than one of the step's own unit is said in smaller ones, down to a second
    least = own if seconds >= own else min(own, 1)
    known = [unit] * (least == own)
    known += [name for name in UNITS if SECONDS[name] >= least and name not in known]
    fitting = [name for name in known if seconds >= ENOUGH * SECONDS[name]]
    name = fitting[-1] if fitting else known[0]
    amount = seconds / SECONDS[name]
    number = f"{amount:.0f}" if amount >= 10 else f"{amount:.2g}"
    return say("about {number} {unit}", number=number, unit=name)


def time_constant_in_words(steps: float, step: str) -> str:
    """Say in how many steps what is off a point falls by the factor e, or grows by it where < 0.

    Examples
    --------
    >>> time_constant_in_words(12.0, "2h"), time_constant_in_words(-3.0, "")
    ('12 steps (24 h)', '3 steps to grow')
    """
    said = steps_in_words(abs(steps), step)
    return say("{steps} to grow", steps=said) if steps < 0 and math.isfinite(steps) else said


def hours_of(step: str) -> float | None:
    """Give the length of a step in hours; None where it has none.

    Examples
    --------
    >>> hours_of("15 min"), hours_of("1d"), hours_of("1 row"), hours_of("")
    (0.25, 24.0, None, None)
    """
    length = step_length(step)
    return None if length is None else length[0] * SECONDS[length[1]] / 3600
