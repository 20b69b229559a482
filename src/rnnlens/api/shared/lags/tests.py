"""Tests over the data set for a table of lags: what hiding each row does to the error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import DataError, InputError
from rnnlens.evidence.statistics.samplers import (
    OwnDraw,
    OwnSampler,
    gaussian_sampler,
    neighbour_sampler,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rnnlens.api.shared.case import Case
    from rnnlens.api.shared.lags.rows import Rows
    from rnnlens.attribution.target import ResolvedTarget
    from rnnlens.evidence.statistics.equivalence import Equivalence
    from rnnlens.evidence.statistics.horizon import Horizon
    from rnnlens.evidence.statistics.parts import Part
    from rnnlens.evidence.statistics.sampler_fit import SamplerFit
    from rnnlens.evidence.statistics.samplers import Sampler
    from rnnlens.evidence.statistics.scenario import Scenario

    Array = NDArray[np.float64]

__all__ = ["SAMPLERS", "LagTests", "draws_of", "tests_of"]

#: Samplers by name; ``auto`` takes the Gaussian unless its own diagnostic speaks against it.
SAMPLERS = ("auto", "gaussian", "neighbours")
#: Rows for which it is measured whether a sampler fits: the newest, the oldest and some between.
LOOKED_AT = 6


@dataclass(frozen=True, eq=False)
class LagTests:
    """What replacing each row, and all older lags together, does to the loss.

    Parameters
    ----------
    equivalence : Equivalence
        Of the rows that are not held.
    horizon : Horizon
        Of the newest lags that are needed.
    fit : SamplerFit or None
        Of the sampler that was taken; None where there were too few windows to tell.
    fit_text : str
        The same in words.
    margin_text : str
        Where the margin comes from.
    samples : int
        Windows that were tested: those whose actuals are known.
    """

    equivalence: Equivalence
    horizon: Horizon
    fit: SamplerFit | None
    fit_text: str
    margin_text: str
    samples: int


def tests_of(
    case: Case,
    target: ResolvedTarget,
    rows: Rows,
    *,
    actual: Array | None,
    held: Sequence[int],
    background: Array | None,
    sampler: str | OwnDraw,
    loss: str,
    margin: float | None,
    tolerance: tuple[float, str] | None,
    alpha: float,
    correction: str,
    errors: str,
    block_length: int | None,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> LagTests:
    """Test each row of a table, and from the oldest lag on how many are needed.

    Shapes: actual (sample,), background (window, step, feature).
    """
    from rnnlens.api.shared.lags.certificates import windows_of
    from rnnlens.evidence.statistics.dependent_mean import dependent_means
    from rnnlens.evidence.statistics.equivalence import equivalence
    from rnnlens.evidence.statistics.horizon import horizon
    from rnnlens.evidence.statistics.losses import LOSSES, Losses
    from rnnlens.evidence.statistics.replacement import Replacement

    if case.inputs[case.of].ndim != 3:
        raise DataError(f"drawing parts of windows needs numbers, but {case.of!r} holds tokens")
    if not rows.parts:
        raise DataError(f"every feature is held ({', '.join(case.features)})")
    if actual is not None:
        known = np.flatnonzero(np.isfinite(actual))
        case, actual = windows_of(case, known), actual[known]
    if not len(case.x):
        raise DataError("no window's actual is known")
    windows = Replacement(case.network, case.inputs, target, case.of)
    # too few windows are said before anything is learned from them
    dependent_means(np.zeros((len(case.x), 1)), how=errors, block_length=block_length, seed=seed)
    learned, numbers = case.x if background is None else background, case.x[0].size
    if not callable(sampler) and len(learned) <= numbers:
        raise DataError(
            f"learning how the {numbers} numbers of a window go together needs more than {numbers} "
            f"windows, but there are {len(learned)}: give a longer series, or a sampler of your own"
        )
    drawn, fit, text = _sampler(sampler, case.x, background, rows.parts, seed)
    losses = Losses(windows, drawn, actual, loss=loss, seed=seed)
    text_of_margin = ""
    if margin is None and actual is None and tolerance is not None and loss in LOSSES:
        margin = float(LOSSES[loss](np.asarray(tolerance[0])))
        text_of_margin = f"{tolerance[1]}{', squared' if loss == 'squared' else ''}"
    options: dict[str, Any] = {
        "margin": margin,
        "alpha": alpha,
        "errors": errors,
        "block_length": block_length,
        "progress": progress,
    }
    found = equivalence(losses, rows.parts, correction=correction, **options)
    return LagTests(
        equivalence=found,
        horizon=horizon(losses, held=held, **options),
        fit=fit,
        fit_text=text,
        margin_text=text_of_margin or found.margin_text,
        samples=len(case.x),
    )


def draws_of(
    case: Case,
    target: ResolvedTarget,
    rows: Rows,
    *,
    values: Array,
    tolerance: float,
    draws: int | None,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> Scenario:
    """Replace each row by values that were observed elsewhere, as often as a bound needs.

    Shapes: values (window, step, feature).
    """
    from rnnlens.evidence.statistics.replacement import Replacement
    from rnnlens.evidence.statistics.scenario import scenario

    if case.inputs[case.of].ndim != 3:
        raise DataError(f"replacing parts of windows needs numbers, but {case.of!r} holds tokens")
    if not rows.parts:
        raise DataError(f"every feature is held ({', '.join(case.features)})")
    windows = Replacement(case.network, case.inputs, target, case.of)
    return scenario(
        windows,
        rows.parts,
        values=values,
        tolerance=tolerance,
        draws=draws,
        seed=seed,
        progress=progress,
    )


def _sampler(
    named: str | OwnDraw, x: Array, background: Array | None, parts: Sequence[Part], seed: int
) -> tuple[Sampler, SamplerFit | None, str]:
    """Make the sampler, and say whether it fits."""
    from rnnlens.evidence.statistics.sampler_fit import FEWEST, sampler_fit

    if callable(named):
        made: Sampler = OwnSampler(named)
    elif named in {"auto", "gaussian"}:
        made = gaussian_sampler(x, background=background)
    elif named == "neighbours":
        made = neighbour_sampler(x, background=background)
    else:
        raise InputError(
            f"the sampler must be one of {', '.join(SAMPLERS)}, or a function, not {named!r}"
        )
    if len(x) < FEWEST:
        return made, None, f"whether it fits cannot be told from fewer than {FEWEST} windows"
    places = np.geomspace(1, len(parts), min(LOOKED_AT, len(parts))).round().astype(int) - 1
    some = [parts[place] for place in np.unique(places)]
    fit = sampler_fit(made, x, some, seed=seed)
    if named == "auto" and not fit.fits.all() and _enough(x, background):
        other = neighbour_sampler(x, background=background)
        better = sampler_fit(other, x, some, seed=seed)
        if better.auc.max() < fit.auc.max():
            return other, better, f"{better.sentence}; the Gaussian one: {fit.auc.max():.2f}"
    return made, fit, fit.sentence


def _enough(x: Array, background: Array | None) -> bool:
    """Say whether there are more windows than a sampler of neighbours draws from."""
    from rnnlens.evidence.statistics.samplers import NEIGHBOURS

    return len(np.unique(x if background is None else background, axis=0)) > NEIGHBOURS
