"""The networks that are measured: PyTorch modules with random weights, read by rnnlens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import rnnlens
from harness.threads import THREADS
from rnnlens.network.network import Network

__all__ = ["SIZES", "Floats", "Forecaster", "Size", "forecaster", "windows"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Size:
    """Sizes of a network and of its windows.

    Parameters
    ----------
    units, features, steps : int
        H, F and T.
    """

    units: int
    features: int
    steps: int

    def text(self, count: int) -> str:
        """Say the sizes.

        Parameters
        ----------
        count : int
            Number of windows.

        Returns
        -------
        str
            Such as ``"H=32 F=8 T=24, 512 windows"``.
        """
        windows = "window" if count == 1 else "windows"
        return f"H={self.units} F={self.features} T={self.steps}, {count:,} {windows}"


#: The sizes that are measured.
SIZES = (Size(32, 8, 24), Size(64, 8, 24), Size(128, 8, 48), Size(256, 32, 365))


class Forecaster(nn.Module):
    """A recurrent network with one forecast: the last hidden state and a linear head.

    Parameters
    ----------
    kind : {"LSTM", "GRU"}
        The cell.
    size : Size
        Its sizes.
    layers : int
        Layers on top of each other.
    bidirectional : bool
        Whether each layer reads both ways.
    """

    def __init__(self, kind: str, size: Size, layers: int = 1, bidirectional: bool = False) -> None:
        super().__init__()
        self.rnn = getattr(nn, kind)(
            size.features, size.units, layers, batch_first=True, bidirectional=bidirectional
        )
        self.head = nn.Linear(size.units * (1 + bidirectional), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Forecast.

        Parameters
        ----------
        x : tensor (sample, step, feature)
            Windows.

        Returns
        -------
        tensor (sample, 1)
            One number each.
        """
        state = self.rnn(x)[1]
        h = state[0] if isinstance(state, tuple) else state
        last = torch.cat([h[-2], h[-1]], dim=1) if self.rnn.bidirectional else h[-1]
        return self.head(last)


def forecaster(
    kind: str, size: Size, *, layers: int = 1, bidirectional: bool = False
) -> tuple[Forecaster, Network]:
    """Make a network and read it.

    Parameters
    ----------
    kind : {"LSTM", "GRU"}
        The cell.
    size : Size
        Its sizes.
    layers : int
        Layers on top of each other.
    bidirectional : bool
        Whether each layer reads both ways.

    Returns
    -------
    tuple of Forecaster and Network
        The module, frozen and in evaluation mode, and what rnnlens reads from it.
    """
    assert torch.get_num_threads() == THREADS
    torch.manual_seed(0)
    module = Forecaster(kind, size, layers, bidirectional).eval().requires_grad_(False)
    return module, rnnlens.read(module, example=torch.zeros(1, size.steps, size.features))


def windows(count: int, size: Size, *, seed: int = 0) -> Floats:
    """Draw windows.

    Parameters
    ----------
    count : int
        How many.
    size : Size
        Steps and features.
    seed : int
        Of the draw.

    Returns
    -------
    array (sample, step, feature) of float32
        Standard normal numbers.
    """
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, size.steps, size.features), np.float32)
