"""What every argument of every verb may be, in one table: looked up when the verb is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from datetime import date
from functools import wraps
from inspect import Signature, signature
from typing import ParamSpec, TypeVar

import numpy as np

from rnnlens.api.shared.given.loaders import feeds, opened
from rnnlens.arguments import (
    FLAG,
    FUNCTION,
    NAME,
    PATH,
    Kind,
    did_you_mean,
    either,
    instance,
    many,
    mapping,
    number,
    numbers,
    where,
    whole,
    word,
)
from rnnlens.attribution.options import Effort, Intervention, Target
from rnnlens.bulk.options import Blocks, Runner
from rnnlens.errors import DataError
from rnnlens.evidence.options import Certificates, Shares, Test

__all__ = ["DATA", "KINDS", "checked"]

P = ParamSpec("P")
R = TypeVar("R")

#: Whole numbers of either sign: what is out of range is said by what knows the range.
_PLACE = whole(least=-(2**63))
_PLACES = many(_PLACE, "whole numbers")
_NAMES = either(NAME, many(NAME, "names", fewest=0), what="a name or a sequence of names")


def _hint(value: object) -> str:
    """Say what to do about windows that are none."""
    if isinstance(value, np.ma.MaskedArray):
        return ": what is masked is missing data, so fill or drop it before windows are made"
    if isinstance(value, str) or hasattr(value, "columns"):
        return ": cut a table into windows with rnnlens.windows(table, sidecar)"
    return ""


def _windows_or(kind: Kind, value: object) -> object:
    """Take windows of whatever holds them; their shape is the network's business."""
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

    if feeds(value):
        value = opened(value)
    return value if isinstance(value, Windows | WindowsByInput) else kind.take(value)


_ARRAY = numbers("numbers (sample, step, feature)", allowed="any")
_MANY_INPUTS = either(mapping(_ARRAY, "a mapping of input name to numbers"), _ARRAY)
_WINDOWS = Kind(
    "windows (rnnlens.windows), or numbers (sample, step, feature), or a mapping of input name to "
    "such numbers, or a loader that gives them",
    lambda value: _windows_or(_MANY_INPUTS, value),
    _hint,
    DataError,
)
_BACKGROUND = replace(
    _WINDOWS,
    what="windows (rnnlens.windows), or finite numbers (window, step, feature)",
    take=lambda value: _windows_or(numbers(), value),
)
#: The data that means are taken over; of every input where there are several.
DATA = replace(
    _BACKGROUND,
    take=lambda value: _windows_or(either(mapping(numbers(), "a mapping"), numbers()), value),
)
_STATES = mapping(
    either(
        many(numbers(axes=2), "arrays", fewest=1),
        numbers(axes=3),
        what="arrays",
    ),
    "a mapping of recurrent layer to its states, each an array (sample, unit) of finite numbers",
)
_TARGET = either(
    instance(Target, "a rnnlens.Target"),
    NAME,
    _PLACE,
    many(either(NAME, _PLACE), "several"),
    what="a rnnlens.Target, a name, a number, or a sequence of names or numbers",
)
_ONE_BASELINE = either(NAME, numbers("an array of finite numbers"))
_BASELINE = either(
    NAME,
    mapping(_ONE_BASELINE, "a mapping"),
    numbers("an array of finite numbers"),
    what="a name, an array of finite numbers, or a mapping of input name to one of these",
)
_COLUMN = numbers("one number a window, NaN where it is not known", axes=1, allowed="nan")


def _outcomes(value: object) -> object:
    """Take one number a window; a column of them, as training wants it, and a mask too."""
    if isinstance(value, np.ma.MaskedArray) and value.dtype.kind in "iuf":
        value = np.ma.filled(np.ma.asarray(value, np.float64), np.nan)
    shape = getattr(value, "shape", ())
    reshape = getattr(value, "reshape", None)
    if reshape is not None and len(shape) == 2 and shape[1] == 1:
        value = reshape(-1)
    return _COLUMN.take(value)


_ACTUAL = replace(_COLUMN, take=_outcomes, error=DataError)


def _is_sidecar(value: object) -> bool:
    from rnnlens.series.sidecar import Sidecar

    return isinstance(value, Sidecar)


def _result(verb: str, attribute: str, value: str) -> Kind:
    """Take a result of a verb, as made or as read from a file."""
    return where(
        f"what rnnlens.{verb} gives",
        lambda given: (
            hasattr(given, "data_vars") and getattr(given, "attrs", {}).get(attribute) == value
        ),
    )


_MOMENT = either(
    NAME,
    _PLACE,
    instance(np.datetime64, "a time"),
    instance(date, "a time"),
    what="a time (text, datetime64 or datetime), or the number of a row",
)

