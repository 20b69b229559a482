"""Whether sums of contributions are what hiding those lags does.

*Infidelity* (Yeh et al. 2019, "On the (in)fidelity and sensitivity of explanations"): for random
sets S of lags, sizes drawn evenly,

    infidelity = E (sum of contributions in S - D_S)^2,    D_S = f(x) - f(x with S hidden)

given as its root, relative to the root of ``E D_S^2``. A contribution of the wrong size but the
right pattern is found by the factor that makes it smallest, ``E (sum) D / E (sum)^2``.

Failure: as for the curves of `rnnlens.checks.faithfulness`, windows of which a part is hidden may
be unlike any in the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.question import Question
from rnnlens.checks.hidden import hidden_forecasts
from rnnlens.names import declared

__all__ = ["Infidelity", "infidelity"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Infidelity:
    """How far contributions are from what hiding random sets of lags does.

    Parameters
    ----------
    infidelity : float
        Root mean square error, relative to the root mean square change; 0 is exact.
    infidelity_scale : float
        The factor on all contributions that makes it smallest; 1 where their size is right.
    infidelity_scaled : float
        What is left with that factor.
    """

    infidelity: float = declared()
    infidelity_scale: float = declared()
    infidelity_scaled: float = declared()


def infidelity(
    question: Question, contribution: Array, forecast: Array, *, draws: int = 64, seed: int = 0
) -> Infidelity:
    """Compare sums of contributions with what hiding random sets of lags does.

    Shapes: contribution (sample, lag), forecast (sample,).
    """
    samples, steps = contribution.shape
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, max(steps, 2), size=(samples, draws, 1))
    sets = np.argsort(np.argsort(rng.random((samples, draws, steps)), axis=2), axis=2) < sizes
    change = forecast[:, None] - hidden_forecasts(question, sets)
    claimed = np.einsum("nvt,nt->nv", sets.astype(float), contribution[:, ::-1])
    power, size = float(np.mean(change**2)), float(np.mean(claimed**2))
    if power == 0:
        return Infidelity(infidelity=np.nan, infidelity_scale=np.nan, infidelity_scaled=np.nan)
    scale = float(np.mean(claimed * change)) / size if size > 0 else float("nan")
    return Infidelity(
        infidelity=float(np.sqrt(np.mean((claimed - change) ** 2) / power)),
        infidelity_scale=scale,
        infidelity_scaled=float(np.sqrt(np.mean((scale * claimed - change) ** 2) / power)),
    )
