"""Normalisation of rows by their own moments: one pass there, one pass back.

The equations are those of `rnnlens.engine.operations.norms`. Nothing is kept but each row's mean
and what it was multiplied by: the deviations are made again on the way back, in registers.
"""

from __future__ import annotations

import math

from rnnlens.engine.kernels.lowlevel.compiling import disjoint, instruction, kernel

__all__ = ["back", "forward"]


@instruction
def _plus(typing_context, a, b):
    """Add where the order of a sum is free, so that it may be split over a vector's lanes.

    Parameters
    ----------
    typing_context : object
        Numba's.
    a, b : float
        Of one type.

    Returns
    -------
    tuple
        Signature and code generator.
    """

    def generate(context, builder, signature, arguments):
        return builder.fadd(*arguments, flags=("reassoc", "nsz", "contract"))

    return a(a, a), generate


@kernel
def forward(x, gamma, beta, numbers, centred, y, mean, s, span):
    """Normalise rows.

    Parameters
    ----------
    x : array (row, entry)
        The rows.
    gamma, beta : array (entry,)
        Scale and offset.
    numbers : array (3,)
        What is added to the variance, one over the number of entries, and one half.
    centred : bool
        Whether the mean is taken out of what is divided.
    y : array (row, entry)
        Filled.
    mean, s : array (row,)
        Filled with each row's mean, and what it is multiplied by.
    span : tuple of two int
        First row and end.
    """
    disjoint()
    epsilon, share, _ = numbers[0], numbers[1], numbers[2]
    zero, one = x.dtype.type(0), x.dtype.type(1)
    entries = x.shape[1]
    for r in range(span[0], span[1]):
        row, out = x[r], y[r]
        total = zero
        for k in range(entries):
            total = _plus(total, row[k])
        middle = total * share
        total = zero
        for k in range(entries):
            d = row[k] - middle
            total = _plus(total, d * d)
        scale = one / math.sqrt(total * share + epsilon)
        shift = middle if centred else zero
        for k in range(entries):
            out[k] = (row[k] - shift) * scale * gamma[k] + beta[k]
        mean[r] = middle
        s[r] = scale


@kernel
def back(m, x, means, scales, gamma, numbers, centred, m_x, span):
    """Carry multipliers back through the normalisation of rows.

    Parameters
    ----------
    m : array (row, entry)
        Multipliers of what came out.
    x : tuple of two arrays (row, entry)
        The rows at the point and at the reference; the same array for derivatives.
    means, scales : tuple of two arrays (row,)
        From `forward`, likewise.
    gamma : array (entry,)
        Scale.
    numbers : array (3,)
        As `forward` takes them.
    centred : bool
        As `forward` takes it.
    m_x : array (row, entry)
        Filled.
    span : tuple of two int
        First row and end.
    """
    disjoint()
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
            along = _plus(along, m_y * (half * (row[k] + row0[k]) - shift))
            of_m = _plus(of_m, m_y)
        # the secant of v^(-1/2), and v is the mean of d d
        m_d = -(one + one) * (along * share) * s * s0 / (one / s + one / s0)
        through = half * s + half * s0
        # d = x - mean(x): what all entries receive of the mean; deviations themselves sum to zero
        mean_m = share * through * of_m if centred else zero
        for k in range(entries):
            d = half * (row[k] + row0[k]) - mean
            out[k] = m_d * d + given[k] * gamma[k] * through - mean_m
