"""The share of a run that is spent outside recurrent layers, on networks of several kinds.

Clocks stand around the calls that run recurrent layers by kernels, and their time is taken from
that of the public call. Whatever else happens counts as rest: other layers, checks of the input,
cutting into chunks. Python's profiler would not do: it slows every call of a Python function, of
which the rest has many and the kernels few. A gradient is not asked of a network that takes tokens.
"""

from __future__ import annotations

import os

os.environ["RNNLENS_THREADS"] = "1"  # times of several threads are no shares of one

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from statistics import median
from time import perf_counter
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from harness import ours
from harness.measure import agree
from harness.record import Record
from torch import nn

import rnnlens
from rnnlens.engine import last_state
from rnnlens.engine.operations import recurrent

UNITS, FEATURES, STEPS, TOKENS = 32, 8, 24, 50
WORK = {"forecast": ours.predict, "gradient": ours.gradient}
#: Two ways to sum a product differ by this much, relative to the largest forecast.
TOLERANCE = 2e-5
#: Largest share of the rest, in percent.
MOST = 20


class Last(nn.Module):
    """A recurrent layer of which the last hidden state goes on."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(features, UNITS, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give the last hidden state."""
        return self.rnn(x)[1][0][-1]


class Sequence(Last):
    """A recurrent layer of which every hidden state goes on."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give the hidden states."""
        return self.rnn(x)[0]


class Convolved(nn.Module):
    """A convolution over the steps."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(FEATURES, UNITS, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve, channels last."""
        return torch.relu(self.convolution(x.transpose(1, 2))).transpose(1, 2)


def networks() -> dict[str, nn.Module]:
    """Give the networks by what they are made of."""
    torch.manual_seed(0)
    return {
        "LSTM, Dense": nn.Sequential(Last(FEATURES), nn.Linear(UNITS, 1)),
        "two LSTM with LayerNormalization, Dense at every step": nn.Sequential(
            Sequence(FEATURES),
            nn.LayerNorm(UNITS),
            Sequence(UNITS),
            nn.LayerNorm(UNITS),
            nn.Linear(UNITS, 1),
            nn.Flatten(),
        ),
        "Conv1D, LSTM, Dense": nn.Sequential(Convolved(), Last(UNITS), nn.Linear(UNITS, 1)),
        "Embedding, LSTM, Dense": nn.Sequential(
            nn.Embedding(TOKENS, FEATURES), Last(FEATURES), nn.Linear(UNITS, 1)
        ),
    }


#: Where the engine calls what runs a recurrent layer by kernels.
DOORS = (
    (recurrent, "run_forward"),
    (recurrent, "run_backward"),
    (last_state, "readout_gradient"),
)


@contextmanager
def clocked() -> Generator[list[float]]:
    """Collect the seconds of each call that runs a recurrent layer by kernels."""
    seconds: list[float] = []

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            begun = perf_counter()
            result = function(*arguments)
            seconds.append(perf_counter() - begun)
            return result

        return call

    with ExitStack() as stack:
        for module, name in DOORS:
            stack.enter_context(patch.object(module, name, timed(getattr(module, name))))
        yield seconds


def outside(call: Callable[[], object]) -> float:
    """Give the percentage of a call's time that is spent outside recurrent layers."""
    with clocked() as seconds:
        begun = perf_counter()
        call()
        total = perf_counter() - begun
    assert seconds, "no recurrent layer was run by a kernel"
    return 100 * (1 - sum(seconds) / total)


def given(name: str, count: int) -> np.ndarray:
    """Give windows that a network takes."""
    rng = np.random.default_rng(0)
    if name.startswith("Embedding"):
        return rng.integers(0, TOKENS, (count, STEPS))
    return rng.standard_normal((count, STEPS, FEATURES), np.float32)


def main() -> None:
    """Measure a forecast and a gradient of every network."""
    record = Record("rest_of_graph", __doc__ or "")
    count, calls = 64 if record.quick else 8192, 3 * record.rounds
    sizes = f"H={UNITS} F={FEATURES} T={STEPS}, {count:,} windows"
    shares: dict[str, dict[str, float]] = {work: {} for work in WORK}
    for name, module in networks().items():
        x = given(name, count)
        network = rnnlens.read(module.eval(), example=torch.from_numpy(x[:2]))
        with torch.no_grad():
            agree(name, ours.predict(network, x), module(torch.from_numpy(x)), TOLERANCE)
        for work, call in WORK.items():
            if work == "gradient" and x.dtype.kind == "i":  # tokens have none
                continue
            call(network, x)
            rounds = [outside(lambda c=call, n=network, x=x: c(n, x)) for _ in range(calls)]
            shares[work][name] = median(rounds)
    for work, found in shares.items():
        note = f"rnnlens in {ours.PRECISION}; medians of {calls} calls"
        shown = {name: (share, "%") for name, share in found.items()}
        record.values(f"share outside recurrent layers, {work}", sizes, shown, note=note)
        worst = max(found, key=lambda name: found[name])
        record.claim(
            f"share of a {work} outside recurrent layers, the most of the networks",
            found[worst],
            "%",
            most=MOST,
            sizes=f"{worst}; {sizes}",
        )
    record.save()


if __name__ == "__main__":
    main()
