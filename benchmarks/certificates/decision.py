"""How many questions are decided, and in what time.

ARX networks of five seeds and the demo's weather network; tolerance 1 % of the forecasts' standard
deviation; ranges from the 0.1 to the 99.9 % quantile; single features at each of the newest 12 lags
of 50 windows. Then an LSTM of 64 units over 50 steps, the oldest lag, to be proven within 2e-5.

    python benchmarks/certificates/decision.py
"""

from __future__ import annotations

import time

import numpy as np
from arx import series, trained, windows

from rnnlens.attribution.target import Target
from rnnlens.demo.weather import demo_files, weather_windows
from rnnlens.engine.forward import predict
from rnnlens.engine.threads import threads
from rnnlens.evidence.certificate import certify
from rnnlens.evidence.certificate_ranges import between_quantiles
from rnnlens.network.network import Network
from rnnlens.readers.open import read

LAGS = list(range(1, 13))


def decide(
    title: str, network: Network, target: Target, data: np.ndarray, chosen: np.ndarray
) -> None:
    """Ask about every feature at every lag, and print what came of it."""
    (name,) = network.inputs
    outputs = predict(network, {name: data})
    assert isinstance(outputs, np.ndarray)
    tolerance = 0.01 * float(target.pick((outputs,)).std())
    X = data[chosen]
    times: list[float] = []
    tally = dict.fromkeys(("structural", "proven", "refuted", "undecided"), 0)
    boxes = 0
    for feature in range(data.shape[2]):
        for lag in LAGS:
            own = X[:, [X.shape[1] - lag]][:, :, [feature]]
            low, high = between_quantiles(data, own, [feature], (0.001, 0.999))
            begun = time.perf_counter()
            found = certify(
                network, {name: X}, target, of=name, lags=[lag], features=[feature],
                low=low, high=high, tolerance=tolerance,
            )  # fmt: skip
            times.append((time.perf_counter() - begun) / len(X))
            for verdict in found.verdict.ravel():
                tally[str(verdict)] += 1
            boxes += int(found.boxes.sum())
    count = sum(tally.values())
    words = ", ".join(f"{verdict} {number}" for verdict, number in tally.items())
    print(
        f"{title:24s} {count:5d} questions: {words}; {100 * tally['undecided'] / count:.2f} % "
        f"undecided; {1e3 * float(np.median(times)):.2f} ms a question (median over lags and "
        f"features; largest {1e3 * max(times):.2f}); {boxes / count:.1f} boxes",
        flush=True,
    )


def alone(network: Network, target: Target, data: np.ndarray) -> None:
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
        certify(
            network, {name: x}, target, of=name, lags=[lag], features=[feature],
            low=low, high=high, tolerance=tolerance,
        )  # fmt: skip
        times.append(time.perf_counter() - begun)
    print(
        f"{'one question at a time':24s} median {1e3 * float(np.median(times)):.1f} ms", flush=True
    )


def oldest() -> None:
    """Prove the oldest of 50 steps of a network of 64 units irrelevant to 2e-5."""
    network = trained(0, units=64, steps=50, epochs=6)
    rows = series(2000, 1)
    x = windows(rows, 50)[0][7:8]
    for feature in (0, 1):
        begun = time.perf_counter()
        found = certify(
            network, {"x": x}, Target((0,)), of="x", lags=[50], features=[feature],
            low=rows[:, feature].min(), high=rows[:, feature].max(), tolerance=2e-5,
        )  # fmt: skip
        print(
            f"H=64, T=50, lag 50, {'yu'[feature]}: {found.verdict[0, 0]}, bound "
            f"{found.bound[0, 0]:.3g}, attained {found.attained[0, 0]:.3g}, {found.boxes[0, 0]} "
            f"boxes, {time.perf_counter() - begun:.2f} s",
            flush=True,
        )


def main() -> None:
    """Run all of it; kernels are compiled before the clock starts."""
    print(f"{threads()} threads")
    rows = series(2000, 1)
    data = windows(rows, 20)[0]
    certify(
        trained(0), {"x": data[:2]}, Target((0,)), of="x", lags=[1], features=[0],
        low=-9.0, high=9.0, tolerance=1.0,
    )  # fmt: skip
    for seed in range(5):
        network = trained(seed)
        decide(f"ARX, seed {seed}", network, Target((0,)), data, np.arange(0, 2000 - 20, 39)[:50])
    weather = weather_windows(start="2013-01-01")
    network = read(demo_files().network)
    scaling = weather.target_scaling
    target = Target((0,), 0, float(scaling.scale[0]), float(scaling.mean[0]))
    chosen = np.linspace(0, len(weather) - 1, 50).astype(int)
    decide("weather, temp", network, target, weather.values, chosen)
    alone(network, target, weather.values)
    oldest()


if __name__ == "__main__":
    main()
