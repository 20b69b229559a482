"""Networks that are exactly linear in their window, and series whose best forecast is known."""

import numpy as np
from scipy.signal import lfilter

from networks import chain
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import Dense, Recurrent

LINEAR = Activation("linear")


def linear_network(coefficients):
    """A delay line with a linear head: ``f = sum of coefficients[lag - 1, feature] * input``."""
    lags, features = coefficients.shape
    W, U = np.zeros((features, lags * features)), np.zeros((lags * features, lags * features))
    W[:, :features] = np.eye(features)
    U[:-features, features:] = np.eye((lags - 1) * features)
    cell = SimpleRNN(Gate(W, U), LINEAR)
    head = Dense(coefficients.reshape(-1, 1))
    return chain(Recurrent(cell), head, shape=(None, features))


def arx(length, seed):
    """y_t = .6 y_(t-1) - .3 y_(t-2) + .5 u_(t-5) + e_t, as the stored network was trained on."""
    rng = np.random.default_rng(seed)
    u = lfilter([1], [1, -0.5], 0.8 * rng.normal(size=length + 200))
    pushed = 0.5 * np.concatenate([np.zeros(5), u[:-5]]) + 0.3 * rng.normal(size=length + 200)
    return np.column_stack([lfilter([1], [1, -0.6, 0.3], pushed), u])[200:]


def ar(length, rho, rng):
    """A Gaussian autoregression of variance 1 / (1 - rho^2)."""
    return lfilter([1], [1, -rho], rng.normal(size=length + 200))[200:]


def cut_windows(series, steps):
    """Every window but the last, which has no next value."""
    series = series.reshape(len(series), -1)
    return np.array([series[t : t + steps] for t in range(len(series) - steps)])
