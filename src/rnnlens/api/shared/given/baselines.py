"""From what a user named as a baseline to the windows that stand in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from rnnlens.api.shared.given.padding import fitted
from rnnlens.attribution.baselines.baseline import Baseline, make_baseline, unusual
from rnnlens.attribution.baselines.conditional import gaussian_conditional
from rnnlens.attribution.baselines.grouped import CALENDAR, Groups, calendar_groups, step_times
from rnnlens.attribution.baselines.plausibility import mixed_place
from rnnlens.attribution.baselines.windows import RealWindows
from rnnlens.errors import DataError
from rnnlens.series.clock import local_times
from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.case import Case
    from rnnlens.attribution.question import AnyBaseline

    #: Windows that baselines are made from, as a user gives them or as they were checked.
    Background = Windows | ArrayLike | RealWindows | None

__all__ = ["about_baseline", "background_of", "baseline_of", "usual_baseline"]

#: Mahalanobis place beyond which a baseline is flagged as unlike the data.
UNUSUAL = 0.99
#: Windows, evenly spaced, that mixtures are compared with.
COMPARED = 1000
#: Baselines that are means, which tokens have not.
AVERAGED = ("mean", "conditional", *CALENDAR)
#: The number of no hour, month or season.
NO_GROUP = -1


def usual_baseline(case: Case, given: str | ArrayLike | None) -> str | ArrayLike:
    """Give the baseline that is taken where none was named: tokens have no mean."""
    if given is not None:
        return given
    if case.each:
        return "mean"  # of each input, tokens apart
    return "zero" if case.tokens else "mean"


def baseline_of(
    case: Case,
    baseline: str | ArrayLike | Mapping[str, str | ArrayLike],
    held: Sequence[str] | None,
    background: Background,
    seed: int,
) -> tuple[AnyBaseline, tuple[str, ...]]:
    """Make the baseline of a verb from its options."""
    if case.each:
        return joint_baseline(case, baseline, held, background, seed)
    if isinstance(baseline, Mapping):
        baseline = _own(case, baseline)
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


def _own(case: Case, baseline: Mapping[str, str | ArrayLike]) -> str | ArrayLike:
    """Take the baseline of the one input that is asked about out of a mapping."""
    name = case.of if case.layout is None else case.layout.inputs[0].name
    _refuse_others(baseline, [name])
    return usual_baseline(case, baseline.get(name))


def _refuse_others(baseline: Mapping[str, str | ArrayLike], names: Sequence[str]) -> None:
    """Refuse baselines of what is not asked about."""
    unknown = [name for name in baseline if name not in names]
    if unknown:
        raise DataError(
            f"a baseline is given for {unknown[0]!r}, but what is explained is "
            f"{', '.join(names)}: give baselines by these names"
        )


def joint_baseline(
    case: Case,
    baseline: str | ArrayLike | Mapping[str, str | ArrayLike],
    held: Sequence[str] | None,
    background: Background | Mapping[str, ArrayLike],
    seed: int,
) -> tuple[Baseline, tuple[str, ...]]:
    """Make the baseline of several inputs, each its own; real windows are drawn together."""
    layout, names = case.layout, case.held(held)[1]
    assert layout is not None, "several inputs are laid into one"
    stated = _by_input(case, baseline)
    made: dict[str, Baseline] = {}
    for name, one in case.each.items():
        own = background
        if not isinstance(background, RealWindows | Mapping | None):
            own = background if one is case.single else None
        elif isinstance(background, RealWindows):
            real = None if background.real is None else layout.taken_steps(background.real, name)
            own = RealWindows(layout.taken(background.values, name), real)
        elif isinstance(background, Mapping):
            own = background.get(name)
        given, _ = baseline_of(one, stated[name], case.own_held(name, held), own, seed)
        assert isinstance(given, Baseline), "what depends on what is shown was refused before"
        made[name] = given
    many = max(len(one.windows) for one in made.values())
    if any(len(one.windows) not in {1, many} for one in made.values()):
        counts = ", ".join(f"{len(one.windows)} of {name!r}" for name, one in made.items())
        raise DataError(
            f"background windows are drawn of all inputs together, but there are {counts}: give "
            "as many of each, as a mapping of input name to windows"
        )
    kept = np.zeros((layout.rows, layout.width), bool)
    for one in layout.inputs:
        kept[np.ix_(one.rows, made[one.name].held)] = True
    texts = {name: one.text for name, one in made.items()}
    text = next(iter(texts.values()))
    if len(set(texts.values())) > 1:
        text = "; ".join(f"{name}: {one}" for name, one in texts.items())
    windows = tuple(_laid(case, made, number) for number in range(many))
    return Baseline(text, windows, np.array([], np.int64), kept if kept.any() else None), names


def _laid(case: Case, made: Mapping[str, Baseline], number: int) -> NDArray[np.float64]:
    """Lay one of the windows of each input into one array (1 or sample, row, number)."""
    assert case.layout is not None
    whole: dict[str, NDArray[np.float64]] = {}
    for one in case.layout.inputs:
        windows = made[one.name].windows
        own = windows[number if len(windows) > 1 else 0]
        whole[one.name] = np.broadcast_to(own, (len(own), one.steps, one.features))
    count = max(len(own) for own in whole.values())
    return case.layout.lay({
        name: np.broadcast_to(own, (count, *own.shape[1:])) for name, own in whole.items()
    })


def _by_input(case: Case, baseline: object) -> dict[str, str | ArrayLike]:
    """Give the baseline of each input: one name for all, or a mapping; what has none its usual."""
    if isinstance(baseline, Mapping):
        _refuse_others(baseline, list(case.each))
        stated = {name: baseline.get(name) for name in case.each}
    elif isinstance(baseline, str):
        stated = dict.fromkeys(case.each, baseline)
    else:
        raise DataError(
            "an array is the baseline of one input, but several are explained "
            f"({', '.join(case.each)}): give a mapping of input name to baseline"
        )
    if "conditional" in [one for one in stated.values() if isinstance(one, str)]:
        raise DataError(
            "the conditional baseline fills in one input from its own numbers, but several are "
            f"explained ({', '.join(case.each)}): name one with of=, or choose another baseline"
        )
    lags = {one.name: one.lags for one in case.layout.inputs} if case.layout else {}
    own: dict[str, str | ArrayLike] = {}
    for name, one in stated.items():
        known = case.each[name]
        if isinstance(one, str) and not isinstance(baseline, Mapping):
            own[name] = _fitting(case, name, one, lags=lags[name])
        else:
            own[name] = usual_baseline(known, None) if one is None else one
    return own


def _fitting(case: Case, name: str, baseline: str, *, lags: bool) -> str:
    """Give what a baseline that was named for all inputs is of one of them."""
    known = case.each[name]
    averaged = baseline in AVERAGED or (baseline == "persistence" and not lags)
    if averaged and known.tokens:
        return "zero"  # tokens have no mean
    timed = lags and (known.windows is not None or known is case.single)
    if (averaged and not lags) or (baseline in CALENDAR and not timed):
        return "mean"  # one vector has no newest step, and no hours
    return baseline


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
    ).joint
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
    same = np.flatnonzero(np.ptp(steps, axis=(0, 1)) == 0) if steps.size else []
    if case.tokens or not len(same):
        return {}
    names = ", ".join(case.features[k] for k in same)
    does, they = ("changes", "it contributes") if len(same) == 1 else ("change", "they contribute")
    return {
        "constant": f"{names} never {does} in the explained windows: against values taken from "
        f"them {they} exactly zero, which says nothing of other values"
    }


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
    times = step_times(
        windows.issued, np.timedelta64(pd.Timedelta(windows.step).value, "ns"), steps
    )
    return local_times(times, windows.time_zone)  # an hour of the day is one of people's clocks
