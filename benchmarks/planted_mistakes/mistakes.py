"""The mistakes: each takes what is right and gives what a user would have, with its remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planted_mistakes.sets import KINDS, DataSet
from rnnlens.series.sidecar import Sidecar, Variable

__all__ = ["MISTAKES", "Planted"]

#: Rows of training to a row that is given with a wrong step.
APART = {"weather": 3, "river": 2, "energy": 1 / 4, "beijing": 2, "airport": 2, "grid": 1 / 4,
         "rain": 2}  # fmt: skip
#: The column that holds the future.
LEAKED = {"weather": "visib", "river": "rain", "energy": "temp", "beijing": "wind",
          "airport": "visib", "grid": "temp", "rain": "cloud"}  # fmt: skip
#: Factor and shift to other units.
_TO_C, _TO_F, _TO_MS = (5 / 9, -160 / 9), (1.8, 32.0), (0.44704, 0.0)
CONVERTED = {
    "weather": {"temp": _TO_C, "dewp": _TO_C},
    "river": {"flow": (35.3146667, 0.0), "temp": _TO_F, "rain": (1 / 25.4, 0.0)},
    "energy": {"load": (1000.0, 0.0), "temp": _TO_C},
    "beijing": {"dewp": _TO_F, "temp": _TO_F, "pres": (0.0295299831, 0.0)},
    "airport": {"temp": _TO_C, "dewp": _TO_C, "wind_u": _TO_MS, "wind_v": _TO_MS},
    "grid": {"load": (1000.0, 0.0), "temp": _TO_F},
    "rain": {"rain": (1 / 25.4, 0.0), "temp": _TO_F},
}
#: What remedies say of themselves: the facts of one, and whether it is the right one.
Right = Callable[[dict], bool]


@dataclass(frozen=True)
class Planted:
    """A series and a sidecar with a mistake in them.

    Parameters
    ----------
    table, sidecar
        As a user would have them.
    right : callable
        Whether a remedy puts it right.
    flipped : bool
        Whether windows go in with their steps reversed.
    leak : str
        The column that holds the future.
    """

    table: pd.DataFrame
    sidecar: Sidecar
    right: Right
    flipped: bool = False
    leak: str = ""


def _scaled(sidecar: Sidecar, change: Callable[[Variable], Variable]) -> Sidecar:
    """Change the scaling of everything that is no calendar."""
    features = tuple(v if v.held else change(v) for v in sidecar.features)
    targets = tuple(v if v.held else change(v) for v in sidecar.targets)
    return replace(sidecar, features=features, targets=targets)


def _by_inputs(*names: str) -> Right:
    return lambda one: one["kind"] == "scaling" and one["inputs"] in names


def forgotten(one: DataSet) -> Planted:
    """Leave the scaling out."""
    sidecar = _scaled(one.sidecar, lambda v: replace(v, mean=0.0, scale=1.0))
    return Planted(one.table, sidecar, _by_inputs(KINDS[one.name]))


def copied(one: DataSet) -> Planted:
    """Copy a multiplier, such as MinMaxScaler's ``scale_``, as the scale."""
    sidecar = _scaled(one.sidecar, lambda v: replace(v, scale=1 / v.scale))
    return Planted(one.table, sidecar, _by_inputs("inverse", "min_", KINDS[one.name]))


def twice(one: DataSet) -> Planted:
    """Give a table that is scaled already."""
    table = one.table.copy()
    for v in one.sidecar.features:
        table[v.name] = (table[v.name] - v.mean) / v.scale
    return Planted(table, one.sidecar, _by_inputs("none", KINDS[one.name]))


def other_scaler(one: DataSet) -> Planted:
    """Take the other usual scaler: minimum and maximum for mean and deviation, or the reverse."""
    seen = one.table[one.table["time"] < one.split]

    def change(v: Variable) -> Variable:
        x = seen[v.name].to_numpy()
        if KINDS[one.name] == "standard":
            return replace(v, mean=float(x.min()), scale=float(np.ptp(x)))
        return replace(v, mean=float(x.mean()), scale=float(x.std()))

    return Planted(one.table, _scaled(one.sidecar, change), _by_inputs(KINDS[one.name]))


