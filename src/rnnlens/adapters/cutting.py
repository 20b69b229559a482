"""Windows of a library's series, by its names; what scales each window as numbers of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnlens.series.axis import step_written
from rnnlens.series.build import windows as cut
from rnnlens.series.joint.inputs import SidecarInput
from rnnlens.series.joint.windows import WindowsByInput
from rnnlens.series.scaling import Scaling
from rnnlens.series.sidecar import ROWS, Sidecar
from rnnlens.series.variable import Variable
from rnnlens.series.windows import Windows

__all__ = [
    "GROUP",
    "TIME",
    "Statistics",
    "scaled_windows",
    "step_of",
    "windows_of",
    "with_statistics",
    "with_times",
]

#: Columns of the tables that adapters make.
TIME, GROUP = "time", "series"


def step_of(frequency: object) -> str:
    """Write a frequency of pandas as a sidecar does; months and business days count rows."""
    try:
        length = np.timedelta64(pd.Timedelta(pd.tseries.frequencies.to_offset(frequency)), "ns")  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return ROWS
    return step_written(length)


def windows_of(
    frame: pd.DataFrame,
    inputs: Sequence[SidecarInput],
    targets: Sequence[Variable],
    *,
    window: int,
    step: str | None,
) -> Windows | WindowsByInput:
    """Cut a frame with a column a variable; of one input windows, of several those of each."""
    several = len(inputs) > 1
    sidecar = Sidecar(
        features=inputs[0].features,
        window=window,
        targets=tuple(targets),
        time=TIME if TIME in frame else None,
        step=step if TIME in frame else None,
        group=GROUP if GROUP in frame else None,
        inputs=tuple(inputs) if several else (),
    )
    return cut(frame, sidecar)


@dataclass(frozen=True, eq=False)
class Statistics:
    """Numbers of each window that scale it: ``network = (value - shift) / scale``.

    Parameters
    ----------
    shift, scale : array (sample, feature)
        Of the features that are scaled so, in the units that `windows_of` gave.
    names : tuple of str
        What shift and scale are called, such as ``("median", "MAD")``.
    """

    shift: NDArray[np.float64]
    scale: NDArray[np.float64]
    names: tuple[str, str]


def scaled_windows(one: Windows, columns: Sequence[int], statistics: Statistics) -> Windows:
    """Scale columns of windows, each window by numbers of its own."""
    values, places = one.values.copy(), list(columns)
    scale = statistics.scale[:, None]
    values[..., places] = (values[..., places] - statistics.shift[:, None]) / scale
    mean, size = one.feature_scaling.mean.copy(), one.feature_scaling.scale.copy()
    mean[places], size[places] = 0.0, 1.0
    unit = f"{statistics.names[1]} of the window"
    return replace(
        one,
        values=values,
        units=tuple(unit if k in places else text for k, text in enumerate(one.units)),
        feature_scaling=Scaling(mean, size),
    )


def with_statistics(
    made: Windows | WindowsByInput,
    name: str,
    first: str,
    columns: Sequence[int],
    statistics: Statistics,
    targets: int,
) -> WindowsByInput:
    """Scale columns of the first input window by window; what scales them is an input of its own.

    That input holds the shift of the first `targets` columns, then their scale, in their units.
    """
    by_input = isinstance(made, WindowsByInput)
    one = made.parts[first] if by_input else made
    places = list(columns)
    own = one.feature_scaling[places[:targets]]
    scaled = scaled_windows(one, places, statistics)
    told = tuple(
        f"{which} of {one.features[place]}"
        for which in statistics.names
        for place in places[:targets]
    )
    numbers = [statistics.shift[:, :targets], statistics.scale[:, :targets]]
    beside = replace(
        one,
        values=np.concatenate(numbers, axis=1)[:, None],
        features=told,
        units=tuple(one.units[place] for place in places[:targets]) * 2,
        feature_scaling=Scaling([*own.mean, *np.zeros(targets)], [*own.scale, *own.scale]),
        held=(),
    )
    others = dict(made.parts) if by_input else {}
    parts = {first: scaled, **{k: v for k, v in others.items() if k != first}, name: beside}
    if by_input:
        return replace(made, parts=parts, static=(*made.static, name))
    return WindowsByInput(parts, first, (name,), {})


def with_times(
    made: Windows | WindowsByInput,
    later: Callable[[NDArray[Any], int], NDArray[Any]],
    moments: Callable[[NDArray[Any], NDArray[np.str_] | None], NDArray[Any]],
) -> Windows | WindowsByInput:
    """State the times that forecasts are for, of series whose step is no length of time.

    `moments` gives the times of rows of groups, `later` those so many steps after others.
    """

    def stated(one: Windows) -> Windows:
        issued = moments(one.issued, one.groups)
        each = [later(issued, lead) for lead in one.leads]
        shortest = each[one.leads.index(min(one.leads))]
        several = np.stack(each, axis=1) if len(set(one.leads)) > 1 else None
        return replace(one, issued=issued, times=shortest, target_times=several)

    if isinstance(made, WindowsByInput):
        return replace(made, parts={name: stated(one) for name, one in made.parts.items()})
    return stated(made)
