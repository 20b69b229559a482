"""Windows: the sequences that a network takes, with what they mean in the user's units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError
from rnnlens.names import declared
from rnnlens.series.clock import utc_times

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.series.scaling import Scaling
    from rnnlens.series.sidecar import Sidecar

__all__ = ["Windows", "as_moment", "described"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Windows:
    """Windows in network units, with the names, units, times and scalings that belong to them.

    The step axis runs from the oldest step to the newest; lag 1 is the newest, the last entry.

    Parameters
    ----------
    values : array (sample, step, feature)
        What the network takes, in network units.
    times : array (sample,)
        The time that each forecast is for, datetime64 in UTC; row numbers where there is no time.
        Where targets differ in their lead, of those with the shortest.
    issued : array (sample,)
        The time of the newest step of each window, likewise.
    features, units : tuple of str
        Name and unit of each feature.
    targets, target_units : tuple of str
        Name and unit of each target; for one with a transform the unit of what that gives.
    feature_scaling, target_scaling : Scaling
        Between original units and network units.
    held : tuple of str
        Names of the features that keep their values when others are hidden.
    actual : array (sample, target), optional
        What happened, in the targets' units; NaN where it is not known, None where none is.
    lead : int
        Steps from the newest step to the time that the forecast is for.
    step : str
        From one step to the next, such as ``"1h"``; empty where steps are counted only.
    target_times : array (sample, target), optional
        The time that the forecast of each target is for, where targets differ in their lead.
    groups : array (sample,), optional
        Which station, basin or engine a window is of.
    leads : tuple of int
        The lead of each target.
    sources : tuple of str
        The variable that each target is a forecast of: several targets may be of one.
    time_zone : str, optional
        The zone whose clocks people read the times by; UTC where not given.
    plain : bool
        Whether nothing named features and targets, so that they are numbered.
    ahead : int
        Of a known future: how many steps, the last ones, lie after the one at which the forecast
        is issued.
    files : tuple of (str, str)
        Name and SHA-256 of each file that they were read from; none where they were in memory.
    """

    values: NDArray[np.float64] = declared("sample", "step", "feature")
    times: NDArray[Any] = declared("sample")
    issued: NDArray[Any] = declared("sample")
    features: tuple[str, ...]
    units: tuple[str, ...]
    targets: tuple[str, ...]
    target_units: tuple[str, ...]
    feature_scaling: Scaling
    target_scaling: Scaling
    held: tuple[str, ...]
    actual: NDArray[np.float64] | None = declared("sample", "target")
    lead: int
    step: str
    target_times: NDArray[Any] | None = declared("sample", "target", optional=True)
    groups: NDArray[np.str_] | None = declared("sample", optional=True)
    leads: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    time_zone: str | None = None
    plain: bool = False
    ahead: int = 0
    files: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        """Give the number of windows."""
        return len(self.values)

    @property
    def original(self) -> NDArray[np.float64]:
        """The values in original units, ``(sample, step, feature)``."""
        return self.feature_scaling.undo(self.values)

    def times_of(self, target: int) -> NDArray[Any]:
        """Give the time that each forecast of a target is for.

        Parameters
        ----------
        target : int
            Its place among the targets.

        Returns
        -------
        array (sample,)
            Datetime64 in UTC, NaT where it is not known; row numbers where there is no time.
        """
        return self.times if self.target_times is None else self.target_times[:, target]

    def actual_of(self, target: str) -> NDArray[np.float64] | None:
        """Give what happened of a target.

        Parameters
        ----------
        target : str
            Its name.

        Returns
        -------
        array (sample,) or None
            In its own unit, NaN where it is not known; None where nothing is known of it.
        """
        if self.actual is None or target not in self.targets:
            return None
        return self.actual[:, self.targets.index(target)]

    def lead_of(self, target: int) -> int:
        """Give the lead of a target.

        Parameters
        ----------
        target : int
            Its place among the targets.

        Returns
        -------
        int
            Steps from the newest step to the one that it is for.
        """
        return self.leads[target] if self.leads else self.lead

    def select(self, samples: ArrayLike | slice) -> Windows:
        """Take some of the windows.

        Parameters
        ----------
        samples : int, slice, array of int or array of bool (sample,)
            Which; the sample axis stays.

        Returns
        -------
        Windows
            Those, in the order asked for.

        Raises
        ------
        DataError
            If a number is beyond the last window, or the flags are not one a window.
        """
        which = samples if isinstance(samples, slice) else np.atleast_1d(np.asarray(samples))
        if isinstance(which, np.ndarray) and not which.size:
            which = which.astype(np.intp)
        try:
            # a run of windows is no copy of them
            taken = which if isinstance(which, slice) else np.arange(len(self))[which]
        except IndexError:
            raise DataError(
                f"there are {len(self)} windows, counted from 0, and {samples} does not fit them"
            ) from None
        return replace(
            self,
            values=self.values[taken],
            times=self.times[taken],
            issued=self.issued[taken],
            actual=None if self.actual is None else self.actual[taken],
            target_times=None if self.target_times is None else self.target_times[taken],
            groups=None if self.groups is None else self.groups[taken],
        )

    def newest(self, count: int) -> Windows:
        """Take the windows that were issued last, of whatever group.

        Parameters
        ----------
        count : int
            How many.

        Returns
        -------
        Windows
            Those, in the order that they are in.
        """
        if self.groups is None:
            return self.select(slice(-count, None))
        return self.select(np.sort(np.argsort(self.issued, kind="stable")[-count:]))

    def between(
        self,
        start: str | np.datetime64 | int | None = None,
        end: str | np.datetime64 | int | None = None,
    ) -> Windows:
        """Take the windows whose forecast is for a time from `start` up to, not including, `end`.

        A window's own steps may lie before `start`; to keep them out too, cut the table instead,
        see `rnnlens.series.build.windows`.

        Parameters
        ----------
        start, end : str, datetime64 or int, optional
            Times in ISO 8601, by the clocks of the windows' time zone unless they state an offset,
            or row numbers where there is no time.

        Returns
        -------
        Windows
            Those, in order; none may be left.

        Raises
        ------
        DataError
            If a time is not ISO 8601, or a time is given where only rows are counted.
        """
        keep = np.ones(len(self), dtype=bool)
        if start is not None:
            keep &= self.times >= as_moment(start, self.times, "start", self.time_zone)
        if end is not None:
            keep &= self.times < as_moment(end, self.times, "end", self.time_zone)
        return self.select(_as_run(keep))


def _as_run(keep: NDArray[np.bool_]) -> NDArray[np.bool_] | slice:
    """Give flags (sample,) as a slice where those that are set stand together."""
    if not keep.any():
        return slice(0, 0)
    first, last = int(keep.argmax()), len(keep) - int(keep[::-1].argmax())
    return slice(first, last) if keep[first:last].all() else keep


def as_moment(
    given: str | np.datetime64 | int, like: NDArray[Any], name: str, zone: str | None = None
) -> Any:
    """Bring a limit that the user gave to the kind of the times that it limits."""
    timed = like.dtype.kind == "M"
    whole = isinstance(given, int | np.integer) and not isinstance(given, bool)
    if not timed:
        if whole:
            return int(given)
        raise DataError(
            f"{name} must be a row number, for the data have no time column, and is {given!r}"
        )
    if not whole:
        import pandas as pd

        try:
            moment = pd.Timestamp(given)
        except (ValueError, TypeError):
            moment = pd.NaT
        if isinstance(moment, pd.Timestamp):
            local = moment.tz is None
            naive = moment if local else moment.tz_convert("UTC").tz_localize(None)
            limit = naive.to_datetime64().astype("datetime64[ns]")
            # a NumPy time is in UTC, as all times are that are held
            if local and not isinstance(given, np.datetime64):
                limit = utc_times(np.array([limit]), zone, name)[0]
            return limit
    raise DataError(f"{name} must be a time in ISO 8601, such as 2013-10-01, and is {given!r}")


def described(
    values: NDArray[np.float64],
    sidecar: Sidecar,
    *,
    times: NDArray[Any],
    issued: NDArray[Any],
    actual: NDArray[np.float64] | None,
    step: str,
    target_times: NDArray[Any] | None = None,
    groups: NDArray[np.str_] | None = None,
) -> Windows:
    """Join windows and what a sidecar says of them.

    Shapes: values (sample, step, feature), times, issued (sample,), actual (sample, target).
    """
    if actual is not None:
        known = bool(np.isfinite(actual).any())
        actual = sidecar.target_transforms.apply(actual) if known else None
    return Windows(
        values=values,
        times=times,
        issued=issued,
        features=sidecar.feature_names,
        units=tuple(variable.unit for variable in sidecar.features),
        targets=sidecar.target_names,
        target_units=tuple(variable.scaled_unit for variable in sidecar.targets),
        feature_scaling=sidecar.feature_scaling,
        target_scaling=sidecar.target_scaling,
        held=sidecar.held,
        actual=actual,
        lead=min(sidecar.leads),
        step=step,
        target_times=target_times,
        groups=groups,
        leads=sidecar.leads,
        sources=sidecar.target_sources,
        time_zone=sidecar.time_zone,
    )
