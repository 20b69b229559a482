"""Features that look like a calendar or like what never changes: they are held."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from rnnlens.names import told
from rnnlens.series.draft.clock_found import ClockFound
from rnnlens.series.draft.facts import Chosen, Notes
from rnnlens.series.draft.look import Look
from rnnlens.series.variable import Variable

__all__ = ["with_held"]

#: Names of what a calendar knows, alone or with sin or cos.
_PART = r"(?:hour|hr|day|dow|doy|dom|weekday|week|weekend|month|season|year|minute|holiday|time)"
CALENDAR = re.compile(
    rf"(?:is_?)?{_PART}(?:_?of_?{_PART})?(?:_?(?:sin|cos))?|(?:sin|cos)_?{_PART}(?:_?of_?{_PART})?",
    re.IGNORECASE,
)
#: Clocks that a feature may follow: the length of a day, of a week, and the months.
_WEEK, _DAY = 7 * 86400, 86400


def with_held(
    chosen: Chosen, by_name: Mapping[str, Look], clock: ClockFound | None, notes: Notes
) -> Chosen:
    """Mark the features that a calendar knows beforehand, or that never change."""
    variables = []
    for variable in chosen.variables:
        why = _why_held(variable, by_name.get(variable.source), clock)
        if why:
            notes.comment("features", variable.name, told("held, for it {why}", why=why))
            notes.say(told("{name} is held: it {why}", name=variable.name, why=why), sure=False)
        variables.append(replace(variable, held=bool(why)))
    return chosen.with_variables(tuple(variables))


def _why_held(variable: Variable, look: Look | None, clock: ClockFound | None) -> str:
    if CALENDAR.fullmatch(variable.name):
        return told("is named as a calendar's part is")
    values = None if look is None else look.codes
    if values is None or clock is None or variable.column.is_text:
        return ""
    known = values[~np.isnan(values)]
    if not len(known) or (known == known[0]).all():
        return told("never changes in this table")
    there = ~np.isnan(values)
    return told("follows the clock alone") if _follows(known, clock.times[there]) else ""


def _follows(values: np.ndarray, times: np.ndarray) -> bool:
    """Tell a feature that one hour of the day, weekday or month always gives the same number."""
    seconds = (times - np.datetime64("1970-01-01", "ns")) // np.timedelta64(1, "s")
    months = times.astype("datetime64[M]").astype(int) % 12
    days = (times.astype("datetime64[D]") - times.astype("datetime64[Y]")).astype(int)
    for phase in (seconds % _DAY, (seconds // _DAY) % 7, months, days):
        _, code, count = np.unique(phase, return_inverse=True, return_counts=True)
        if count.min() < 2 or len(count) < 2:
            continue
        low = np.full(len(count), np.inf)
        high = np.full(len(count), -np.inf)
        np.minimum.at(low, code, values)
        np.maximum.at(high, code, values)
        if (high - low).max() <= 1e-6 * (values.max() - values.min()):
            return True
    return False
