"""Derivatives of the forecast with respect to every lag and feature: the local impulse response.

One forward and one backward run, 3T cell evaluations. Exact for affine networks; elsewhere it says
what an infinitely small change does and nothing about the whole of an input, so its entries do
not sum to the forecast: a sensitivity, not a contribution (Simonyan, Vedaldi and Zisserman 2014,
"Deep inside convolutional networks").
"""

from __future__ import annotations

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.mixing import flat_steps, refuse_tokens
from rnnlens.attribution.question import Progress, Question
from rnnlens.attribution.result import Sensitivity
from rnnlens.engine import last_state
from rnnlens.engine.backward import backward
from rnnlens.engine.forward import forward
from rnnlens.engine.kernels.ready import BACK
from rnnlens.engine.schedule.little import runs_of_windows
from rnnlens.engine.schedule.plan import gathered

__all__ = ["gradient"]


def gradient(question: Question, *, progress: Progress | None = None) -> Sensitivity:
    """Differentiate each forecast with respect to its window."""
    network, inputs, of, target = question.network, question.inputs, question.of, question.target
    refuse_tokens(network, of, "gradient")

    def part(chunk: slice) -> tuple[Array, Array]:
        run = forward(network, question.part(chunk).inputs)
        slope = backward(run, target.weight(run)).get((of, 0))
        if slope is None:
            slope = np.zeros_like(run.value((of, 0)))
        return flat_steps(slope), target.pick(run.outputs)

    with runs_of_windows(network, inputs, BACK, runs=3):
        both = last_state.derivatives(network, inputs, of, target.pick, progress)
        if both is None:
            both = gathered(part, network, inputs, runs=2, passes=3, progress=progress)
    derivatives, values = both
    return Sensitivity(derivatives[:, ::-1], values)
