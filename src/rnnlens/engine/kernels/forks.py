"""All coalitions of the newest steps, walked depth first inside the cache.

A block of histories forks at every step: hidden or shown. Both children of a block stand on a
stack, one level a step, so that the whole tree above a block needs memory for its depth alone; the
recurrent product of a block serves both of its children. A linear readout of the last hidden state
is taken at the leaves, and nothing else leaves the kernel.
"""

from __future__ import annotations

import numpy as np

from rnnlens.engine.kernels.cell import fork
from rnnlens.engine.kernels.compiling import kernel
from rnnlens.engine.kernels.tile import R, product

__all__ = ["grow"]


@kernel
def grow(w, base, before, readout, out, span):
    """Evaluate a linear readout after every choice at every step.

    Parameters
    ----------
    w : named tuple
        Weights of a cell of which `fork` may be asked.
    base : array (step, 2, gate * unit)
        What the input and the biases put into the pre-activations, where a step is hidden and where
        it is shown.
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
    depth = base.shape[0]
    v, constant = readout
    D = np.empty(w.record, base.dtype)
    hs = np.zeros((depth + 1, 2, (1 + w.outputs) * R), base.dtype)
    hs[:, :, :R] = 1
    cs = np.zeros((depth + 1, 2, w.cells * R), base.dtype)
    choice = np.zeros(depth + 1, np.int64)
    for b in range(begin, end, R):
        last = min(end, b + R)
        for u in range(w.outputs):
            for s in range(last - b):
                hs[0, 0, (1 + u) * R + s] = before[0][u, b + s]
        for u in range(w.cells):
            for s in range(last - b):
                cs[0, 0, u * R + s] = before[1][u, b + s]
        level, path = 0, 0
        choice[:] = 0
        while True:
            j = choice[level]
            fork(w, hs[level, j], cs[level, j], base[level], D, hs[level + 1], cs[level + 1])
            if level + 1 < depth:
                level += 1
                choice[level] = 0
                continue
            for leaf in range(2):
                place = out[path | leaf << level, b:last]
                product(v, hs[depth, leaf, R:], w.outputs, D, 1)
                for s in range(place.size):
                    place[s] = D[s] + constant
            while level > 0 and choice[level] == 1:
                path &= ~(1 << (level - 1))
                level -= 1
            if level == 0:
                break
            choice[level] = 1
            path |= 1 << (level - 1)
