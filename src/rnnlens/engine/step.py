"""The equations of the cells, for one step, and nothing else.

Row vectors, one row a sample; the products ``x W + b`` and ``h U`` come in as ``xW`` and ``hU``,
gate by gate, since one product serves all gates. The letters are the literature's:
``i f o`` gates and ``g`` candidate of an LSTM (Hochreiter and Schmidhuber 1997; Gers, Schmidhuber
and Cummins 2000; peepholes ``V`` Gers and Schmidhuber 2000), ``z r`` gates and ``n`` candidate of
a GRU (Cho et al. 2014), ``a_`` for a pre-activation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.activations import value
from rnnlens.network.activations import Activation

__all__ = ["GRUStep", "LSTMStep", "gru_after", "gru_before", "lstm", "simple_rnn"]

Array = NDArray[np.float64]
Gates = Sequence[Array]


class LSTMStep(NamedTuple):
    """One step of an LSTM; every array is (sample, unit), ``h`` (sample, output) if projected."""

    a_i: Array
    a_f: Array
    a_g: Array
    a_o: Array
    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    phi_c: Array
    h: Array


class GRUStep(NamedTuple):
    """One step of a GRU; every array is (sample, unit). ``q`` is ``h U_n`` (+ b_rn), or ``r*h``."""

    a_z: Array
    a_r: Array
    a_n: Array
    z: Array
    r: Array
    n: Array
    q: Array
    h: Array


def lstm(
    xW: Gates,
    hU: Gates,
    c: Array,
    V: Gates,
    sigma: Activation,
    phi: Activation,
    *,
    P: Array | None = None,
) -> LSTMStep:
    """Take one step of an LSTM.

    ``i = sigma(x W_i + h U_i + V_i*c + b_i)``, ``f`` alike, ``g = phi(x W_c + h U_c + b_c)``,
    ``c' = f*c + i*g``, ``o = sigma(x W_o + h U_o + V_o*c' + b_o)``, ``h' = o*phi(c')``, or
    ``h' = (o*phi(c')) P`` where the cell projects (Sak, Senior and Beaufays 2014).

    Parameters
    ----------
    xW : four arrays (sample, unit)
        ``x W + b`` of the input, forget, cell and output gates.
    hU : four arrays (sample, unit)
        ``h U`` in the same order, of the hidden state before the step.
    c : array (sample, unit)
        Cell state before the step.
    V : three arrays (unit,)
        Peepholes of the input, forget and output gates; zeros where there are none.
    sigma, phi : Activation
        Of the gates; of the candidate and the cell state.
    P : array (unit, output), optional
        Projection of the hidden state.

    Returns
    -------
    LSTMStep
        Everything computed on the way.
    """
    a_i = xW[0] + hU[0] + V[0] * c
    a_f = xW[1] + hU[1] + V[1] * c
    a_g = xW[2] + hU[2]
    i = value(sigma, a_i)
    f = value(sigma, a_f)
    g = value(phi, a_g)
    c = f * c + i * g
    a_o = xW[3] + hU[3] + V[2] * c
    o = value(sigma, a_o)
    phi_c = value(phi, c)
    h = o * phi_c if P is None else (o * phi_c) @ P
    return LSTMStep(a_i, a_f, a_g, a_o, i, f, g, o, c, phi_c, h)


def gru_after(
    xW: Gates,
    hU: Gates,
    h: Array,
    b_rn: Array,
    sigma: Activation,
    phi: Activation,
) -> GRUStep:
    """Take one step of a GRU whose reset gate acts after the recurrent product.

    ``z = sigma(x W_z + h U_z + b_z)``, ``r`` alike, ``n = phi(x W_n + b_n + r*(h U_n + b_rn))``,
    ``h' = z*h + (1-z)*n``.

    Parameters
    ----------
    xW : three arrays (sample, unit)
        ``x W + b`` of the update and reset gates and the candidate.
    hU : three arrays (sample, unit)
        ``h U`` in the same order.
    h : array (sample, unit)
        Hidden state before the step.
    b_rn : array (unit,)
        Recurrent bias of the candidate.
    sigma, phi : Activation
        Of the gates; of the candidate.

    Returns
    -------
    GRUStep
        Everything computed on the way; ``q = h U_n + b_rn``.
    """
    a_z = xW[0] + hU[0]
    a_r = xW[1] + hU[1]
    z = value(sigma, a_z)
    r = value(sigma, a_r)
    q = hU[2] + b_rn
    a_n = xW[2] + r * q
    n = value(phi, a_n)
    return GRUStep(a_z, a_r, a_n, z, r, n, q, z * h + (1 - z) * n)


def gru_before(
    xW: Gates,
    hU: Gates,
    h: Array,
    U_n: Array,
    sigma: Activation,
    phi: Activation,
) -> GRUStep:
    """Take one step of a GRU whose reset gate acts before the recurrent product.

    ``z`` and ``r`` as in `gru_after`, ``n = phi(x W_n + (r*h) U_n + b_n)``,
    ``h' = z*h + (1-z)*n``.

    Parameters
    ----------
    xW : three arrays (sample, unit)
        ``x W + b`` of the update and reset gates and the candidate.
    hU : two arrays (sample, unit)
        ``h U`` of the gates.
    h : array (sample, unit)
        Hidden state before the step.
    U_n : array (unit, unit)
        Recurrent kernel of the candidate.
    sigma, phi : Activation
        Of the gates; of the candidate.

    Returns
    -------
    GRUStep
        Everything computed on the way; ``q = r*h``.
    """
    a_z = xW[0] + hU[0]
    a_r = xW[1] + hU[1]
    z = value(sigma, a_z)
    r = value(sigma, a_r)
    q = r * h
    a_n = xW[2] + q @ U_n
    n = value(phi, a_n)
    return GRUStep(a_z, a_r, a_n, z, r, n, q, z * h + (1 - z) * n)


def simple_rnn(xW: Array, hU: Array, phi: Activation) -> tuple[Array, Array]:
    """Take one step of a plain recurrent cell, ``h' = phi(x W + h U + b)``.

    Parameters
    ----------
    xW : array (sample, unit)
        ``x W + b``.
    hU : array (sample, unit)
        ``h U`` of the hidden state before the step.
    phi : Activation
        The activation.

    Returns
    -------
    tuple of two arrays (sample, unit)
        The pre-activation and the new hidden state.
    """
    a = xW + hU
    return a, value(phi, a)
