"""Cells whose next step reads one input for all: what the input puts in is worked out once.

Weights are made for that step that read nothing: the input's products are part of their biases.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.kernels.cells.gru import GRUWeights
from rnnlens.engine.kernels.cells.packing import CellWeights
from rnnlens.engine.kernels.lowlevel.primitives import ROWS

__all__ = ["FEWEST_HISTORIES", "reading_nothing"]

Array = NDArray[Any]

#: Histories from which on making such weights costs less than it saves.
FEWEST_HISTORIES = 32


def reading_nothing(weights: CellWeights, x: Array) -> CellWeights:
    """Make a cell's weights for a step that reads one input, which is theirs from then on.

    Shapes: x (feature,).
    """
    put_in = x @ weights.W
    features = weights.features
    if isinstance(weights, GRUWeights):
        gates = 2 * weights.units
        return weights._replace(
            features=0,
            P=_with_input(weights.P, features, put_in[:gates]),
            P_n=_with_input(weights.P_n, features, put_in[gates:]),
        )
    return weights._replace(features=0, P=_with_input(weights.P, features, put_in))


def _with_input(P: Array, features: int, put_in: Array) -> Array:
    """Leave the input's rows of packed weights out, and add what they give to the biases."""
    tiles = -(-len(put_in) // ROWS)
    wide = np.zeros(tiles * ROWS, P.dtype)
    wide[: len(put_in)] = put_in
    rest = P.reshape(tiles, -1, ROWS)[:, features:].copy()
    rest[:, 0] += wide.reshape(tiles, ROWS)
    return rest.ravel()
