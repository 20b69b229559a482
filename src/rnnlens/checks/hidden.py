"""Forecasts with sets of steps hidden, which several checks ask for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.mixing import mixed_runs
from rnnlens.attribution.question import Question
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.schedule.plan import chunks

__all__ = ["Ends", "ends_of", "hidden_forecasts"]


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


def hidden_forecasts(question: Question, hidden: NDArray[np.bool_]) -> Array:
    """Give the forecasts with sets of steps hidden.

    Shapes: hidden (sample, variant, step) of bool -> (sample, variant).
    """
    forecasts = np.zeros(hidden.shape[:2])
    for chunk in chunks(question.network, question.inputs, runs=2):
        part = question.part(chunk)
        run = forward(part.network, part.inputs)
        for x0 in part.stand_ins(run):
            _add(part, run, x0, hidden[chunk], into=forecasts[chunk])
    return forecasts / len(question.one_window("occlusion").windows)


def _add(
    question: Question, run: Run, x0: Array, hidden: NDArray[np.bool_], *, into: Array
) -> None:
    """Add the forecasts of some windows against one background."""
    x = question.x

    def mix(which: NDArray[np.int64], variant: NDArray[np.int64]) -> Array:
        return np.where(hidden[which, variant][..., None], x0[which], x[which])

    for which, variant, here in mixed_runs(run, question.of, hidden.shape[1], mix):
        into[which, variant] += question.target.pick(here.outputs)
