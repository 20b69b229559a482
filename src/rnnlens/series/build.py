"""Cut a table into windows that do not cross a gap; the door of this package.

Row ``t`` of a table is the newest step of the window of rows ``t-T+1 .. t``; its forecast is for
row ``t + lead``. All those rows must follow each other at the series' step, and be of one group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.arguments import shown
from rnnlens.errors import ConfigError, DataError
from rnnlens.series.arrays import holds_windows, read_windows, windows_from_npz
from rnnlens.series.axis import Axis, Cut, unbroken
from rnnlens.series.files import with_files
from rnnlens.series.joint.arrays import by_input_from_arrays
from rnnlens.series.joint.cut import cut_by_input
from rnnlens.series.sidecar import Sidecar, read_sidecar
from rnnlens.series.tables.frames import is_table
from rnnlens.series.tables.joined import joined
from rnnlens.series.tables.read import NPZ_START, read_arrays, start_of
from rnnlens.series.tables.several import parts_of
from rnnlens.series.variables import held_over, numbers_of, wanted_by
from rnnlens.series.windows import Windows, as_moment, described

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.tables.table import Table

    Limit = str | np.datetime64 | int | None
    OneTable = str | PathLike[str] | pd.DataFrame | Mapping[str, ArrayLike]

__all__ = [
    "by_input",
    "features_on",
    "sidecar_given",
    "windows",
    "windows_at",
    "windows_from_table",
]


def windows(
    data: OneTable | Sequence[OneTable],
    sidecar: Sidecar | str | PathLike[str] | None = None,
    *,
    start: Limit = None,
    end: Limit = None,
) -> Windows | WindowsByInput:
    """Make windows from files or from columns in memory; several tables are joined by their times.

    An ``.npy`` file, and an ``.npz`` file with an array ``X (sample, step, feature)``, hold windows
    already: in original units, or in network units where it has ``scaled = True``; ``y (sample,
    target)``, in the same units, and ``times (sample,)`` are optional. Of a sidecar with several
    inputs these are the windows of each.

    Shapes: data path, DataFrame or mapping of str to (row,), or several.

    Examples
    --------
    >>> sidecar = Sidecar.plain(["rain", "flow"], window=3)
    >>> made = windows({"rain": [0, 1, 0, 2, 0], "flow": [5, 5, 7, 6, 9]}, sidecar)
    >>> made.values.shape, made.issued, made.actual
    ((3, 3, 2), array([2, 3, 4]), array([[ 2.,  6.], [ 0.,  9.], [nan, nan]]))
    """
    sidecar = sidecar_given(sidecar)
    tables = _tables(data)
    if sidecar is not None and sidecar.inputs:
        return with_files(by_input(tables, sidecar, start, end), tables)
    if len(tables) == 1 and _is_windows(tables[0]):
        arrays = read_windows(tables[0])
        made = windows_from_npz(arrays, sidecar, str(tables[0])).between(start, end)
        return with_files(made, tables)
    if sidecar is None:
        raise ConfigError(
            "a table needs a sidecar that says what the network takes: give a .toml file, which "
            "rnnlens init MODEL DATA writes, or Sidecar.plain(features, window, lead)"
        )
    return with_files(_cut(_read(tables, sidecar), sidecar, start, end), tables)


def by_input(
    tables: Sequence[Any], sidecar: Sidecar, start: Limit = None, end: Limit = None
) -> WindowsByInput:
    """Make the windows of each input that a sidecar describes, from tables or from arrays."""
    if len(tables) == 1 and _is_archive(tables[0], [one.name for one in sidecar.inputs]):
        arrays = read_arrays(tables[0])
        made = by_input_from_arrays(arrays, sidecar, where=f"{tables[0]}: ")
        return made.between(start, end)
    return cut_by_input(tables, sidecar, start, end)


def _is_archive(table: Any, names: Sequence[str]) -> bool:
    """Say whether a file holds an array of some input by its name, and no table of columns."""
    if not isinstance(table, str | PathLike) or not start_of(table).startswith(NPZ_START):
        return False
    arrays = read_arrays(table)
    return any(name in names for name in arrays) and any(a.ndim > 1 for a in arrays.values())


def sidecar_given(sidecar: object) -> Sidecar | None:
    """Give a sidecar as it is, or read its file."""
    if isinstance(sidecar, str | PathLike):
        return read_sidecar(sidecar)
    if not isinstance(sidecar, Sidecar | None):
        raise ConfigError(
            f"sidecar must be a Sidecar or the path of a .toml file, not {shown(sidecar)}"
        )
    return sidecar


def windows_from_table(
    table: pd.DataFrame | Mapping[str, ArrayLike],
    sidecar: Sidecar,
    *,
    start: Limit = None,
    end: Limit = None,
) -> Windows:
    """Cut a table in memory into windows: table DataFrame or mapping of str to (row,)."""
    return _cut(_read([table], sidecar), sidecar, start, end)


def _tables(data: Any) -> list[Any]:
    """Give the tables that came: one, or several."""
    many = isinstance(data, Sequence) and not isinstance(data, str)
    tables = list(data) if many and data and not is_table(data) else [data]
    for table in tables:
        if not isinstance(table, str | PathLike) and not is_table(table):
            raise DataError(
                "data must be a path, a DataFrame or a mapping of columns, or a list of them, and "
                f"is of type {type(table).__name__}; arrays of windows (sample, step, feature) "
                "need no rnnlens.windows: give them to the verbs as they are"
            )
    return tables


def _is_windows(table: Any) -> bool:
    return isinstance(table, str | PathLike) and holds_windows(table, start_of(table))


def _read(tables: list[Any], sidecar: Sidecar) -> Table:
    """Read what the sidecar wants of one table, or of several and join them."""
    return joined(parts_of(tables, wanted_by(sidecar)))


def features_on(axis: Axis, table: Table, sidecar: Sidecar) -> NDArray[np.float64]:
    """Give the features of each row of an axis in their own units, NaN where there is none.

    Shapes: gives (row, feature).
    """
    rows = axis.rows
    features = np.empty((len(rows), len(sidecar.features)))
    for column, variable in enumerate(sidecar.features):
        values = numbers_of(table, variable)
        if values is not None:  # a feature's column is there, or reading refused
            features[:, column] = axis.by_group(values[rows], held_over, variable)
    return features


def _cut(table: Table, sidecar: Sidecar, start: Limit, end: Limit) -> Windows:
    """Cut a table into windows, with what happened at the times that they are for."""
    axis = Axis.of(table, sidecar)
    rows = axis.rows
    keep = np.ones(len(rows), dtype=bool)
    if start is not None:
        keep &= axis.times >= as_moment(start, axis.times, "start", sidecar.time_zone)
    if end is not None:
        keep &= axis.times < as_moment(end, axis.times, "end", sidecar.time_zone)
    axis = axis.kept(keep)
    features = features_on(axis, table, sidecar)
    whole = ~np.asarray(np.isnan(features).any(axis=1))
    return _described(table, sidecar, Cut.of(axis, whole, sidecar.window), features)


def windows_at(
    table: Table, sidecar: Sidecar, choose: Callable[[NDArray[np.intp]], NDArray[np.intp]]
) -> Windows | None:
    """Cut some of a table's windows: of the rows that end one those that are chosen, if any."""
    axis = Axis.of(table, sidecar)
    features = features_on(axis, table, sidecar)
    run = unbroken(axis, ~np.asarray(np.isnan(features).any(axis=1)))
    newest = choose(np.flatnonzero(run >= sidecar.window))
    if not len(newest):
        return None
    return _described(table, sidecar, Cut(axis, newest, sidecar.window), features)


def _described(table: Table, sidecar: Sidecar, cut: Cut, features: NDArray[np.float64]) -> Windows:
    axis, rows = cut.axis, cut.axis.rows
    actual = np.full((len(cut.newest), len(sidecar.targets)), np.nan)
    for column, (variable, lead) in enumerate(zip(sidecar.targets, sidecar.leads, strict=True)):
        happened = numbers_of(table, variable)
        if happened is not None:
            actual[:, column] = cut.at(happened[rows], lead)
    times = {lead: cut.times(lead) for lead in set(sidecar.leads)}
    shortest = times[min(sidecar.leads)]
    return described(
        cut.windows(sidecar.feature_scaling.apply(features)),
        sidecar,
        times=shortest,
        issued=axis.times[cut.newest],
        actual=actual,
        step=axis.step_text,
        target_times=None
        if len(times) == 1
        else np.stack([times[lead] for lead in sidecar.leads], axis=1),
        groups=None if axis.groups is None else axis.groups[cut.newest],
    )
