"""Cutting a table into the windows that a network takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import KINDS, checked
from rnnlens.arguments import where

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np
    import pandas as pd
    from numpy.typing import ArrayLike

    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.sidecar import Sidecar
    from rnnlens.series.windows import Windows

    OneTable = str | PathLike[str] | pd.DataFrame | Mapping[str, ArrayLike]

__all__ = ["windows"]


# a table is checked where it is read, row by row, and a series by the adapter of its library
@checked(data=where("a table", lambda _: True), sidecar=where("a sidecar", lambda _: True))
def windows(
    data: OneTable | Sequence[OneTable] | object,
    sidecar: Sidecar | str | PathLike[str] | object | None = None,
    *,
    start: str | np.datetime64 | int | None = None,
    end: str | np.datetime64 | int | None = None,
    scaler: object = None,
    past_covariates: object = None,
    future_covariates: object = None,
    static: object = None,
) -> Windows | WindowsByInput:
    """Cut a series into the windows that a network takes.

    Parameters
    ----------
    data : path, DataFrame or mapping of str to array (row,), or a list of them
        A CSV, Parquet or ``.npz`` file, or columns, in original units: a table of pandas, xarray,
        polars or Arrow. Several are joined by their times (and groups); one without times holds
        what does not change of each group. Or a loader, or data set, of windows and what happened,
        in the network's own units, as networks are fed. Or a fitted model of a library
        (`docs/adapters.md` says of which), whose series then comes second.
    sidecar : Sidecar or path, optional
        What the columns mean: names, units, means and scales, window, lead, targets. With a fitted
        model in the first place its series, as its library takes it.
    start, end : str, datetime64 or int, optional
        Use only rows from `start` up to, not including, `end`; by the clocks of the sidecar's time
        zone unless they state an offset.
    scaler : object, optional
        With a fitted model whose library does not keep it: the fitted scaler that stood before the
        model, such as a ``Scaler`` of darts; the series is then in original units.
    past_covariates, future_covariates : object, optional
        With a fitted model that takes them: other series, known up to the issue of a forecast, and
        beyond it.
    static : object, optional
        With a fitted model that takes it: a table of what does not change in time, a row a series.

    Returns
    -------
    Windows, or WindowsByInput
        In the network's own units, with names, units and times; where the sidecar describes several
        inputs those of each by its name, which every verb takes as it takes the others.

    Raises
    ------
    UnreadableFile
        If a file is missing or of another kind.
    DataError
        If a column or a value is not what it must be, or the series is shorter than a window.
    ConfigError
        If the sidecar is missing or not what it must be.
    InputError
        If something was given that does not belong to what is cut.
    """
    import numpy as np

    from rnnlens.adapters.given import SeriesGiven, refuse_beside
    from rnnlens.adapters.recognised import adapter_of
    from rnnlens.api.shared.given.loaders import feeds, opened
    from rnnlens.series.arrays import windows_from_arrays
    from rnnlens.series.build import sidecar_given
    from rnnlens.series.build import windows as cut
    from rnnlens.series.windows import Windows

    given = SeriesGiven(
        scaler=scaler,
        past_covariates=past_covariates,
        future_covariates=future_covariates,
        static=static,
    )
    adapter = adapter_of(data)
    if adapter is not None:
        return adapter.windows(data, sidecar, given).between(start, end)
    refuse_beside(given, (), "a table or a loader, without a fitted model in the first place,")
    if sidecar is not None:
        sidecar = KINDS["sidecar"].check("sidecar", sidecar)
    if feeds(data):
        held = opened(data)
        known = isinstance(held, Windows)
        values = held.values if known else np.asarray(held)
        happened = held.actual if known else None
        made = windows_from_arrays(values, happened, sidecar=sidecar_given(sidecar), scaled=True)
        return made.between(start, end)
    return cut(data, sidecar_given(sidecar), start=start, end=end)  # type: ignore[arg-type]
