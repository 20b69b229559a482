"""Reading a live module, and holding what was read against the module itself.

The graph of a PyTorch module is that of one call; code that asks for the number of steps may do
something else at another. So the network is run on the example and on windows of other lengths,
and compared with the module on the same: what differs at another length serves the example's
alone, and what differs on the example itself is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.checks.carried import carried_on
from rnnlens.checks.fidelity import farthest_apart
from rnnlens.errors import RnnlensError, UnsupportedModel
from rnnlens.names import told
from rnnlens.network.network import Network
from rnnlens.readers.torch.live import Reading

__all__ = ["compared"]

Array = NDArray[np.float64]

#: Samples compared.
SAMPLES = 6
#: Other lengths at which a network must give what the module gives before it serves any.
OTHERS = 2
#: Code that guards against short windows does something else in windows of a few steps.
SHORT = 3


def compared(readings: Iterable[Reading], name: str) -> Network:
    """Give the first reading of a module that gives what the module gives."""
    writes = False
    for reading in readings:
        writes = writes or reading.writes
        lengths = _lengths_compared(reading) if reading.steps else ()
        if lengths is None:
            continue
        inputs = _varied(reading, _filled(reading))
        # twice, for code may count its calls
        if all(
            farthest_apart(reading.network, inputs, *reading.run(inputs)) <= 1 for _ in range(2)
        ):
            origin = reading.network.origin
            notes = (*origin.notes, *_note(lengths))
            network = replace(reading.network, origin=replace(origin, notes=notes))
            return carried_on(network, reading) if reading.carries else network
    if writes:
        raise UnsupportedModel(
            f"{name} does not give on the example what the call that was read gives: its code "
            "writes into tensors in place, and which values share what is written is not in the "
            "graph of a call, so write h = h * 2 where it says h.mul_(2), or read its state dict "
            "with rnnlens.read(model.state_dict())"
        )
    raise UnsupportedModel(
        f"{name} does not give on the example what the call that was read gives: its code does "
        "something else from one call to the next, so give a module that computes the same each "
        "time it is called, or read its state dict with rnnlens.read(model.state_dict())"
    )


def _note(lengths: tuple[int, ...]) -> tuple[str, ...]:
    if not lengths:
        return ()
    return (
        told(
            "compared with the module itself at the example's length and on windows of {shorter} "
            "and {longest} steps",
            shorter=", ".join(map(str, lengths[:-1])),
            longest=lengths[-1],
        ),
    )


def _lengths_compared(reading: Reading) -> tuple[int, ...] | None:
    """Give the other lengths at which network and module agree; None where they do not."""
    name, axis = next(iter(reading.steps.items()))
    length = reading.example[name].shape[axis]
    shorter, longer = (SHORT, length // 2, length - 1), (length + 1, 3 * length + 1)
    agreed = []
    for other in sorted({*shorter, *longer} - {0, length}):
        windows = dict(reading.example)
        for given, along in reading.steps.items():
            windows[given] = windows[given].take(np.arange(other) % length, along)
        if reading.lengths:  # the longest sequence fills its window: packing cuts the others off
            windows[reading.lengths] = _filling(windows[reading.lengths], other)
        inputs = _varied(reading, windows)
        try:
            theirs = reading.run(inputs)
        except Exception:  # a length that the module does not take, for whatever reason
            continue
        try:
            if farthest_apart(reading.network, inputs, *theirs) > 1:
                return None
        except (RnnlensError, ValueError, IndexError):  # or that the graph at hand does not
            return None
        agreed.append(other)
    return tuple(agreed) if len(agreed) >= OTHERS else None


def _filled(reading: Reading) -> dict[str, Array]:
    """Give the example, its longest sequence as long as its windows."""
    windows = dict(reading.example)
    if reading.lengths:
        steps = max(array.shape[1] for array in windows.values() if array.ndim > 1)
        if reading.steps:
            name, axis = next(iter(reading.steps.items()))
            steps = windows[name].shape[axis]
        windows[reading.lengths] = _filling(windows[reading.lengths], steps)
    return windows


def _filling(lengths: Array, steps: int) -> Array:
    """Give lengths of which the largest is the number of steps: lengths (sample,)."""
    return np.maximum(lengths + (steps - lengths.max(initial=0)), 1)


def _varied(reading: Reading, windows: Mapping[str, Array]) -> dict[str, Array]:
    """Give samples of windows, every other one with noise added where it holds no whole numbers.

    An example of zeros alone would agree with much.

    Shapes: windows mapping of str to (sample, ...).
    """
    rng = np.random.default_rng(0)
    varied = {}
    for name, array in windows.items():
        some = array[np.arange(SAMPLES) % len(array)]
        if name not in reading.whole:
            noisy = (np.arange(SAMPLES) % 2).reshape(-1, *(1,) * (some.ndim - 1))
            some = np.where(np.isfinite(some), some, 0.0)
            some = some + noisy * rng.normal(size=some.shape)
        varied[name] = some
    return varied
