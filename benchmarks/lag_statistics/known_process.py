"""Which lags of a known process five trained networks are said to use.

    y_t = 0.6 y_(t-1) - 0.3 y_(t-2) + 0.5 u_(t-5) + e_t

Run it from ``benchmarks``: ``python -m lag_statistics.known_process``. Takes some minutes.
"""

from __future__ import annotations

from oracles.training import Net, read, sliding, train  # first: it holds the threads

# isort: split

import time

import numpy as np
from numpy.typing import NDArray
from oracles.arx import PARTS, series
from oracles.record import Oracle

from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.evidence.statistics.equivalence import Equivalence, equivalence
from rnnlens.evidence.statistics.horizon import horizon
from rnnlens.evidence.statistics.losses import Losses
from rnnlens.evidence.statistics.parts import lag_feature_parts
from rnnlens.evidence.statistics.replacement import Replacement
from rnnlens.evidence.statistics.sampler_fit import sampler_fit
from rnnlens.evidence.statistics.samplers import (
    OwnSampler,
    Sampler,
    gaussian_sampler,
    neighbour_sampler,
)

Array = NDArray[np.float64]

STEPS, UNITS, EPOCHS, SEEDS, DRAWS = 20, 16, 60, range(5), 10
TESTED = 10_000
LAGS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20)
NAMES = ("y", "u")
TRUE = {f"{NAMES[feature]} at lag {lag}" for lag, feature in PARTS}
PARTS_TESTED = lag_feature_parts((STEPS, 2), lags=LAGS, names=NAMES)


def shuffled(x: Array, hidden: NDArray[np.bool_], rng: np.random.Generator) -> Array:
    """Take a part from any other window, whatever it goes with."""
    found = x.copy()
    found[:, hidden] = x[rng.permutation(len(x))][:, hidden]
    return found


def main() -> None:
    """Train, test and count under every seed."""
    oracle = Oracle(
        "lag_known_process",
        f"y_t = .6 y_t-1 - .3 y_t-2 + .5 u_t-5 + e; LSTM H={UNITS} T={STEPS}, {EPOCHS} epochs on "
        f"4,000 steps (data seed 0), {TESTED:,} windows tested (data seed 5), lags {LAGS} of both "
        f"features, {DRAWS} draws, margin 1 % of the squared error, Holm; network seeds 0 to 4",
    )
    data, test = series(4000, 0), series(TESTED + STEPS, 5)
    X, x = sliding(data, STEPS), sliding(test, STEPS)
    samplers: dict[str, Sampler] = {
        "Gaussian": gaussian_sampler(x, background=X),
        "neighbours": neighbour_sampler(x, background=X),
        "from any window": OwnSampler(shuffled),
    }
    for name, sampler in samplers.items():
        fit = sampler_fit(sampler, x, PARTS_TESTED[::4])
        print(f"  {name}: {fit.sentence}")
    for seed in list(SEEDS)[: 1 if oracle.quick else None]:
        net = train(lambda: Net("LSTM", 2, UNITS), X, data[STEPS:, :1], epochs=EPOCHS, seed=seed)
        network = read(net, STEPS)
        inputs, target = entries(network, x), ResolvedTarget((0,))
        question = Question(network=network, inputs=inputs, of="x", target=target)
        windows = Replacement(question)
        _test(oracle, seed, windows, test[STEPS:, 0], samplers)
    oracle.save()


def _test(
    oracle: Oracle, seed: int, windows: Replacement, y: Array, samplers: dict[str, Sampler]
) -> None:
    for name, sampler in samplers.items():
        begun = time.perf_counter()
        found = equivalence(Losses(windows, sampler, y, draws=DRAWS), PARTS_TESTED)
        seconds = time.perf_counter() - begun
        _tell(oracle, f"seed {seed}, {name}", found, conditional=name != "from any window")
        print(f"    {seconds:.1f} s for {len(PARTS_TESTED)} parts")
    far = horizon(Losses(windows, samplers["Gaussian"], y, draws=DRAWS))
    print(f"    {far.sentence}")
    oracle.figure(f"seed {seed}: looks back (truth 5)", far.looks_back, least=5)


def _tell(oracle: Oracle, where: str, found: Equivalence, *, conditional: bool) -> None:
    words = dict(zip(found.title.tolist(), found.verdict.tolist(), strict=True))
    true = sum(words[title] == "used" for title in TRUE)
    others = [word for title, word in words.items() if title not in TRUE]
    target = {"least": 3} if conditional else {}
    oracle.figure(f"{where}: true lags found used, of 3", true, **target)
    most = {"most": 0} if conditional else {}
    oracle.figure(f"{where}: other lags found used, of {len(others)}", others.count("used"), **most)
    oracle.figure(f"{where}: other lags undecided", others.count("undecided"))


if __name__ == "__main__":
    main()
