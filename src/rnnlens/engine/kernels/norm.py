"""Normalisation of rows by their own moments: one pass there, one pass back.

The equations are those of `rnnlens.engine.operations.norms`. Nothing is kept but each row's mean
and what it was multiplied by: the deviations are made again on the way back, in registers.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numpy.typing import NDArray

from rnnlens.engine.kernels.lowlevel.compiling import kernel
from rnnlens.engine.kernels.lowlevel.primitives import add_in_any_order, no_alias

__all__ = ["Normalisation", "back", "forward"]


class Normalisation(NamedTuple):
    """A layer of normalisation.

    Parameters
    ----------
    gamma, beta : array (entry,)
        Scale and offset.
    numbers : array (3,)
        Epsilon, one over the number of entries, and a half, in the type of the inputs.
    centred : bool
        Whether the mean is taken out.
    """

    gamma: NDArray[Any]
    beta: NDArray[Any]
    numbers: NDArray[Any]
    centred: bool


@kernel
def forward(layer, x, y, mean, s, span):
    """Normalise rows.

    Shapes: x, y (row, entry), mean, s (row,).
    """
    no_alias()
    gamma, beta, numbers, centred = layer
    epsilon, share = numbers[0], numbers[1]
    zero, one = x.dtype.type(0), x.dtype.type(1)
    entries = x.shape[1]
    for r in range(span[0], span[1]):
        row, out = x[r], y[r]
        total = zero
        for k in range(entries):
            total = add_in_any_order(total, row[k])
        middle = total * share
        total = zero
        for k in range(entries):
            d = row[k] - middle
            total = add_in_any_order(total, d * d)
        scale = one / math.sqrt(total * share + epsilon)
        shift = middle if centred else zero
        for k in range(entries):
            out[k] = (row[k] - shift) * scale * gamma[k] + beta[k]
        mean[r] = middle
        s[r] = scale


@kernel
def back(layer, m, x, means, scales, m_x, span):
    """Carry multipliers back through the normalisation of rows.

    Shapes: m, m_x (row, entry), x tuple of two (row, entry), means, scales tuple of two (row,).
    """
    no_alias()
    gamma, _, numbers, centred = layer
    share, half = numbers[1], numbers[2]
    zero, one = m_x.dtype.type(0), m_x.dtype.type(1)
    entries = m_x.shape[1]
    for r in range(span[0], span[1]):
        given, out, row, row0 = m[r], m_x[r], x[0][r], x[1][r]
        s, s0 = scales[0][r], scales[1][r]
        # what stands between two points: u, of which the mean is taken out where it is centred
        mean = half * (means[0][r] + means[1][r])
        shift = mean if centred else zero
        along, of_m = zero, zero
        for k in range(entries):
            m_y = given[k] * gamma[k]
            along = add_in_any_order(along, m_y * (half * (row[k] + row0[k]) - shift))
            of_m = add_in_any_order(of_m, m_y)
        # the secant of v^(-1/2), and v is the mean of d d
        m_d = -(one + one) * (along * share) * s * s0 / (one / s + one / s0)
        through = half * s + half * s0
        # d = x - mean(x): what all entries receive of the mean; deviations themselves sum to zero
        mean_m = share * through * of_m if centred else zero
        for k in range(entries):
            d = half * (row[k] + row0[k]) - mean
            out[k] = m_d * d + given[k] * gamma[k] * through - mean_m
