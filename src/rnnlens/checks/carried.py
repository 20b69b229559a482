"""Which layers of a module carry on what it keeps between calls, told by calling it again.

A module may set an attribute to anything. That its recurrent layers start a call where they ended
the one before is held against the module itself: a few calls, and the same as one series.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.checks.fidelity import farthest_apart
from rnnlens.errors import RnnlensError
from rnnlens.network.axes import Constant
from rnnlens.network.layers import Recurrent
from rnnlens.network.network import Network
from rnnlens.readers.torch.live import Reading
from rnnlens.readers.unrolled.unroll import steps_of_call, unrolled

__all__ = ["carried_on"]

Array = NDArray[np.float64]

CALLS = 3
SAMPLES = 4


def carried_on(network: Network, reading: Reading) -> Network:
    """Mark the layers that carry their states, or say that what the module keeps is left out."""
    constants = {node.name for node in network.nodes if isinstance(node.layer, Constant)}
    marked = tuple(
        replace(node, layer=replace(node.layer, stateful=True))
        if isinstance(node.layer, Recurrent) and {name for name, _ in node.inputs[1:]} <= constants
        else node
        for node in network.nodes
    )
    candidate = replace(network, nodes=marked)
    if _gives_the_last_call(candidate, reading):
        return candidate
    clause = "what the module keeps from one call to the next, which its layers as read do not"
    origin = network.origin
    return replace(network, origin=replace(origin, left_out=(*origin.left_out, clause)))


def _gives_the_last_call(network: Network, reading: Reading) -> bool:
    """Compare the network over a few calls with the module on the last of them."""
    try:
        series = unrolled(network, CALLS * steps_of_call(network))
        calls, inputs = _calls(network, series, reading)
        *earlier, last = calls
        # a state that is not carried moves the last call by 1e-3
        return farthest_apart(series, inputs, *reading.run(last, earlier)) <= 1
    except (RnnlensError, ValueError):  # calls that are no series, for whatever reason
        return False


def _calls(
    network: Network, series: Network, reading: Reading
) -> tuple[list[dict[str, Array]], dict[str, Array]]:
    """Give inputs of some calls that differ, and the same as inputs of the series.

    Shapes: each mapping of str to (sample, ...).
    """
    rng = np.random.default_rng(0)
    calls: list[dict[str, Array]] = [{} for _ in range(CALLS)]
    inputs = {}
    for name, array in reading.example.items():
        axis = reading.steps.get(name)
        one = array if axis is None else array.take([0], axis)
        one = np.where(np.isfinite(one), one, 0.0)[np.zeros(SAMPLES, int)]
        noise = [rng.normal(size=one.shape) * (name not in reading.whole) for _ in calls]
        shape, own = series.inputs[name].shape, network.inputs[name].shape
        if len(shape) == len(own) and shape == tuple(one.shape[1:]):  # the same in every call
            noise = noise[:1] * CALLS
        for call, moved in zip(calls, noise, strict=True):
            call[name] = one + moved
        arrays = [call[name] for call in calls]
        if len(shape) > len(own):
            inputs[name] = np.stack(arrays, axis=1)
        elif shape == tuple(one.shape[1:]):
            inputs[name] = arrays[0]
        else:
            longer = [k for k, n in enumerate(shape) if n != one.shape[k + 1]]
            inputs[name] = np.concatenate(arrays, axis=longer[0] + 1)
    return calls, inputs
