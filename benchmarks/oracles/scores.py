"""How near an answer is to the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["auprc", "auroc", "leak", "r2", "rmse"]

Array = NDArray[np.float64]


def r2(found: Array, truth: Array) -> float:
    """Give the share of the truth's squares that was found; 1 is all of it.

    Parameters
    ----------
    found, truth : array
        Same shape. The truth is compared with zero, not with its mean.

    Returns
    -------
    float
        ``1 - sum (found - truth)^2 / sum truth^2``.
    """
    return float(1 - np.sum((found - truth) ** 2) / np.sum(truth**2))


def rmse(found: Array, truth: Array) -> float:
    """Give the root of the mean squared error.

    Parameters
    ----------
    found, truth : array
        Same shape.

    Returns
    -------
    float
        In their unit.
    """
    return float(np.sqrt(np.mean((found - truth) ** 2)))


def leak(found: Array, truth: Array) -> float:
    """Give what was found where nothing is, against the mean size of what is there.

    Parameters
    ----------
    found, truth : array
        Same shape; the truth is zero where nothing is.

    Returns
    -------
    float
        A ratio of mean absolute values.
    """
    there = truth != 0
    return float(np.abs(found[~there]).mean() / np.abs(truth[there]).mean())


def auroc(truth: NDArray[np.bool_], score: Array) -> float:
    """Give the chance that something true scores above something false, ties counting half.

    Parameters
    ----------
    truth : array of bool
        What is true.
    score : array
        Same shape.

    Returns
    -------
    float
        The area under the receiver operating characteristic.
    """
    from scipy.stats import rankdata

    ranks = rankdata(score.ravel())
    true = truth.ravel()
    count = int(true.sum())
    above = ranks[true].sum() - count * (count + 1) / 2
    return float(above / (count * (len(true) - count)))


def auprc(truth: NDArray[np.bool_], score: Array) -> float:
    """Give the area under the curve of precision over recall, straight lines between its points.

    Parameters
    ----------
    truth : array of bool
        What is true.
    score : array
        Same shape.

    Returns
    -------
    float
        The area, as the published tables compute it.
    """
    precision, recall, _ = curve(truth, score)
    return float(-np.trapezoid(precision, recall))


def curve(truth: NDArray[np.bool_], score: Array) -> tuple[Array, Array, Array]:
    """Give precision and recall at every threshold, recall falling to zero.

    Parameters
    ----------
    truth : array of bool
        What is true.
    score : array
        Same shape.

    Returns
    -------
    tuple of array
        Precision and recall, each with a last point (1, 0), and the thresholds, rising.
    """
    order = np.argsort(-score.ravel(), kind="stable")
    ordered, true = score.ravel()[order], truth.ravel()[order]
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    hits = np.cumsum(true)[last]
    precision, recall = hits / (last + 1), hits / hits[-1]
    return (
        np.append(precision[::-1], 1.0),
        np.append(recall[::-1], 0.0),
        ordered[last][::-1],
    )
