"""From what a user named as a baseline to the windows that stand in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from rnnlens.api.shared.given.padding import fitted
from rnnlens.attribution.baselines.baseline import Baseline, make_baseline, unusual
from rnnlens.attribution.baselines.conditional import gaussian_conditional
from rnnlens.attribution.baselines.grouped import CALENDAR, Groups, calendar_groups, step_times
from rnnlens.attribution.baselines.plausibility import mixed_place
from rnnlens.attribution.baselines.windows import RealWindows
from rnnlens.errors import DataError
from rnnlens.names import told
from rnnlens.series.clock import local_times
from rnnlens.series.joint.windows import WindowsByInput
from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.case import Case
    from rnnlens.attribution.question import AnyBaseline

    #: Windows that baselines are made from, as a user gives them or as they were checked.
    Background = Windows | WindowsByInput | ArrayLike | RealWindows | Mapping[str, ArrayLike] | None
    #: A baseline as it was named.
    Named = TypeVar("Named")

__all__ = ["about_baseline", "background_of", "one_baseline", "usual_baseline"]

#: Mahalanobis place beyond which a baseline is flagged as unlike the data.
UNUSUAL = 0.99
#: Windows, evenly spaced, that mixtures are compared with.
COMPARED = 1000
#: Baselines that are means, which tokens have not.
AVERAGED = ("mean", "conditional", *CALENDAR)
#: The number of no hour, month or season.
NO_GROUP = -1


def usual_baseline(case: Case, given: Named | None) -> Named | str:
    """Give the baseline that is taken where none was named: tokens have no mean."""
    if given is not None:
        return given
    if case.each:
        return "mean"  # of each input, tokens apart
    return "zero" if case.tokens else "mean"


def one_baseline(
    case: Case,
    baseline: str | ArrayLike,
    held: Sequence[str] | None,
    background: Background,
    seed: int,
) -> tuple[AnyBaseline, tuple[str, ...]]:
    """Make the baseline of one input from the options of a verb."""
    places, names = case.held(held)
    data = background_of(case, background)
    if case.tokens and isinstance(baseline, str) and baseline in AVERAGED:
        raise DataError(
            f"input {case.of!r} holds tokens, which have no mean, and the baseline {baseline!r} is "
            "made of means: choose 'zero', 'persistence' or 'background', or the token that stands "
            "for any other, as in baseline=[1]"
        )
    if not isinstance(baseline, str):
        return _stated(case, np.asarray(baseline, dtype=np.float64), places), names
    if baseline == "conditional":
        whole = None if data is None else data.whole
        given = gaussian_conditional(case.x, held=places, background=whole, seed=seed)
        return given, names
    made = make_baseline(
        baseline,
        case.x,
        real=case.real,
        held=places,
        background=data,
        groups=_groups(case, baseline, background, data) if baseline in CALENDAR else None,
        seed=seed,
    )
    return made, names


def _stated(case: Case, given: NDArray[np.float64], held: NDArray[np.int64]) -> Baseline:
    """Make a baseline of an array, whose steps are those of the windows as they were given."""
    padding = case.padding
    if padding is None or given.ndim < 2:
        return make_baseline(given, case.x, held=held)
    as_given = np.broadcast_to(case.x[:, :1], (len(case.x), padding.given, case.x.shape[2]))
    made = make_baseline(given, as_given, held=held)
    return replace(made, windows=tuple(padding.arranged(window) for window in made.windows))


def background_of(case: Case, background: Background) -> RealWindows | None:
    """Give background windows as arrays, padding where the explained windows have theirs."""
    if background is None or isinstance(background, RealWindows):
        return background
    if isinstance(background, Mapping):
        background = background.get(case.of)
        if background is None:
            return None
    given = background.values if isinstance(background, Windows) else background
    data = np.asarray(given, dtype=np.float64)
    if case.layout is not None:  # one input, which has no steps
        return RealWindows(data.reshape(len(data), 1, -1))
    if case.turned is not None and not isinstance(background, Windows):
        data = case.turned.fitting(case.of, data)
    # what does not fit is refused where the baseline is made, with the shapes
    if data.ndim == case.inputs[case.of].ndim and data.shape[2:] == case.inputs[case.of].shape[2:]:
        data, real = fitted(
            case.network, data, case.of, case.x.shape[1], alone=len(case.inputs) == 1
        )
        return RealWindows(data.reshape(*data.shape[:2], -1), real)
    return RealWindows(data.reshape(*data.shape[:2], -1))


def about_baseline(
    case: Case, stand_in: AnyBaseline, background: Background
) -> dict[str, str | float | bool]:
    """Say what a result must say of its baseline."""
    if case.each:
        return {"baseline": stand_in.text, "baseline_kind": stand_in.kind}
    place = float("nan")
    if isinstance(stand_in, Baseline):
        place = unusual(stand_in, case.x, case.real)
    data = background_of(case, background) or RealWindows(case.x, case.real)
    some = slice(None, None, -(-len(data.values) // COMPARED))
    mixed = mixed_place(
        stand_in,
        case.x,
        real=case.real,
        background=RealWindows(data.values[some], None if data.real is None else data.real[some]),
    )
    return {
        "baseline": stand_in.text,
        "baseline_kind": stand_in.kind,
        "baseline_place": place,
        "mixed_place": mixed,
        "unusual": bool(place > UNUSUAL or mixed > UNUSUAL),
    } | _constant(case)


def _constant(case: Case) -> dict[str, str]:
    """Say which features never change, for their contributions of zero are no finding."""
    steps = RealWindows(case.x, case.real).steps
    # what changes within a few windows need not be sought in all of them
    some = steps[:: 1 + len(steps) // COMPARED]
    same = np.flatnonzero((some == some[:1, :1]).all(axis=(0, 1))) if steps.size else ()
    if len(same) and len(some) < len(steps):
        same = same[(steps[..., same] == steps[0, 0, same]).all(axis=(0, 1))]
    if case.tokens or not len(same):
        return {}
    names = ", ".join(case.features[k] for k in same)
    said = told(
        "{names} never change in the explained windows: against values taken from them they "
        "contribute exactly zero, which says nothing of other values",
        names=names,
    )
    if len(same) == 1:
        said = told(
            "{names} never changes in the explained windows: against values taken from them it "
            "contributes exactly zero, which says nothing of other values",
            names=names,
        )
    return {"constant": said}


def _groups(case: Case, name: str, background: Background, data: RealWindows | None) -> Groups:
    """Give each step the number of its hour, month or season, and padding that of none."""
    given = case.x.shape[1] if case.padding is None else case.padding.given
    times = _step_times(case.windows, given, name)
    own = calendar_groups(times if case.padding is None else case.padding.arranged(times), name)
    if case.real is not None:  # padding is never hidden: any group that there is will do
        own = np.where(case.real, own, own[case.real][0] if case.real.any() else own)
    if data is None:
        return Groups(own, own if case.real is None else np.where(case.real, own, NO_GROUP))
    of_data = calendar_groups(_step_times(background, data.values.shape[1], name), name)
    return Groups(own, of_data if data.real is None else np.where(data.real, of_data, NO_GROUP))


def _step_times(windows: object, steps: int, name: str) -> NDArray[np.datetime64]:
    if (
        not isinstance(windows, Windows)
        or not windows.step
        or not np.issubdtype(windows.issued.dtype, np.datetime64)
    ):
        raise DataError(
            f"the baseline {name!r} needs the time of every step: give windows that were cut from "
            "a series with times (rnnlens.windows), as background too"
        )
    step = np.timedelta64(pd.Timedelta(windows.step).value, "ns")
    newest = (windows.issued + windows.ahead * step).astype(windows.issued.dtype)
    times = step_times(newest, step, steps)
    return local_times(times, windows.time_zone)  # an hour of the day is one of people's clocks
