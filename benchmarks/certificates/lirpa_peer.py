"""The peer's side of `lirpa.py`: auto_LiRPA on an LSTM unrolled by hand, in its own environment.

Reads questions from stdin, one JSON object a line, and answers each on stdout. The network begins
at the free step, from the state that is known there: a step more would only loosen the bounds.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from typing import Any

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # the library prints
warnings.filterwarnings("ignore")

import auto_LiRPA  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

torch.set_num_threads(int(os.environ.get("RNNLENS_THREADS", "1")))
torch.set_default_dtype(torch.float64)


def _linear(weight: Any, bias: Any) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight.data, layer.bias.data = torch.tensor(weight), torch.tensor(bias)
    return layer.requires_grad_(False)


class Unrolled(nn.Module):
    """An LSTM from the free step on, as a function of the one free number."""

    def __init__(self, asked: dict[str, Any]) -> None:
        super().__init__()
        W, U, b, w, x = (np.array(asked[name]) for name in ("W", "U", "b", "w", "x"))
        h, c = np.array(asked["h"]), np.array(asked["c"])
        units, free = len(U), asked["feature"]
        gates = [slice(k * units, (k + 1) * units) for k in range(4)]
        others = x[0].copy()
        others[free] = 0.0
        base = others @ W + b + h @ U
        # input, forget, cell, output: layers of their own, since it does not split arrays well
        self.first = nn.ModuleList(_linear(W[free, one][:, None], base[one]) for one in gates)
        self.later = nn.ModuleList(
            nn.ModuleList(_linear(U[:, one].T, (row @ W + b)[one]) for one in gates)
            for row in x[1:]
        )
        self.head = _linear(w.T, np.array(asked["b0"]))
        self.register_buffer("before", torch.tensor(c)[None])

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        """Give the forecast."""
        i, f, g, o = (layer(value) for layer in self.first)
        c = torch.sigmoid(i) * torch.tanh(g)
        if self.before.any():
            c = torch.sigmoid(f) * self.before + c
        h = torch.sigmoid(o) * torch.tanh(c)
        for layers in self.later:
            i, f, g, o = (layer(h) for layer in layers)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return self.head(h)


class Peer:
    """The network that was asked about last, made ready."""

    def build(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Make a network ready, and say what it forecasts."""
        begun = time.perf_counter()
        model = Unrolled(asked)
        own = torch.tensor([[asked["own"]]])
        # patches are for convolutions; its default takes them for sums as well, and fails
        self.module = auto_LiRPA.BoundedModule(
            model, own, device="cpu", bound_opts={"conv_mode": "matrix"}
        )
        return {"forecast": float(model(own)), "seconds": time.perf_counter() - begun}

    def bound(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Bound the network over a range."""
        low, high = (torch.tensor([[asked[end]]]) for end in ("low", "high"))
        ball = auto_LiRPA.PerturbationLpNorm(norm=np.inf, x_L=low, x_U=high)
        value = auto_LiRPA.BoundedTensor((low + high) / 2, ball)
        begun = time.perf_counter()
        with torch.no_grad():
            least, most = self.module.compute_bounds(x=(value,), method=asked["method"])
        seconds = time.perf_counter() - begun
        return {"low": float(least), "high": float(most), "seconds": seconds}


def main() -> None:
    """Answer until there are no more questions."""
    peer = Peer()
    about = {"auto_LiRPA": auto_LiRPA.__version__, "torch": torch.__version__}
    print(json.dumps({**about, "numpy": np.__version__}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        found = peer.build(asked) if "W" in asked else peer.bound(asked)
        print(json.dumps(found), file=answers, flush=True)
    answers.close()


if __name__ == "__main__":
    main()
