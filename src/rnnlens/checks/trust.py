"""Everything that speaks for or against a method's contributions on one network, in one result.

Windows of more than `rnnlens.checks.faithfulness.LONG` steps are looked at in part: curves at half
of the points against half of the random orders, half of the random sets, random weights on
`OF_LONG` windows and occlusion on `WITNESSED`, evenly taken, and contributions under noise in
single precision where that resolves them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.methods.occlusion import occlusion_of_lags
from rnnlens.attribution.question import Progress, Question
from rnnlens.checks.agreement import Agreement, Crowding, agreement, crowding
from rnnlens.checks.attributions import ATTRIBUTIONS
from rnnlens.checks.faithfulness import LONG, Curves, curves
from rnnlens.checks.hidden import Ends, contributions_resolving, resolving
from rnnlens.checks.infidelity import Infidelity, infidelity
from rnnlens.checks.randomised import Randomised, randomised
from rnnlens.checks.stability import Stability, stability
from rnnlens.engine.schedule.plan import evenly
from rnnlens.names import declared

__all__ = ["Trust", "trust"]

#: Long windows that are asked under random weights, and that occlusion is run on, as a witness.
OF_LONG, WITNESSED = 8, 4
#: Random orders and sets, and of long windows.
ORDERS, SETS = (8, 4), (64, 32)

_Check = Curves | Infidelity | Stability | Randomised | Agreement | Crowding


@dataclass(frozen=True, eq=False, kw_only=True)
class Trust(Curves, Infidelity, Stability, Randomised, Agreement, Crowding):
    """The page: every figure of the checks, and what they were measured against.

    Parameters
    ----------
    scale : float
        Root mean square change of the forecast from its baseline, in the target's own unit; the
        distances of the curves are in units of it.
    rmse, rmse_baseline : float
        Root mean square error of the forecast and of the baseline forecast; NaN where what
        happened is not known.
    """

    scale: float = declared(
        long_name="root mean square change of the forecast of {target}", unit="{unit}"
    )
    rmse: float = declared(
        long_name="root mean square error of the forecast of {target}", unit="{unit}"
    )
    rmse_baseline: float = declared(
        long_name="root mean square error of the baseline forecast of {target}", unit="{unit}"
    )


def trust(
    question: Question,
    ends: Ends,
    *,
    method: str = "secant",
    actual: Array | None = None,
    noise: float = 0.02,
    seed: int = 0,
    progress: Progress | None = None,
) -> Trust:
    """Put a method's contributions to the test: actual (sample,)."""
    attribute = ATTRIBUTIONS[method]
    contribution = attribute(question)
    by_lag = contribution.sum(axis=2)
    resolved, long = resolving(question, ends), question.steps > LONG
    whole = np.arange(question.windows)
    some = evenly(question.windows, OF_LONG) if long else whole
    few = evenly(question.windows, WITNESSED) if long else whole
    witnessed = question.part(few)
    occluded = occlusion_of_lags(witnessed).change

    def stays() -> Stability:
        asked, own = question, contribution
        if long:
            asked, own = contributions_resolving(resolved, attribute, question, own, part=noise)
        return stability(asked, attribute, own, ends, noise=noise, seed=seed)

    checks: tuple[Callable[[], _Check], ...] = (
        lambda: curves(resolved, by_lag, ends, draws=ORDERS[long], seed=seed),
        lambda: infidelity(resolved, by_lag, ends.forecast, draws=SETS[long], seed=seed),
        stays,
        lambda: randomised(question.part(some), attribute, contribution[some], seed=seed),
        lambda: agreement(witnessed, occluded),
        lambda: crowding(question, by_lag, occluded, few),
    )
    figures: dict[str, Any] = {}
    for done, check in enumerate(checks, start=1):
        part = check()
        figures |= {spec.name: getattr(part, spec.name) for spec in fields(part)}
        if progress is not None:
            progress(done, len(checks))
    known = np.full(question.windows, np.nan) if actual is None else actual
    return Trust(
        **figures,
        scale=ends.scale,
        rmse=_rmse(ends.forecast - known),
        rmse_baseline=_rmse(ends.baseline_forecast - known),
    )


def _rmse(missed: Array) -> float:
    there = missed[np.isfinite(missed)]
    return float(np.sqrt(np.mean(there**2))) if len(there) else float("nan")
