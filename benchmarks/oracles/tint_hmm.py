"""The hidden-state data of Dynamask as tint runs them: which feature decides at each step.

Set-up and published rows: tint (time_interpret), ``experiments/hmm``. Two states, three features;
the label is drawn from feature 1 or 2, whichever the state makes active; truth: that feature, at
every step. A GRU of 200 units with batch normalisation and dropout gives the label at every step.
What is scored is the contribution of each step's own input to that step's output, by size.

Here with 20 test series of the 200, and 20 epochs at a rate that falls from 5e-4 for the published
50 at 1e-4, without batch normalisation: the same data, truth and scores, another network. Each
step's input also says which state it is, so that features that are not active do matter to the
output: our integrated gradients of the same network are scored beside, at every 15th step.
Run it from ``benchmarks``: ``python -m oracles.tint_hmm``. Takes two to three minutes on one core.
"""

from __future__ import annotations

from oracles.training import Net, read, train  # first: it holds the threads

# isort: split

from collections.abc import Callable

import numpy as np
from harness.question import question
from numpy.typing import NDArray
from torch import nn

from oracles.record import Oracle
from oracles.scores import auprc, auroc
from oracles.tint_arma import published_scores
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.integrated_gradients import integrated_gradients
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.question import Question
from rnnlens.attribution.result import Contribution
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import predict
from rnnlens.network.network import Network

Array = NDArray[np.float64]

SERIES, TESTED, STEPS, UNITS, EPOCHS = 800, 20, 200, 200, 20
RATE = 5e-4  # falling to zero: the same sum of rates as 50 epochs at 1e-4
MEANS = np.array([[0.1, 1.6, 0.5], [-0.1, -0.4, -1.5]])
SOURCE = "tint experiments/hmm/results.csv, IG, 5 folds"
PUBLISHED = {"AUP": ".918", "AUR": ".454", "AUROC": ".936", "AUPRC": ".909"}


def series(count: int, seed: int) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Simulate series (sample, step, feature), labels (sample, step, 1) and active features."""
    rng = np.random.default_rng(seed)
    covariance = np.repeat(0.801 * np.eye(3)[None], 2, axis=0)
    for state, active in enumerate((1, 2)):
        covariance[state, active, 0] = covariance[state, 0, active] = 0.01
    roots = np.linalg.cholesky(covariance)
    x, active = np.empty((count, STEPS, 3)), np.zeros((count, STEPS, 3), bool)
    label = np.empty((count, STEPS, 1))
    state, since = rng.integers(0, 2, count), np.zeros(count)
    rows = np.arange(count)
    for t in range(STEPS):
        # state 1 grows restless with time, state 0 is left by a chance of 1 in 20
        chance = np.where(state == 1, 0.95 - since / 500, 0.05)
        after = (rng.random(count) < chance).astype(int)
        since = np.where(after == state, since + 1, 0)
        state = after
        draw = rng.normal(size=(count, 3))
        x[:, t] = MEANS[state] + np.einsum("nij,nj->ni", roots[state], draw)
        active[rows, t, 1 + state] = True
        value = x[rows, t, 1 + state]
        label[:, t, 0] = rng.random(count) < 1 / (1 + np.exp(-2 * value))
    return x, label, active


def main() -> None:
    """Train, explain and score."""
    oracle = Oracle(
        "tint_hmm",
        f"{SERIES} series of {STEPS} steps (seed 0), {TESTED} test series (seed 1), GRU "
        f"H={UNITS}, {EPOCHS} epochs, network seed 0; secant against zero of the logit at every "
        "step, contribution of the step's own input",
    )
    X, Y, _ = series(SERIES, 0)
    net = train(
        lambda: Net("GRU", 3, UNITS, every_step=True, dropout=0.5),
        X,
        Y,
        epochs=2 if oracle.quick else EPOCHS,
        seed=0,
        rate=RATE,
        batch=32,
        loss=nn.BCEWithLogitsLoss(),
        decay=1e-3,
        double=False,
    )
    network = read(net, STEPS)
    x, label, active = series(TESTED, 1)
    guess = np.asarray(predict(network, x))
    oracle.figure("AUROC of the labels, the network's own", auroc(label > 0, guess))
    size = np.abs(own_steps(secant, network, x, np.arange(STEPS)))
    scores = dict(zip(("AUP", "AUR"), published_scores(active, size), strict=True))
    scores |= {"AUROC": auroc(active, size), "AUPRC": auprc(active, size)}
    for name, ours in scores.items():
        oracle.figure(name, ours, published=PUBLISHED[name], source=SOURCE)
    few = np.arange(5, STEPS, 15)
    oracle.figure("every 15th step: AUPRC, secant", auprc(active[:, few], size[:, few]))
    beside = np.abs(own_steps(integrals, network, x, few))
    oracle.figure("every 15th step: AUPRC, our integrated gradients", auprc(active[:, few], beside))
    oracle.save()


def integrals(asked: Question) -> Contribution:
    """Integrate gradients to a thousandth, which is enough to rank features."""
    return integrated_gradients(asked, tolerance=1e-3)


def own_steps(
    method: Callable[[Question], Contribution], network: Network, x: Array, steps: NDArray[np.int64]
) -> Array:
    """Give the contributions (sample, step, feature) of some steps' input to their own output."""
    found = []
    for t in steps.tolist():
        cut = x[:, : t + 1]
        zero = make_baseline("zero", cut)
        one = method(question(network, {"x": cut}, ResolvedTarget((t, 0)), zero))
        found.append(one.contribution[:, 0])
    return np.stack(found, axis=1)


if __name__ == "__main__":
    main()
