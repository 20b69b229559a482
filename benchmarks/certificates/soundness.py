"""Attack certificates: 10,000 attempts each, none may escape.

Random and trained networks, weights of scale 0.1 to 5, up to 64 units and 100 steps; attempts at
random, at corners and by gradient ascent and descent from 32 places. Prints one line a network,
writes ``results/oracles/certificate_soundness.json``, and ends with exit code 1 if one attempt
moved a forecast further than its certificate allows.

    python benchmarks/certificates/soundness.py [--attacks 10000]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

sys.path += [str(Path(__file__).parents[2] / "tests" / part) for part in ("", "makers")]
sys.path.append(str(Path(__file__).parents[1]))

from arx import series, trained, windows
from oracles.record import Oracle

from certificate_attacks import strongest_attack
from networks import CELLS, forecaster, stacked_bidirectional
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.evidence.proof.certificate import certify
from rnnlens.evidence.proof.checkpoints import STRIDE, Checkpoints
from rnnlens.evidence.proof.limits import SearchLimits
from rnnlens.evidence.proof.ranges import Ranges
from rnnlens.network.network import Network

#: Units, steps: small ones often, large ones too.
SIZES = ((4, 8), (8, 20), (16, 40), (32, 60), (64, 100))
SCALES = (0.1, 0.5, 1.0, 2.0, 5.0)


def cases(rng: np.random.Generator) -> Iterator[tuple[str, Network, np.ndarray]]:
    """Name, network and one window of each."""
    for number, scale in enumerate(SCALES):
        for kind in CELLS:
            units, steps = SIZES[(number + CELLS.index(kind)) % len(SIZES)]
            network = forecaster(kind, rng, steps=steps, units=units, scale=scale)
            yield f"{kind} H={units} T={steps} scale {scale}", network, rng.normal(size=(steps, 3))
    for scale in SCALES:
        for kind in ("lstm", "gru_after"):
            network = forecaster(kind, rng, steps=100, units=64, scale=scale)
            yield f"{kind} H=64 T=100 scale {scale}", network, rng.normal(size=(100, 3))
    for number in range(6):
        network = stacked_bidirectional(rng, steps=10, units=6, merge=("concat", "sum")[number % 2])
        yield f"stacked, bidirectional {number}", network, rng.normal(size=(10, 3))
    for seed in range(5):
        X, _ = windows(series(400, seed), 20)
        yield f"trained on ARX, seed {seed}", trained(seed), X[-1]


def long_cases(rng: np.random.Generator) -> Iterator[tuple[str, Network, np.ndarray]]:
    """Name, network and one window of each, whose lags are asked together."""
    for kind in CELLS:
        network = forecaster(kind, rng, steps=48, units=16, scale=0.5)
        yield f"{kind} H=16 T=48, all lags together", network, rng.normal(size=(48, 3))


def alone(
    network: Network, x: np.ndarray, attacks: int, rng: np.random.Generator
) -> Iterator[tuple[str, float, float]]:
    """Ask a few lags, each by itself: what `attacked` gives of each."""
    for lag in sorted({1, 2, len(x) // 3, len(x)}):
        reach = float(rng.choice([0.01, 0.3, 2.0]))
        yield attacked(network, x, lag, reach, attacks, rng)


def together(
    network: Network, x: np.ndarray, attacks: int, rng: np.random.Generator
) -> Iterator[tuple[str, float, float]]:
    """Ask all lags together, over two ranges."""
    for reach in (0.1, 1.0):
        yield from attacked_together(network, x, reach, attacks, rng)


def attacked(
    network: Network, x: np.ndarray, lag: int, reach: float, attacks: int, rng: np.random.Generator
) -> tuple[str, float, float]:
    """Give the verdict and the bound of one question, and the largest change that was attained."""
    step, features = len(x) - lag, [0] if lag % 2 else [0, 1]
    low, high = x[step, features] - reach, x[step, features] + reach
    target = ResolvedTarget((0,))
    question = Question(network=network, inputs={"x": x[None]}, of="x", target=target)
    ranges = Ranges([lag], features, low, high)
    found = certify(question, ranges, SearchLimits(tolerance=0.01, budget=60))
    best = strongest_attack(
        network, target, x, step, features, low, high, count=attacks, rng=rng
    )  # fmt: skip
    return str(found.verdict[0, 0]), float(found.bound[0, 0]), float(best)


def attacked_together(
    network: Network, x: np.ndarray, reach: float, attacks: int, rng: np.random.Generator
) -> list[tuple[str, float, float]]:
    """Ask every lag of a long window at once, and attack a few: what `attacked` gives of each.

    Only questions asked together share checkpoints; that bounds ended at some is made sure of.
    """
    target, lags, features = ResolvedTarget((0,)), list(range(1, len(x) + 1)), [0]
    question = Question(network=network, inputs={"x": x[None]}, of="x", target=target)
    own = x[::-1, features]
    ranges = Ranges(lags, features, own - reach, own + reach)
    with shared_lines() as lines:
        found = certify(question, ranges, SearchLimits(tolerance=0.01, budget=60))
    if not lines:
        sys.exit("no question was followed to a checkpoint")
    made = []
    for lag in sorted({1, STRIDE, STRIDE + 1, len(x) // 3, len(x) // 2, len(x)}):
        step = len(x) - lag
        low, high = x[step, features] - reach, x[step, features] + reach
        best = strongest_attack(
            network, target, x, step, features, low, high, count=attacks, rng=rng
        )  # fmt: skip
        verdict, bound = found.verdict[0, lag - 1], found.bound[0, lag - 1]
        made.append((str(verdict), float(bound), float(best)))
    return made


@contextmanager
def shared_lines() -> Generator[list[object]]:
    """Collect the lines that are found at checkpoints meanwhile."""
    lines: list[object] = []
    kept = Checkpoints._kept

    def noted(*given: Any) -> object:
        lines.append(kept(*given))
        return lines[-1]

    with patch.object(Checkpoints, "_kept", noted):
        yield lines


def main() -> None:
    """Attack all of them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--attacks", type=int, default=10_000)
    attacks = arguments.parse_args().attacks
    rng = np.random.default_rng(0)
    oracle = Oracle(
        "certificate_soundness",
        f"largest change that {attacks:,} attempts a certificate attained, at random, at corners "
        "and by gradient ascent, as a share of the bound, at lags 1, 2, T/3 and T; one or two "
        "features free; random networks with weights of scale 0.1 to 5 and trained ones; all lags "
        "of windows of 48 steps asked together too, which share checkpoints; seed 0",
    )
    names: list[str] = []
    verdicts: list[str] = []
    escaped = 0
    every = chain(
        ((*one, alone) for one in cases(rng)), ((*one, together) for one in long_cases(rng))
    )
    for name, network, x, answers in every:
        begun, worst = time.perf_counter(), 0.0
        for verdict, bound, best in answers(network, x, attacks, rng):
            verdicts.append(verdict)
            escaped += best > bound
            worst = max(worst, best / bound)
        names.append(name)
        seconds = time.perf_counter() - begun
        oracle.figure(f"{name}: largest attack / bound", worst, most=1.0)
        print(f"{name:40s} {seconds:6.1f} s", flush=True)
    count = len(verdicts)
    oracle.figure("networks", len(names), least=50)
    oracle.figure("certificates", count)
    oracle.figure("attacks", count * attacks)
    oracle.figure("escaped", escaped, most=0)
    for verdict in sorted(set(verdicts)):
        oracle.figure(verdict, verdicts.count(verdict))
    oracle.save()
    print(f"{len(names)} networks, {count} certificates, {count * attacks:,} attacks: ", end="")
    print(f"{escaped} escaped")
    sys.exit(1 if escaped else 0)


if __name__ == "__main__":
    main()
