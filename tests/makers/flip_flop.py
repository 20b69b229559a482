"""Three bits that are set and kept: the networks that learned it, as cells, and their task.

``benchmarks/fixed_points/train_flip_flop.py`` made the files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rnnlens.network.cells import GRU, LSTM, Cell, Gate

FOLDER = Path(__file__).resolve().parents[1] / "data" / "flip_flop"


def cell_of(arrays, kind: str) -> Cell:
    """Lay a state dict of one PyTorch layer out as a cell: gates i, f, g, o or r, z, n."""
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    W, U, b, b_r = (np.asarray(arrays[name], float) for name in names)
    H = U.shape[1]
    gates = [
        Gate(W[k : k + H].T, U[k : k + H].T, b[k : k + H], b_r[k : k + H])
        for k in range(0, len(W), H)
    ]
    return LSTM(*gates) if kind == "lstm" else GRU(gates[1], gates[0], gates[2], reset_after=True)


def flip_flop(kind: str) -> tuple[Cell, np.ndarray, np.ndarray]:
    """Give the cell, its windows (sample, step, 3), and the readout's weights and bias stacked."""
    with np.load(FOLDER / f"{kind}.npz") as held:
        arrays = dict(held)
    readout = np.concatenate([arrays["V"].T, arrays["bo"][None]]).astype(float)
    return cell_of(arrays, kind), arrays["X"].astype(float), readout
