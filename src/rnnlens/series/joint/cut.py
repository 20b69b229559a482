"""Windows of several inputs out of tables: joined by time and group, cut at the same forecasts.

A forecast is made at the newest row of a window of the main series. Each other sequence ends there,
or as many rows later as it is known ahead; what is static has one value in each group. A window of
the main series that some other input lacks is left out, and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError
from rnnlens.series.axis import Axis, Cut
from rnnlens.series.joint.inputs import main_input
from rnnlens.series.joint.steps import refuse_other_steps
from rnnlens.series.joint.windows import WindowsByInput
from rnnlens.series.tables.joined import joined
from rnnlens.series.tables.several import parts_of, read_one
from rnnlens.series.variables import held_over, numbers_of, wanted_of
from rnnlens.series.windows import Windows, as_moment, described

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.series.joint.inputs import SidecarInput
    from rnnlens.series.sidecar import Sidecar
    from rnnlens.series.tables.table import Table
    from rnnlens.series.variable import Variable

__all__ = ["cut_by_input"]


def cut_by_input(
    tables: Sequence[Any], sidecar: Sidecar, start: Any = None, end: Any = None
) -> WindowsByInput:
    """Cut tables into the windows of every input that a sidecar describes."""
    inputs, table = _read(list(tables), sidecar)
    axis = Axis.of(table, sidecar)
    keep = np.ones(len(axis.rows), dtype=bool)
    if start is not None:
        keep &= axis.times >= as_moment(start, axis.times, "start", sidecar.time_zone)
    if end is not None:
        keep &= axis.times < as_moment(end, axis.times, "end", sidecar.time_zone)
    axis = axis.kept(keep)
    values = {one.name: _values(table, axis, one) for one in inputs}
    main = main_input(inputs)
    cut = Cut.of(axis, _whole(values[main.name]), sidecar.window)
    cut, left_out = _where_all_are(cut, inputs, values, sidecar)
    static = tuple(one.name for one in inputs if one.static)
    return WindowsByInput(
        _parts(cut, inputs, values, _happened(cut, table, sidecar), sidecar),
        main.name,
        static,
        left_out,
    )


def _happened(cut: Cut, table: Table, sidecar: Sidecar) -> NDArray[np.float64]:
    """Look up what happened at the times that forecasts are for: (sample, target)."""
    actual = np.full((len(cut.newest), len(sidecar.targets)), np.nan)
    for column, (variable, lead) in enumerate(zip(sidecar.targets, sidecar.leads, strict=True)):
        happened = numbers_of(table, variable)
        if happened is not None:
            actual[:, column] = cut.at(happened[cut.axis.rows], lead)
    return actual


def _parts(
    cut: Cut,
    inputs: Sequence[SidecarInput],
    values: Mapping[str, NDArray[np.float64]],
    actual: NDArray[np.float64],
    sidecar: Sidecar,
) -> dict[str, Windows]:
    """Cut the windows of each input: values (row, feature) and actual (sample, target)."""
    axis = cut.axis
    times = {lead: cut.times(lead) for lead in set(sidecar.leads)}
    each = np.stack([times[lead] for lead in sidecar.leads], axis=1)
    parts = {}
    for one in inputs:
        own = replace(sidecar, features=one.features, targets=sidecar.targets, inputs=())
        steps = one.back(sidecar.window) + one.ahead or 1
        moved = replace(cut, newest=cut.newest + one.ahead, window=steps)
        made = described(
            moved.windows(own.feature_scaling.apply(values[one.name])),
            own,
            times=times[min(sidecar.leads)],
            issued=axis.times[cut.newest],
            actual=actual,
            step=axis.step_text,
            target_times=None if len(times) == 1 else each,
            groups=None if axis.groups is None else axis.groups[cut.newest],
        )
        parts[one.name] = replace(made, ahead=one.ahead)
    return parts


def _read(tables: list[Any], sidecar: Sidecar) -> tuple[tuple[SidecarInput, ...], Table]:
    """Read what the inputs want of all tables; those with a table of their own get it from there.

    Their columns are told apart from those of other tables by the input's name.
    """
    main = main_input(sidecar.inputs)
    own = [one for one in sidecar.inputs if one.table is not None and one is not main]
    apart = {Path(str(one.table)).name for one in own}
    pool = [each for each in tables if not (_is_file(each) and Path(str(each)).name in apart)]
    if main.table is not None and Path(main.table).name not in {_name(each) for each in pool}:
        pool.append(main.table)
    if not pool:
        raise DataError(
            f"the tables that are given are those of {', '.join(one.name for one in own)} alone: "
            f"give the one of {main.name!r} and of the targets as well"
        )
    common = [variable for one in sidecar.inputs if one not in own for variable in one.features]
    found = parts_of(pool, wanted_of(sidecar, common, sidecar.targets))
    inputs, whole = [], []
    for one in sidecar.inputs:
        renamed, part = _own_table(one, tables, sidecar) if one in own else (one, None)
        if part is not None:
            (whole if part.times is None and part.groups is None else found).append(part)
        inputs.append(renamed)
    refuse_other_steps(found, inputs, sidecar)
    return tuple(inputs), _with_whole(joined(found), whole)


def _with_whole(table: Table, whole: Sequence[Table]) -> Table:
    """Add tables of one row, which is of every time and group."""
    for part in whole:
        if len(part) > 1:
            raise DataError(
                f"{part.where} has {len(part)} rows, and nothing says which of them is the "
                "series': name the column that both tables have as group, or leave the one row "
                "in it that is"
            )
        count = len(table)
        table = replace(
            table,
            numbers=table.numbers | {k: np.repeat(v, count) for k, v in part.numbers.items()},
            texts=table.texts | {k: np.repeat(v, count) for k, v in part.texts.items()},
        )
    return table


def _is_file(table: object) -> bool:
    return isinstance(table, str | PathLike)


def _name(table: object) -> str:
    return Path(str(table)).name if _is_file(table) else ""


def _own_table(
    one: SidecarInput, tables: Sequence[Any], sidecar: Sidecar
) -> tuple[SidecarInput, Table | None]:
    """Read the table of one input, and give the input with the names that its columns then have."""
    path = next((each for each in tables if _name(each) == Path(str(one.table)).name), one.table)
    wanted = wanted_of(sidecar, one.features)
    if not wanted.numbers and not wanted.texts:
        return one, None
    wanted = replace(wanted, group=one.key or sidecar.group)
    if one.static:
        wanted = replace(wanted, clock=type(wanted.clock)())
    table = read_one(path, wanted, "the data")
    names = {name: f"{name} of {one.name}" for name in (*table.numbers, *table.texts)}
    renamed = tuple(
        variable
        if variable.column.value is not None
        else replace(variable, column=replace(variable.column, of=names[variable.source]))
        for variable in one.features
    )
    return replace(one, features=renamed), replace(
        table,
        numbers={names[name]: values for name, values in table.numbers.items()},
        texts={names[name]: cells for name, cells in table.texts.items()},
    )


def _values(table: Table, axis: Axis, one: SidecarInput) -> NDArray[np.float64]:
    """Give the numbers of an input in every row of the axis, NaN where there are none."""
    values = np.empty((len(axis.rows), len(one.features)))
    for column, variable in enumerate(one.features):
        numbers = numbers_of(table, variable)
        assert numbers is not None, "a feature's column is there, or reading refused"
        numbers = numbers[axis.rows]
        if one.static:
            numbers = _unchanging(numbers, axis, one, variable)
        values[:, column] = axis.by_group(numbers, held_over, variable)
    return values


def _unchanging(
    numbers: NDArray[np.float64], axis: Axis, one: SidecarInput, variable: Variable
) -> NDArray[np.float64]:
    """Give every row of a group the one value that it has there: (row,) -> (row,)."""
    same = np.full(len(numbers), np.nan)
    for a, b in zip(axis.ends[:-1], axis.ends[1:], strict=True):
        known = np.unique(numbers[a:b][~np.isnan(numbers[a:b])])
        if len(known) > 1:
            whose = "" if axis.groups is None else f" in {str(axis.groups[a])!r}"
            raise DataError(
                f"{variable.name} of the static input {one.name!r} changes{whose}: it is "
                f"{known[0]:g} in one row and {known[1]:g} in another; give it one value, or "
                "leave static out and state steps where the network takes it at each step"
            )
        if len(known):
            same[a:b] = known[0]
    return same


def _whole(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which rows have all values: (row, feature) -> (row,) of bool."""
    return ~np.asarray(np.isnan(values).any(axis=1))


