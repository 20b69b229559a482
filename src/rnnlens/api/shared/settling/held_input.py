"""The input that is held while a network settles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.arguments import did_you_mean
from rnnlens.attribution.inside.readout import keeps_steps_apart
from rnnlens.errors import DataError, InputError
from rnnlens.names import clauses, told
from rnnlens.network.layers import Input

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.case import Case
    from rnnlens.dynamics.fixed_points.recurrence import Recurrence

    Array = NDArray[np.float64]

__all__ = ["HeldInput", "held_input", "one_held_at"]


@dataclass(frozen=True, eq=False)
class HeldInput:
    """An input that is held, or comes back.

    Parameters
    ----------
    values : array (phase, feature)
        What is fed at each phase, in the network's units.
    inputs : dict of str to array (phase, ...)
        Every input of the network, each phase held over a whole window.
    text : str
        What it is, in words.
    """

    values: Array
    inputs: dict[str, Array]
    text: str

    @property
    def period(self) -> int:
        """Steps after which it comes back."""
        return len(self.values)


def held_input(
    case: Case,
    stack: Recurrence,
    at: str | int | Mapping[str, float] | ArrayLike,
    period: int,
) -> HeldInput:
    """Give the input to hold: ``at`` as `rnnlens.fixed_points` takes it."""
    x = case.x
    if isinstance(at, str):
        if at != "mean":
            raise InputError(
                f"at must be 'mean', the number of a window, values by feature or an array, not "
                f"{at!r}"
            )
        values, text = _mean(case, period), told("the mean of the windows")
    elif isinstance(at, int):
        values, text = _newest(x, at, period), told("the newest of window {number}", number=at)
    elif isinstance(at, Mapping):
        values = _named(case, at, _mean(case, period))
        text = ", ".join(_as_held(case, name, value) for name, value in at.items())
        if len(at) < x.shape[2]:
            text = clauses([text, told("other features at their mean")])
    else:
        values, text = np.atleast_2d(np.asarray(at, float)), told("as given")
        if values.ndim != 2 or values.shape[1] != x.shape[2] or period not in {1, len(values)}:
            rows = "phase" if period == 1 else str(period)
            raise DataError(
                f"the input to hold must have shape ({x.shape[2]},) or ({rows}, {x.shape[2]}), one "
                f"number a feature, but came with {np.shape(at)}"
            )
    if len(values) > 1:
        _check_apart(stack)
    return HeldInput(values, _inputs(case, values), text)


def one_held_at(case: Case, held: HeldInput, feature: str, value: float) -> HeldInput:
    """Hold one feature at a value in its own unit at every phase, the others as they are."""
    values = _named(case, {feature: value}, held.values)
    return HeldInput(values, _inputs(case, values), held.text)


def _mean(case: Case, period: int) -> Array:
    """Average the windows, or those whose newest steps are at one place of the period."""
    x = case.x
    if period == 1:
        return x.mean(axis=(0, 1))[None]
    windows = case.windows
    issued = None if windows is None else windows.issued
    steps = period <= x.shape[1]
    if windows is None or issued is None or issued.dtype.kind != "M" or not steps:
        raise DataError(
            f"the mean of each of {period} phases needs windows with times and at least {period} "
            f"steps: give at= as an array ({period}, {x.shape[2]}), or the number of a window"
        )
    import pandas as pd

    hours = pd.TimedeltaIndex(issued - issued[-1]) / pd.TimedeltaIndex([windows.step])[0]
    away = np.round(np.asarray(hours, float))
    return x[away % period == 0][:, -period:].mean(axis=0)


def _newest(x: Array, number: int, period: int) -> Array:
    if not -len(x) <= number < len(x):
        raise DataError(f"at={number} is no window: there are {len(x)}, from 0 to {len(x) - 1}")
    if period > x.shape[1]:
        raise DataError(
            f"a period of {period} steps is longer than the windows, which have {x.shape[1]}: give "
            f"at= as an array ({period}, {x.shape[2]})"
        )
    return x[number, -period:]


def _as_held(case: Case, name: str, value: float) -> str:
    """Say a feature's value in its own unit."""
    unit = "" if case.windows is None else case.windows.units[list(case.features).index(name)]
    return f"{name} = {value:g} {'' if unit == '-' else unit}".rstrip()


def _named(case: Case, at: Mapping[str, float], mean: Array) -> Array:
    values = mean.copy()
    names = list(case.features)
    for name, value in at.items():
        if name not in names:
            raise InputError(
                f"no feature is called {name!r}{did_you_mean(name, names)}: the windows have "
                f"{', '.join(names)}"
            )
        k, own = names.index(name), np.array([value], float)
        if case.windows is not None:
            own = case.windows.feature_scaling[[k]].apply(own)
        values[:, k] = own
    return values


def _check_apart(stack: Recurrence) -> None:
    """Refuse what mixes steps before the recurrence: an input that changes is no constant then."""
    name = stack.places[0].node.inputs[0][0]
    while not isinstance((node := stack.network[name]).layer, Input):
        if len(node.inputs) != 1 or not keeps_steps_apart(node.layer):
            raise DataError(
                f"{node.name!r} mixes steps before the recurrent layer, so that an input with a "
                "period does not reach it step by step: hold one input, with period=1"
            )
        name = node.inputs[0][0]


def _inputs(case: Case, values: Array) -> dict[str, Array]:
    """Hold each phase over the steps of a window, and other inputs at their mean."""
    given = {}
    for name, array in case.inputs.items():
        if name == case.of:
            whole = np.broadcast_to(values[:, None], (len(values), *case.x.shape[1:]))
            given[name] = np.ascontiguousarray(whole).reshape(len(values), *array.shape[1:])
        else:
            given[name] = np.repeat(array.mean(axis=0, keepdims=True), len(values), axis=0)
    return given
