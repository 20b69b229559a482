"""What a network says of itself to those who write a sidecar for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.given.steps import steps_first
from rnnlens.errors import InputError

if TYPE_CHECKING:
    from rnnlens.network.network import Network
    from rnnlens.series.draft.facts import Facts, Run

__all__ = ["facts_of", "runner_of"]


def facts_of(network: Network) -> Facts:
    """Give how many steps and features a network takes, and how many numbers it gives."""
    from rnnlens.network.layers import Rescaling, Standardization
    from rnnlens.network.shapes import is_sequence, output_shapes
    from rnnlens.series.draft.facts import Facts

    network = steps_first(network).network
    sequences = [name for name in network.inputs if is_sequence(network, name)]
    shape = network.inputs[sequences[0]].shape if sequences else ()
    if len(shape) < 2 or shape[-1] is None:
        raise InputError(
            "a sidecar describes a network that takes windows of steps and features, and this one "
            f"takes {'tokens' if sequences else 'no sequence'}: give it arrays instead"
        )
    name, number = network.outputs[0]
    given = output_shapes(network)[name][number]
    takers = [node.layer for node in network.nodes if (sequences[0], 0) in node.inputs]
    return Facts(
        features=int(np.prod([size or 1 for size in shape[1:]])),
        targets=given[-1] or 1 if given else 1,
        window=shape[0],
        scales_itself=any(isinstance(layer, Rescaling | Standardization) for layer in takers),
    )


def runner_of(network: Network) -> Run | None:
    """Give what runs a network with one input, its last axis (target,) and its first step ahead."""
    from rnnlens.engine.forward import predict

    network = steps_first(network).network
    if len(network.inputs) != 1:
        return None

    def run(values: np.ndarray) -> np.ndarray:
        outputs = predict(network, values)
        first = outputs[0] if isinstance(outputs, tuple) else outputs
        return np.asarray(first, np.float64).reshape(len(values), -1, first.shape[-1])[:, 0]

    return run
