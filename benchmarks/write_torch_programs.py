"""Make the programs of ``tests/data/torch_programs``, and what PyTorch gives for them.

It runs where a PyTorch before 2.8 is installed, which wrote another archive than today's, and
nothing else is needed::

    python benchmarks/write_torch_programs.py FOLDER

Where each line of code stood is taken out of the files: it names the folders of one machine.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import nn


class Forecaster(nn.Module):
    """An LSTM with a norm, a head, and numbers that are not trained."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.norm = nn.LSTM(3, 5, batch_first=True), nn.LayerNorm(5)
        self.fc = nn.Linear(5, 2)
        self.register_buffer("scale", torch.tensor([2.0, 3.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give two numbers a window."""
        return self.fc(torch.relu(self.norm(self.rnn(x)[0][:, -1]))) * self.scale


class Several(nn.Module):
    """Two inputs, two outputs, and numbers written in the code."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.fc = nn.GRU(3, 4, batch_first=True), nn.Linear(6, 1)

    def forward(self, x: torch.Tensor, static: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give a number a window, and a mean of the states."""
        steps = self.rnn(x)[0]
        joined = torch.cat([steps[:, -1], static], 1)
        return self.fc(joined), steps.mean(1) * torch.tensor([1.0, 2.0, 3.0, 4.0])


class BothWays(nn.Module):
    """Two layers in both directions over tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(9, 3)
        self.rnn = nn.LSTM(3, 2, num_layers=2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(4, 2)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Give two numbers a window."""
        return self.fc(self.rnn(self.table(tokens))[0]).mean(1)


def without_places(path: Path) -> None:
    """Write an archive anew, without what says where the code stood."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = "serialized_exported_program.json"
    whole = json.loads(members[name])
    for node in whole["graph_module"]["graph"]["nodes"]:
        node["metadata"] = {}
    members[name] = json.dumps(whole).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for other, data in members.items():
            archive.writestr(other, data)


def main(folder: Path) -> None:
    """Write the programs and what their modules give."""
    torch.manual_seed(0)
    windows, tokens = torch.randn(4, 6, 3), torch.randint(0, 9, (4, 6))
    free = {0: torch.export.Dim.AUTO}
    programs = {
        "free": (Forecaster(), (windows,), (free,)),
        "several": (Several(), (windows, torch.randn(4, 2)), (free, free)),
        "both_ways": (BothWays(), (tokens,), None),
    }
    given = {"version": np.array(torch.__version__.split("+")[0])}
    for name, (module, inputs, shapes) in programs.items():
        for parameter in module.eval().parameters():
            nn.init.normal_(parameter, 0, 0.5)
        path = folder / f"{name}.pt2"
        torch.export.save(torch.export.export(module, inputs, dynamic_shapes=shapes), path)
        without_places(path)
        with torch.no_grad():
            made = module(*inputs)
        outputs = made if isinstance(made, tuple) else (made,)
        given |= {f"{name}_x{k}": array.numpy() for k, array in enumerate(inputs)}
        given |= {f"{name}_y{k}": array.numpy() for k, array in enumerate(outputs)}
    np.savez(folder / "given.npz", **given)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
