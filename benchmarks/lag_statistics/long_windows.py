"""Windows of more numbers than there are windows: which lags are found to matter, and the time.

Run it from ``benchmarks``: ``python -m lag_statistics.long_windows``. Takes some minutes.

The features are a random vector autoregression of order one, the last of them constant; the network
is a delay line that adds the newest three steps of the first feature with weights 1, .6 and .4, and
a slow memory of all features that moves the forecast by some thousandths, so that every step
reaches it. What happened is the delay line's sum plus noise of variance 1. So the truth is: lags 1
to 3 used, all older equivalent, three steps looked back. Draws of observed values and certificates
are left out.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import time

import numpy as np
from numpy.typing import NDArray
from oracles.record import Oracle

import rnnlens
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

WEIGHTS = np.array([1.0, 0.6, 0.4])
#: What every feature adds to the memory, and that to the forecast; what the memory keeps a step.
SLIGHT, SLOW = 0.02, 0.9
#: Windows, steps and features; the first alone where it is to be quick.
SIZES = ((300, 168, 14), (500, 240, 4), (300, 200, 20))


def main() -> None:
    """Ask the known network about each size."""
    oracle = Oracle(
        "long_windows",
        "verdicts of rnnlens.lags on a network that adds the newest three steps of one feature; "
        "margin 1 % of the mean squared error, 5 %, seed 0, no certificates, no observed draws",
    )
    for windows, steps, features in SIZES[:1] if oracle.quick else SIZES:
        X, y = _windows(windows, steps, features)
        begun = time.process_time()
        table = rnnlens.lags(
            _network(features), X, y, target=0, certificates=None, test=rnnlens.Test(replacements=0)
        )
        seconds = time.process_time() - begun
        verdicts = table["verdict"].values
        size = f"{windows} windows of {steps} x {features}"
        oracle.figure(f"{size}: of lags 1 to 3 found used", float((verdicts[:3] == "used").sum()))
        older = float((verdicts[3:] == "equivalent").mean())
        oracle.figure(f"{size}: share of older lags found equivalent", older, least=0.95)
        wrong = float((verdicts[3:] == "used").sum() + (verdicts[:3] == "equivalent").sum())
        oracle.figure(f"{size}: wrong verdicts", wrong, most=0)
        oracle.figure(f"{size}: steps looked back", float(table.attrs["looks_back"]), least=3)
        oracle.figure(f"{size}: seconds of one core", seconds)
    oracle.save()


def _windows(count: int, steps: int, features: int) -> tuple[NDArray[np.float64], ...]:
    """Make windows (sample, step, feature) and what happened (sample,)."""
    rng = np.random.default_rng(0)
    turned = np.linalg.qr(rng.normal(size=(features, features)))[0]
    slopes = 0.5 * turned + 0.3 * np.eye(features)
    series = np.zeros((count + steps + 200, features))
    for row in range(1, len(series)):
        series[row] = slopes @ series[row - 1] + rng.normal(size=features)
    series[:, -1] = 0.0
    sliding = np.lib.stride_tricks.sliding_window_view(series[200:], steps, axis=0)[:count]
    X = np.ascontiguousarray(sliding.transpose(0, 2, 1))
    newest = X[:, ::-1][:, : len(WEIGHTS), 0]
    return X, newest @ WEIGHTS + rng.normal(size=count)


def _network(features: int) -> Network:
    """Make a delay line of the first feature and a slow memory of all, with a linear head."""
    lags = len(WEIGHTS)
    W, U = np.eye(features, lags + 1), np.eye(lags + 1, k=1)
    W[:, lags], U[:, lags] = SLIGHT, 0.0
    U[lags, lags] = SLOW
    core = Recurrent(SimpleRNN(Gate(W, U), Activation("linear")))
    weights = np.append(WEIGHTS, SLIGHT)[:, None]
    nodes = (
        Node("x", Input((None, features))),
        Node("delay", core, (("x", 0),)),
        Node("head", Dense(weights), (("delay", 0),)),
    )
    return Network(nodes, (("head", 0),), Origin("made by hand"), "linear")


if __name__ == "__main__":
    main()
