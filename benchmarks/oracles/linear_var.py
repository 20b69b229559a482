"""A linear vector autoregression: which of ten series drive which, and at which lag.

    y_t = A1 y_(t-1) + A3 y_(t-3) + e_t

with sparse A1 and A3. One LSTM learns all ten; the score of "j drives i" is the mean size of the
contributions of series j to the forecast of i, and that of a lag the same by lag. The truth of
every single contribution is known too: coefficient times value. Run it from ``benchmarks``:
``python -m oracles.linear_var``. Takes a minute or two on one core.
"""

from __future__ import annotations

from oracles.training import Net, read, sliding, train  # first: it holds the threads

# isort: split

import numpy as np
from harness.question import question
from numpy.typing import NDArray

from oracles.record import Oracle
from oracles.scores import auprc, auroc, r2
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict

Array = NDArray[np.float64]

SERIES, LAGS, LENGTH, STEPS, UNITS, EPOCHS, EXPLAINED = 10, (1, 3), 20_000, 8, 64, 20, 200


def process(length: int, seed: int) -> tuple[Array, Array]:
    """Simulate the series (time, series) and give the coefficients (lag, to, from)."""
    rng = np.random.default_rng(seed)
    A = np.zeros((max(LAGS), SERIES, SERIES))
    for lag in LAGS:
        for i in range(SERIES):
            others = rng.choice(np.delete(np.arange(SERIES), i), 2, replace=False)
            A[lag - 1, i, others] = rng.choice([-0.35, 0.35], 2)
        A[lag - 1] += np.eye(SERIES) * (0.3 if lag == 1 else 0.0)
    # shrink until the companion matrix is stable with room to spare
    while _radius(A) > 0.9:
        A *= 0.95
    y = np.zeros((length + 200, SERIES))
    for t in range(len(LAGS) + 1, len(y)):
        y[t] = sum(A[k - 1] @ y[t - k] for k in LAGS) + rng.normal(size=SERIES)
    return y[200:], A


def _radius(A: Array) -> float:
    companion = np.zeros((A.size // SERIES, A.size // SERIES))
    companion[:SERIES] = np.concatenate(list(A), axis=1)
    companion[SERIES:, :-SERIES] = np.eye(len(companion) - SERIES)
    return float(np.abs(np.linalg.eigvals(companion)).max())


def main() -> None:
    """Train, explain and score."""
    oracle = Oracle(
        "linear_var",
        f"{SERIES} series, lags 1 and 3, {LENGTH:,} steps (seeds 0 to 2), LSTM H={UNITS} "
        f"T={STEPS}, {EPOCHS} epochs, network seed as the data's; secant against the mean, "
        f"{EXPLAINED} windows",
    )
    rows = [scored(seed) for seed in range(1 if oracle.quick else 3)]
    scores = np.array(rows)
    names = (
        ("AUROC, which series drives which", ("1.000 (GVAR and cMLP, 4 series)", "GVAR logs")),
        ("AUROC, series and lag", ("", "")),
        ("AUPRC, series and lag", ("", "")),
        ("R2 of every contribution", ("", "")),
        ("R2 to the best forecast, the network's own", ("", "")),
    )
    for k, (name, (published, source)) in enumerate(names):
        oracle.figure(
            name,
            float(scores[:, k].mean()),
            sd=float(scores[:, k].std()),
            least=0.99 if k == 0 else None,
            published=published,
            source=source,
        )
    oracle.save()


def scored(seed: int) -> tuple[float, ...]:
    """Simulate, train and explain once."""
    y, A = process(LENGTH, seed)
    scale = y.std(axis=0)
    z = (y - y.mean(axis=0)) / scale
    X = sliding(z, STEPS)
    net = train(lambda: Net("LSTM", SERIES, UNITS, SERIES), X, z[STEPS:], epochs=EPOCHS, seed=seed)
    network, x = read(net, STEPS), X[:: len(X) // EXPLAINED]
    inputs, baseline = entries(network, x), make_baseline("zero", x)
    wanted = np.zeros((SERIES, len(x), STEPS, SERIES))
    found = np.zeros_like(wanted)
    for i in range(SERIES):
        found[i] = secant(question(network, inputs, ResolvedTarget((i,)), baseline)).contribution
        for k in LAGS:
            wanted[i, :, k - 1] = A[k - 1, i] * scale / scale[i] * x[:, -k]
    size = np.abs(found).mean(axis=1)
    there = np.zeros(size.shape, bool)
    there[:, : len(A)] = A.transpose(1, 0, 2) != 0
    return (
        auroc(there.any(axis=1), size.sum(axis=1)),
        auroc(there, size),
        auprc(there, size),
        r2(found, wanted),
        r2(np.asarray(predict(network, x)), wanted.sum(axis=(2, 3)).T),
    )


if __name__ == "__main__":
    main()
