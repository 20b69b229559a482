"""Live modules of PyTorch whose forward code rnnlens does not read."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from refused.registry import section
from rnnlens.api import read
from torch_models import scrambled

case = section("Live modules of PyTorch")

Code = Callable[[Any, torch.Tensor], Any]


class Coded(nn.Module):
    """A module whose forward code is a function."""

    def __init__(self, code: Code, **layers: nn.Module) -> None:
        super().__init__()
        self.code = code
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x: torch.Tensor) -> Any:
        return self.code(self, x)


def module(code: Code, **layers: nn.Module) -> nn.Module:
    return scrambled(Coded(code, **layers).double())


def gru(**options: Any) -> nn.GRU:
    return nn.GRU(3, 4, batch_first=True, **options)


def steps(m: Any, x: torch.Tensor) -> torch.Tensor:
    return m.rnn(x)[0]


EXAMPLE = np.random.default_rng(0).normal(size=(2, 6, 3))
ONES = torch.ones(3, 2, dtype=torch.float64)


def packed(m: Any, x: torch.Tensor, **options: Any) -> torch.Tensor:
    lengths = torch.full((x.size(0),), x.size(1))
    made = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
    return nn.utils.rnn.pad_packed_sequence(m.rnn(made)[0], batch_first=True, **options)[0]


def carrying(m: Any, x: torch.Tensor) -> torch.Tensor:
    output, m.h = m.rnn(x, m.h)
    return output


def in_training(m: Any, x: torch.Tensor) -> torch.Tensor:
    return m.rnn.train()(x)[0]


#: The forward code, and the layers that it has.
CODES: dict[str, tuple[Code, dict[str, nn.Module]]] = {
    "product over the samples": (
        lambda m, x: x.permute(1, 2, 0) @ torch.ones(x.size(0), 2, dtype=x.dtype),
        {},
    ),
    "addmm with a factor": (lambda m, x: torch.addmm(ONES[0], x[:, 0], ONES, beta=2), {}),
    "mean over the samples": (lambda m, x: x - x.mean(0), {}),
    "sum over everything": (lambda m, x: x - x.sum(dim=()), {}),
    "random numbers": (lambda m, x: x + torch.randn(3), {}),
    "dropout where it predicts": (lambda m, x: F.dropout(x, 0.5, training=True), {}),
    "dropout between layers where it predicts": (
        in_training,
        {"rnn": gru(num_layers=2, dropout=0.5)},
    ),
    "moments over the batch": (
        lambda m, x: m.bn(x),
        {"bn": nn.BatchNorm1d(6, track_running_stats=False)},
    ),
    "layer norm over the samples": (lambda m, x: F.layer_norm(x, x.shape), {}),
    "quotient by zero": (lambda m, x: x / 0.0, {}),
    "scaled ELU": (lambda m, x: torch.ops.aten.elu(x, 1.0, 2.0, 1.0), {}),
    "circular padding": (lambda m, x: F.pad(x, (1, 1), mode="circular"), {}),
    "negative padding": (lambda m, x: F.pad(x, (-1, 0)), {}),
    "padded pool": (lambda m, x: F.max_pool1d(x.mT, 2, padding=1), {}),
    "adaptive pool to two places": (lambda m, x: F.adaptive_avg_pool1d(x.mT, 2), {}),
    "pool over a matrix": (lambda m, x: F.max_pool1d(x[:, :, 0], 2), {}),
    "constant that differs from sample to sample": (
        lambda m, x: x * torch.arange(x.size(0))[:, None, None],
        {},
    ),
    "quotient by the number of samples": (lambda m, x: x / x.size(0), {}),
    "number of samples as a tensor": (lambda m, x: x * torch.scalar_tensor(x.size(0)), {}),
    "number of samples by a function": (lambda m, x: x * torch.sym_float(x.size(0)), {}),
    "samples beside samples": (lambda m, x: x.unsqueeze(0) + x.unsqueeze(1), {}),
    "samples repeated": (lambda m, x: x.repeat(2, 1, 1), {}),
    "samples joined with a constant": (
        lambda m, x: torch.cat([x, torch.ones(1, 6, 3, dtype=x.dtype)]),
        {},
    ),
    "samples among other numbers": (
        lambda m, x: x.permute(1, 0, 2).reshape(x.shape),
        {},
    ),
    "sum of steps merged in two orders": (
        lambda m, x: x.reshape(-1, 3) + x.transpose(0, 1).reshape(-1, 3),
        {},
    ),
    "merged steps and a matrix": (
        lambda m, x: (x.reshape(-1, 3) * torch.ones(1, 3, dtype=x.dtype)).reshape(x.shape),
        {},
    ),
    "condition on data": (lambda m, x: x if x.sum() > 0 else -x, {}),
    "condition of torch": (
        lambda m, x: torch.cond(torch.tensor(1.0) > 0, lambda y: y + 1, lambda y: y - 1, (x,)),
        {},
    ),
    "output that is fixed": (lambda m, x: (x, torch.ones(2)), {}),
    "output of merged steps": (lambda m, x: x.reshape(-1, 3), {}),
    "recurrent layer along the samples": (
        lambda m, x: m.rnn(x.transpose(0, 1))[0],
        {"rnn": gru()},
    ),
    "number of samples that is fixed": (
        lambda m, x: m.rnn(x, torch.zeros(1, 2, 4, dtype=x.dtype))[0],
        {"rnn": gru()},
    ),
    "packed sequences padded with another number": (
        lambda m, x: packed(m, x, padding_value=-1),
        {"rnn": gru()},
    ),
    "packed sequences padded to more steps": (
        lambda m, x: packed(m, x, total_length=9),
        {"rnn": gru()},
    ),
    "another path for one number of samples": (lambda m, x: x * 2 if x.size(0) == 7 else x, {}),
}

for name, (code, layers) in CODES.items():

    @case(name)
    def _(_: Path, code: Code = code, layers: dict = layers) -> object:
        return read(module(code, **layers), example=EXAMPLE)


#: Examples that do not fit.
EXAMPLES: dict[str, Any] = {
    "no example": None,
    "example of other features": np.zeros((2, 6, 5)),
    "example that is a path": "x.npy",
    "example that is no array": (np.array(["a"]),),
    "example without samples": np.zeros((0, 6, 3)),
    "example without a batch axis": np.zeros((6, 3)),
}

for name, example in EXAMPLES.items():

    @case(name)
    def _(_: Path, example: Any = example) -> object:
        return read(module(steps, rnn=gru()), example=example)


@case("example without a batch axis, steps first")
def _(_: Path) -> object:
    return read(nn.Sequential(nn.Linear(3, 3), nn.LSTM(3, 4)).double(), example=np.zeros((6, 3)))


class Counting(nn.Module):
    """A module whose numbers grow with each call."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.calls = gru(), 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.calls * self.rnn(x)[0][:, -1]


