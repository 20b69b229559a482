"""From what a user named as a baseline to the windows that stand in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from rnnlens.attribution.baselines.baseline import Baseline, make_baseline, unusual
from rnnlens.attribution.baselines.conditional import gaussian_conditional
from rnnlens.attribution.baselines.grouped import CALENDAR, Groups, calendar_groups, step_times
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.baselines.plausibility import mixed_place
from rnnlens.engine.forward import forward
from rnnlens.engine.schedule.plan import gathered
from rnnlens.errors import DataError
from rnnlens.network.layers import Embedding, Masking
from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rnnlens.api.shared.case import Case
    from rnnlens.attribution.question import AnyBaseline

__all__ = ["about_baseline", "background_data", "baseline_of", "real_steps_of"]

#: Mahalanobis place beyond which a baseline is flagged as unlike the data.
UNUSUAL = 0.99
#: Windows, evenly spaced, that mixtures are compared with.
COMPARED = 1000


def baseline_of(
    case: Case,
    baseline: str | ArrayLike,
    held: Sequence[str] | None,
    background: Windows | ArrayLike | None,
    seed: int,
) -> tuple[AnyBaseline, tuple[str, ...]]:
    """Make the baseline of a verb from its options."""
    places, names = case.held(held)
    data = background_data(background)
    named = baseline if isinstance(baseline, str) else ""
    if named == "conditional":
        given = gaussian_conditional(case.x, held=places, background=data, seed=seed)
        return given, names
    made = make_baseline(
        baseline,
        case.x,
        # only the baseline that holds the newest real step asks which steps are real
        real=real_steps_of(case) if named == "persistence" else None,
        held=places,
        background=data,
        groups=_groups(case, named, background) if named in CALENDAR else None,
        seed=seed,
    )
    return made, names


def background_data(background: Windows | ArrayLike | None) -> NDArray[np.float64] | None:
    """Give background windows as an array: (window, step, feature)."""
    given = background.values if isinstance(background, Windows) else background
    if given is None:
        return None
    data = np.asarray(given, dtype=np.float64)
    return data.reshape(*data.shape[:2], -1)


def about_baseline(
    case: Case, stand_in: AnyBaseline, background: Windows | ArrayLike | None
) -> dict[str, str | float | bool]:
    """Say what a result must say of its baseline."""
    place = unusual(stand_in, case.x) if isinstance(stand_in, Baseline) else float("nan")
    data = background_data(background)
    data = case.x if data is None else data
    some = data[:: -(-len(data) // COMPARED)]
    mixed = mixed_place(stand_in, case.x, real=real_steps_of(case), background=some).joint
    return {
        "baseline": stand_in.text,
        "baseline_kind": stand_in.kind,
        "baseline_place": place,
        "mixed_place": mixed,
        "unusual": bool(place > UNUSUAL or mixed > UNUSUAL),
    } | _constant(case)


def _constant(case: Case) -> dict[str, str]:
    """Say which features never change, for their contributions of zero are no finding."""
    same = np.flatnonzero(np.ptp(case.x, axis=(0, 1)) == 0)
    if case.tokens or not len(same):
        return {}
    names = ", ".join(case.features[k] for k in same)
    does, they = ("changes", "it contributes") if len(same) == 1 else ("change", "they contribute")
    return {
        "constant": f"{names} never {does} in the explained windows: against values taken from "
        f"them {they} exactly zero, which says nothing of other values"
    }


def _groups(case: Case, name: str, background: object) -> Groups:
    own = _step_times(case.windows, case.x.shape[1], name)
    data = own if background is None else _step_times(background, case.x.shape[1], name)
    return Groups(calendar_groups(own, name), calendar_groups(data, name))


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
    return step_times(windows.issued, np.timedelta64(pd.Timedelta(windows.step).value, "ns"), steps)


def real_steps_of(case: Case) -> NDArray[np.bool_] | None:
    """Say which steps of the windows are real: (sample, step) of bool."""
    if not _masks(case):
        return None

    def part(chunk: slice) -> tuple[NDArray[np.bool_], ...]:
        given = {name: array[chunk] for name, array in case.inputs.items()}
        real = real_steps(forward(case.network, given), case.of)
        return () if real is None else (real,)

    return next(iter(gathered(part, case.network, case.inputs)), None)


def _masks(case: Case) -> bool:
    return any(isinstance(node.layer, Masking | Embedding) for node in case.network.nodes)
