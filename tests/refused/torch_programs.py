"""Programs of torch.export that are not read, and steps that code picks by the data."""

from __future__ import annotations

import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from torch import nn

from refused.registry import section
from rnnlens.api import read
from torch_models import scrambled

case = section("Programs of torch.export")


class Doubled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x)


class Merged(Doubled):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.reshape(x.size(0) * x.size(1), 3)).reshape(*x.shape[:2], 2)


class Sorted(Doubled):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(torch.linalg.qr(x)[0])


class Across(Doubled):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x - x.mean(0))


class Nothing(Doubled):
    def forward(self, x: None) -> torch.Tensor:
        return super().forward(torch.ones(2, 3))


X = torch.zeros(4, 6, 3)


def program(kind: type[nn.Module] = Doubled, x: object = X) -> torch.export.ExportedProgram:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(scrambled(kind()), (x,))


def saved(folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(program(), folder / "model.pt2")
    return folder / "model.pt2"


def rewritten(folder: Path, end: str, change: Callable[[bytes], bytes], **more: bytes) -> object:
    with (
        zipfile.ZipFile(saved(folder)) as old,
        zipfile.ZipFile(folder / "changed.pt2", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if name.endswith(end) else data)
        for name, data in more.items():
            new.writestr(f"model/models/{name}.json", data)
    return read(folder / "changed.pt2")


@case("one number of samples")
def _(_: Path) -> object:
    return read(program(Merged))


@case("an operation that is not known")
def _(_: Path) -> object:
    return read(program(Sorted))


@case("numbers across samples")
def _(_: Path) -> object:
    return read(program(Across))


@case("no input")
def _(_: Path) -> object:
    return read(program(Nothing, None))


@case("an option")
def _(_: Path) -> object:
    return read(program(), example=X)


@case("no torch")
def _(folder: Path) -> object:
    path = saved(folder)
    with patch.dict(sys.modules, {"torch": None}):
        return read(path)


@case("two programs")
def _(folder: Path) -> object:
    return rewritten(folder, "-", bytes, other=b"{}")


@case("a graph that is none")
def _(folder: Path) -> object:
    return rewritten(folder, "models/model.json", lambda _: b"[]")


@case("a graph that swells")
def _(folder: Path) -> object:
    return rewritten(folder, "models/model.json", lambda _: b" " * 10**7)


@case("a member that is damaged")
def _(folder: Path) -> object:
    path = saved(folder)
    data = bytearray(path.read_bytes())
    data[data.index(b'{"graph_module"') + 40] ^= 1
    path.write_bytes(data)
    return read(path)


@case("a pickled weight")
def _(folder: Path) -> object:
    def change(data: bytes) -> bytes:
        return data.replace(b'"use_pickle": false', b'"use_pickle": true')

    return rewritten(folder, "weights_config.json", change)


@case("weights of PyTorch before 2.8 that are none")
def _(folder: Path) -> object:
    graph, weights = "serialized_exported_program.json", "serialized_state_dict.pt"
    with zipfile.ZipFile(folder / "model.pt2", "w") as made:
        made.writestr(graph, "{}")
        made.writestr(weights, b"no archive")
    return read(folder / "model.pt2")


picks = section("Steps that code picks by the data")


class Picking(nn.Module):
    def __init__(self, code: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.code = code

    def forward(self, x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        return self.code(x, n)


N = np.array([1, 2, 3, 4])
PICKS: dict[str, tuple[Callable[[torch.Tensor, torch.Tensor], torch.Tensor], np.ndarray]] = {
    "features": (lambda x, n: x.gather(2, n[:, None, None].expand(-1, 6, 1) // 2), N),
    "several steps": (lambda x, n: x.gather(1, n[:, None, None].expand(-1, 2, 3)), N),
    "another step for each feature": (lambda x, n: x.gather(1, n), N.repeat(3).reshape(4, 1, 3)),
}

for name, (code, places) in PICKS.items():

    @picks(name)
    def _(_: Path, code: object = code, places: np.ndarray = places) -> object:
        return read(Picking(code), example=(X, places))  # type: ignore[arg-type]
