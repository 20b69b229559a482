"""Derivatives of the usual forecaster in one pass: one recurrent layer, then linear layers.

Its last hidden state enters the forecast with weights that do not depend on the window, so that
the way back may follow each block of windows while the way forward is still in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rnnlens.engine.forks import readout_of
from rnnlens.engine.forward import forward
from rnnlens.engine.kernels.run import packed, slopes
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.plan import by_equations
from rnnlens.engine.stream import Walk, cut
from rnnlens.network.layers import Recurrent
from rnnlens.network.network import Network

__all__ = ["LEAST", "direct"]

#: Windows from which on finding the readout costs less than it saves.
LEAST = 64


def direct(
    network: Network,
    inputs: Mapping[str, Array],
    of: str,
    value: Callable[[tuple[Array, ...]], Array],
) -> tuple[Array, Array] | None:
    """Differentiate each forecast with respect to its window, where the network allows it.

    Parameters
    ----------
    network : Network
        The network.
    inputs : mapping of str to array (sample, ...)
        Its inputs.
    of : str
        The input with respect to which.
    value : callable
        From the network's outputs to one number a sample, linear.

    Returns
    -------
    tuple of array (sample, step, feature) and (sample,), or None
        Derivatives and forecasts; None where the network is not of that kind, or windows are few.
    """
    x = inputs[of]
    if len(inputs) > 1 or len(x) < LEAST or x.ndim != 3 or by_equations():
        return None
    stream = cut(network, of)
    if stream is None or len(stream.stepwise) != 1:
        return None
    walk = Walk(stream, forward(network, {of: x[:1]}), of, lambda cells: None)
    found = readout_of(walk, value)
    if found is None:
        return None
    node, readout, constant = found
    assert isinstance(node.layer, Recurrent)
    weights = packed(node.layer.cell, x.dtype)
    done = None if weights is None else slopes(weights, x, readout)
    if done is None:
        return None
    ends, derivatives = done
    return derivatives, (ends @ readout + constant).astype(x.dtype)
