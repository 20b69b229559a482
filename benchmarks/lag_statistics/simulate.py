"""Sets of windows whose lags are known to matter by so much, and exactly linear networks.

    x_t = 0.5 x_(t-1) + n_t,   y = sum over lags of b_k x_(t-k) + e,   e_t = r e_(t-1) + w_t

with n and w standard normal (w scaled so that e has variance 1). The network is a delay line with
a linear head, so that its forecast is exactly the sum of its coefficients times the inputs.
Replacing lags S by draws given the others changes the mean squared error by ``2 b_S' C b_S``, with
C the covariance that the others leave.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import toeplitz
from scipy.signal import lfilter

from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.evidence.statistics.losses import Losses
from rnnlens.evidence.statistics.replacement import Replacement
from rnnlens.evidence.statistics.samplers import gaussian_sampler
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

__all__ = ["STEPS", "linear_network", "losses_of", "simulate", "true_change"]

Array = NDArray[np.float64]

STEPS, RHO = 4, 0.5
#: Windows that samplers are made from, in tested windows: about as training data are to a test set.
OTHERS = 4
#: Seeds of those windows begin here.
FURTHER = 1_000_000


def linear_network(b: Array) -> Network:
    """Make a network that forecasts ``sum of b_k x_(t-k)``.

    Parameters
    ----------
    b : array (lag,)
        Coefficients, lag 1 first.

    Returns
    -------
    Network
        A delay line, a linear head.
    """
    W, U = np.eye(1, len(b)), np.eye(len(b), k=1)
    core = Recurrent(SimpleRNN(Gate(W, U), Activation("linear")))
    nodes = (
        Node("x", Input((None, 1))),
        Node("delay", core, (("x", 0),)),
        Node("head", Dense(b[:, None]), (("delay", 0),)),
    )
    return Network(nodes, (("head", 0),), Origin("made by hand"), "linear")


def _ar(rng: np.random.Generator, length: int, rho: float, noise: str = "normal") -> Array:
    w = rng.standard_normal(length + 200)
    if noise == "t":  # with five degrees of freedom, of variance 1
        w = rng.standard_t(5, length + 200) / np.sqrt(5 / 3)
    return np.asarray(lfilter([1], [1, -rho], w))[200:]


def simulate(seed: int, windows: int, b: Array, r: float = 0.0, noise: str = "normal"):
    """Draw one set.

    Parameters
    ----------
    seed : int
        Of the set.
    windows : int
        How many.
    b : array (lag,)
        What the actuals are made with.
    r : float
        Correlation of neighbouring errors of the forecast.
    noise : {"normal", "t"}
        Of the errors.

    Returns
    -------
    tuple of array
        Windows (window, step, 1) and actuals (window,).
    """
    rng = np.random.default_rng(seed)
    series = _ar(rng, windows + STEPS, RHO)
    x = np.lib.stride_tricks.sliding_window_view(series, STEPS)[:windows]
    y = x[:, ::-1] @ b + _ar(rng, windows, r, noise) * np.sqrt(1 - r**2)
    return x[..., None].copy(), y


def losses_of(
    network: Network, x: Array, y: Array, seed: int, *, others: int = OTHERS, draws: int = 5
) -> Losses:
    """Prepare the tests of one set, with a Gaussian sampler made from other windows.

    Parameters
    ----------
    network : Network
        The network.
    x, y : array
        From `simulate`.
    seed, draws : int
        Of the replacements.
    others : int
        Windows that the sampler is made from, in tested ones; 0 for the tested ones themselves.

    Returns
    -------
    Losses
        For `equivalence` and `horizon`.
    """
    inputs, target = entries(network, x), ResolvedTarget((0,))
    windows = Replacement(Question(network=network, inputs=inputs, of="x", target=target))
    given = simulate(FURTHER + seed, others * len(x), np.zeros(STEPS))[0] if others else None
    return Losses(windows, gaussian_sampler(x, background=given), y, draws=draws, seed=seed)


def true_change(b: Array, lags: list[int]) -> float:
    """Work out the change of the mean squared error where lags are replaced together.

    Parameters
    ----------
    b : array (lag,)
        Coefficients of the network and of the actuals.
    lags : list of int
        What is replaced.

    Returns
    -------
    float
        ``2 b_S' C b_S``.
    """
    C = toeplitz(RHO ** np.arange(STEPS)) / (1 - RHO**2)
    S = np.array(lags) - 1
    A = np.setdiff1d(np.arange(STEPS), S)
    left = C[np.ix_(S, S)] - C[np.ix_(S, A)] @ np.linalg.solve(C[np.ix_(A, A)], C[np.ix_(A, S)])
    return float(2 * b[S] @ left @ b[S])
