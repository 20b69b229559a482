"""How often the intervals of shares hold the true ones, where sizes depend on each other for long.

Run it from ``benchmarks``: ``python -m lag_statistics.share_coverage``. Takes 13 minutes on a busy
machine.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

from collections.abc import Callable

import numpy as np
from arch.bootstrap import StationaryBootstrap
from numpy.typing import NDArray
from oracles.record import Oracle
from scipy.signal import lfilter

from lag_statistics.inputs import STEPS, cut
from rnnlens.attribution.share import lag_share

__all__ = ["INPUTS"]

Array = NDArray[np.float64]

SETS, WINDOWS, MANY = 300, (60, 200, 1000), 400_000
#: Contributions of lags 4 to 1 are these times their inputs.
WEIGHTS = np.array([0.1, 0.3, 0.2, 1.0])


def autoregressive(rng: np.random.Generator, count: int, rho: float) -> Array:
    """Give windows (count, step) of a Gaussian autoregression."""
    series = lfilter([1], [1, -rho], rng.normal(size=count + STEPS + 500))[500:]
    return cut(series[:, None])[:count, :, 0]


def volatile(rng: np.random.Generator, count: int) -> Array:
    """Give windows whose oldest step is calm for long and wild for long."""
    x = autoregressive(rng, count, 0.9)
    x[:, 0] *= np.exp(lfilter([1], [1, -0.9], 0.3 * rng.normal(size=count + 500))[500:])
    return x


INPUTS: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "one lag volatile": volatile,
    "autoregressive (0.9)": lambda rng, count: autoregressive(rng, count, 0.9),
    "autoregressive (0.5)": lambda rng, count: autoregressive(rng, count, 0.5),
}


def _before(size: Array, seed: int, block: int) -> Array:
    """Give the percentile interval of the bootstrap alone, as it was before it was widened."""

    def share(some: Array) -> Array:
        mean = some.mean(axis=0)
        return mean / mean.sum()

    drawn = StationaryBootstrap(block, size, seed=seed).apply(share, 1000)
    return np.quantile(drawn, [0.025, 0.975], axis=0)


def main() -> None:
    """Simulate every input, and count."""
    oracle = Oracle(
        "lag_share_coverage",
        f"share of {SETS} simulated sets in which the 95 % interval of a lag's share holds the "
        f"true one (of {MANY:,} windows); four lags, seeds 0 to {SETS - 1}, the lag that is held "
        "least often",
    )
    sets = 30 if oracle.quick else SETS
    for title, windows in INPUTS.items():
        mean = np.abs(windows(np.random.default_rng(10**6), MANY) * WEIGHTS).mean(axis=0)
        true = mean / mean.sum()
        for count in WINDOWS:
            held, noted = np.zeros((2, sets, STEPS)), np.zeros(sets)
            for seed in range(sets):
                made = windows(np.random.default_rng(seed), count) * WEIGHTS
                found = lag_share(made, seed=seed)
                noted[seed] = bool(found.note)
                ends = _before(np.abs(made), seed, found.block_length)
                held[0, seed] = (ends[0] <= true) & (true <= ends[1])
                held[1, seed] = (found.share_low <= true) & (true <= found.share_high)
            where = f"{title}, n={count}"
            before, after = held.mean(axis=1).min(axis=1)
            oracle.figure(f"{where}: bootstrap alone", float(before))
            oracle.figure(f"{where}: widened", float(after))
            oracle.figure(f"{where}: said to be too short", float(noted.mean()))
    oracle.save()


if __name__ == "__main__":
    main()
