"""The plain recurrent cell on a block: one step forward, one step of multipliers back.

The equation is that of `rnnlens.engine.step.simple_rnn`. A step's record holds its pre-activations
and its values.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnnlens.engine.kernels.buffers import CompiledActivation, activate, add, compiled, copy, slopes
from rnnlens.engine.kernels.cells.interface import Array, concatenated, register_cell
from rnnlens.engine.kernels.lowlevel.primitives import ROWS, always_inline, never_inline, part, rest
from rnnlens.engine.kernels.tile import BLOCK, pack, product, product_below
from rnnlens.network.cells import SimpleRNN

__all__ = ["SimpleRNNWeights", "pack_simple_rnn"]


class SimpleRNNWeights(NamedTuple):
    """The weights of a plain recurrent cell, packed.

    Parameters
    ----------
    units, features, outputs : int
        Sizes; outputs are units.
    cells : int
        Size of the cell state: none.
    record, room : int
        Numbers that a step keeps for a block, and that its way back needs.
    W, b : array (feature, unit) and (unit,)
        Input kernel and bias.
    P : array
        From ``[x; 1; h]`` to the pre-activations, packed.
    Q : array
        From the multipliers of the pre-activations back to ``[x; h]``, packed.
    phi : CompiledActivation
        The activation.
    """

    units: int
    features: int
    outputs: int
    cells: int
    record: int
    room: int
    W: Array
    b: Array
    P: Array
    Q: Array
    phi: CompiledActivation


def pack_simple_rnn(cell: SimpleRNN, dtype: np.dtype[Any]) -> SimpleRNNWeights | None:
    """Pack the weights of a plain recurrent cell."""
    phi = compiled(cell.activation, dtype)
    if phi is None:
        return None
    W, b, U = concatenated((cell.hidden,))
    return SimpleRNNWeights(
        units=cell.units,
        features=cell.features,
        outputs=cell.units,
        cells=0,
        record=2 * cell.units + ROWS,
        room=cell.units,
        W=W.astype(dtype, order="C"),
        b=b.astype(dtype),
        P=pack(np.concatenate([W, b[None], U]).astype(dtype)),
        Q=pack(np.concatenate([W, U]).T.astype(dtype)),
        phi=phi,
    )


def _advance(w, A, C, D, keep, R):
    always_inline()
    n, at = w.units * R, (w.features + 1) * R
    h = part(A, at, at + n)
    product(w.P, A, w.features + 1 + w.units, D, w.units, R)
    copy(D, h)
    activate(w.phi, h)
    if keep:
        copy(h, part(D, n, 2 * n))


def _advance_pair(w, g, c, base, D, hs, cs):
    never_inline()
    R = BLOCK
    n = w.units * R
    product_below(w.P, w.features + 1 + w.units, w.features + 1, rest(g, R), D, w.units, R)
    for j in range(2):
        h = hs[j, R:]
        for u in range(w.units):
            row, shown, more = part(D, u * R, (u + 1) * R), part(h, u * R, (u + 1) * R), base[j, u]
            for s in range(R):
                shown[s] = row[s] + more
        activate(w.phi, part(h, 0, n))


def _advance_given(w, A, C, D, G, R):
    never_inline()
    n = w.units * R
    h = part(A, R, R + n)
    product(w.P, A, 1 + w.units, D, w.units, R)
    copy(D, h)
    add(G, h)
    activate(w.phi, h)


def _pull(w, D, D0, same, B, C, Z, R):
    never_inline()
    n, at = w.units * R, w.features * R
    copy(part(B, at, at + n), Z)
    slopes(w.phi, part(D, 0, n), part(D, n, 2 * n), part(D0, 0, n), part(D0, n, 2 * n), same, Z)
    product(w.Q, Z, w.units, B, w.features + w.units, R)


register_cell(SimpleRNNWeights, _advance, _advance_pair, _advance_given, _pull)
