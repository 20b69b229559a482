"""A network, windows and what verbs answered about them, stored: changes for speed change none.

``python tests/makers/stored_answers.py`` writes the file anew, which is right only where an answer
was meant to change.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

import rnnlens
from networks import SIGMOID, TANH, chain
from rnnlens.network.activations import Activation
from rnnlens.network.cells import LSTM, Gate
from rnnlens.network.layers import Dense, Recurrent
from rnnlens.network.network import Network

__all__ = ["STORED", "VERBS", "answer", "made"]

STORED = Path(__file__).parents[1] / "data" / "stored_answers.npz"
WINDOWS, STEPS, FEATURES, UNITS = 120, 16, 3, 6
BACKGROUND = {"method": "secant", "baseline": "background"}
VERBS = ("secant", "default", "many backgrounds", "baselines", "trust", "lags", "certify")


def given() -> dict[str, np.ndarray]:
    """Draw weights, and windows of a slow series with what came after them."""
    rng = np.random.default_rng(1876)
    noise = rng.normal(size=(WINDOWS + STEPS, FEATURES))
    series = np.zeros_like(noise)
    for t in range(1, len(series)):
        series[t] = 0.8 * series[t - 1] + noise[t] + 0.3 * noise[t - 1, ::-1]
    X = np.lib.stride_tricks.sliding_window_view(series, STEPS, axis=0)[:WINDOWS].swapaxes(1, 2)
    return {
        "W": rng.normal(size=(4, FEATURES, UNITS)) / np.sqrt(FEATURES),
        "U": rng.normal(size=(4, UNITS, UNITS)) / np.sqrt(UNITS),
        "b": rng.normal(size=(4, UNITS)) * 0.3,
        "head": rng.normal(size=(UNITS, 2)),
        "X": np.ascontiguousarray(X),
        "error": rng.normal(size=(WINDOWS, 2)) * 0.1,
    }


def made(arrays: dict[str, np.ndarray]) -> tuple[Network, np.ndarray, np.ndarray]:
    """Make the network; give it, its windows and what came."""
    gates = [Gate(W=W, U=U, b=b) for W, U, b in zip(*(arrays[k] for k in "WUb"), strict=True)]
    network = chain(
        Recurrent(LSTM(*gates, TANH, SIGMOID)),
        Dense(arrays["head"], np.zeros(2), Activation("linear")),
        shape=(STEPS, FEATURES),
    )
    actual = rnnlens.predict(network, arrays["X"]) + arrays["error"]
    return network, arrays["X"], actual


def answer(verb: str, net: Network, X: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Ask one verb, and give every number that it answers by its name."""
    few = rnnlens.Certificates(windows=1, budget=10)
    shares = rnnlens.Shares(newest=4, draws=100)
    asked = {
        "secant": lambda: rnnlens.explain(net, X, target=0, **BACKGROUND),
        "default": lambda: rnnlens.explain(net, X, target=1, baseline="mean"),
        "many backgrounds": lambda: rnnlens.explain(net, X[:40], target=0, background=X),
        "baselines": lambda: rnnlens.compare_baselines(net, X, target=0, newest=5),
        "trust": lambda: rnnlens.trust(net, X[:60], target=0),
        "lags": lambda: rnnlens.lags(net, X, y[:, 0], target=0, certificates=few, shares=shares),
        "certify": lambda: rnnlens.certify(
            net, X[:2], target=0, lag=1, certificates=rnnlens.Certificates(budget=10)
        ),
    }[verb]()
    return {f"{verb}/{name}": array for name, array in _numbers(asked).items()}


def _numbers(found: xr.Dataset | xr.DataTree) -> dict[str, np.ndarray]:
    """Give the numbers of a result: variables, coordinates and attributes."""
    if isinstance(found, xr.DataTree):
        return {
            f"{path.strip('/')}:{name}": array
            for path, node in found.subtree_with_keys
            for name, array in _numbers(node.to_dataset()).items()
        }
    arrays = {str(name): np.asarray(one.values) for name, one in found.variables.items()}
    about = {
        name: np.asarray(one)
        for name, one in found.attrs.items()
        if isinstance(one, int | float) and not name.startswith("audit")
    }
    return {name: one for name, one in (arrays | about).items() if one.dtype.kind in "fiub"}


def main() -> None:
    """Write the file."""
    arrays = given()
    net, X, y = made(arrays)
    answers = {k: v for verb in VERBS for k, v in answer(verb, net, X, y).items()}
    STORED.parent.mkdir(exist_ok=True)
    np.savez_compressed(STORED, **arrays, **answers)
    print(f"wrote {len(answers)} arrays to {STORED}, {STORED.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
