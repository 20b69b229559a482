"""Train networks that keep three bits, and write them as small files of arrays.

    python -m benchmarks.fixed_points.train_flip_flop --out folder [--seeds 0 1 2 3 4]
        [--epochs 150] [--kinds LSTM GRU] [--pulses 0.5]
    python -m benchmarks.fixed_points.train_flip_flop --fixtures tests/data/flip_flop

The task and its settings are those of the public finder's example: pulses with probability 1/2 in
windows of 64 steps. A GRU seldom has to hold a bit for long then and may keep it without a point
for each boundary between two answers, so that it is trained with one pulse in ten steps; with
these, LSTMs and GRUs of seeds 0 to 4 all have 27 points (``flip_flop`` proves them, and its
``--edges`` looks for others in networks with fewer). One thread trains, so that the same
version of PyTorch on the same processor gives the same numbers. ``--fixtures`` writes seed 0 of
both, which the tests use, with 24 windows each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

UNITS = 16
#: The probability of a pulse in training.
PULSES = {"LSTM": 0.5, "GRU": 0.1}


def task(
    rng: np.random.RandomState, windows: int, steps: int = 64, share: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Give pulses and the bits that they set: (window, step, 3) each."""
    pulses = rng.binomial(1, share, (windows, steps, 3))
    pulses *= 2 * rng.binomial(1, 0.5, (windows, steps, 3)) - 1
    pulses[:, 0] = 2 * rng.binomial(1, 0.5, (windows, 3)) - 1
    bits, kept = np.zeros_like(pulses), np.zeros((windows, 3))
    for t in range(steps):
        kept = np.where(pulses[:, t] != 0, pulses[:, t], kept)
        bits[:, t] = kept
    return pulses, bits


def train(kind: str, seed: int, epochs: int, share: float) -> tuple[dict[str, np.ndarray], float]:
    """Train one network, and give its arrays and its last error."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.RandomState(seed)
    pulses, bits = task(rng, 512, share=share)
    x, y = (torch.tensor(one, dtype=torch.float32) for one in (pulses, bits))
    layer = {"LSTM": nn.LSTM, "GRU": nn.GRU}[kind](3, UNITS, batch_first=True)
    head = nn.Linear(UNITS, 3)
    optimiser = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.01)
    slower = torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.99)
    loss = torch.zeros(())
    for _ in range(epochs):
        for batch in torch.randperm(512).split(128):
            loss = ((head(layer(x[batch])[0]) - y[batch]) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
            optimiser.step()
        slower.step()
    arrays = {k: v.detach().numpy() for k, v in layer.state_dict().items()}
    arrays |= {"V": head.weight.detach().numpy(), "bo": head.bias.detach().numpy()}
    arrays["X"] = pulses[:24].astype(np.int8)
    return arrays, float(loss.detach())


def main() -> None:
    """Train and write."""
    asked = argparse.ArgumentParser()
    where = asked.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path)
    where.add_argument("--fixtures", type=Path)
    asked.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    asked.add_argument("--epochs", type=int, default=150)
    asked.add_argument("--kinds", nargs="+", choices=tuple(PULSES), default=list(PULSES))
    asked.add_argument("--pulses", type=float)
    given = asked.parse_args()
    folder = given.out or given.fixtures
    folder.mkdir(parents=True, exist_ok=True)
    for kind in given.kinds:
        for seed in given.seeds if given.out else (0,):
            share = PULSES[kind] if given.pulses is None else given.pulses
            arrays, loss = train(kind, seed, given.epochs, share)
            name = f"{kind.lower()}_{seed}" if given.out else kind.lower()
            np.savez_compressed(folder / f"{name}.npz", **arrays)
            print(f"{kind} {seed}: mean squared error {loss:.2e}", flush=True)


if __name__ == "__main__":
    main()
