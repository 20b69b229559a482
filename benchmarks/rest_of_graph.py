"""The share of a run that is spent outside recurrent layers, on networks of several kinds.

Measured by Python's own profiler on the public calls: the time within the operations of recurrent
layers, called functions included, is taken from the whole. Whatever else happens counts as rest:
other layers, checks of the input, cutting into chunks.
"""

from __future__ import annotations

import os

os.environ["RNNLENS_THREADS"] = "1"  # the profiler sees the main thread alone

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import cProfile
import pstats
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from harness import ours
from harness.measure import agree
from harness.record import Record
from torch import nn

import rnnlens
from rnnlens.engine.operations.registry import pull, run
from rnnlens.network.layers import Recurrent

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


def outside(call: Callable[[], object]) -> float:
    """Give the percentage of a call's time that is spent outside recurrent layers."""
    codes = [operation.dispatch(Recurrent).__code__ for operation in (run, pull)]
    keys = [(code.co_filename, code.co_firstlineno, code.co_name) for code in codes]
    profile = cProfile.Profile()
    profile.runcall(call)
    profile.create_stats()
    stats = pstats.Stats(profile)
    total, found = stats.total_tt, stats.stats  # type: ignore[attr-defined]
    inside = sum(found[key][3] for key in keys if key in found)
    assert inside > 0, "no recurrent layer was run through its operation"
    return 100 * (1 - inside / total)


def given(name: str, count: int) -> np.ndarray:
    """Give windows that a network takes."""
    rng = np.random.default_rng(0)
    if name.startswith("Embedding"):
        return rng.integers(0, TOKENS, (count, STEPS))
    return rng.standard_normal((count, STEPS, FEATURES), np.float32)


def main() -> None:
    """Measure a forecast and a gradient of every network."""
    record = Record("rest_of_graph", __doc__ or "")
    count = 64 if record.quick else 8192
    sizes = f"H={UNITS} F={FEATURES} T={STEPS}, {count:,} windows"
    shares: dict[str, dict[str, float]] = {work: {} for work in WORK}
    for name, module in networks().items():
        x = given(name, count)
        network = rnnlens.read(module.eval(), example=torch.from_numpy(x[:2]))
        with torch.no_grad():
            agree(name, ours.predict(network, x), module(torch.from_numpy(x)), TOLERANCE)
        for work, call in WORK.items():
            call(network, x)
            rounds = [outside(lambda c=call, n=network, x=x: c(n, x)) for _ in range(record.rounds)]
            shares[work][name] = median(rounds)
    for work, found in shares.items():
        note = f"rnnlens in {ours.PRECISION}; medians of {record.rounds} profiles"
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
