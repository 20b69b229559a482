"""WinIT's Spike and delayed Spike: which input at which step raised the alarm.

Set-up: FIT's generator of threshold spikes and WinIT's training (layer6ai-labs/WinIT). 3,000 series
of 80 steps and 3 smooth features; each feature may get spikes of 1.5, at a Poisson number of steps;
the label is 1 from the first spike of feature 0 on (or a delay after it), and the truth is that one
cell of the 240. A GRU of 200 units gives the label at every step.

What is explained is the largest rise of the probability from one step to the next: its
contributions, against background windows, sum to that rise exactly. No generator is trained. The
score of a cell is the size of its contribution, over all series together, as in the published
tables (first step left out, as there). captum explains the same rises of the first of the tested
series in the same run, against the mean series. Run it from ``benchmarks``:
``python -m oracles.spike``. Takes five minutes on one core, most of it training.
"""

from __future__ import annotations

from oracles.training import Net, read, train  # first: it holds the threads

# isort: split

import numpy as np
from harness.question import question
from numpy.typing import NDArray
from scipy.signal import butter, lfilter
from scipy.stats import rankdata
from torch import nn

from oracles.peers import NO_WINIT, rises_with_captum
from oracles.record import Oracle
from oracles.scores import auprc, auroc
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import predict
from rnnlens.network.network import Network

Array = NDArray[np.float64]

SERIES, TESTED, STEPS, FEATURES = 3000, 600, 80, 3
UNITS, EPOCHS, BACKGROUNDS = 200, 30, 4
SPIKE, CHANCE, MEAN_SPIKES = 1.5, 0.3, 3
#: Series that the peers explain too.
BESIDE = 100
PUBLISHED = {
    0: "1.000 (WinIT), .944 (AFO), .887 (DeepLift)",
    2: ".996 (WinIT), .883 (DeepLift), .502 (Dynamask)",
}


def series(count: int, delay: int, seed: int) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Simulate series, labels (sample, step, 1) and the cells that decided."""
    rng = np.random.default_rng(seed)
    x = np.empty((count, STEPS, FEATURES))
    for feature, (keep, level, trend, shift) in enumerate((
        (0.5, 0.5, 0.003, 0.0),
        (0.5, 0.5, 0.065, 0.0),
        (0.3, 0.1, 0.0, 0.5),
    )):
        u = rng.uniform(0, 0.5, (count, STEPS + 2))
        # the published generator's quadratic term is an empty sum: what is left is linear
        drive = 1.5 * u[:, :-2] * u[:, 2:] + level
        y = lfilter([1.0], [1.0, -keep], drive, axis=1)
        y += trend * np.arange(STEPS) + 0.001 * rng.normal(size=y.shape)
        x[..., feature] = y / np.ptp(y, axis=1, keepdims=True) - shift
    x = lfilter(*butter(6, 6.8 / 15.0), x, axis=1)
    truth = np.zeros(x.shape, bool)
    label = np.zeros((count, STEPS, 1))
    for k in range(count):
        for feature in range(FEATURES):
            number = rng.poisson(MEAN_SPIKES) if rng.random() < CHANCE else 0
            at = np.sort(rng.choice(STEPS - delay, number, replace=False))
            x[k, at, feature] += SPIKE
            if feature == 0 and number:
                truth[k, at[0], 0] = True
                label[k, at[0] + delay :] = 1.0
    return x, label, truth


def rises(network: Network, x: Array, data: Array) -> Array:
    """Give the contributions (sample, step, feature) to each largest rise of the probability."""
    probability = np.asarray(predict(network, x))[..., 0]
    at = 1 + np.diff(probability, axis=1).argmax(axis=1)
    found = np.zeros_like(x)
    for step in np.unique(at):
        some = x[at == step]
        # what comes after the step cannot matter, and is left out
        for end, sign in ((step, 1.0), (step - 1, -1.0)):
            cut = some[:, : end + 1]
            baseline = make_baseline(
                "background", cut, background=data[:, : end + 1], count=BACKGROUNDS
            )
            one = secant(question(network, {"x": cut}, ResolvedTarget((int(end), 0)), baseline))
            found[at == step, : end + 1] += sign * one.contribution[:, ::-1]
    return found


def main() -> None:
    """Train, explain and score both delays."""
    oracle = Oracle(
        "spike",
        f"{SERIES:,} series (seed of the data 0), {TESTED} of them for the test; GRU H={UNITS}, "
        f"dropout .5, {EPOCHS} epochs, network seed 0 (published: mean of 5 folds); secant of the "
        f"largest rise of the probability, {BACKGROUNDS} background windows (seed 0)",
    )
    oracle.note(NO_WINIT)
    for delay in (0, 2):
        x, label, truth = series(SERIES, delay, 0)
        count = 400 if oracle.quick else SERIES - TESTED
        net = train(
            lambda: Net("GRU", FEATURES, UNITS, every_step=True, dropout=0.5, probability=True),
            x[:count],
            label[:count],
            epochs=2 if oracle.quick else EPOCHS,
            seed=0,
            rate=1e-3,
            batch=100,
            loss=nn.BCEWithLogitsLoss(),
            double=False,
        )
        network = read(net, STEPS)
        tested = slice(SERIES - (100 if oracle.quick else TESTED), SERIES)
        name = f"spike, delay {delay}"
        guess = np.asarray(predict(network, x[tested]))
        oracle.figure(f"{name}: the network's own AUROC", auroc(label[tested] > 0, guess))
        score = np.abs(rises(network, x[tested], x[:count]))[:, 1:]
        cells = truth[tested][:, 1:]
        oracle.figure(
            f"{name}: AUPRC",
            auprc(cells, score),
            least=0.99,
            published=PUBLISHED[delay],
            source="WinIT's notebook, da8b239",
        )
        ranks = rankdata(-score.reshape(len(score), -1), axis=1)
        oracle.figure(
            f"{name}: mean rank of the cell", float(ranks[cells.reshape(len(score), -1)].mean())
        )
        few = slice(tested.start, tested.start + BESIDE)
        what = f"{name}: AUPRC on {BESIDE} series"
        oracle.figure(what, auprc(cells[:BESIDE], score[:BESIDE]))
        for by, theirs in rises_with_captum(net, x[few], x[:count]).items():
            oracle.peer(what, by, auprc(cells[:BESIDE], np.abs(theirs)[:, 1:]))
    oracle.save()


if __name__ == "__main__":
    main()