def _ordered(one: DataSet, order: list[int]) -> Planted:
    features = tuple(one.sidecar.features[k] for k in order)
    names = [v.name for v in one.sidecar.features]
    sidecar = replace(one.sidecar, features=features, targets=one.sidecar.targets)
    right = lambda fact: fact["kind"] == "columns" and fact["order"] == names  # noqa: E731
    return Planted(one.table, sidecar, right)


def swapped(one: DataSet) -> Planted:
    """List the first two columns in the wrong order."""
    return _ordered(one, [1, 0, *range(2, len(one.sidecar.features))])


def reversed_columns(one: DataSet) -> Planted:
    """List the columns from the last to the first."""
    return _ordered(one, list(range(len(one.sidecar.features)))[::-1])


def wrong_lead(one: DataSet) -> Planted:
    """State twice the lead, and one row."""
    lead = 2 * one.sidecar.lead + 1
    right = lambda fact: fact["kind"] == "lead" and fact["lead"] == one.sidecar.lead  # noqa: E731
    return Planted(one.table, replace(one.sidecar, lead=lead), right)


def wrong_step(one: DataSet) -> Planted:
    """Give every second or third row only, or four rows where training had one."""
    apart = APART[one.name]
    if apart < 1:
        times = one.table["time"]
        each = (times.iloc[1] - times.iloc[0]) * apart
        times = pd.date_range(times.iloc[0], times.iloc[-1], freq=each)
        table = one.table.set_index("time").reindex(times).interpolate("linear")
        table = table.reset_index(names="time")
    else:
        since = one.table["time"] - one.table["time"].dt.normalize().iloc[0]
        step = one.table["time"].diff().min()
        table = one.table[(since / step) % apart == 0]
    factor, lead = 1 / apart, round(one.sidecar.lead / apart)
    right = lambda fact: fact["kind"] == "step" and np.isclose(fact["factor"], factor)  # noqa: E731
    return Planted(table, replace(one.sidecar, lead=lead, step=None), right)


def target_forgotten(one: DataSet) -> Planted:
    """Leave the scaling of the targets out."""
    targets = tuple(replace(v, mean=0.0, scale=1.0) for v in one.sidecar.targets)
    kinds = {"feature", KINDS[one.name]}
    right = lambda fact: (  # noqa: E731
        fact["kind"] == "scaling" and fact["inputs"] == "stated" and fact["output"] in kinds
    )
    return Planted(one.table, replace(one.sidecar, targets=targets), right)


def steps_reversed(one: DataSet) -> Planted:
    """Give windows from the newest step to the oldest."""
    right = lambda fact: fact["kind"] == "steps reversed"  # noqa: E731
    return Planted(one.table, one.sidecar, right, flipped=True)


def leak(one: DataSet) -> Planted:
    """Let a column hold the target's future; networks that can be trained were trained with it."""
    column = LEAKED[one.name]
    table = one.table
    if one.name == "weather":
        # with the mean and the spread of the column that it takes the place of
        ahead = table[one.target].shift(-one.sidecar.lead).ffill()
        old = table[column]
        moved = (ahead - ahead.mean()) / ahead.std() * old.std() + old.mean()
        table = table.assign(**{column: moved})
    return Planted(table, one.sidecar, lambda fact: False, leak=column)


def other_units(one: DataSet) -> Planted:
    """Give this year's series in other units than those of the training."""
    table = one.table.copy()
    for column, (factor, shift) in CONVERTED[one.name].items():
        table[column] = table[column] * factor + shift
    scaled = _by_inputs(KINDS[one.name])
    return Planted(table, one.sidecar, lambda fact: fact["kind"] == "units" or scaled(fact))


#: Every mistake by what it is called.
MISTAKES: dict[str, Callable[[DataSet], Planted]] = {
    "scaling forgotten": forgotten,
    "scale_ copied": copied,
    "scaled twice": twice,
    "the other scaler": other_scaler,
    "columns swapped": swapped,
    "columns reversed": reversed_columns,
    "wrong lead": wrong_lead,
    "wrong step": wrong_step,
    "target's scaling forgotten": target_forgotten,
    "steps reversed": steps_reversed,
    "leak of the future": leak,
    "other units": other_units,
}