#: Arguments by name: one name means one thing in all verbs, save where a verb says otherwise.
KINDS: dict[str, Kind] = {
    "X": _WINDOWS,
    "data": _WINDOWS,
    "background": DATA,
    "y": _ACTUAL,
    "target": _TARGET,
    "method": NAME,
    "baseline": _BASELINE,
    "baselines": either(
        mapping(_BASELINE, "a mapping"),
        many(NAME, "names"),
        what="a sequence of names, or a mapping of name to a baseline's name or array",
    ),
    "held": _NAMES,
    "newest": whole(1),
    "groups": mapping(
        either(NAME, _PLACE, many(either(NAME, _PLACE), "several")),
        "a mapping of name to the lags (numbers) or features (names) that stand together",
    ),
    "initial_state": _STATES,
    "of": either(NAME, many(NAME, "names"), what="a name or a sequence of names"),
    "effort": instance(Effort, "a rnnlens.Effort"),
    "certificates": instance(Certificates, "a rnnlens.Certificates"),
    "test": instance(Test, "a rnnlens.Test"),
    "shares": instance(Shares, "a rnnlens.Shares"),
    "progress": FUNCTION,
    "lag": either(_PLACE, _PLACES, what="a whole number or a sequence of them"),
    "features": either(
        NAME,
        _PLACE,
        many(either(NAME, _PLACE), "several"),
        what="a name, a number, or a sequence of names or numbers",
    ),
    "gap": number(least=0, infinite=True),
    "seed": whole(),
    "layer": NAME,
    "interventions": either(
        instance(Intervention, "one"),
        many(instance(Intervention, "one"), "several"),
        what="an Intervention or several, as in "
        "rnnlens.Intervention(gate='forget', clamp=1.0, lags=[1, 2, 3])",
    ),
    "by": replace(
        NAME, hint=lambda value: ": 'lag', 'feature', or 'both' for each feature at each lag"
    ),
    "margin": number(),
    "alpha": number(),
    "windows": whole(1),
    "noise": number(above=0),
    "path": PATH,
    "title": NAME,
    "language": NAME,
    "precision": word("float64", "float32"),
    "fidelity": _result("fidelity", "method", "fidelity"),
    "evidence": _result("lags", "kind", "evidence on lags"),
    "against": NAME,
    "check": FLAG,
    "head": NAME,
    "part": NAME,
    "nonlinearity": NAME,
    "batch_axes": mapping(whole(), "a mapping of input name to the axis of the samples"),
    "step_axes": mapping(whole(), "a mapping of input name to the axis of the steps"),
    "weights": mapping(numbers(allowed="any"), "a mapping of input name to array"),
    "architecture": PATH,
    "layers": NAME,
    "until": NAME,
    "output": NAME,
    "unroll": whole(1),
    "same_as": mapping(NAME, "a mapping of your class's name to the class of Keras it computes"),
    "sidecar": replace(
        either(where("a Sidecar", _is_sidecar), PATH),
        hint=lambda value: ": give its .sidecar" if hasattr(value, "sidecar") else "",
    ),
    "start": _MOMENT,
    "end": _MOMENT,
    "archive": PATH,
    "out": PATH,
    "blocks": instance(Blocks, "a rnnlens.bulk.Blocks"),
    "runner": instance(Runner, "a rnnlens.bulk.Runner"),
    "limit": whole(1),
}


#: Classes of options: their fields are often tried as arguments of a verb.
_OPTIONS = (Target, Certificates, Test, Shares, Effort, Intervention)


def _unknown(verb: str, taken: Signature, given: Iterable[str]) -> str:
    """Say where an argument that a verb does not take belongs; empty where it takes them all."""
    name = next((name for name in given if name not in taken.parameters), None)
    if name is None:
        return ""
    for options in _OPTIONS:
        if name in {field.name for field in fields(options)}:
            for where_to, one in taken.parameters.items():
                if options.__name__ in str(one.annotation).split(" | "):
                    place = f"{where_to}=rnnlens.{options.__name__}({name}=...)"
                    return f"{verb}() takes {name!r} as a part of its options: {place}"
    near = did_you_mean(name, taken.parameters)
    return f"{verb}() takes no argument {name!r}{near}: it takes {', '.join(taken.parameters)}"


def _refuse_call(
    verb: str, taken: Signature, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> None:
    """Refuse what a signature does not take, in Python's words or better."""
    try:
        taken.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(_unknown(verb, taken, kwargs) or f"{verb}(): {error}") from None


def checked(**others: Kind) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Check what a verb is called with, by the table and by what differs in this verb.

    None passes where the signature says so. What the table does not know is left to the verb.
    """

    def decorate(verb: Callable[P, R]) -> Callable[P, R]:
        taken = signature(verb)
        optional = {name for name, one in taken.parameters.items() if "None" in str(one.annotation)}
        kinds = {name: KINDS[name] for name in taken.parameters if name in KINDS} | others
        known = taken.parameters.keys()
        places = [
            name for name, one in taken.parameters.items() if one.kind is one.POSITIONAL_OR_KEYWORD
        ]
        needed = {name for name, one in taken.parameters.items() if one.default is one.empty}

        @wraps(verb)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            # what `Signature.bind` does takes as long as the forecast of a window
            given: dict[str, object] = dict(zip(places, args, strict=False))
            twice = given.keys() & kwargs.keys()
            given |= kwargs
            if len(args) > len(places) or twice or not needed <= given.keys() <= known:
                _refuse_call(verb.__name__, taken, args, kwargs)
            for name, value in given.items():
                if name in kinds and not (value is None and name in optional):
                    given[name] = kinds[name].check(name, value)
            return verb(**given)  # type: ignore[call-arg]

        return call

    return decorate
