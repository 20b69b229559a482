"""How much is done at once: memory stays bounded whatever the number of samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from rnnlens.network.layers import RepeatVector
from rnnlens.network.network import Network

__all__ = ["chunks", "floats_per_sample"]

#: Floats that one chunk may keep on its tape: 256 MB.
BUDGET = 32_000_000
#: Arrays of (unit,) that the tape of one step keeps for each gate, states and products included.
PER_GATE = 5


def floats_per_sample(network: Network, inputs: Mapping[str, np.ndarray]) -> int:
    """Estimate the numbers that a forward run keeps for one sample.

    Parameters
    ----------
    network : Network
        The network.
    inputs : mapping of str to array (sample, ...)
        Its inputs.

    Returns
    -------
    int
        An estimate from above for networks made of recurrent layers and dense heads.
    """
    entry = sum(int(np.prod(array.shape[1:])) for array in inputs.values())
    steps = max((array.shape[1] for array in inputs.values() if array.ndim > 1), default=1)
    for node in network.nodes:
        if isinstance(node.layer, RepeatVector):
            steps = max(steps, node.layer.times)
    kept = sum(
        layer.cell.units * len(layer.cell.gates) * PER_GATE for _, layer in network.recurrent()
    )
    return max(1, entry * len(network.nodes) + steps * kept)


def chunks(network: Network, inputs: Mapping[str, np.ndarray], *, runs: int = 1) -> Iterator[slice]:
    """Cut the samples into chunks that fit the memory budget.

    Parameters
    ----------
    network : Network
        The network.
    inputs : mapping of str to array (sample, ...)
        Its inputs.
    runs : int
        How many tapes are alive at once.

    Yields
    ------
    slice
        Of the sample axis; at least one, even where there are no samples.
    """
    samples = len(next(iter(inputs.values())))
    size = max(1, BUDGET // (floats_per_sample(network, inputs) * runs))
    for start in range(0, max(samples, 1), size):
        yield slice(start, start + size)