@case("another result at each call")
def _(_: Path) -> object:
    return read(scrambled(Counting().double()), example=EXAMPLE)


@case("written in place, and shared or not")
def _(_: Path) -> object:
    made = module(lambda m, x: m.rnn(x)[0] + m.fc(x) * x.float().mul_(2.0)[..., :1], rnn=gru())
    made.fc = torch.nn.Linear(3, 1)
    return read(made.float(), example=torch.randn(2, 6, 3))


for name, axes in {
    "axis of steps of another input": {"u": 1},
    "axis of steps that is not there": {"x": 3},
}.items():

    @case(name)
    def _(_: Path, axes: dict[str, int] = axes) -> object:
        return read(module(steps, rnn=gru()), example=EXAMPLE, step_axes=axes)


@case("example of one number")
def _(_: Path) -> object:
    return read(module(lambda m, x: x + 1), example=np.array(3.0))


@case("state that differs from sample to sample")
def _(_: Path) -> object:
    made = module(carrying, rnn=gru())
    made.h = torch.arange(8.0).reshape(1, 2, 4).double()
    return read(made, example=EXAMPLE)


@case("module that cannot be copied")
def _(_: Path) -> object:
    class Uncopied(nn.Module):
        def __deepcopy__(self, memo: dict) -> object:
            raise TypeError("not me")

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    return read(Uncopied(), example=EXAMPLE)


@case("TorchScript")
def _(_: Path) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch would rather have it exported
        scripted = torch.jit.trace(nn.Linear(3, 2), torch.zeros(2, 6, 3))
    return read(scripted, example=EXAMPLE)


@case("a state dict's option")
def _(_: Path) -> object:
    return read(module(steps, rnn=gru()), head="fc")
