"""What is measured of a live model, and over which windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.weights_question import asked_of_weights, refuse_without_cells
from rnnlens.dynamics.weights.while_training import recorded
from rnnlens.engine.forward import inputs_of
from rnnlens.engine.schedule.plan import evenly
from rnnlens.readers.torch.training.rebuilt import arrays_within

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from rnnlens.attribution.options import Target
    from rnnlens.network.network import Network
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["measuring"]


def measuring(
    network: Network,
    now: Callable[[], Network],
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    *,
    windows: int,
    target: Target | str | int | None,
    of: str | Sequence[str] | None,
) -> Callable[[], dict[str, float]]:
    """Choose the windows once, and give what measures the model on them as it is then."""
    refuse_without_cells(network)
    asked = asked_of_weights(network, X, target, of)
    question = asked.question
    chosen = evenly(len(question.x), min(windows, len(question.x)))
    question = replace(question, inputs=inputs_of(question.inputs, chosen))

    def measure() -> dict[str, float]:
        current = now()
        if not all(np.isfinite(array).all() for array in arrays_within(current)):
            return {}  # the training diverged: nothing is known of the network
        if asked.network is not network:  # with padding turned, or inputs laid out
            current = asked_of_weights(current, X, target, of).network
        return recorded(question, current)

    return measure
