"""How many questions are decided, and in what time.

ARX networks of five seeds and the demo's weather network; tolerance 1 % of the forecasts' standard
deviation; ranges from the 0.1 to the 99.9 % quantile; single features at each of the newest 12 lags
of 50 windows. Then an LSTM of 64 units over 50 steps, the oldest lag, to be proven within 2e-5.
Writes ``results/oracles/certificate_decision.json``; times are of two threads.

    python benchmarks/certificates/decision.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import numpy as np
from arx import series, trained, windows
from oracles.record import Oracle

from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.demo.weather import demo_files, weather_windows
from rnnlens.engine.forward import predict
from rnnlens.engine.schedule.threads import threads
from rnnlens.evidence.proof.certificate import certify
from rnnlens.evidence.proof.limits import SearchLimits
from rnnlens.evidence.proof.ranges import Ranges, between_quantiles
from rnnlens.network.network import Network
from rnnlens.readers.open import read

LAGS = list(range(1, 13))


def decide(
    oracle: Oracle,
    title: str,
    network: Network,
    target: ResolvedTarget,
    data: np.ndarray,
    chosen: np.ndarray,
) -> None:
    """Ask about every feature at every lag, and record what came of it."""
    (name,) = network.inputs
    outputs = predict(network, {name: data})
    assert isinstance(outputs, np.ndarray)
    tolerance = 0.01 * float(target.pick((outputs,)).std())
    X = data[chosen]
    question = Question(network=network, inputs={name: X}, of=name, target=target)
    times: list[float] = []
    tally = dict.fromkeys(("structural", "proven", "refuted", "undecided"), 0)
    boxes = 0
    for feature in range(data.shape[2]):
        for lag in LAGS:
            own = X[:, [X.shape[1] - lag]][:, :, [feature]]
            ends = between_quantiles(data, own, [feature], (0.001, 0.999))
            ranges = Ranges([lag], [feature], *ends)
            begun = time.perf_counter()
            found = certify(question, ranges, SearchLimits(tolerance=tolerance))
            times.append((time.perf_counter() - begun) / len(X))
            for verdict in found.verdict.ravel():
                tally[str(verdict)] += 1
            boxes += int(found.boxes.sum())
    count = sum(tally.values())
    for verdict, number in tally.items():
        oracle.figure(f"{title}: {verdict}, of {count} questions", number)
    oracle.figure(f"{title}: share undecided", tally["undecided"] / count, most=0.01)
    median = 1e3 * float(np.median(times))
    oracle.figure(f"{title}: median ms a question, over lags and features", median, most=20)
    oracle.figure(f"{title}: largest ms a question", 1e3 * max(times))
    oracle.figure(f"{title}: boxes a question", boxes / count)


def alone(oracle: Oracle, network: Network, target: ResolvedTarget, data: np.ndarray) -> None:
    """Ask one question at a time, as a user at a prompt does."""
    (name,) = network.inputs
    outputs = predict(network, {name: data})
    assert isinstance(outputs, np.ndarray)
    tolerance = 0.01 * float(target.pick((outputs,)).std())
    rng = np.random.default_rng(0)
    times = []
    for _ in range(100):
        x = data[rng.integers(len(data))][None]
        lag, feature = int(rng.integers(1, 13)), int(rng.integers(data.shape[2]))
        own = x[:, [x.shape[1] - lag]][:, :, [feature]]
        low, high = between_quantiles(data[:500], own, [feature], (0.001, 0.999))
        begun = time.perf_counter()
        question = Question(network=network, inputs={name: x}, of=name, target=target)
        certify(question, Ranges([lag], [feature], low, high), SearchLimits(tolerance=tolerance))
        times.append(time.perf_counter() - begun)
    median = 1e3 * float(np.median(times))
    oracle.figure("weather, temp, one question at a time: median ms", median, most=20)


def oldest(oracle: Oracle) -> None:
    """Prove the oldest of 50 steps of a network of 64 units irrelevant to 2e-5."""
    network = trained(0, units=64, steps=50, epochs=20)
    rows = series(2000, 1)
    x = windows(rows, 50)[0][7:8]
    for feature, name in enumerate("yu"):
        begun, spent = time.perf_counter(), time.process_time()
        target = ResolvedTarget((0,))
        question = Question(network=network, inputs={"x": x}, of="x", target=target)
        ranges = Ranges([50], [feature], rows[:, feature].min(), rows[:, feature].max())
        found = certify(question, ranges, SearchLimits(tolerance=2e-5))
        title = f"H=64, T=50, lag 50, {name}: {found.verdict[0, 0]}"
        oracle.figure(f"{title}: seconds", time.perf_counter() - begun, most=5)
        oracle.figure(f"{title}: seconds of all threads", time.process_time() - spent)
        oracle.figure(f"{title}: bound", float(found.bound[0, 0]), most=2e-5)
        oracle.figure(f"{title}: attained", float(found.attained[0, 0]))
        oracle.figure(f"{title}: boxes", int(found.boxes[0, 0]))


def main() -> None:
    """Run all of it; kernels are compiled before the clock starts."""
    oracle = Oracle(
        "certificate_decision",
        "LSTMs of 16 units trained on y_t = .6 y_t-1 - .3 y_t-2 + .5 u_t-5 + e (seeds 0 to 4) and "
        "the demo's weather network; single features at lags 1 to 12 of 50 windows, ranges from "
        "the 0.1 to the 99.9 % quantile, tolerance 1 % of the forecasts' standard deviation; "
        f"{threads()} threads",
    )
    rows = series(2000, 1)
    data = windows(rows, 20)[0]
    first = Question(
        network=trained(0), inputs={"x": data[:2]}, of="x", target=ResolvedTarget((0,))
    )
    certify(first, Ranges([1], [0], -9.0, 9.0), SearchLimits(tolerance=1.0))
    for seed in range(5):
        network = trained(seed)
        decide(
            oracle,
            f"ARX, seed {seed}",
            network,
            ResolvedTarget((0,)),
            data,
            np.arange(0, 2000 - 20, 39)[:50],
        )
    weather = weather_windows(start="2013-01-01")
    network = read(demo_files().network)
    scaling = weather.target_scaling
    target = ResolvedTarget((0,), 0, float(scaling.scale[0]), float(scaling.mean[0]))
    chosen = np.linspace(0, len(weather) - 1, 50).astype(int)
    decide(oracle, "weather, temp", network, target, weather.values, chosen)
    alone(oracle, network, target, weather.values)
    oldest(oracle)
    oracle.save()


if __name__ == "__main__":
    main()
