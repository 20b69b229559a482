"""Everything that speaks for or against a method's contributions on one network, in one result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.checks.agreement import Agreement, Crowding, agreement, crowding
from rnnlens.checks.attributions import ATTRIBUTIONS
from rnnlens.checks.faithfulness import Curves, curves
from rnnlens.checks.infidelity import Infidelity, infidelity
from rnnlens.checks.randomised import Randomised, randomised
from rnnlens.checks.stability import Stability, stability
from rnnlens.names import declared
from rnnlens.network.network import Network

__all__ = ["Trust", "trust"]


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

    scale: float = declared()
    rmse: float = declared()
    rmse_baseline: float = declared()


def trust(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    ends: tuple[Array, Array],
    *,
    of: str,
    method: str = "secant",
    actual: Array | None = None,
    noise: float = 0.02,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Trust:
    """Put a method's contributions to the test.

    Shapes: inputs mapping of str to (sample, ...), ends tuple of two (sample,), actual (sample,).
    """
    attribute = ATTRIBUTIONS[method]
    given = (network, inputs, target, baseline)
    contribution = attribute(*given, of=of)
    by_lag = contribution.sum(axis=2)
    checks: tuple[Callable[[], Any], ...] = (
        lambda: curves(*given, by_lag, ends, of=of, seed=seed),
        lambda: infidelity(*given, by_lag, ends[0], of=of, seed=seed),
        lambda: stability(
            *given, attribute, contribution, ends=ends, of=of, noise=noise, seed=seed
        ),
        lambda: randomised(*given, attribute, contribution, of=of, seed=seed),
        lambda: agreement(*given, of=of),
        lambda: crowding(*given, by_lag, of=of),
    )
    found: dict[str, Any] = {}
    for done, check in enumerate(checks, start=1):
        part = check()
        found |= {spec.name: getattr(part, spec.name) for spec in fields(part)}
        if progress is not None:
            progress(done, len(checks))
    known = np.full(len(ends[0]), np.nan) if actual is None else actual
    return Trust(
        **found,
        scale=float(np.sqrt(np.mean((ends[0] - ends[1]) ** 2))),
        rmse=_rmse(ends[0] - known),
        rmse_baseline=_rmse(ends[1] - known),
    )


def _rmse(missed: Array) -> float:
    there = missed[np.isfinite(missed)]
    return float(np.sqrt(np.mean(there**2))) if len(there) else float("nan")
