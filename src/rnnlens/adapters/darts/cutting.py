"""The windows of a fitted model of darts, out of its `TimeSeries`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rnnlens.adapters.cutting import (
    GROUP,
    TIME,
    Statistics,
    step_of,
    windows_of,
    with_statistics,
    with_times,
)
from rnnlens.adapters.darts.encoding import with_encodings
from rnnlens.adapters.darts.facts import FUTURE, PAST, STATIC, WHAT, WINDOW, Facts
from rnnlens.adapters.darts.scaling import line_of
from rnnlens.adapters.given import SeriesGiven, refuse_beside
from rnnlens.errors import DataError
from rnnlens.series.column import Column
from rnnlens.series.joint.inputs import SidecarInput
from rnnlens.series.sidecar import ROWS
from rnnlens.series.variable import Variable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["windows"]

TAKES = ("future_covariates", "past_covariates", "scaler")


def windows(source: object, series: object, given: SeriesGiven) -> Windows | WindowsByInput:
    """Cut series, and their covariates, into the windows that a model takes.

    Without a scaler series are what the model was fitted on; with one they are in original units.
    Covariates are as the model takes them, unless the scaler is a mapping that holds theirs.
    """
    refuse_beside(given, TAKES, WHAT)
    facts = Facts.of(source)
    parts = _Parts.of(facts, series, given)
    inputs, targets = parts.described(facts)
    window, step = facts.steps, parts.step
    made = windows_of(parts.frame(), inputs, targets, window=window, step=step)
    if step in {None, ROWS}:
        made = with_times(made, parts.later, parts.moments)
    if facts.normalised:
        made = _normalised(made, facts)
    return made


def _normalised(made: Windows | WindowsByInput, facts: Facts) -> WindowsByInput:
    """Scale each window by its own mean and spread, as darts' RINorm does."""
    one = made[PAST] if isinstance(made, Mapping) else made
    target = one.values[..., : facts.components]
    spread = np.sqrt(target.var(axis=1) + facts.module.rin.eps)
    statistics = Statistics(target.mean(axis=1), spread, ("mean", "spread"))
    columns = range(facts.components)
    return with_statistics(made, WINDOW, PAST, columns, statistics, facts.components)


