"""State dicts of PyTorch and the files that hold them, safetensors among them."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from refused.registry import alike, section
from rnnlens.api import read
from rnnlens.readers.torch import file as torch_file
from torch_models import made, saved, scrambled


class Forecaster(torch.nn.Module):
    """An LSTM and a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = torch.nn.LSTM(3, 4, batch_first=True, dtype=torch.float64)
        self.fc = torch.nn.Linear(4, 2, dtype=torch.float64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.rnn(x)[0][:, -1])


LSTM = made("lstm", num_layers=2).state_dict()

# --- state dicts -------------------------------------------------------------------------------

case = section("State dicts of PyTorch")


def two_modules() -> dict[str, Any]:
    model = torch.nn.ModuleDict({"a": torch.nn.LSTM(3, 4), "b": torch.nn.GRU(4, 4)})
    return model.state_dict()


#: The state dict, and the options.
STATES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "two modules": (two_modules(), {}),
    "array missing": ({k: v for k, v in LSTM.items() if k != "weight_hh_l0"}, {}),
    "layer missing": ({k: v for k, v in LSTM.items() if "l1" in k}, {}),
    "reverse direction alone": ({f"{k}_reverse": v for k, v in LSTM.items()}, {}),
    "arrays of no cell": (
        {**LSTM, "weight_ih_l0": torch.ones(20, 3), "weight_hh_l0": torch.ones(20, 4)},
        {},
    ),
    "layers that do not fit": ({**LSTM, "weight_ih_l1": torch.ones(16, 7)}, {}),
    "layers of two kinds": (
        {
            **LSTM,
            "weight_ih_l1": torch.ones(12, 4),
            "weight_hh_l1": torch.ones(12, 4),
            "bias_ih_l1": torch.ones(12),
            "bias_hh_l1": torch.ones(12),
        },
        {},
    ),
    "NaN": ({**LSTM, "bias_hh_l1": torch.full((16,), torch.nan)}, {}),
    "whole numbers": ({**LSTM, "weight_ih_l0": torch.ones(16, 3, dtype=torch.int64)}, {}),
    "sparse array": ({**LSTM, "weight_ih_l0": torch.ones(16, 3).to_sparse()}, {}),
    "head that is not there": (scrambled(Forecaster()).state_dict(), {"head": "out"}),
    "head of another width": (
        {**made("lstm", units=5).state_dict(), "fc.weight": torch.ones(2, 4)},
        {"head": "fc"},
    ),
    "head after both directions": (
        {**made("lstm", bidirectional=True).state_dict(), "fc.weight": torch.ones(2, 8)},
        {"head": "fc"},
    ),
    "head whose bias does not fit": (
        {**LSTM, "fc.weight": torch.ones(2, 4), "fc.bias": torch.ones(3)},
        {"head": "fc"},
    ),
    "nonlinearity not stated": (made("rnn_tanh").state_dict(), {}),
    "unknown nonlinearity": (made("rnn_tanh").state_dict(), {"nonlinearity": "sine"}),
    "nonlinearity of an LSTM": (LSTM, {"nonlinearity": "relu"}),
}

for name, (state, options) in STATES.items():

    @case(name)
    def _(folder: Path, state: dict = state, options: dict = options) -> None:
        path = saved(state, folder)
        alike(lambda: read(state, **options), lambda: read(path, **options))


@case("array larger than any")
def _(_: Path) -> object:
    with patch.object(torch_file, "LARGEST_ARRAY", 1):
        return read(LSTM)


@case("a live module's option")
def _(folder: Path) -> object:
    return read(saved(LSTM, folder), example=np.zeros((1, 2, 3)))


# --- files -------------------------------------------------------------------------------------

case = section("PyTorch files")


@case("two state dicts")
def _(folder: Path) -> object:
    return read(saved({"model": LSTM, "ema": LSTM}, folder))


@case("dict without recurrent arrays")
def _(folder: Path) -> object:
    return read(saved({"weight": torch.ones(2)}, folder))


@case("tensor")
def _(folder: Path) -> object:
    return read(saved(torch.ones(3), folder))


class Bomb:
    """Its pickle writes a file when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable, tuple[str, str]]:
        return open, (str(self.path), "w")


@case("pickled module")
def _(folder: Path) -> None:
    for name in ("new", "old"):
        (folder / name).mkdir()
    paths = [saved(torch.nn.Linear(2, 2), folder / "new", "zip")]
    paths += [saved(torch.nn.Linear(2, 2), folder / "old", "container before 1.6")]
    whole = folder / "model.pt"

    def read_from(path: Path) -> object:
        whole.write_bytes(path.read_bytes())
        return read(whole)

    alike(*(lambda path=path: read_from(path) for path in paths))


for container in ("zip", "container before 1.6"):

    @case(f"code in a pickle, {container}")
    def _(folder: Path, container: str = container) -> None:
        mark = folder / "ran"
        path = saved({"extra": Bomb(mark), **LSTM}, folder, container)
        try:
            read(path)
        finally:
            assert not mark.exists()


@case("damaged pickle")
def _(folder: Path) -> object:
    path = saved(LSTM, folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:600] + bytes(200) + whole[800:])
    return read(path)


@case("archive that unpacks to more than itself")
def _(folder: Path) -> object:
    path = folder / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10_000_000))
    return read(path)


def archived(folder: Path, *members: str) -> object:
    with zipfile.ZipFile(folder / "model.pt", "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    return read(folder / "model.pt")


@case("exported program")
def _(folder: Path) -> object:
    return archived(folder, "program/archive_format")


@case("TorchScript")
def _(folder: Path) -> object:
    return archived(folder, "model/data.pkl", "model/constants.pkl", "model/code/m.py")


@case("torch not installed")
def _(folder: Path) -> object:
    with patch.object(torch_file, "find_spec", lambda _: None):
        return read(saved(LSTM, folder))


# --- safetensors -------------------------------------------------------------------------------

case = section("safetensors")


def container(folder: Path, header: bytes, size: int = 8) -> Path:
    path = folder / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(size))
    return path


#: The bytes of the header, before eight bytes of numbers.
HEADERS: dict[str, bytes] = {
    "header that is no JSON": b'{"a": ',
    "header that is a list": b"{[]}",
    "array without a shape": b'{"a": {"dtype": "F32"}}',
    "array of a negative shape": (
        b'{"b": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}'
    ),
    "array of an absurd shape": (
        b'{"c": {"dtype": "F32", "shape": [1000000000000], "data_offsets": [0, 4]}}'
    ),
    "array longer than the file": (
        b'{"d": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}'
    ),
    "no recurrent layer": b'{"e": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}',
}

for name, header in HEADERS.items():

    @case(name)
    def _(folder: Path, header: bytes = header) -> object:
        return read(container(folder, header))


@case("whole numbers")
def _(folder: Path) -> object:
    header = {
        "weight_ih": {"dtype": "I32", "shape": [4, 3], "data_offsets": [0, 48]},
        "weight_hh": {"dtype": "F32", "shape": [4, 4], "data_offsets": [48, 112]},
    }
    return read(container(folder, json.dumps(header).encode(), 112), nonlinearity="tanh")
