"""Norms, singular values and spectral radii of a cell's kernels, and ranges of its biases.

The spectral norm is the largest singular value: how much the kernel can enlarge what it takes. The
spectral radius is the largest absolute eigenvalue: how fast the product with the kernel alone grows
when it is taken again and again. A gated cell does not multiply by its kernels alone, so a radius
above one is no proof that its states grow (`rnnlens.dynamics.memory.lyapunov` measures that).
"""

from __future__ import annotations

import numpy as np

from rnnlens.engine.operations.registry import Array
from rnnlens.network.cells import LSTM, Cell, FloatArray, Gate

__all__ = ["bias_of", "kernel_measures"]


def bias_of(gate: Gate) -> Array:
    """Give the biases of both sides added, zero where there is none: (unit,)."""
    total = np.zeros(gate.W.shape[1])
    for bias in (gate.b, gate.b_r):
        if bias is not None:
            total = total + bias
    return total


def kernel_measures(cell: Cell) -> dict[str, Array]:
    """Give what `LayerWeights` says of each gate's kernels and biases."""
    gates = cell.gates.values()
    inputs = np.stack([_singular_values(gate.W) for gate in gates])
    recurrent = np.stack([_singular_values(gate.U) for gate in gates])
    biases = np.stack([bias_of(gate) for gate in gates])
    return {
        "input_frobenius": _norm(inputs),
        "input_spectral": inputs.max(axis=1, initial=0.0),
        "recurrent_frobenius": _norm(recurrent),
        "recurrent_spectral": recurrent.max(axis=1, initial=0.0),
        "spectral_radius": np.array([_radius(cell, gate) for gate in gates]),
        "input_singular_value": inputs,
        "recurrent_singular_value": recurrent,
        "bias_low": biases.min(axis=1),
        "bias_mean": biases.mean(axis=1),
        "bias_high": biases.max(axis=1),
    }


def _singular_values(kernel: FloatArray) -> Array:
    return np.linalg.svd(np.asarray(kernel, float), compute_uv=False)


def _norm(singular_values: Array) -> Array:
    # the Frobenius norm squared is the sum of the squared singular values
    return np.sqrt((singular_values**2).sum(axis=1))


def _radius(cell: Cell, gate: Gate) -> float:
    """Give the spectral radius of what a unit's state meets on its way back to units."""
    U = np.asarray(gate.U, float)
    if isinstance(cell, LSTM) and cell.projection is not None:
        U = np.asarray(cell.projection, float) @ U
    return float(np.abs(np.linalg.eigvals(U)).max(initial=0.0))
