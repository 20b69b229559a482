"""The baseline of a verb: of one input, or of each of several, which then stand in together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.given.baselines import AVERAGED, one_baseline, usual_baseline
from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.baselines.grouped import CALENDAR
from rnnlens.attribution.baselines.windows import RealWindows
from rnnlens.errors import DataError
from rnnlens.names import clauses, told

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.given.baselines import Background
    from rnnlens.api.shared.given.case import Case
    from rnnlens.attribution.question import AnyBaseline

    #: A baseline of one input, or of each by its name.
    Stated = str | ArrayLike | Mapping[str, str | ArrayLike]

__all__ = ["baseline_of"]


def baseline_of(
    case: Case,
    baseline: Stated,
    held: Sequence[str] | None,
    background: Background,
    seed: int,
) -> tuple[AnyBaseline, tuple[str, ...]]:
    """Make the baseline of a verb from its options, and name the features that are held."""
    if case.each:
        return _of_several(case, baseline, held, background, seed)
    if isinstance(baseline, Mapping):
        baseline = _own(case, baseline)
    if isinstance(background, Mapping):
        background = background.get(_name(case))
    return one_baseline(case, baseline, held, background, seed)


def _own(case: Case, baseline: Mapping[str, str | ArrayLike]) -> str | ArrayLike:
    """Take the baseline of the one input that is asked about out of a mapping."""
    name = _name(case)
    _refuse_others(baseline, [name])
    return usual_baseline(case, baseline.get(name))


def _name(case: Case) -> str:
    """Name the one input that is asked about."""
    return case.of if case.layout is None else case.layout.inputs[0].name


def _refuse_others(baseline: Mapping[str, str | ArrayLike], names: Sequence[str]) -> None:
    """Refuse baselines of what is not asked about."""
    unknown = [name for name in baseline if name not in names]
    if unknown:
        raise DataError(
            f"a baseline is given for {unknown[0]!r}, but what is explained is "
            f"{', '.join(names)}: give baselines by these names"
        )


def _of_several(
    case: Case,
    baseline: Stated,
    held: Sequence[str] | None,
    background: Background,
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
        given, _ = one_baseline(one, stated[name], case.own_held(name, held), own, seed)
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
        kept[np.ix_(np.array(one.rows, np.int64), made[one.name].held)] = True
    texts = {name: one.text for name, one in made.items()}
    text = next(iter(texts.values()))
    if len(set(texts.values())) > 1:
        text = clauses(told("{name}: {fact}", name=name, fact=one) for name, one in texts.items())
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
