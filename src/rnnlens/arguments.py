"""What an argument may be, said once: a kind takes a value, or refuses it in one sentence.

A verb and an object of options state the kind of each argument in a table; nothing else looks at
types. A kind gives the value as it is used: a number of NumPy becomes one of Python.
"""

from __future__ import annotations

import difflib
import math
import os
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from rnnlens.errors import InputError

__all__ = [
    "FLAG",
    "FUNCTION",
    "LARGEST",
    "NAME",
    "PATH",
    "Kind",
    "check_fields",
    "did_you_mean",
    "duration",
    "either",
    "instance",
    "many",
    "mapping",
    "number",
    "numbers",
    "seconds_of",
    "shown",
    "where",
    "whole",
    "word",
]

#: The largest whole number that files of results hold.
LARGEST = 2**63 - 1
#: The largest number whose square, and sums of such, floats hold with room to spare.
HUGE = 1e100
#: Seconds beyond which a time that is stated is a mistake.
LONGEST = 1e9
#: Units of a time, in seconds.
UNITS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600}
#: Characters of a value that an error shows.
SHOWN = 60


class _NoneOfIt(Exception):
    """A value is not of a kind; never seen outside."""


@dataclass(frozen=True)
class Kind:
    """What an argument may be."""

    #: In words, as after "must be".
    what: str
    #: Gives the value as it is used, or raises `_NoneOfIt`.
    take: Callable[[object], object]
    #: Says after the refusal what may have been meant, or what to do.
    hint: Callable[[object], str] = lambda _: ""
    #: What is raised.
    error: type[InputError] = InputError

    def check(self, name: str, value: object) -> object:
        """Give a value as it is used, or refuse it by the argument's name."""
        try:
            return self.take(value)
        except _NoneOfIt:
            raise self.error(
                f"{name} must be {self.what}, not {shown(value)}{self.hint(value)}{_size(value)}"
            ) from None


def check_fields(options: object, kinds: Mapping[str, Kind]) -> None:
    """Check the fields of a frozen object of options, None where that is the usual."""
    usual = type(options)
    for name, kind in kinds.items():
        value = getattr(options, name)
        if value is not None or getattr(usual, name, None) is not None:
            object.__setattr__(options, name, kind.check(name, value))  # noqa: PLC2801  (frozen)


def whole(least: int = 0, most: int = LARGEST) -> Kind:
    """Take a whole number from the least to the largest."""

    def take(value: object) -> object:
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise _NoneOfIt
        if not least <= int(value) <= most:
            raise _NoneOfIt
        return int(value)

    end = "" if most == LARGEST else f" to {most:,}"
    return Kind(f"a whole number from {least}{end}", take)


def number(
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    below: float = math.inf,
    most: float = math.inf,
    infinite: bool = False,
) -> Kind:
    """Take a real number within its limits, and infinity where it has a meaning."""

    def take(value: object) -> object:
        if not isinstance(value, Real) or isinstance(value, bool):
            raise _NoneOfIt
        try:
            real = float(value)
        except OverflowError:
            raise _NoneOfIt from None
        if math.isnan(real) or (math.isinf(real) and not (infinite and real > 0)):
            raise _NoneOfIt
        inside = real > above and least <= real <= most and (real < below or infinite)
        return _only(inside and (abs(real) <= HUGE or math.isinf(real)), real)

    limits = [f"above {above:g}"] if above > -math.inf else []
    limits += [f"from {least:g}"] if least > -math.inf else []
    limits += [f"below {below:g}"] if below < math.inf else []
    limits += [f"at most {most:g}"] if most < math.inf else []
    return Kind(" ".join(["a number", " and ".join(limits)]).strip(), take)


def word(*choices: str) -> Kind:
    """Take one of several words."""
    return Kind(
        f"one of {', '.join(choices)}",
        lambda value: _only(isinstance(value, str) and value in choices, value),
        lambda value: did_you_mean(value, choices),
    )


def seconds_of(text: str) -> float | None:
    """Give the seconds of a time such as "30 s"; None where it is none.

    Examples
    --------
    >>> seconds_of("30 s"), seconds_of("1.5min"), seconds_of("30")
    (30.0, 90.0, None)
    """
    unit = text.strip().lstrip("0123456789. ")
    count = text.strip().removesuffix(unit)
    try:
        seconds = float(count) * UNITS[unit]
    except (KeyError, ValueError):
        return None
    return seconds if 0 < seconds <= LONGEST else None


def duration() -> Kind:
    """Take a time such as "30 s"."""

    def take(value: object) -> object:
        return _only(isinstance(value, str) and seconds_of(value) is not None, value)

    return Kind('a time such as "30 s" or "5 min"', take)


def many(kind: Kind, what: str, fewest: int = 1, most: int | None = None) -> Kind:
    """Take a sequence (list, tuple, range, array of one axis, set) of a kind."""

    def take(value: object) -> object:
        if isinstance(value, str | bytes | Mapping) or not (
            isinstance(value, Sequence | Set) or getattr(value, "ndim", 0) == 1
        ):
            raise _NoneOfIt
        taken = tuple(kind.take(one) for one in value)  # type: ignore[union-attr]
        return _only(len(taken) >= fewest and (most is None or len(taken) <= most), taken)

    return Kind(what, take)


