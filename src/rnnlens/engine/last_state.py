"""Derivatives of the usual forecaster in one pass: one recurrent layer, then linear layers.

Its last hidden state enters the forecast with weights that do not depend on the window, so that
the way back may follow each block of windows while the way forward is still in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from rnnlens.engine.device.choice import chosen
from rnnlens.engine.forward import forward
from rnnlens.engine.kernels.run import one_pass_serves, packed, readout_gradient
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.context import by_equations
from rnnlens.engine.schedule.plan import gathered
from rnnlens.engine.stepwise.readout import LinearReadout, linear_readout
from rnnlens.engine.stepwise.split import split_by_step
from rnnlens.engine.stepwise.walk import Walk
from rnnlens.network.layers import Recurrent
from rnnlens.network.network import Network

__all__ = ["FEWEST_WINDOWS", "derivatives", "mean_derivatives"]

#: Windows from which on finding the readout costs less than it saves.
FEWEST_WINDOWS = 64

#: Networks known to be of another kind, by the input that was asked for: each chunk asks.
_OTHERS: WeakKeyDictionary[Network, set[str]] = WeakKeyDictionary()


class _LinearForecaster(NamedTuple):
    """A recurrent layer's packed weights, and how its last hidden state makes the forecast."""

    weights: Any
    readout: LinearReadout


def _linear_forecaster(
    network: Network,
    inputs: Mapping[str, Array],
    of: str,
    value: Callable[[tuple[Array, ...]], Array],
    runs: int = 1,
) -> _LinearForecaster | None:
    x = inputs[of]
    if len(inputs) > 1 or x.ndim != 3 or not len(x) or by_equations() or chosen():
        return None
    if of in _OTHERS.get(network, ()):
        return None
    split = split_by_step(network, of)
    if split is None or len(split.each_step) != 1 or split.joined:
        _OTHERS.setdefault(network, set()).add(of)
        return None
    layer = split.each_step[0].layer
    weights = packed(layer.cell, x.dtype) if isinstance(layer, Recurrent) else None
    if weights is None or not one_pass_serves(weights, runs * len(x), x.shape[1]):
        return None
    walk = Walk(split, forward(network, {of: x[:1]}), of, lambda cells: None)
    readout = linear_readout(walk, value)
    return None if readout is None else _LinearForecaster(weights, readout)


def derivatives(
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
    if len(x) < FEWEST_WINDOWS:
        return None
    forecaster = _linear_forecaster(network, inputs, of, value)
    if forecaster is None:
        return None
    readout = forecaster.readout

    def part(chunk: slice) -> tuple[Array, Array]:
        ends, slope = readout_gradient(forecaster.weights, x[chunk], readout.weights)
        return slope, (ends @ readout.weights + readout.constant).astype(x.dtype)

    slope, values = gathered(part, network, inputs, runs=2, passes=3, progress=progress)
    return slope, values


def mean_derivatives(
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
    forecaster = _linear_forecaster(network, inputs, of, value, len(quadrature[0]))
    x = inputs[of]
    if forecaster is None:
        return None
    places, shares = (np.asarray(each, x.dtype) for each in quadrature)

    def part(chunk: slice) -> tuple[Array]:
        begin = start[chunk]
        points = places[:, None, None, None] * (x[chunk] - begin)
        points += begin
        points = points.reshape(-1, *x.shape[1:])
        _, slope = readout_gradient(forecaster.weights, points, forecaster.readout.weights)
        return ((shares @ slope.reshape(len(places), -1)).reshape(begin.shape),)

    count = len(places)
    return gathered(part, network, inputs, runs=2 * count, passes=3 * count)[0]
