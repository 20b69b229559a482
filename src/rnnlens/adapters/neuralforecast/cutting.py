"""The windows of a fitted model of neuralforecast, out of its long DataFrame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rnnlens.adapters.cutting import (
    GROUP,
    TIME,
    Statistics,
    scaled_windows,
    step_of,
    windows_of,
    with_statistics,
    with_times,
)
from rnnlens.adapters.given import SeriesGiven, refuse_beside
from rnnlens.adapters.neuralforecast.facts import FUTURE, NUMBERS, PAST, STATIC, WHAT, WINDOW, Facts
from rnnlens.errors import DataError
from rnnlens.series.column import Column
from rnnlens.series.joint.inputs import SidecarInput
from rnnlens.series.joint.windows import WindowsByInput
from rnnlens.series.sidecar import ROWS
from rnnlens.series.variable import Variable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.series.windows import Windows

__all__ = ["windows"]

#: neuralforecast's names of a row's series and time.
ID, DS, Y = "unique_id", "ds", "y"
TAKES = ("future_covariates", "static")


def windows(source: object, series: object, given: SeriesGiven) -> Windows | WindowsByInput:
    """Cut a long frame (``unique_id``, ``ds``, ``y`` and exogenous columns) into a model's windows.

    ``future_covariates`` is neuralforecast's ``futr_df``, ``static`` its ``static_df``.
    """
    refuse_beside(given, TAKES, WHAT)
    facts = Facts.of(source)
    frame = _frame(series, "the series", (ID, DS, Y, *facts.hist, *facts.futr))
    if given.future_covariates is not None:
        later = _frame(given.future_covariates, "future_covariates", (ID, DS, *facts.futr))
        frame = pd.concat([frame, later], ignore_index=True).sort_values([ID, DS], kind="stable")
    if facts.stat:
        static = _frame(given.static, "static", (ID, *facts.stat))
        frame = frame.merge(static[[ID, *facts.stat]], on=ID, how="left")
    timed = pd.api.types.is_datetime64_any_dtype(frame[DS])
    step = step_of(facts.frequency) if timed and facts.frequency is not None else None
    moments = {str(name): rows.to_numpy() for name, rows in frame.groupby(ID, sort=False)[DS]}
    table = frame.rename(columns={ID: GROUP, DS: TIME})
    table[GROUP] = table[GROUP].astype(str)
    inputs, targets = _described(facts)
    table = table if timed else table.drop(columns=TIME)
    made = windows_of(table, inputs, targets, window=facts.steps, step=step)
    if not timed or step == ROWS:
        made = with_times(made, _Clock(moments, facts.frequency, timed).later, _rows_to(moments))
    return _scaled(made, facts) if facts.scaled else made


class _Clock:
    """Times of forecasts by a frequency that is no length of time."""

    def __init__(self, moments: dict[str, NDArray[Any]], frequency: Any, timed: bool) -> None:
        self.timed = timed
        if timed:
            self.step = pd.tseries.frequencies.to_offset(frequency)
        else:
            first = next(iter(moments.values()))
            self.step = int(first[1] - first[0]) if len(first) > 1 else 1

    def later(self, issued: NDArray[Any], lead: int) -> NDArray[Any]:
        if not self.timed:
            return issued + lead * self.step
        moved = [moment + lead * self.step for moment in pd.DatetimeIndex(issued)]
        return pd.DatetimeIndex(moved).to_numpy().astype("datetime64[ns]")


def _rows_to(moments: dict[str, NDArray[Any]]) -> Any:
    """Give what turns row numbers within a series into its own times."""

    def turned(rows: NDArray[Any], groups: NDArray[np.str_] | None) -> NDArray[Any]:
        if rows.dtype.kind == "M" or groups is None:
            return rows
        return np.array([moments[name][row] for row, name in zip(rows, groups, strict=True)])

    return turned


def _described(facts: Facts) -> tuple[list[SidecarInput], list[Variable]]:
    names = (Y, *facts.hist)
    past = tuple(Variable(name, column=Column(missing="drop")) for name in names)
    inputs = [SidecarInput(PAST, past)]
    if facts.futr:
        known = tuple(
            Variable(f"{name} (known)" if name in names else name, column=Column(of=name))
            for name in facts.futr
        )
        inputs.append(SidecarInput(FUTURE, known, steps=facts.steps, ahead=facts.horizons))
    if facts.stat:
        inputs.append(SidecarInput(STATIC, tuple(map(Variable, facts.stat)), static=True))
    targets = [
        Variable(Y if facts.horizons == 1 else f"{Y} t+{k}", column=Column(of=Y), lead=k)
        for k in range(1, facts.horizons + 1)
    ]
    return inputs, targets


def _frame(given: Any, what: str, wanted: tuple[str, ...]) -> pd.DataFrame:
    if hasattr(given, "to_pandas"):
        given = given.to_pandas()
    if not isinstance(given, pd.DataFrame):
        raise DataError(
            f"{what} must be a DataFrame with the columns {', '.join(wanted)}, as neuralforecast "
            f"takes it, and is of type {type(given).__name__}"
        )
    given = given.reset_index() if ID not in given and ID in given.index.names else given
    missing = [name for name in wanted if name not in given]
    if missing:
        raise DataError(
            f"{what} has no column {missing[0]!r}, and the model takes {', '.join(wanted)}: it has "
            f"{', '.join(map(str, given.columns))}"
        )
    return given


def _scaled(made: Windows | WindowsByInput, facts: Facts) -> WindowsByInput:
    """Scale each window by its own numbers, with neuralforecast's own scaler."""
    by_input = isinstance(made, WindowsByInput)
    past = made.parts[PAST].values if by_input else made.values
    known = made.parts[FUTURE].values[:, : facts.steps] if by_input and facts.futr else None
    shift, scale = _numbers(past if known is None else np.concatenate([past, known], 2), facts)
    own = past.shape[2]
    numbers = Statistics(shift[:, :own], scale[:, :own], NUMBERS[facts.scaler])
    done = with_statistics(made, WINDOW, PAST, range(own), numbers, 1)
    if not facts.futr:
        return done
    rest = Statistics(shift[:, own:], scale[:, own:], NUMBERS[facts.scaler])
    future = scaled_windows(done.parts[FUTURE], range(len(facts.futr)), rest)
    return replace(done, parts={**done.parts, FUTURE: future})


def _numbers(
    values: NDArray[np.float64], facts: Facts
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ask the model's scaler for its numbers: (sample, step, column) -> two (sample, column)."""
    import torch

    scaler = facts.model.scaler
    given = torch.as_tensor(values, dtype=torch.float32)[..., None]
    with torch.no_grad():
        shift, scale = scaler.compute_statistics(
            x=given, mask=torch.ones_like(given[:, :, :1]), dim=scaler.dim, eps=scaler.eps
        )
    shape = (len(values), values.shape[2])
    shift, scale = (one.numpy().astype(np.float64).reshape(shape) for one in (shift, scale))
    if facts.scaler == "minmax1":  # to -1 ... 1: the middle becomes zero
        scale = scale / 2
        shift = shift + scale
    return shift, scale
