"""The fastest float32 matrix product that OpenBLAS makes when told to use AVX-512.

OpenBLAS chooses its kernels by the processor's name, and takes narrower ones than the processor has
where it does not know it. Which kernels it uses is settled when it is loaded, so this measures in a
process of its own::

    python -m harness.peak 512 1024 2048
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from harness.threads import THREADS

__all__ = ["widest"]

#: Any processor with AVX-512 runs the kernels of this one.
_CORE = "SkylakeX"
_ROUNDS = 30


def widest(squares: tuple[int, ...]) -> float | None:
    """Measure the peak with AVX-512.

    Parameters
    ----------
    squares : tuple of int
        Sizes of the matrices, each square.

    Returns
    -------
    float or None
        Operations a second, by the median of the best size; None where there is no AVX-512.
    """
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists() or "avx512f" not in cpuinfo.read_text(encoding="utf-8"):
        return None
    done = subprocess.run(
        [sys.executable, "-m", "harness.peak", *map(str, squares)],
        env={**os.environ, "OPENBLAS_CORETYPE": _CORE, "RNNLENS_THREADS": str(THREADS)},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def _main(squares: list[int]) -> None:
    from statistics import median
    from time import perf_counter

    import numpy as np

    rates = []
    for n in squares:
        a = np.random.default_rng(0).standard_normal((n, n), np.float32)
        out = np.empty_like(a)
        np.matmul(a, a, out=out)
        seconds = []
        for _ in range(_ROUNDS):
            began = perf_counter()
            np.matmul(a, a, out=out)
            seconds.append(perf_counter() - began)
        rates.append(2 * n**3 / median(seconds))
    print(max(rates))


if __name__ == "__main__":
    _main([int(n) for n in sys.argv[1:]])
