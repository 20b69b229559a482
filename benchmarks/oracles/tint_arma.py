"""The white box of Dynamask's rare experiments: the sum of squares of a few cells of ARMA series.

Set-up and published rows: tint (time_interpret), ``experiments/arma``. 10 series of 50 steps and 50
features; salient are 5 features at steps 12 to 36 (rare feature) or features 12 to 36 at 5 steps
(rare time); ``f = sum of x^2 over the salient cells``. Contributions against a zero baseline are
exactly x^2 there and 0 elsewhere: any additive method must find them. The published scores, AUP and
AUR, do not reward that: they measure how near scores are to 0 and 1 after scaling, which the square
of a normal number is not. AUROC and the error of the contributions do. The peers explain the same
series in the same run and are scored by tint's own code.
Run it from ``benchmarks``: ``python -m oracles.tint_arma``. Takes seconds.
"""

from __future__ import annotations

import numpy as np
from harness.question import question
from numpy.typing import NDArray
from scipy.signal import lfilter

from oracles.peers import tint_is_missing, white_box_with_peers
from oracles.record import Oracle
from oracles.scores import auroc, curve
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.network.layers import Dense, Flatten, Input, Multiply
from rnnlens.network.network import Network, Node, Origin

Array = NDArray[np.float64]

SERIES, STEPS, FEATURES, SEEDS = 10, 50, 50, range(5)
SOURCE = "tint experiments/arma/results.csv, IG, 5 folds"
PUBLISHED = {
    "rare feature": {"AUP": "1.000", "AUR": ".1345"},
    "rare time": {"AUP": "1.000", "AUR": ".125"},
}
SCORES, ERROR = ("AUP", "AUR", "AUROC"), "largest error of a contribution"


def white_box(salient: NDArray[np.bool_]) -> Network:
    """Make the network that sums the squares of the salient cells."""
    nodes = (
        Node("x", Input(salient.shape)),
        Node("square", Multiply(), (("x", 0), ("x", 0))),
        Node("flat", Flatten(), (("square", 0),)),
        Node("sum", Dense(salient.reshape(-1, 1).astype(float), np.zeros(1)), (("flat", 0),)),
    )
    return Network(nodes, (("sum", 0),), Origin("written down"), "white box")


def published_scores(salient: NDArray[np.bool_], score: Array) -> tuple[float, float]:
    """Give AUP and AUR: areas of precision and of recall over the threshold, scores from 0 to 1."""
    size = np.abs(score).reshape(len(score), -1)
    low, high = size.min(axis=1, keepdims=True), size.max(axis=1, keepdims=True)
    precision, recall, threshold = curve(salient, (size - low) / (high - low + 1e-5))
    return (
        float(np.trapezoid(precision[:-1], threshold)),
        float(np.trapezoid(recall[:-1], threshold)),
    )


def main() -> None:
    """Explain and score both experiments under every seed."""
    oracle = Oracle(
        "tint_arma",
        "10 ARMA series a seed (seeds 0 to 4), T = F = 50; secant contributions of the sum of "
        "squares against a zero baseline",
    )
    missing = tint_is_missing()
    oracle.note(missing)
    for name, published in PUBLISHED.items():
        rows, theirs = [], []
        for seed in SEEDS:
            x, salient = series(name, seed)
            rows.append(_scores(x, salient))
            theirs.append({} if missing else white_box_with_peers(x, salient))
        found = np.array(rows)
        for k, score in enumerate(SCORES):
            oracle.figure(
                f"{name}: {score}",
                float(found[:, k].mean()),
                sd=float(found[:, k].std()),
                least=1.0 if score == "AUROC" else None,
                published=published.get(score, ""),
                source=SOURCE if score in published else "",
            )
            for by in theirs[0]:
                values = np.array([row[by][k] for row in theirs])
                oracle.peer(f"{name}: {score}", by, float(values.mean()), sd=float(values.std()))
        oracle.figure(f"{name}: {ERROR}", float(found[:, 3].max()), most=1e-12)
        for by in theirs[0]:
            worst = max(row[by][3] for row in theirs)
            if not np.isnan(worst):
                oracle.peer(f"{name}: {ERROR}", by, worst)
    oracle.save()


def series(name: str, seed: int) -> tuple[Array, NDArray[np.bool_]]:
    """Simulate series (sample, step, feature) and draw the salient cells of each."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(1000, STEPS, FEATURES))
    x = lfilter([2.0], [2.0, 0.5, 0.2, 0.1], noise, axis=1)[:SERIES]
    salient = np.zeros(x.shape, bool)
    for one in salient:
        if name == "rare feature":
            one[12:37, rng.choice(FEATURES, 5, replace=False)] = True
        else:
            begin = rng.integers(0, STEPS - 5)
            one[begin : begin + 5, 12:37] = True
    return x, salient


def _scores(x: Array, salient: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Explain the series one by one, each with its own salient cells."""
    found = np.zeros_like(x)
    for k in range(len(x)):
        network = white_box(salient[k])
        one = x[k : k + 1]
        zero = make_baseline("zero", one)
        contribution = secant(question(network, entries(network, one), ResolvedTarget((0,)), zero))
        found[k] = contribution.contribution[0, ::-1]
    error = float(np.abs(found - np.where(salient, x**2, 0.0)).max())
    return (*published_scores(salient, found), auroc(salient, np.abs(found)), error)


if __name__ == "__main__":
    main()
