"""Compiles the kernels that most tests call, for the kinds of cells that are named.

Workers of a test run would each compile all of them, side by side. Before they start, one process
for each half of the cells does it once (`conftest.py`), and the workers load what it kept.
"""

from __future__ import annotations

import sys

import numpy as np

import rnnlens
from networks import forecaster

#: Kinds of cells, in two parts that take about as long.
HALVES = (("lstm",), ("gru_after", "simple_rnn"))


def compile_kernels(kinds):
    """Call every kernel of some kinds of cells once, in both precisions."""
    rng = np.random.default_rng(0)
    for kind in kinds:
        network = forecaster(kind, rng, steps=6)
        x = rng.normal(size=(40, 6, 3))
        for precision in ("float64", "float32"):
            effort = rnnlens.Effort(precision=precision)
            for method, newest in (("secant", None), ("gradient", None), ("tree", 4)):
                rnnlens.explain(
                    network, x, target=0, method=method, newest=newest, effort=effort
                )  # fmt: skip
        rnnlens.trace(network, x)
        rnnlens.certify(
            network, x[:2], lag=1, target=0, certificates=rnnlens.Certificates(range=0.1)
        )


if __name__ == "__main__":
    compile_kernels(sys.argv[1:])
