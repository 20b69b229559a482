"""Train a small GRU that swings by itself while its input is held, and write its arrays.

    python -m benchmarks.fixed_points.train_sine --out tests/data/sine/gru.npz

The input is 1 at every step; the output is to be a sine of a whole number of steps. A cycle of a
map comes back exactly only where it is locked to its steps, which training does not see to: seeds
are tried in turn until the state comes back after that many steps.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

UNITS, PERIOD, STEPS, EPOCHS, SEEDS = 6, 6, 60, 1500, 8


def train(seed: int) -> tuple[dict[str, np.ndarray], float, float]:
    """Train one, and give its arrays, its last error, and how far a period is from coming back."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    layer, head = nn.GRU(1, UNITS, batch_first=True), nn.Linear(UNITS, 1)
    optimiser = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.02)
    slower = torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.998)
    x = torch.ones(1, STEPS, 1)
    y = torch.sin(2 * np.pi * torch.arange(STEPS) / PERIOD)[None, :, None]
    loss = torch.zeros(())
    for _ in range(EPOCHS):
        loss = ((head(layer(x)[0]) - y) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
        optimiser.step()
        slower.step()
    with torch.no_grad():
        states = layer.double()(torch.ones(1, 4000, 1, dtype=torch.float64))[0][0]
        away = float((states[-1] - states[-1 - PERIOD]).abs().max())
        swing = float((states[-1] - states[-2]).abs().max())
    arrays = {k: v.detach().float().numpy() for k, v in layer.state_dict().items()}
    arrays |= {"V": head.weight.detach().numpy(), "bo": head.bias.detach().numpy()}
    return arrays, float(loss.detach()), away if swing > 0.1 else np.inf


def main() -> None:
    """Train until one is locked, and write it."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--out", type=Path, required=True)
    given = asked.parse_args()
    for seed in range(SEEDS):
        arrays, loss, away = train(seed)
        print(
            f"seed {seed}: mean squared error {loss:.1e}, after {PERIOD} steps {away:.0e} from "
            "where it was",
            flush=True,
        )
        if away < 1e-9:
            given.out.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(given.out, **arrays)
            return
    raise SystemExit("no network of these seeds is locked to its steps")


if __name__ == "__main__":
    main()
