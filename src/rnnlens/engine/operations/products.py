"""Products of two values, summed over axes: each factor's secant is the mean of the other.

``y = sum over k of a_k b_k`` between two points: ``dy = sum of da_k (b_k + b0_k) / 2 + (a_k + a0_k)
/ 2 db_k``, exactly, whatever the axes.
"""

from __future__ import annotations

import math

import numpy as np

from rnnlens.engine.operations.registry import (
    Array,
    Mask,
    Multipliers,
    Tape,
    pull,
    reduce_to,
    run,
)
from rnnlens.network.layers import Einsum

__all__: list[str] = []


def _summed(x: Array, letters: str, wanted: set[str]) -> tuple[Array, str]:
    """Sum over the axes that nobody wants."""
    gone = tuple(k for k, letter in enumerate(letters) if letter not in wanted)
    return (x.sum(axis=gone) if gone else x), "".join(c for c in letters if c in wanted)


def _contracted(a: Array, of_a: str, b: Array, of_b: str, out: str) -> Array:
    """Multiply and sum over the letters that the output lacks, by products of matrices."""
    a, of_a = _summed(a, of_a, {*of_b, *out})
    b, of_b = _summed(b, of_b, {*of_a, *out})
    both = "".join(c for c in out if c in of_a and c in of_b)
    over = "".join(c for c in of_a if c not in out)
    rows, columns = ("".join(c for c in out if c in of and c not in both) for of in (of_a, of_b))
    left, of_rows = _matrices(a, of_a, (both, rows, over))
    right, of_columns = _matrices(b, of_b, (both, over, columns))
    product = np.matmul(left, right)
    made = both + rows + columns
    whole = product.reshape(*product.shape[:-2], *of_rows[0], *of_columns[1])
    return whole.transpose([made.index(c) for c in out])


def _matrices(
    x: Array, letters: str, groups: tuple[str, str, str]
) -> tuple[Array, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Lay out matrices, the first group before them; give the lengths of the other two groups."""
    turned = x.transpose([letters.index(c) for c in "".join(groups)])
    many, first = len(groups[0]), len(groups[0]) + len(groups[1])
    rows, columns = turned.shape[many:first], turned.shape[first:]
    shape = (*turned.shape[:many], math.prod(rows), math.prod(columns))
    return turned.reshape(shape), (rows, columns)


@run.register
def _(layer: Einsum, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask) -> Tape:
    a, b = inputs
    of_a, of_b, out = layer.terms
    return Tape(inputs, (_contracted(a, of_a, b, of_b, out),), (None,))


@pull.register
def _(layer: Einsum, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    assert m[0] is not None
    (a, b), (a0, b0) = tape.inputs, tape0.inputs
    of_a, of_b, out = layer.terms
    middle_a, middle_b = (
        one if one is other else (one + other) / 2 for one, other in ((a, a0), (b, b0))
    )
    return (
        _back(m[0], out, middle_b, of_b, a, of_a),
        _back(m[0], out, middle_a, of_a, b, of_b),
    )


def _back(m: Array, out: str, other: Array, of_other: str, x: Array, letters: str) -> Array:
    """Carry multipliers back to one factor; axes that it alone has were summed, so they spread."""
    there = "".join(c for c in letters if c in out or c in of_other)
    pulled = _contracted(m, out, other, of_other, there)
    if len(there) < len(letters):
        shape = [1 if c not in there else pulled.shape[there.index(c)] for c in letters]
        pulled = np.broadcast_to(pulled.reshape(shape), (len(m), *x.shape[1:])).copy()
    return reduce_to(pulled, x.shape)
