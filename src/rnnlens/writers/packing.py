"""Gates side by side, in the order of a target, and the precision in which a target keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from rnnlens.network.cells import Cell, FloatArray, Gate
from rnnlens.network.inventory import arrays_of
from rnnlens.network.network import Network

__all__ = ["dtype_of", "has", "packed", "scaled_gate", "summed_bias"]

Kind = Literal["W", "U", "b", "b_r", "V"]


def dtype_of(network: Network) -> np.dtype:
    """Give the precision that holds every array of a network."""
    kinds = {array.values.dtype for node in network.nodes for array in arrays_of(node.layer)}
    return np.result_type(np.float32, *kinds)


def has(cell: Cell, kind: Kind) -> bool:
    """Tell whether any gate of a cell has an array of a kind."""
    return any(kind in gate.arrays() for gate in cell.gates.values())


def packed(cell: Cell, order: Sequence[str], kind: Kind) -> FloatArray:
    """Put the arrays of one kind side by side: (..., gate * unit)."""
    zero = np.zeros(cell.units, dtype=cell.gates[order[0]].W.dtype)
    return np.concatenate([cell.gates[gate].arrays().get(kind, zero) for gate in order], axis=-1)


def summed_bias(cell: Cell, order: Sequence[str]) -> FloatArray:
    """Put the biases side by side, those of both sides added: (gate * unit,)."""
    sides = [packed(cell, order, kind).astype(np.float64) for kind in ("b", "b_r")]
    return sides[0] + sides[1]


def scaled_gate(gate: Gate, factor: float) -> Gate:
    """Multiply every array of a gate, so that its pre-activation is multiplied."""
    scaled = {
        kind: (values.astype(np.float64) * factor).astype(values.dtype)
        for kind, values in gate.arrays().items()
    }
    return replace(gate, **scaled)