def mapping(kind: Kind, what: str) -> Kind:
    """Take a mapping of text to a kind."""

    def take(value: object) -> object:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise _NoneOfIt
        return {key: kind.take(one) for key, one in value.items()}

    return Kind(what, take)


def either(*kinds: Kind, what: str = "") -> Kind:
    """Take what the first of several kinds takes that takes it."""

    def take(value: object) -> object:
        for kind in kinds:
            try:
                return kind.take(value)
            except _NoneOfIt:
                continue
        raise _NoneOfIt

    return Kind(what or " or ".join(kind.what for kind in kinds), take)


def instance(of: type, what: str) -> Kind:
    """Take an object of a type."""
    return where(what, lambda value: isinstance(value, of))


def where(what: str, fits: Callable[[object], bool]) -> Kind:
    """Take what fits, as it is."""
    return Kind(what, lambda value: _only(fits(value), value))


def numbers(
    what: str = "an array of finite numbers", axes: int | None = None, *, allowed: str = ""
) -> Kind:
    """Take an array of finite numbers, of so many axes; others where "nan" or "any" is allowed."""

    def take(value: object) -> object:
        if value is None or isinstance(value, str | bytes | Mapping | Set):
            raise _NoneOfIt
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            raise _NoneOfIt
        try:
            array = np.asarray(_without_gradient(value))
            array = array.astype(np.float64) if array.dtype.kind == "O" and array.ndim else array
        except (TypeError, ValueError, OverflowError, RuntimeError):
            raise _NoneOfIt from None
        if array.dtype.kind not in "biuf" or (axes is not None and array.ndim != axes):
            raise _NoneOfIt
        if array.dtype == np.float64 and HUGE < _extreme(array) < math.inf:
            raise _NoneOfIt
        if allowed == "any":
            return array
        wrong = np.isinf(array) if allowed == "nan" else ~np.isfinite(array)
        return _only(array.size > 0 and not wrong.any(), array)

    return Kind(what, take)


def _without_gradient(value: object) -> object:
    """Give a tensor without its gradient, in the main memory; anything else as it is."""
    detach = getattr(value, "detach", None)
    return value if detach is None else detach().cpu()


def _extreme(array: np.ndarray) -> float:
    """Give the size of the largest number; NaN where one is."""
    return max(float(array.max()), -float(array.min())) if array.size else 0.0


def _size(value: object) -> str:
    """Say of numbers that are too large that this is what is wrong with them."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        return ""
    size = _extreme(array) if array.dtype.kind == "f" else 0.0
    return f": its numbers must lie within {HUGE:g} of zero" if HUGE < size < math.inf else ""


def _only(fits: bool, value: object) -> object:
    if not fits:
        raise _NoneOfIt
    return value


FLAG = Kind("True or False", lambda value: bool(_only(isinstance(value, bool | np.bool_), value)))
NAME = where("a name", lambda value: isinstance(value, str) and bool(value.strip()))
PATH = where(
    "the path of a file",
    lambda value: isinstance(value, os.PathLike) or (isinstance(value, str) and "\0" not in value),
)
FUNCTION = where("a function", callable)


def shown(value: object) -> str:
    """Say of a value, briefly and on one line, what it is.

    Examples
    --------
    >>> shown(1.5), shown([]), shown(np.zeros((2, 3)))
    ('1.5', '[]', 'an array of shape (2, 3)')
    """
    if isinstance(value, int) and abs(value) > LARGEST:
        return f"a number of {int(math.log10(abs(value))) + 1} digits"
    if value is None or isinstance(value, str | bytes | int | float | complex | np.generic):
        text = repr(value)
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        return f"an array with {int(np.ma.count_masked(value))} masked values"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        kind = getattr(getattr(value, "dtype", None), "kind", "f")
        of = "" if kind in "biuf" else f" and type {getattr(value, 'dtype', '')}"
        return f"an array of shape {tuple(shape)}{of}{_not_finite(value)}"
    if isinstance(value, list | tuple | dict | set | range):
        return reprlib.repr(value)
    return f"an object of type {type(value).__name__}"


def _not_finite(value: object) -> str:
    """Count what is not finite in an array, where something is, and say where the first stands."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return ""
    counts = {"infinite": int(np.isinf(value).sum()), "NaN": int(np.isnan(value).sum())}
    said = " and ".join(f"{count} {name}" for name, count in counts.items() if count)
    if not said or not value.ndim:
        return f" with {said}" if said else ""
    first = ", ".join(str(place) for place in np.argwhere(~np.isfinite(value))[0])
    return f" with {said}, the first at [{first}]"


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """Ask whether a known name was meant, where one is near.

    Examples
    --------
    >>> did_you_mean("secnat", ["tree", "secant"]), did_you_mean("x", ["tree", "secant"])
    (" (did you mean 'secant'?)", '')
    """
    by_folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(str(given).casefold(), by_folded, n=1, cutoff=0.6)
    return f" (did you mean {by_folded[near[0]]!r}?)" if near else ""
