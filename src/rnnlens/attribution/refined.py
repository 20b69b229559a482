"""Secant contributions brought to exact values by lag, for as many of the newest lags as fit.

Secant contributions sum exactly, but the sum of a lag approximates its Shapley value. The exact
tree (`rnnlens.attribution.methods.shapley_tree`) gives those of the newest K lags and of all older
ones together, in every window. What a lag's features miss of its exact value, d, is shared among
them in proportion to their size:

    c_kf  <-  c_kf + d |c_kf| / sum over f of |c_kf|

and what the older lags miss together likewise among all of their numbers. Lags then hold their
exact values, all contributions sum as before, and padding, held features and what equals the
baseline keep exactly zero. How a lag's value is shared among its features, and the older ones among
each other, remains an approximation. Cost: that of the tree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rnnlens.attribution.audit import Audit, audit_of_refined
from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.budget import Cost
from rnnlens.attribution.methods.shapley_tree import NEWEST, shapley_tree
from rnnlens.attribution.question import Progress, Question
from rnnlens.attribution.result import Contribution, LagContribution, additive
from rnnlens.engine.forward import forward

__all__ = ["Refined", "fitting_lags", "refined"]


@dataclass(frozen=True)
class Refined:
    """Contributions, and for how many lags they are exact.

    Parameters
    ----------
    contributions : Contribution
        By lag and feature.
    newest : int
        Lags whose sums are exact values, from the newest on; 0 where none fitted.
    cells : int
        Cell evaluations that the exact values took.
    audit : Audit, optional
        How far secant was from the exact values; none where none fitted.
    """

    contributions: Contribution
    newest: int
    cells: int
    audit: Audit | None = None


def fitting_lags(question: Question, budget: int) -> tuple[int, int]:
    """Say how many of the newest lags fit a budget of cells, and the cells that they take."""
    cost = Cost(replace(question, groups=None), by_feature=False)
    newest = cost.fits(min(question.newest_or(NEWEST), NEWEST), budget)
    return newest, (cost.exact(newest) or 0) if newest else 0


def refined(
    question: Question, found: Contribution, newest: int, *, progress: Progress | None = None
) -> Refined:
    """Bring so many of the newest lags to their exact values, as they fit (`fitting_lags`)."""
    if newest == 0:
        return Refined(found, 0, 0)
    alone = replace(question, groups=None)
    exact = shapley_tree(alone.with_newest(newest), progress=progress)
    contribution = _moved(alone, found.contribution, exact)
    carried = found.carried if exact.carried is None else exact.carried
    total = contribution.sum(axis=(1, 2)) + (0.0 if carried is None else carried)
    residual = additive(total, found.forecast, found.baseline_forecast, "secant")
    made = replace(found, contribution=contribution, residual=residual, carried=carried)
    return Refined(made, newest, exact.cells, audit_of_refined(found.contribution, exact))


def _moved(question: Question, contribution: Array, exact: LagContribution) -> Array:
    """Share what each player misses among its numbers: contribution (sample, lag, feature)."""
    moved = contribution.copy()
    for player, places in enumerate(exact.places):
        part = moved[:, places]
        size = np.abs(part)
        whole = size.sum(axis=(1, 2))
        missing = exact.contribution[:, player] - part.sum(axis=(1, 2))
        # where secant gives a player nothing at all, all numbers that differ get alike
        none = np.flatnonzero((whole == 0) & (missing != 0))
        if len(none):
            size[none] = _differs(question.part(none))[:, ::-1][:, places]
            whole[none] = size[none].sum(axis=(1, 2))
        moved[:, places] += size * (missing / np.where(whole > 0, whole, 1.0))[:, None, None]
    return moved


def _differs(question: Question) -> Array:
    """Count the backgrounds from which each number differs: (sample, step, feature)."""
    run, x = forward(question.network, question.inputs), question.x
    return sum((x != x0 for x0 in question.stand_ins(run)), np.zeros(x.shape))