@dataclass(frozen=True, eq=False)
class _Parts:
    """The series of each group: target, past and future covariates, static ones."""

    target: list[Any]
    past: list[Any]
    future: list[Any]
    scalers: Mapping[str, Any]

    @classmethod
    def of(cls, facts: Facts, series: object, given: SeriesGiven) -> _Parts:
        target = _listed("the series", series, facts.components)
        given_past, given_future = with_encodings(facts, series, given)
        past = _listed("past_covariates", given_past, facts.past)
        future = _listed("future_covariates", given_future, facts.future)
        for name, others in (("past_covariates", past), ("future_covariates", future)):
            if others and len(others) != len(target):
                raise DataError(
                    f"{name} must be as many series as are explained, {len(target)}, and are "
                    f"{len(others)}"
                )
        scaler = given.scaler
        named = scaler if isinstance(scaler, Mapping) else {"series": scaler}
        unknown = sorted(set(named) - {"series", "past_covariates", "future_covariates"})
        if unknown:
            raise DataError(
                f"scaler is a mapping with {unknown[0]!r}, and series, past_covariates and "
                "future_covariates were expected"
            )
        return cls(target, past, future, named)

    @property
    def frequency(self) -> Any:
        """The step of the series: an offset of pandas, or a number."""
        return self.target[0].freq

    @property
    def step(self) -> str | None:
        timed = isinstance(self.target[0].time_index, pd.DatetimeIndex)
        return step_of(self.frequency) if timed else None

    def later(self, issued: NDArray[Any], lead: int) -> NDArray[Any]:
        """Give the times so many steps after others."""
        index = self.target[0].time_index
        if isinstance(index, pd.DatetimeIndex):
            moved = [moment + lead * self.frequency for moment in pd.DatetimeIndex(issued)]
            return pd.DatetimeIndex(moved).to_numpy().astype("datetime64[ns]")
        return issued + lead * self.frequency

    def moments(self, rows: NDArray[Any], groups: NDArray[np.str_] | None) -> NDArray[Any]:
        """Give the places on a series' own axis that rows have, where it counts with numbers."""
        if isinstance(self.target[0].time_index, pd.DatetimeIndex):
            return rows
        starts = {}
        for k, target in enumerate(self.target):
            others = [one[k].start_time() for one in (self.past, self.future) if one]
            starts[f"series {k}"] = int(min([target.start_time(), *others]))
        whose = ["series 0"] * len(rows) if groups is None else groups.tolist()
        begins = np.array([starts[name] for name in whose])
        return begins + rows * int(self.frequency)

    def frame(self) -> pd.DataFrame:
        """Lay all series out as rows, NaN where one of them has no value."""
        rows = []
        for k, target in enumerate(self.target):
            others = [one[k] for one in (self.past, self.future) if one]
            columns = [_columns(target, "")]
            columns += [_columns(one, " ") for one in others]
            whole = pd.concat(columns, axis=1)
            whole = whole.sort_index()
            static = target.static_covariates
            for name, value in _static(static):
                whole[name] = value
            if isinstance(whole.index, pd.DatetimeIndex):
                whole = whole.rename_axis(TIME).reset_index()
            else:
                whole = whole.reset_index(drop=True)
            if len(self.target) > 1:
                whole[GROUP] = f"series {k}"
            rows.append(whole)
        return pd.concat(rows, ignore_index=True)

    def described(self, facts: Facts) -> tuple[list[SidecarInput], list[Variable]]:
        """Say what every input and target is."""
        variables = self._variables("series", self.target, "")
        past = self._variables("past_covariates", self.past, " ") if self.past else []
        inputs = [SidecarInput(PAST, (*variables, *past))]
        if self.future:
            ahead = 1 if facts.recurrent else facts.horizons + facts.shift
            known = tuple(self._variables("future_covariates", self.future, " "))
            back = facts.steps - 1 if facts.recurrent else facts.steps
            inputs.append(SidecarInput(FUTURE, known, steps=back, ahead=ahead))
        if facts.static[1]:
            names = [name for name, _ in _static(self.target[0].static_covariates)]
            if len(names) != facts.static[0] * facts.static[1]:
                raise DataError(
                    f"the model takes {facts.static[0] * facts.static[1]} static covariates, and "
                    f"the series has {len(names)}: give it those that it was fitted with"
                )
            still = tuple(Variable(name, held=False) for name in names)
            inputs.append(SidecarInput(STATIC, still, static=True))
        leads = [facts.shift + k for k in range(1, facts.horizons + 1)]
        targets = [
            Variable(
                one.name if facts.horizons == 1 else f"{one.name} t+{lead}",
                one.unit,
                one.mean,
                one.scale,
                column=Column(of=one.column.of or one.name),
                lead=lead,
            )
            for lead in leads
            for one in variables
        ]
        return inputs, targets

    def _variables(self, which: str, series: Sequence[Any], mark: str) -> list[Variable]:
        """Describe the components of a kind of series."""
        names = [str(name) for name in series[0].components]
        mean, scale = line_of(self.scalers.get(which), series, which)
        return [
            Variable(
                f"{name}{_beside(mark, name, self.target)}",
                mean=float(mean[k]),
                scale=float(scale[k]),
                column=Column(of=f"{name}{mark}", missing="drop"),
            )
            for k, name in enumerate(names)
        ]


def _beside(mark: str, name: str, target: Sequence[Any]) -> str:
    """Tell a covariate from a component of the target of the same name."""
    return " (covariate)" if mark and name in map(str, target[0].components) else ""


def _listed(what: str, series: Any, components: int) -> list[Any]:
    """Give series as a list, checked against what the model takes of them."""
    many = [] if series is None else list(series) if isinstance(series, Sequence) else [series]
    for one in many:
        if not hasattr(one, "time_index") or not hasattr(one, "all_values"):
            raise DataError(
                f"{what} must be a TimeSeries of darts, or a sequence of them, and is of type "
                f"{type(one).__name__}"
            )
        if not components:
            raise DataError(f"{what} was given, and the model was fitted without: leave it out")
        if one.width != components or one.n_samples > 1:
            raise DataError(
                f"{what} must have {components} components of one sample each, as the model was "
                f"fitted on, and has {one.width} of {one.n_samples}"
            )
    if components and not many:
        raise DataError(f"{what} is missing, which the model was fitted with: give it too")
    return many


def _columns(series: Any, mark: str) -> pd.DataFrame:
    names = [f"{name}{mark}" for name in series.components]
    values = series.all_values(copy=False)[..., 0].astype(np.float64)
    return pd.DataFrame(values, index=series.time_index, columns=names)


def _static(static: pd.DataFrame | None) -> list[tuple[str, float]]:
    """Name static covariates in the order in which darts lays them out: row by row."""
    if static is None:
        return []
    rows = [str(row) for row in static.index]
    of = [""] if len(rows) == 1 else [f" of {row}" for row in rows]
    return [
        (f"{name}{where}", float(value))
        for where, values in zip(of, static.to_numpy(), strict=True)
        for name, value in zip(map(str, static.columns), values, strict=True)
    ]
