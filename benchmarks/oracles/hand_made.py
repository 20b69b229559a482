"""LSTMs whose weights are written down, so that what each input adds is known exactly.

Gates are held open or shut by a bias of 40, where a sigmoid is 1 or 0 to 4e-18. The candidate and
the way out are used near zero, where tanh is the identity to a third of the cube: inputs are made
small by `SMALL` on the way in and large again by the head, which leaves a relative error of
``SMALL^2 / 3``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.network.cells import LSTM, Gate
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

__all__ = ["BIAS", "SMALL", "delay_line", "gated_adder", "leaky_integrator", "multiplier"]

Array = NDArray[np.float64]

BIAS = 40.0
SMALL = 1e-4


def leaky_integrator(rho: float) -> Network:
    """Make ``y = sum over k of rho^(k - 1) x at lag k``.

    Parameters
    ----------
    rho : float
        What the forget gate keeps from step to step.

    Returns
    -------
    Network
        One feature, one unit; its half-life is ``ln 0.5 / ln rho`` steps.
    """
    gates = _gates(1, 1)
    gates["input"].b[:] = BIAS
    gates["forget"].b[:] = np.log(rho / (1 - rho))
    gates["cell"].W[0, 0] = SMALL
    gates["output"].b[:] = BIAS
    return _network(gates, np.array([1 / SMALL]), "leaky integrator")


def delay_line(lag: int) -> Network:
    """Make ``y = x at that lag``: a chain of cells that hand on what they hold.

    The value is written into the last cell at the newest step, and so a method that asks when the
    memory was written says lag 1, whatever the lag is.

    Parameters
    ----------
    lag : int
        From 1, the newest step.

    Returns
    -------
    Network
        One feature, as many units as the lag.
    """
    gates = _gates(1, lag)
    gates["input"].b[:] = BIAS
    gates["forget"].b[:] = -BIAS
    gates["output"].b[:] = BIAS
    gates["cell"].W[0, 0] = SMALL
    for unit in range(1, lag):
        gates["cell"].U[unit - 1, unit] = 1.0
    head = np.zeros(lag)
    head[-1] = 1 / SMALL
    return _network(gates, head, "delay line")


def gated_adder() -> Network:
    """Make ``y = sum of the values at the steps that are marked``.

    Returns
    -------
    Network
        Features value and marker (0 or 1), one unit.
    """
    gates = _gates(2, 1)
    gates["input"].W[1, 0] = 2 * BIAS
    gates["input"].b[:] = -BIAS
    gates["forget"].b[:] = BIAS
    gates["output"].b[:] = BIAS
    gates["cell"].W[0, 0] = SMALL
    return _network(gates, np.array([1 / SMALL]), "gated adder")


def multiplier() -> Network:
    """Make ``y = a b`` of the newest step, the product of input gate and candidate.

    The input gate is used near its middle, where a sigmoid is ``1/2 + a/4``: a second unit without
    ``a`` takes the half away.

    Returns
    -------
    Network
        Features a and b, two units.
    """
    gates = _gates(2, 2)
    gates["input"].W[0, 0] = SMALL
    gates["forget"].b[:] = -BIAS
    gates["output"].b[:] = BIAS
    gates["cell"].W[1, :] = SMALL
    return _network(gates, np.array([4.0, -4.0]) / SMALL**2, "multiplier")


def _gates(features: int, units: int) -> dict[str, Gate]:
    return {
        name: Gate(np.zeros((features, units)), np.zeros((units, units)), np.zeros(units))
        for name in ("input", "forget", "cell", "output")
    }


def _network(gates: dict[str, Gate], head: Array, name: str) -> Network:
    features = gates["input"].W.shape[0]
    nodes = (
        Node("x", Input((None, features))),
        Node("lstm", Recurrent(LSTM(**gates)), (("x", 0),)),
        Node("head", Dense(head[:, None], np.zeros(1)), (("lstm", 0),)),
    )
    return Network(nodes, (("head", 0),), Origin("written down"), name)
