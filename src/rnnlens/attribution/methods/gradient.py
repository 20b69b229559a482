"""Derivatives of the forecast with respect to every lag and feature: the local impulse response.

One forward and one backward run, 3T cell evaluations. Exact for affine networks; elsewhere it says
what an infinitely small change does and nothing about the whole of an input, so its entries do
not sum to the forecast: a sensitivity, not a contribution (Simonyan, Vedaldi and Zisserman 2014,
"Deep inside convolutional networks").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.mixing import refuse_tokens
from rnnlens.attribution.result import Sensitivity
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine import last_state
from rnnlens.engine.backward import backward
from rnnlens.engine.forward import forward
from rnnlens.engine.schedule.plan import gathered
from rnnlens.network.network import Network

__all__ = ["gradient"]


def gradient(
    network: Network,
    inputs: Mapping[str, Array],
    target: ResolvedTarget,
    *,
    of: str,
    progress: Callable[[int, int], None] | None = None,
) -> Sensitivity:
    """Differentiate each forecast with respect to its window.

    Shapes: inputs mapping of str to (sample, ...).
    """
    refuse_tokens(network, of, "gradient")

    def part(chunk: slice) -> tuple[Array, Array]:
        given = {name: array[chunk] for name, array in inputs.items()}
        run = forward(network, given)
        x = run.value((of, 0))
        found = backward(run, target.weight(run)).get((of, 0))
        if found is None:
            found = np.zeros_like(x)
        return found.reshape(*x.shape[:2], -1), target.pick(run.outputs)

    found = last_state.derivatives(network, inputs, of, target.pick, progress)
    if found is None:
        found = gathered(part, network, inputs, runs=2, passes=3, progress=progress)
    derivatives, values = found
    return Sensitivity(derivatives[:, ::-1], values)