def _where_all_are(
    cut: Cut,
    inputs: Sequence[SidecarInput],
    values: Mapping[str, NDArray[np.float64]],
    sidecar: Sidecar,
) -> tuple[Cut, dict[str, int]]:
    """Keep the windows of which every input has all steps, and count those that others lack."""
    newest, left_out = cut.newest, {}
    begins = cut.axis.begins
    for one in inputs:
        whole = _whole(values[one.name])
        there = _there(newest, whole, begins, one, sidecar.window)
        lacking = int((~there).sum())
        if lacking:
            left_out[one.name] = lacking
        if not there.any():
            what = f" and the {one.ahead} rows after it" if one.ahead else ""
            raise DataError(
                f"no window has all of its inputs: {one.name!r} ({one.title}) lacks values in each "
                f"of the {len(newest)} windows that those before it leave; give it values in the "
                f"rows up to the newest{what}, at the step of the series"
            )
        newest = newest[there]
    return replace(cut, newest=newest), left_out


def _there(
    newest: NDArray[np.intp],
    whole: NDArray[np.bool_],
    begins: NDArray[np.bool_],
    one: SidecarInput,
    window: int,
) -> NDArray[np.bool_]:
    """Say at which of the newest rows an input has all of its steps: (sample,) of bool."""
    if one.static:
        return whole[newest]
    back = one.back(window)
    rows = np.arange(len(whole))
    last = newest + one.ahead
    inside = last < len(whole)
    last = np.where(inside, last, 0)
    # rows since the newest that does not follow the one before, or that lacks a value
    unbroken = rows - np.maximum.accumulate(np.where(begins, rows, 0))
    lacking = np.maximum.accumulate(np.where(whole, -1, rows))
    reaches = np.minimum(last - lacking[last], unbroken[last] + 1)
    follows = unbroken[last] >= one.ahead
    return inside & follows & (reaches >= back + one.ahead)
