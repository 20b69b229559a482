"""Networks whose contributions are known: shift registers and leaky sums without any squashing."""

import numpy as np

from networks import chain
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import Dense, Recurrent

LINEAR = Activation("linear")


def delay_line(lag, steps, features=2):
    """Forecast three times feature 0 as it was at one lag, and nothing else."""
    W, U, w = np.zeros((features, lag)), np.zeros((lag, lag)), np.zeros((lag, 1))
    W[0, 0], w[-1, 0] = 1.0, 3.0
    for k in range(lag - 1):
        U[k, k + 1] = 1.0
    return chain(Recurrent(SimpleRNN(Gate(W, U), LINEAR)), Dense(w), shape=(steps, features))


def leaky(steps, keep=0.8, weights=(1.0, -2.0)):
    """Forecast the sum over lags of ``keep ** (lag - 1)`` times the weighted features."""
    W = np.array(weights)[:, None]
    layer = Recurrent(SimpleRNN(Gate(W, np.full((1, 1), keep)), LINEAR))
    return chain(layer, Dense(np.ones((1, 1))), shape=(steps, len(weights)))
