"""Forecasts with sets of steps hidden, which several checks ask for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.masks import real_steps
from rnnlens.attribution.games.mixing import flat_steps, inputs_of, mixed_runs
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import forward
from rnnlens.engine.schedule.plan import chunks
from rnnlens.network.network import Network

__all__ = ["hidden_forecasts"]


def hidden_forecasts(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    baseline: Baseline,
    hidden: NDArray[np.bool_],
    *,
    of: str,
) -> Array:
    """Give the forecasts with sets of steps hidden.

    Shapes: inputs mapping of str to (sample, ...), hidden (sample, variant, step) of bool ->
    (sample, variant).
    """
    found = np.zeros(hidden.shape[:2])
    for chunk in chunks(network, inputs, runs=2):
        run = forward(network, inputs_of(inputs, chunk))
        own, sets, into = baseline.part(chunk), hidden[chunk], found[chunk]
        x, real = flat_steps(run.value((of, 0))), real_steps(run, of)
        for number in range(len(own.windows)):
            x0 = own.stand_in(x, real, number)

            def mix(
                which: NDArray[np.int64],
                variant: NDArray[np.int64],
                x0: Array = x0,
                x: Array = x,
                sets: NDArray[np.bool_] = sets,
            ) -> Array:
                return np.where(sets[which, variant][..., None], x0[which], x[which])

            for which, variant, here in mixed_runs(run, of, sets.shape[1], mix):
                into[which, variant] += target.pick(here.outputs)
    return found / len(baseline.windows)
