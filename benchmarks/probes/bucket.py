"""What an LSTM of a catchment holds of its soil and its snow, and what it would hold untrained.

    python -m benchmarks.probes.bucket [--seeds 0 1 2 3 4] [--epochs 14]

A catchment of two stores, snow and soil, is simulated day by day from rain, temperature and
potential evaporation, with rules of our own that anybody can check. LSTMs are trained to give its
discharge and never see the stores. Each store is then probed in later years with
`rnnlens.probe`, whose untrained networks are the same ones before their first step. Printed are, of
each seed and on average, the R2 of the trained state, of every control, the selectivity with its
interval, and whether the forecast uses what is read.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray

import rnnlens
from rnnlens.network.network import Network

Array = NDArray[np.float64]

DAYS, STEPS, UNITS = 8000, 180, 24
#: Days whose windows are trained on, every other one; tested and probed are those after a gap.
TRAINED, PROBED = 4000, 4200
#: Bias that keeps forget gates open before training, as is usual for catchments.
OPEN = 3.0


def catchment(seed: int) -> tuple[Array, Array, Array, Array]:
    """Simulate rain, temperature and evaporation (day, 3), discharge, soil and snow (day,).

    Rain falls as snow below 0; snow melts by 2 mm a degree and day; soil loses evaporation in
    proportion to its filling below 90 mm, and discharge that grows with the square of the filling.
    """
    rng = np.random.default_rng(seed)
    day = np.arange(DAYS)
    warm = 3 + 9 * np.sin(2 * np.pi * (day / 365.25 - 0.3)) + 3 * rng.normal(size=DAYS)
    rain = np.where(rng.random(DAYS) < 0.35, rng.exponential(7.0, DAYS), 0.0)
    demand = np.clip(0.17 * (warm + 4), 0, None)
    soil, snow, discharge = np.zeros((3, DAYS))
    water, cover = 60.0, 0.0
    for k in range(DAYS):
        frozen = rain[k] if warm[k] < 0 else 0.0
        melt = min(cover + frozen, max(0.0, 2.0 * warm[k]))
        cover += frozen - melt
        water += rain[k] - frozen + melt
        water -= min(water, demand[k] * min(1.0, water / 90))
        flow = min(water, 3.0 * (water / 100) ** 2)
        water -= flow
        soil[k], snow[k], discharge[k] = water, cover, flow
    return np.stack([rain, warm, demand], axis=1), discharge, soil, snow


def forecaster(seed: int):
    """Make an untrained network: an LSTM whose last hidden state gives the discharge."""
    import torch
    from torch import nn

    class Discharge(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(3, UNITS, batch_first=True)
            self.out = nn.Linear(UNITS, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            hidden, _ = self.lstm(x)
            return self.out(hidden[:, -1])

    torch.manual_seed(seed)
    made = Discharge()
    with torch.no_grad():
        made.lstm.bias_hh_l0[UNITS : 2 * UNITS] = OPEN
    return made


def networks(seed: int, X: Array, y: Array, epochs: int) -> tuple[Network, Network]:
    """Train a network, and give it as it began and as it ended."""
    import torch

    torch.set_num_threads(1)
    module = forecaster(seed)
    example = np.zeros((1, STEPS, 3), np.float32)
    before = rnnlens.read(module, example=example)
    inputs, wanted = torch.tensor(X, dtype=torch.float32), torch.tensor(y[:, None]).float()
    steps = torch.optim.Adam(module.parameters(), lr=8e-3)
    batches = -(-len(X) // 128)
    slower = torch.optim.lr_scheduler.OneCycleLR(steps, 1e-2, total_steps=epochs * batches)
    for _ in range(epochs):
        order = torch.randperm(len(X))
        for part in order.split(128):
            steps.zero_grad()
            loss = torch.nn.functional.mse_loss(module(inputs[part]), wanted[part])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            steps.step()
            slower.step()
    return before, rnnlens.read(module.eval(), example=example)


def windows(scaled: Array, ends: NDArray[np.int64]) -> Array:
    """Cut the windows that end on some days: (sample, step, 3)."""
    return np.stack([scaled[end - STEPS + 1 : end + 1] for end in ends])


class Years:
    """The catchment's days in network units, the windows that are trained on and those after."""

    def __init__(self) -> None:
        drivers, discharge, self.soil, self.snow = catchment(0)
        seen = slice(0, TRAINED)
        scaled = (drivers - drivers[seen].mean(axis=0)) / drivers[seen].std(axis=0)
        wanted = (discharge - discharge[seen].mean()) / discharge[seen].std()
        trained, self.probed = np.arange(STEPS, TRAINED, 2), np.arange(PROBED, DAYS)
        self.X, self.y = windows(scaled, trained), wanted[trained]
        self.later, self.wanted = windows(scaled, self.probed), wanted[self.probed]


def main() -> None:
    """Train every seed, probe soil and snow, and print what is found."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    asked.add_argument("--epochs", type=int, default=14)
    options = asked.parse_args()
    years = Years()
    began, ended = [], []
    for seed in options.seeds:
        start = time.process_time()
        before, after = networks(seed, years.X, years.y, options.epochs)
        missed = rnnlens.predict(after, years.later)[:, 0] - years.wanted
        skill = 1 - (missed**2).mean() / years.wanted.var()
        print(f"seed {seed}: NSE {skill:.3f}, {time.process_time() - start:.0f} s", flush=True)
        began.append(before)
        ended.append(after)
    for name, store in (("soil", years.soil), ("snow", years.snow)):
        rows = []
        for seed, network in zip(options.seeds, ended, strict=True):
            concept = store[years.probed]
            found = rnnlens.probe(
                network, years.later, concept, target=0, state="cell", untrained=began
            )
            rows.append(_row(name, seed, found))
        _summary(name, rows)


def _row(name: str, seed: int, found) -> dict[str, float]:
    from rnnlens.views.tables.inside.probe import probe_rows

    row = probe_rows(found)[0]
    controls = ", ".join(f"{kind} {value:.2f}" for kind, value in row["controls"].items())
    print(
        f"{name} seed {seed}: R2 {row['r2']:.3f}; {controls}; selectivity "
        f"{row['selectivity']:+.3f} ({row['selectivity_low']:+.3f} to "
        f"{row['selectivity_high']:+.3f}); held {row['erased_change']:.3f}, random "
        f"{row['pushed_change']:.3f}, used {row['used']}, per mm {row['per_concept']:+.4f}",
        flush=True,
    )
    return {"R2": row["r2"], **row["controls"], "selectivity": row["selectivity"]}


def _summary(name: str, rows: list[dict[str, float]]) -> None:
    for kind in rows[0]:
        values = np.array([row[kind] for row in rows])
        print(
            f"  {name} {kind}: mean {values.mean():.3f}, {values.min():.3f} to {values.max():.3f}"
        )


if __name__ == "__main__":
    main()
