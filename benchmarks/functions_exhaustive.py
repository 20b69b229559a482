"""Every float32 through every function of `rnnlens.engine.kernels.functions`.

The truth is the same function in float64, which the tests compare with 40 digits: its own error is
below 1e-8 units in the last place of a float32. Printed for each function: the largest error and
where, the largest error of results below the normal numbers, and how often a larger argument gave
a smaller result, and by how much at most. An infinite or undefined value must be met exactly.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from numba import njit

from rnnlens.engine.kernels import functions

NAMES = ("tanh", "logistic", "exp", "expm1", "log1p_exp")
BLOCK = 1 << 14
PARTS = 64
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
#: The unit in the last place by biased exponent; 0 belongs to the subnormal numbers.
ULP = 2.0 ** (np.maximum(np.arange(256), 1) - 150)


@njit(**OPTIONS)
def judge(x: Any, y: Any, truth: Any, ulp: Any, found: Any) -> None:
    """Enter a block of ascending patterns' worst errors, wrong infinities and descents.

    ``found`` holds: error, where; error below the normal numbers, where; wrong; descents, by how
    much; the last result.
    """
    reference = truth.astype(np.float32)
    exponent = (reference.view(np.int32) >> 23) & 255
    for s in range(x.size):
        if exponent[s] == 255:
            if not (y[s] == reference[s] or (np.isnan(y[s]) and np.isnan(reference[s]))):
                found[4] += 1
            continue
        error = abs(y[s] - truth[s]) / ulp[exponent[s]]
        place = 0 if exponent[s] > 0 else 2
        if not error <= found[place]:
            found[place], found[place + 1] = error, x[s]
        last = found[7]
        drop = last - y[s] if x[s] > 0 else y[s] - last
        if drop > 0:
            found[5] += 1
            found[6] = max(found[6], drop / ulp[exponent[s]])
        found[7] = y[s]


def sweeper(function: Callable[[Any], Any]) -> Callable[[int], Any]:
    """Make the sweep of one function over one part of all patterns."""

    @njit(**OPTIONS)
    def apply(x, y):
        for s in range(x.size):
            y[s] = function(x[s])

    @njit(**OPTIONS)
    def sweep(first, blocks, ulp, found):
        y, truth = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float64)
        for b in range(blocks):
            x = (np.arange(BLOCK) + (first + b * BLOCK)).astype(np.uint32).view(np.float32)
            apply(x, y)
            apply(x.astype(np.float64), truth)
            if b == 0:
                found[7] = y[0]
            judge(x, y, truth, ulp, found)

    def part(k: int) -> Any:
        found = np.zeros(8)
        size = (1 << 32) // PARTS
        sweep(k * size, size // BLOCK, ULP, found)
        return found

    return part


def main() -> None:
    """Sweep and print."""
    print(
        f"2^32 arguments; numba {numba.__version__}, numpy {np.__version__},"
        f" {platform.machine()} {numba.config.CPU_NAME or 'host'}, 2 threads"  # type: ignore[attr-defined]
    )
    for name in NAMES:
        part = sweeper(getattr(functions, name))
        start = time.perf_counter()
        with ThreadPoolExecutor(2) as pool:
            found = np.array(list(pool.map(part, range(PARTS))))
        worst, below = found[found[:, 0].argmax()], found[found[:, 2].argmax()]
        stated = getattr(functions, f"{name.upper()}_ERROR")[np.dtype(np.float32)]
        print(
            f"{name:10} at most {worst[0]:.4f} ulp at {worst[1]!r} (stated {stated});"
            f" below the normal numbers {below[2]:.4g} ulp at {below[3]!r};"
            f" {found[:, 4].sum():.0f} wrong infinities or NaN;"
            f" {found[:, 5].sum():.0f} descents, by {found[:, 6].max():.3g} ulp at most;"
            f" {time.perf_counter() - start:.0f} s"
        )


if __name__ == "__main__":
    main()
