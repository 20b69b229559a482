"""Whether methods agree on which lags matter, and whether one step takes it all.

Methods are compared by lag, by the mean over windows of Spearman's rank correlation. The exact
tree (Shapley values of the newest lags) is the reference where it is cheap; occlusion is as
independent a witness as there is, since it runs the network and follows no rule. Agreement is no
proof: methods that share a flaw agree.

*One step takes it all.* Contributions of recurrent networks are known to gather at the newest
steps whatever the task (Ismail et al. 2019, "Input-cell attention reduces vanishing saliency of
recurrent neural networks"). Where nine tenths of all contribution fall on the newest or the oldest
step, that step is flagged, with the share that occlusion gives it: where that is as large, the
network itself looks there and nowhere else; where it is not, the method is at fault.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.methods.gradient_times_input import gradient_times_input
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.question import Question
from rnnlens.checks.attributions import rank_correlation
from rnnlens.engine.forward import forward
from rnnlens.errors import UnsupportedModel
from rnnlens.names import declared

__all__ = ["AUDITED", "CROWDED", "METHODS", "Agreement", "Crowding", "agreement", "crowding"]

#: The methods that are compared.
METHODS = ("secant", "tree", "gradient_times_input", "occlusion")
#: Windows that methods are compared on, and lags that the tree takes one by one there.
AUDITED, TREE_LAGS = 16, 10
#: The share of all contribution from which on a step is said to take it all.
CROWDED = 0.9


@dataclass(frozen=True, eq=False, kw_only=True)
class Agreement:
    """How alike methods rank the lags.

    Parameters
    ----------
    agreement : array (by_method, other_method)
        Mean rank correlation by lag over the audited windows; NaN where a method does not serve
        the network. Pairs with the tree are compared on the lags that it takes one by one.
    tree_gap : float
        Root mean square difference between secant contributions and exact Shapley values, relative
        to the latter's root mean square.
    audited : int
        Windows compared.
    """

    agreement: Array = declared(
        "by_method", "other_method", long_name="mean rank correlation by lag"
    )
    tree_gap: float = declared()
    audited: int = declared()


@dataclass(frozen=True, eq=False, kw_only=True)
class Crowding:
    """How contributions are spread over the steps.

    Parameters
    ----------
    share : array (lag,)
        Mean absolute contribution of each lag, as a share of their sum.
    newest_share, oldest_share : float
        The same of each window's newest and oldest real step.
    newest_occlusion, oldest_occlusion : float
        What occlusion gives those steps.
    crowded : {"", "newest", "oldest"}
        The step that takes it all, where one does.
    """

    share: Array = declared("lag", long_name="share of the lag in all contribution")
    newest_share: float = declared()
    oldest_share: float = declared()
    newest_occlusion: float = declared()
    oldest_occlusion: float = declared()
    crowded: str


def agreement(question: Question, occluded: Array) -> Agreement:
    """Compare methods by lag on the first few windows.

    Shapes: occluded (sample, lag), what occlusion gives of them.
    """
    some = question.part(slice(0, AUDITED))
    by_lag: dict[str, Array] = {"secant": secant(some).contribution.sum(axis=2)}
    tree = shapley_tree(some.with_newest(_newest(some)))
    by_lag["tree"] = np.full_like(by_lag["secant"], np.nan)
    for player, places in enumerate(tree.places):
        if len(places) == 1:
            by_lag["tree"][:, places[0]] = tree.contribution[:, player]
    try:
        by_lag["gradient_times_input"] = gradient_times_input(some).product.sum(axis=2)
    except UnsupportedModel:  # tokens cannot move a little
        by_lag["gradient_times_input"] = np.full_like(by_lag["secant"], np.nan)
    by_lag["occlusion"] = occluded[:AUDITED]
    table = np.full((len(METHODS), len(METHODS)), np.nan)
    for row, one in enumerate(METHODS):
        for column, other in enumerate(METHODS):
            correlation = rank_correlation(by_lag[one], by_lag[other])
            there = correlation[np.isfinite(correlation)]
            table[row, column] = there.mean() if len(there) else np.nan
    each = [by_lag["secant"][:, places].sum(axis=1) for places in tree.places]
    summed = np.stack(each, axis=1)
    size = float(np.sqrt(np.mean(tree.contribution**2)))
    gap = float(np.sqrt(np.mean((summed - tree.contribution) ** 2)))
    return Agreement(
        agreement=table,
        tree_gap=gap / size if size > 0 else float("nan"),
        audited=len(by_lag["secant"]),
    )


def _newest(question: Question) -> int:
    """Give the lags that are players of their own: fewer where several inputs have some."""
    lags = TREE_LAGS
    while question.layout is not None and lags > 1 and question.players(lags).count > TREE_LAGS:
        lags -= 1
    return lags


def crowding(
    question: Question, contribution: Array, occluded: Array, few: NDArray[np.int64]
) -> Crowding:
    """Say how contributions are spread, and whether one end takes them all.

    Shapes: contribution (sample, lag), occluded (some, lag), what occlusion gives of a few, which
    are (some,).
    """
    real = real_steps(forward(question.network, question.inputs), question.of)
    there = np.ones(contribution.shape, bool) if real is None else real[:, ::-1]
    there = np.broadcast_to(there, contribution.shape)
    size = np.abs(contribution)
    hidden = np.abs(occluded)
    share = (
        size.mean(axis=0) / size.mean(axis=0).sum() if size.any() else size.mean(axis=0) * np.nan
    )
    (mine_new, mine_old), (theirs_new, theirs_old) = (
        _ends(size, there),
        _ends(hidden, there[few]),
    )
    crowded = ""
    sequence = question.layout is None  # rows of several inputs have no two ends
    if sequence and contribution.shape[1] >= 3 and max(mine_new, mine_old) >= CROWDED:
        crowded = "newest" if mine_new >= mine_old else "oldest"
    return Crowding(
        share=share,
        newest_share=mine_new,
        oldest_share=mine_old,
        newest_occlusion=theirs_new,
        oldest_occlusion=theirs_old,
        crowded=crowded,
    )


def _ends(size: Array, there: NDArray[np.bool_]) -> tuple[float, float]:
    """Give the shares of each window's newest and oldest real step."""
    total = float(size.sum())
    if total == 0:
        return float("nan"), float("nan")
    rows = np.arange(len(size))
    newest = np.argmax(there, axis=1)
    oldest = there.shape[1] - 1 - np.argmax(there[:, ::-1], axis=1)
    return float(size[rows, newest].sum() / total), float(size[rows, oldest].sum() / total)
