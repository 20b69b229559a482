"""Kernels lend themselves memory, and give all of it back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba.core.runtime import _nrt_python, rtsys

from rnnlens.api.shared import kernels
from rnnlens.engine.kernels.lowlevel.compiling import INNER, INTERNALS, uncached
from rnnlens.engine.kernels.lowlevel.primitives import give_back, in_line, lent

SIZES = 5, 0, 3, 4


@uncached(INNER)
def _filled(like, sizes, into):
    """Fill lent arrays each with its own number, and copy them out after all are filled."""
    n, none, rows, columns = sizes
    line, empty, table, last = lent(like.dtype, (n, none, (rows, columns), n))
    for k in range(n):
        line[k], last[k] = 1, 3
    for j in range(rows):
        for k in range(columns):
            table[j, k] = 2
    begin = 0
    for one in (line, empty, in_line(table), last):
        for k in range(one.size):
            into[begin + k] = one[k]
        begin += one.size
    give_back(line)


filled: Any = _filled


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_arrays_have_their_shapes_and_do_not_overlap(dtype):
    into = np.zeros(22, dtype)
    filled(into, SIZES, into)
    assert into.tolist() == [1] * 5 + [2] * 12 + [3] * 5


@pytest.mark.skipif(not INTERNALS, reason="plain Numba counts who uses an array")
def test_what_is_too_much_is_refused():
    into = np.zeros(22)
    with pytest.raises(MemoryError):
        filled(into, (1 << 45, 0, 3, 4), into)


@pytest.mark.skipif(not INTERNALS, reason="plain Numba counts who uses an array")
def test_each_array_begins_a_line_of_the_cache():
    @uncached(INNER)
    def begins(sizes, into):
        first, second = lent(np.float64, sizes)
        into[0], into[1] = first.ctypes.data, second.ctypes.data
        give_back(first)

    into = np.zeros(2, np.int64)
    begins((3, 7), into)
    assert (into % 64 == 0).all()
    assert into[1] - into[0] > 3 * 8


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_all_that_is_lent_is_given_back(kind, rng):
    network, x = kernels._forecaster(kind), rng.normal(size=(40, 6, 3))

    def left():
        stats = rtsys.get_allocation_stats()
        return stats.alloc - stats.free

    counted = _nrt_python.memsys_stats_enabled()
    _nrt_python.memsys_enable_stats()
    try:
        before, begun = left(), rtsys.get_allocation_stats().alloc
        kernels._explain(network, x, "float64")
        kernels._certify(network, x)
        assert rtsys.get_allocation_stats().alloc > begun
        assert left() == before
    finally:
        if not counted:
            _nrt_python.memsys_disable_stats()
