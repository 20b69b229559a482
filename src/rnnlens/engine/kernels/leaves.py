"""All coalitions of the newest steps, walked depth first inside the cache.

A block of histories goes on in two ways at every step: hidden or shown. Both children of a block
stand on a stack, one level a step, so that the whole tree above a block needs memory for its depth
alone; the recurrent product of a block serves both of its children. A linear readout of the last
hidden state is taken at the leaves, and nothing else leaves the kernel.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.buffers import fill
from rnnlens.engine.kernels.cells.interface import advance_pair
from rnnlens.engine.kernels.lowlevel.compiling import inner, kernel
from rnnlens.engine.kernels.lowlevel.primitives import give_back, lent, never_inline
from rnnlens.engine.kernels.step_loop import load_columns
from rnnlens.engine.kernels.tile import BLOCK, product

__all__ = ["evaluate"]


class _Stack(NamedTuple):
    """The states on the way to a node of the tree, one level a step, and which child is next.

    Shapes: hs (level, 2, (1 + output) * BLOCK), cs (level, 2, unit * BLOCK), choice (level,).
    """

    hs: NDArray[Any]
    cs: NDArray[Any]
    choice: NDArray[np.int64]


@inner
def _walk_tree(w, base, readout, D, stack, out, b):
    """Go through all that grows from one block; its states stand at the bottom of the stack."""
    never_inline()
    hs, cs, choice = stack
    depth, count = base.shape[0], min(BLOCK, out.shape[1] - b)
    v, constant = readout
    level, path = 0, 0
    fill(choice, 0)
    while True:
        j = choice[level]
        advance_pair(w, hs[level, j], cs[level, j], base[level], D, hs[level + 1], cs[level + 1])
        if level + 1 < depth:
            level += 1
            choice[level] = 0
            continue
        for leaf in range(2):
            product(v, hs[depth, leaf, BLOCK:], w.outputs, D, 1, BLOCK)
            place = out[path | leaf << level, b:]
            for s in range(count):
                place[s] = D[s] + constant
        while level > 0 and choice[level] == 1:
            path &= ~(1 << (level - 1))
            level -= 1
        if level == 0:
            break
        choice[level] = 1
        path |= 1 << (level - 1)


@kernel
def evaluate(w, base, before, readout, out, span):
    """Evaluate a linear readout after every choice at every step.

    Shapes: base (step, 2, gate * unit), before tuple of two (output, history) and (unit, history),
    out (2 ** steps, history).
    """
    begin, end = span
    depth = base.shape[0]
    shown, kept = (depth + 1, 2, (1 + w.outputs) * BLOCK), (depth + 1, 2, w.cells * BLOCK)
    D, hs, cs = lent(base.dtype, (w.record * BLOCK, shown, kept))
    for level in range(depth + 1):
        for j in range(2):
            fill(hs[level, j, :BLOCK], 1)
            fill(hs[level, j, BLOCK:], 0)
            fill(cs[level, j], 0)
    (choice,) = lent(np.int64, (depth + 1,))
    stack = _Stack(hs, cs, choice)
    for b in range(begin, end, BLOCK):
        last = min(end, b + BLOCK)
        load_columns(before[0], b, last, hs[0, 0, BLOCK:])
        load_columns(before[1], b, last, cs[0, 0])
        _walk_tree(w, base, readout, D, stack, out, b)
    give_back(D)
    give_back(choice)
