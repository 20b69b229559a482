"""Derivatives of the usual forecaster in one pass: one recurrent layer, then linear layers.

Its last hidden state enters the forecast with weights that do not depend on the window, so that
the way back may follow each block of windows while the way forward is still in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from rnnlens.engine.forward import forward
from rnnlens.engine.kernels.run import keeps, packed, slopes
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.context import by_equations
from rnnlens.engine.schedule.plan import gathered
from rnnlens.engine.stepwise.leaves import readout_of
from rnnlens.engine.stepwise.walk import Walk, cut
from rnnlens.network.layers import Recurrent
from rnnlens.network.network import Network

__all__ = ["LEAST", "direct", "direct_mean"]

#: Windows from which on finding the readout costs less than it saves.
LEAST = 64

#: Networks known to be of another kind, by the input that was asked for: each chunk asks.
_OTHERS: WeakKeyDictionary[Network, set[str]] = WeakKeyDictionary()


class _Usual(NamedTuple):
    """A recurrent layer's packed weights, and how its last hidden state makes the forecast."""

    weights: Any
    readout: Array
    constant: float


def _usual(
    network: Network,
    inputs: Mapping[str, Array],
    of: str,
    value: Callable[[tuple[Array, ...]], Array],
    runs: int = 1,
) -> _Usual | None:
    x = inputs[of]
    if len(inputs) > 1 or x.ndim != 3 or not len(x) or by_equations():
        return None
    if of in _OTHERS.get(network, ()):
        return None
    stream = cut(network, of)
    if stream is None or len(stream.stepwise) != 1:
        _OTHERS.setdefault(network, set()).add(of)
        return None
    layer = stream.stepwise[0].layer
    weights = packed(layer.cell, x.dtype) if isinstance(layer, Recurrent) else None
    if weights is None or not keeps(weights, runs * len(x), x.shape[1]):
        return None
    walk = Walk(stream, forward(network, {of: x[:1]}), of, lambda cells: None)
    found = readout_of(walk, value)
    return None if found is None else _Usual(weights, *found[1:])


def direct(
    network: Network,
    inputs: Mapping[str, Array],
    of: str,
    value: Callable[[tuple[Array, ...]], Array],
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Array, Array] | None:
    """Differentiate each forecast with respect to its window, where the network allows it.

    Shapes: inputs mapping of str to (sample, ...) -> tuple of (sample, step, feature) and
    (sample,).
    """
    x = inputs[of]
    usual = _usual(network, inputs, of, value) if len(x) >= LEAST else None
    if usual is None:
        return None

    def part(chunk: slice) -> tuple[Array, Array]:
        ends, derivatives = slopes(usual.weights, x[chunk], usual.readout)
        return derivatives, (ends @ usual.readout + usual.constant).astype(x.dtype)

    derivatives, values = gathered(part, network, inputs, runs=2, passes=3, progress=progress)
    return derivatives, values


def direct_mean(
    network: Network,
    inputs: Mapping[str, Array],
    of: str,
    value: Callable[[tuple[Array, ...]], Array],
    start: Array,
    quadrature: tuple[Array, Array],
) -> Array | None:
    """Average derivatives along the straight ways to windows, where the network allows it.

    Shapes: inputs mapping of str to (sample, ...), start (sample, step, feature), quadrature tuple
    of two (node,) -> (sample, step, feature).
    """
    usual = _usual(network, inputs, of, value, len(quadrature[0]))
    x = inputs[of]
    if usual is None:
        return None
    places, shares = (np.asarray(each, x.dtype) for each in quadrature)

    def part(chunk: slice) -> tuple[Array]:
        begin = start[chunk]
        points = places[:, None, None, None] * (x[chunk] - begin)
        points += begin
        _, derivatives = slopes(usual.weights, points.reshape(-1, *x.shape[1:]), usual.readout)
        return ((shares @ derivatives.reshape(len(places), -1)).reshape(begin.shape),)

    count = len(places)
    return gathered(part, network, inputs, runs=2 * count, passes=3 * count)[0]
