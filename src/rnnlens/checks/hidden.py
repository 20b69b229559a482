"""Forecasts with sets of steps hidden, which several checks ask for.

Figures of checks are read to two or three digits: where single precision gives the forecasts
themselves to a thousandth of a hundredth of how far they are from their baseline, windows with
hidden steps are run in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.games.mixing import mixed_runs
from rnnlens.attribution.question import Question
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.schedule.plan import chunks
from rnnlens.engine.stepwise.mixes import values_of_mixes
from rnnlens.engine.stepwise.stretches import Stretches, stretches
from rnnlens.errors import NotAdditive
from rnnlens.network.axes import Index
from rnnlens.network.layers import Activate, Dense, Identity, Input, Recurrent

__all__ = ["Ends", "contributions_resolving", "ends_of", "hidden_forecasts", "resolving"]


#: The part of the change from the baseline that single precision may be off.
ENOUGH = 1e-5
#: Layers that mark no step as padding: networks of these alone read all steps of every window.
_WITHOUT_MASKS = (Activate, Dense, Identity, Index, Input, Recurrent)
#: The part of what is to be told that contributions in single precision may be off.
THOUSANDTH = 1e-3


@dataclass(frozen=True, eq=False)
class Ends:
    """The forecasts with nothing hidden and with everything hidden, in the target's own unit.

    Parameters
    ----------
    forecast, baseline_forecast : array (sample,)
        For the windows, and for the baseline (the mean over backgrounds).
    """

    forecast: Array
    baseline_forecast: Array

    @property
    def scale(self) -> float:
        """Root mean square change of the forecast from its baseline."""
        return float(np.sqrt(np.mean((self.forecast - self.baseline_forecast) ** 2)))


def ends_of(question: Question) -> Ends:
    """Give the forecasts of the windows and of their baseline."""
    sets = np.zeros((question.windows, 2, question.steps), dtype=bool)
    sets[:, 1] = True
    return Ends(*hidden_forecasts(question, sets).T)


def resolving(question: Question, ends: Ends) -> Question:
    """Ask the same in single precision, where that resolves what checks say; else as it is."""
    single = question.in_single_precision()
    if not isinstance(question.baseline, Baseline):
        return question
    shown = np.zeros((question.windows, 2, question.steps), dtype=bool)
    shown[:, 1] = True
    away = hidden_forecasts(single, shown) - np.stack([ends.forecast, ends.baseline_forecast], 1)
    return single if np.abs(away).max() <= ENOUGH * ends.scale else question


def contributions_resolving(
    single: Question,
    attribute: Callable[[Question], Array],
    question: Question,
    contribution: Array,
    *,
    part: float,
) -> tuple[Question, Array]:
    """Give the question, and its contributions, in the precision that tells a part of their size.

    That is the single one where it is off by a thousandth of the part at the most, in every window.
    """
    if single is question:
        return question, contribution
    try:
        rough = attribute(single)
    except NotAdditive:
        return question, contribution
    axes = tuple(range(1, contribution.ndim))
    off = np.sqrt(((rough - contribution) ** 2).sum(axis=axes))
    size = np.sqrt((contribution**2).sum(axis=axes))
    enough = (off <= THOUSANDTH * part * size).all()
    return (single, rough) if enough else (question, contribution)


def hidden_forecasts(question: Question, hidden: NDArray[np.bool_]) -> Array:
    """Give the forecasts with sets of steps hidden.

    Shapes: hidden (sample, variant, step) of bool -> (sample, variant).
    """
    forecasts = np.zeros(hidden.shape[:2])
    for chunk in chunks(question.network, question.inputs, runs=2):
        part, sets, into = question.part(chunk), hidden[chunk], forecasts[chunk]
        net = _of_products(part)
        if net is not None:
            _add_mixes(part, net, sets, into=into)
            continue
        run = forward(part.network, part.inputs)
        for x0 in part.stand_ins(run):
            _add(part, run, x0, sets, into=into)
    return forecasts / len(question.one_window("occlusion").windows)


def _of_products(question: Question) -> Stretches | None:
    """Say how windows go through steps whose products are in a table; None where they do not."""
    # what may mark padding is asked of a run
    plain = all(isinstance(node.layer, _WITHOUT_MASKS) for node in question.network.nodes)
    if not plain or question.x.dtype.kind != "f":
        return None
    net = stretches(question.network, question.of, question.x.dtype)
    return None if net is None or net.lowest is None else net


def _add_mixes(
    question: Question, net: Stretches, hidden: NDArray[np.bool_], *, into: Array
) -> None:
    """Add the forecasts of some windows without padding against every background."""
    x, baseline = question.x, question.one_window("occlusion")
    for number in range(len(baseline.windows)):
        x0 = baseline.stand_in(x, None, number).reshape(x.shape)
        into += values_of_mixes(net, x, x0, hidden, partial(_value, question))


def _value(question: Question, outputs: tuple[Array, ...]) -> Array:
    return question.target.pick(tuple(one.astype(np.float64) for one in outputs))


def _add(
    question: Question, run: Run, x0: Array, hidden: NDArray[np.bool_], *, into: Array
) -> None:
    """Add the forecasts of some windows against one background."""
    x = question.x
    stand_in = x0.astype(x.dtype, copy=False)

    def mix(which: NDArray[np.int64], variant: NDArray[np.int64]) -> Array:
        return np.where(hidden[which, variant][..., None], stand_in[which], x[which])

    for which, variant, here in mixed_runs(run, question.of, hidden.shape[1], mix):
        into[which, variant] += _value(question, here.outputs)
