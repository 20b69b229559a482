"""Compiles the kernels that most tests call, for the kinds of cells that are named.

Workers of a test run would each compile all of them, side by side. Before they start, one process
for each half of the cells does it once (`conftest.py`), and the workers load what it kept.
"""

from __future__ import annotations

import sys

from rnnlens.api.shared.kernels import compile_kernels

#: Kinds of cells, in two parts that take about as long.
HALVES = (("LSTM",), ("GRU", "SimpleRNN"))


if __name__ == "__main__":
    compile_kernels(tuple(sys.argv[1:]))
