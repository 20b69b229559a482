"""Small recurrent networks, trained with PyTorch on the processor from a stated seed."""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import rnnlens
from rnnlens.network.network import Network

__all__ = ["Net", "read", "sliding", "train"]

Array = NDArray[np.float64]

#: The matrices of these networks are too small to be shared between threads.
torch.set_num_threads(1)


class Net(nn.Module):
    """A recurrent layer and a linear head, at the newest step or at every step.

    Parameters
    ----------
    kind : {"LSTM", "GRU"}
        The cell.
    features, units, targets : int
        Sizes.
    every_step : bool
        Whether there is an output at every step.
    dropout : float
        Share of units that training leaves out before the head.
    probability : bool
        Whether the output goes through a sigmoid once the network is trained.
    """

    def __init__(
        self,
        kind: str,
        features: int,
        units: int,
        targets: int = 1,
        *,
        every_step: bool = False,
        dropout: float = 0.0,
        probability: bool = False,
    ) -> None:
        super().__init__()
        self.rnn = getattr(nn, kind)(features, units, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(units, targets)
        self.every_step = every_step
        self.out = nn.Sigmoid() if probability else nn.Identity()
        if kind == "LSTM":  # memory is open at first: Jozefowicz et al. 2015
            with torch.no_grad():
                self.rnn.bias_ih_l0[units : 2 * units] = 1.0

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Give what is trained: the output before any sigmoid.

        Parameters
        ----------
        x : tensor (sample, step, feature)
            Windows.

        Returns
        -------
        tensor (sample, target) or (sample, step, target)
            The head's output.
        """
        h = self.rnn(x)[0]
        return self.head(self.dropout(h if self.every_step else h[:, -1]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Forecast.

        Parameters
        ----------
        x : tensor (sample, step, feature)
            Windows.

        Returns
        -------
        tensor (sample, target) or (sample, step, target)
            Forecasts.
        """
        return self.out(self.logits(x))


def train(
    make: Callable[[], Net],
    X: Array,
    Y: Array,
    *,
    epochs: int,
    seed: int,
    rate: float = 1e-2,
    batch: int = 256,
    loss: nn.Module | None = None,
    decay: float = 0.0,
    noise: float = 0.0,
    double: bool = True,
) -> Net:
    """Train a network with Adam, a cosine schedule and clipped gradients.

    Parameters
    ----------
    make : callable
        Makes the network, under the seed.
    X : array (sample, step, feature)
        Windows.
    Y : array
        What it should give, in the shape in which it gives it.
    epochs : int
        Times that all windows are seen.
    seed : int
        Of the first weights and of the order of the windows.
    rate : float
        Learning rate.
    batch : int
        Windows a step.
    loss : Module, optional
        The mean squared error where not given.
    decay : float
        Weight decay.
    noise : float
        Standard deviation of what is added to the windows each time that they are seen.
    double : bool
        Whether to train in float64.

    Returns
    -------
    Net
        In evaluation mode, frozen.
    """
    torch.manual_seed(seed)
    kind = torch.float64 if double else torch.float32
    net = make().to(kind)
    x, y = torch.tensor(X, dtype=kind), torch.tensor(Y, dtype=kind)
    loss = nn.MSELoss() if loss is None else loss
    adam = torch.optim.Adam(net.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs)
    for _ in range(epochs):
        for chosen in torch.randperm(len(x)).split(batch):
            adam.zero_grad()
            seen = x[chosen] + noise * torch.randn_like(x[chosen]) if noise else x[chosen]
            loss(net.logits(seen), y[chosen]).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            adam.step()
        schedule.step()
    return net.eval().requires_grad_(False)


def read(net: Net, steps: int) -> Network:
    """Read a trained network into rnnlens.

    Parameters
    ----------
    net : Net
        The network.
    steps : int
        Steps in a window.

    Returns
    -------
    Network
        What rnnlens reads.
    """
    weight = next(net.parameters())
    example = torch.zeros(1, steps, net.rnn.input_size, dtype=weight.dtype)
    return rnnlens.read(net, example=example)


def sliding(series: Array, steps: int) -> Array:
    """Cut every window out of a series.

    Parameters
    ----------
    series : array (time, feature)
        The series.
    steps : int
        Steps in a window.

    Returns
    -------
    array (window, step, feature)
        All but the last, which has no next value.
    """
    view = np.lib.stride_tricks.sliding_window_view(series, steps, axis=0)
    return np.ascontiguousarray(view[:-1].swapaxes(1, 2))
