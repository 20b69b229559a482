"""A known process and LSTMs trained on it.

``y_t = 0.6 y_(t-1) - 0.3 y_(t-2) + 0.5 u_(t-5) + e``
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from rnnlens.network.cells import LSTM, Gate
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin


def series(count: int, seed: int) -> np.ndarray:
    """``(step, 2)``: y and u."""
    rng = np.random.default_rng(seed)
    y, u = np.zeros(count + 200), np.zeros(count + 200)
    for t in range(6, len(y)):
        u[t] = 0.5 * u[t - 1] + 0.8 * rng.normal()
        y[t] = 0.6 * y[t - 1] - 0.3 * y[t - 2] + 0.5 * u[t - 5] + 0.3 * rng.normal()
    return np.stack([y, u], axis=1)[200:]


def windows(rows: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows ``(sample, step, feature)`` and the value of y after each."""
    X = np.stack([rows[k : k + steps] for k in range(len(rows) - steps)])
    return X, rows[steps:, 0]


def trained(seed: int, *, units: int = 16, steps: int = 20, epochs: int = 30) -> Network:
    """Train an LSTM on the process; it is kept in the temporary folder for the next run."""
    kept = Path(tempfile.gettempdir()) / f"rnnlens-arx-{seed}-{units}-{steps}-{epochs}.npz"
    if not kept.exists():
        np.savez(kept, **_fit(seed, units, steps, epochs))
    with np.load(kept) as stored:
        arrays = {name: stored[name] for name in stored.files}
    names = ("input", "forget", "cell", "output")
    gates = (Gate(arrays[f"W_{n}"], arrays[f"U_{n}"], arrays[f"b_{n}"]) for n in names)
    nodes = (
        Node("x", Input((steps, 2))),
        Node("lstm", Recurrent(LSTM(*gates)), (("x", 0),)),
        Node("dense", Dense(arrays["W"], arrays["b"]), (("lstm", 0),)),
    )
    return Network(nodes, (("dense", 0),), Origin("trained by a benchmark"), f"arx-{seed}")


def _fit(seed: int, units: int, steps: int, epochs: int) -> dict[str, np.ndarray]:
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    X, y = (torch.tensor(part) for part in windows(series(4000, 100 + seed), steps))
    lstm = torch.nn.LSTM(2, units, batch_first=True, dtype=torch.float64)
    head = torch.nn.Linear(units, 1, dtype=torch.float64)
    parameters = [*lstm.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        for chosen in torch.randperm(len(X)).split(256):
            loss = ((head(lstm(X[chosen])[0][:, -1])[:, 0] - y[chosen]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
        schedule.step()
    W, U = (part.detach().numpy() for part in (lstm.weight_ih_l0, lstm.weight_hh_l0))
    b = (lstm.bias_ih_l0 + lstm.bias_hh_l0).detach().numpy()
    found = {"W": head.weight.detach().numpy().T, "b": head.bias.detach().numpy()}
    for k, name in enumerate(("input", "forget", "cell", "output")):
        part = slice(k * units, (k + 1) * units)
        found |= {f"W_{name}": W[part].T, f"U_{name}": U[part].T, f"b_{name}": b[part]}
    return found
