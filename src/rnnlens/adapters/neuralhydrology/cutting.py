"""The windows of a run: tables in original units, scaled as the run's own scaler says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rnnlens.adapters.given import SeriesGiven, refuse_beside
from rnnlens.adapters.neuralhydrology.network import DYNAMIC, STATIC, WHAT
from rnnlens.adapters.neuralhydrology.run import SETTINGS, Run, opened
from rnnlens.errors import DataError, UnreadableFile
from rnnlens.series.build import windows as cut
from rnnlens.series.column import Column
from rnnlens.series.joint.inputs import SidecarInput
from rnnlens.series.sidecar import Sidecar
from rnnlens.series.tables.frames import columns_of, is_table
from rnnlens.series.tables.read import names_in, parquet_of, start_of
from rnnlens.series.variable import Variable

if TYPE_CHECKING:
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["sidecar_of", "windows"]

#: What neuralhydrology calls the time of a row, and whose it is.
TIME, GROUPS = "date", ("basin", "gauge_id")


def windows(
    source: str | PathLike[str], series: object, given: SeriesGiven
) -> Windows | WindowsByInput:
    """Cut tables of dynamic inputs, and of attributes, into the windows that a run takes.

    The forecast is for the day of the newest step, as neuralhydrology has it.
    """
    refuse_beside(given, ("static",), WHAT)
    run = opened(source)
    tables = _tables(series)
    names = {name for table in tables for name in _names(table)}
    group = next((name for name in GROUPS if name in names), None)
    constants: dict[str, float] = {}
    if given.static is not None:
        attributes = _attributes(given.static)
        if group is None:
            constants = _of_one(attributes)
        else:
            keys = np.asarray(attributes.index.astype(str))
            missing = [name for name in run.attributes if name not in attributes]
            if missing:
                raise DataError(
                    f"static has no column {missing[0]!r}, an attribute that the run takes: it has "
                    f"{', '.join(map(str, attributes.columns))}"
                )
            columns = {name: attributes[name].to_numpy() for name in run.attributes}
            tables.append({group: keys, **columns})
    if run.basins and group is not None:
        code = {_of_basin(name): np.eye(len(run.basins))[k] for k, name in enumerate(run.basins)}
        tables.append({group: np.array(run.basins), **code})
    time = TIME if TIME in names else None
    units = {name: unit for table in tables for name, unit in _units(table).items()}
    sidecar = sidecar_of(run, time=time, group=group, constants=constants, units=units)
    return cut(tables, sidecar)


def sidecar_of(
    run: Run,
    *,
    time: str | None = TIME,
    group: str | None = None,
    constants: Mapping[str, float] | None = None,
    units: Mapping[str, str] | None = None,
) -> Sidecar:
    """Say what a run's inputs and targets mean, as a sidecar does."""
    known, of = constants or {}, units or {}
    dynamic = tuple(_variable(run, name, Column(missing="drop"), of) for name in run.dynamic)
    still = [_variable(run, name, Column(value=known.get(name)), of) for name in run.attributes]
    if run.basins and group is None:
        raise DataError(
            f"{run.path / SETTINGS} has use_basin_id_encoding, and the data does not say whose a "
            f"row is: add a column {GROUPS[0]}, one of {', '.join(run.basins[:3])} and so on"
        )
    still += [Variable(_of_basin(name)) for name in run.basins]
    inputs: tuple[SidecarInput, ...] = ()
    if still:
        attributes = SidecarInput(STATIC, tuple(still), static=True)
        inputs = (SidecarInput(DYNAMIC, dynamic), attributes)
    return Sidecar(
        features=dynamic,
        window=run.number("seq_length"),
        lead=0,
        targets=tuple(_variable(run, name, Column(), of) for name in run.targets),
        title=str(run.settings.get("experiment_name") or ""),
        time=time,
        group=group,
        inputs=inputs,
    )


def _of_basin(name: str) -> str:
    """Name the number of the one-hot code that is 1 in a basin."""
    return f"{GROUPS[0]} {name}"


def _variable(run: Run, name: str, column: Column, units: Mapping[str, str]) -> Variable:
    if name not in run.center or name not in run.scale:
        raise UnreadableFile(
            f"the scaler of {run.path} has no center and scale of {name}, which {SETTINGS} lists: "
            "copy both from one run"
        )
    scale = run.scale[name]
    if not (np.isfinite([run.center[name], scale]).all() and scale > 0):
        raise UnreadableFile(
            f"the scaler of {run.path} has for {name} the center {run.center[name]} and the scale "
            f"{scale}, and a finite number and one above 0 were expected: copy it again"
        )
    unit = units.get(name, "-")
    return Variable(name, unit, run.center[name], scale, column=column)


def _tables(series: Any) -> list[Any]:
    """Give the tables that came; times in an index become the column that they are."""
    several = isinstance(series, Sequence) and not isinstance(series, str)
    tables = list(series) if several and not is_table(series) else [series]
    return [
        table.rename_axis(TIME).reset_index()
        if isinstance(table, pd.DataFrame) and isinstance(table.index, pd.DatetimeIndex)
        else table
        for table in tables
    ]


def _names(table: Any) -> list[str]:
    if isinstance(table, str | PathLike):
        return names_in(table, None)
    return list(columns_of(table)[0]) if is_table(table) else []


def _units(table: Any) -> dict[str, str]:
    """Give the units that the variables of a Dataset state."""
    variables = getattr(table, "data_vars", None)
    stated = {} if variables is None else {n: v.attrs.get("units") for n, v in variables.items()}
    return {str(name): str(unit) for name, unit in stated.items() if unit}


def _attributes(static: Any) -> pd.DataFrame:
    """Give attributes as a frame with a row a basin, under its name."""
    if isinstance(static, str | PathLike):
        parquet = start_of(static).startswith(b"PAR1")
        static = (
            parquet_of(static) if parquet else pd.read_csv(static, dtype=dict.fromkeys(GROUPS, str))
        )
    if isinstance(static, Mapping):
        static = pd.DataFrame({k: np.atleast_1d(np.asarray(v)) for k, v in static.items()})
    if isinstance(static, pd.Series):
        static = static.to_frame().T
    if not isinstance(static, pd.DataFrame):
        raise DataError(
            "static must be a table of attributes, a row a basin: a DataFrame, a mapping or a "
            f"file, not of type {type(static).__name__}"
        )
    key = next((name for name in GROUPS if name in static), None)
    return static if key is None else static.set_index(key)


def _of_one(attributes: pd.DataFrame) -> dict[str, float]:
    if len(attributes) != 1:
        raise DataError(
            f"static has {len(attributes)} rows, and the data does not say whose its own are: add "
            f"a column {GROUPS[0]} to the data, or leave the one row in static that is meant"
        )
    row = attributes.iloc[0]
    numeric = row[[isinstance(one, int | float | np.number) for one in row]]
    return {str(name): float(value) for name, value in numeric.items()}
