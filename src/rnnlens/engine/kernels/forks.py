"""All coalitions of the newest steps, walked depth first inside the cache.

A block of histories forks at every step: hidden or shown. Both children of a block stand on a
stack, one level a step, so that the whole tree above a block needs memory for its depth alone; the
recurrent product of a block serves both of its children. A linear readout of the last hidden state
is taken at the leaves, and nothing else leaves the kernel.
"""

from __future__ import annotations

import numpy as np

from rnnlens.engine.kernels.cell import advance, again
from rnnlens.engine.kernels.compiling import apart, kernel, part
from rnnlens.engine.kernels.slabs import copy
from rnnlens.engine.kernels.tile import ROWS, R, product

__all__ = ["grow"]


@part
def _spread(x, A):
    """Give every history of a block the same input."""
    apart()
    for f in range(x.size):
        row, value = A[f * R : (f + 1) * R], x[f]
        for s in range(R):
            row[s] = value


@part
def _fork(w, x, d, A, D, h, c, hs, cs):
    """Take a step from one block with both inputs; ``hs`` and ``cs`` are filled."""
    apart()
    at, size = (w.features + 1) * R, w.outputs * R
    for j in range(2):
        _spread(x[j], A)
        copy(h, A[at : at + size])
        copy(c, cs[j])
        if j == 0:
            advance(w, A, cs[j], D, 0)
        else:
            again(w, A, cs[j], D, d)
        copy(A[at : at + size], hs[j])


@kernel
def grow(w, x, d, before, readout, out, span):
    """Evaluate a linear readout after every choice at every step.

    Parameters
    ----------
    w : named tuple
        Weights of a cell of which `again` may be asked.
    x : array (2, step, feature)
        Inputs where a step is hidden, and where it is shown.
    d : array (step, gate * unit)
        What showing a step changes in the pre-activations.
    before : tuple of two arrays (output, history) and (unit, history)
        Hidden and cell state before the first step.
    readout : tuple of array and float
        Packed weights and constant of the value.
    out : array (2 ** steps, history)
        Filled; bit t of the first index says whether step t is shown.
    span : tuple of two int
        First history (a multiple of R) and end.
    """
    begin, end = span
    depth = x.shape[1]
    size, cells = w.outputs * R, w.cells * R
    v, constant = readout
    A = np.zeros((w.features + 1 + w.outputs + ROWS) * R, x.dtype)
    A[w.features * R : (w.features + 1) * R] = 1
    D = np.empty(w.record, x.dtype)
    hs = np.zeros((depth + 1, 2, size), x.dtype)
    cs = np.zeros((depth + 1, 2, cells), x.dtype)
    choice = np.zeros(depth + 1, np.int64)
    for b in range(begin, end, R):
        last = min(end, b + R)
        for u in range(w.outputs):
            for s in range(last - b):
                hs[0, 0, u * R + s] = before[0][u, b + s]
        for u in range(w.cells):
            for s in range(last - b):
                cs[0, 0, u * R + s] = before[1][u, b + s]
        level, path = 0, 0
        choice[:] = 0
        while True:
            j = choice[level]
            _fork(
                w,
                x[:, level],
                d[level],
                A,
                D,
                hs[level, j],
                cs[level, j],
                hs[level + 1],
                cs[level + 1],
            )
            if level + 1 < depth:
                level += 1
                choice[level] = 0
                continue
            for leaf in range(2):
                place = out[path | leaf << level, b:last]
                product(v, hs[depth, leaf], w.outputs, D, 1)
                for s in range(place.size):
                    place[s] = D[s] + constant
            while level > 0 and choice[level] == 1:
                path &= ~(1 << (level - 1))
                level -= 1
            if level == 0:
                break
            choice[level] = 1
            path |= 1 << (level - 1)
