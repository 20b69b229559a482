"""State dicts of PyTorch and the files that hold them, safetensors among them."""

from __future__ import annotations

import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from refused.registry import alike, section
from rnnlens.api import read
from rnnlens.errors import UnsupportedModel
from rnnlens.readers.torch import state_dict
from rnnlens.readers.torch.checkpoint import container as torch_container
from rnnlens.readers.torch.checkpoint import tensors
from rnnlens.readers.torch.file import parts_in
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
    "head and layers": (LSTM, {"head": "fc", "layers": "LSTM > Linear(fc)"}),
    "arrays of another cell": ({**LSTM, "phase": torch.ones(4)}, {}),
    "parametrisation that is not known": (
        {**LSTM, "parametrizations.weight_hh_l0.original": torch.ones(16, 4)},
        {},
    ),
    "weight_norm that does not fit": (
        {
            **{k: v for k, v in LSTM.items() if k != "weight_hh_l0"},
            "weight_hh_l0_g": torch.ones(5, 1),
            "weight_hh_l0_v": torch.ones(16, 4),
        },
        {},
    ),
    "spectral_norm that does not fit": (
        {
            **{k: v for k, v in LSTM.items() if k != "weight_hh_l0"},
            "weight_hh_l0_orig": torch.ones(16, 4),
            "weight_hh_l0_u": torch.ones(5),
            "weight_hh_l0_v": torch.ones(4),
        },
        {},
    ),
}

for name, (state, options) in STATES.items():

    @case(name)
    def _(folder: Path, state: dict = state, options: dict = options) -> None:
        path = saved(state, folder)
        alike(lambda: read(state, **options), lambda: read(path, **options))


@case("array larger than any")
def _(_: Path) -> None:
    with patch.object(state_dict, "LARGEST_ARRAY", 1):
        read(LSTM)


@case("array larger than any, in a file")
def _(folder: Path) -> object:
    with patch.object(tensors, "LARGEST_ARRAY", 1):
        return read(saved(LSTM, folder))


@case("whole numbers, in a file")
def _(folder: Path) -> object:
    return read(saved(STATES["whole numbers"][0], folder))


@case("sparse array, in a file")
def _(folder: Path) -> object:
    return read(saved(STATES["sparse array"][0], folder))


@case("a live module's option")
def _(folder: Path) -> object:
    return read(saved(LSTM, folder), example=np.zeros((1, 2, 3)))


# --- files -------------------------------------------------------------------------------------

case = section("PyTorch files")


OTHERS = {key: value + 1 for key, value in LSTM.items()}


@case("two state dicts")
def _(folder: Path) -> object:
    path = saved({"model": LSTM, "ema": OTHERS}, folder)
    try:
        read(path)
    except UnsupportedModel:
        read(path, part="model")  # as it says
        raise


@case("part that is not there")
def _(folder: Path) -> object:
    return read(saved({"model": LSTM, "ema": OTHERS}, folder), part="encoder")


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


@case("pickled module without a recurrent layer")
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


@case("archive without its pickle")
def _(folder: Path) -> object:
    return archived(folder, "model/constants.pkl", "model/code/m.py")


@case("pickle that is none")
def _(folder: Path) -> object:
    return archived(folder, "model/data.pkl")


def pickled(folder: Path, *values: object) -> Path:
    """Write a container before 1.6 whose pickles are those of plain values."""
    path = folder / "model.pt"
    whole = [torch_container.LEGACY, b".", *(pickle.dumps(value, 2) for value in values)]
    path.write_bytes(b"".join(whole))
    return path


def tensor(*described: object, maker: bytes = b"ctorch._utils\n_rebuild_tensor_v2\n") -> bytes:
    """Give the pickle of a state dict of one array, described so."""
    inner = pickle.dumps(described, 2)[2:-1]
    return b"\x80\x02}X\x09\0\0\0weight_ih" + maker + inner + b"Rs."


def archive_of(folder: Path, content: bytes, **members: bytes) -> Path:
    path = folder / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", content)
        for name, data in members.items():
            archive.writestr(f"m/data/{name}", data)
    return path


#: A storage of so many numbers, as its identifier names it.
STORAGE = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0aX\3\0\0\0cpuK%ctQ"


def stored(shape: tuple[int, ...], strides: tuple[int, ...], count: int, **members: bytes) -> bytes:
    """Give the pickle of one array of a storage of so many numbers."""
    storage = STORAGE.replace(b"%c", bytes([count]))
    size, step = (pickle.dumps(part, 2)[2:-1] for part in (shape, strides))
    start = b"\x80\x02}X\x09\0\0\0weight_ih" + b"ctorch._utils\n_rebuild_tensor_v2\n("
    return start + storage + b"K\0" + size + step + b"\x89NtRs."


@case("tensor that is not described")
def _(folder: Path) -> object:
    return read(archive_of(folder, tensor(1, 2)))


@case("tensor larger than its numbers")
def _(folder: Path) -> object:
    return read(archive_of(folder, stored((4, 3), (3, 1), 2)))


@case("numbers that are missing")
def _(folder: Path) -> object:
    state = stored((4, 3), (3, 1), 12)
    return read_or_raise_of(folder, state)


@case("numbers that are cut off")
def _(folder: Path) -> object:
    return read_or_raise_of(folder, stored((4, 3), (3, 1), 12), a=bytes(7))


@case("numbers that are not all there")
def _(folder: Path) -> object:
    return read_or_raise_of(folder, stored((4, 3), (3, 1), 12), a=bytes(8))


def read_or_raise_of(folder: Path, content: bytes, **members: bytes) -> object:
    """Load the one array of a file."""
    parts, _ = parts_in(archive_of(folder, content, **members))
    return parts[0].arrays["weight_ih"].load()


@case("member longer than any")
def _(folder: Path) -> object:
    path = saved(LSTM, folder)
    with patch.object(torch_container, "LONGEST_PICKLE", 8):
        return read(path)


@case("objects kept elsewhere")
def _(folder: Path) -> object:
    return read(archive_of(folder, b"\x80\x02K\1Q."))


@case("part of numbers outside of them")
def _(folder: Path) -> object:
    view = pickle.dumps(("b", 5, 9), 2)[2:-1]
    content = b"\x80\x02" + STORAGE.replace(b"%c", b"\7").removesuffix(b"tQ") + view + b"tQ."
    return read(archive_of(folder, content))


for container in ("zip", "container before 1.6"):

    @case(f"nested too deep, {container}")
    def _(folder: Path, container: str = container) -> object:
        path = saved(LSTM, folder, container)
        with patch.object(torch_container, "read_pickle", side_effect=RecursionError):
            return read(path)


@case("container before 1.6 without its list")
def _(folder: Path) -> object:
    return read(pickled(folder, 1001, {}, {}, 7))


@case("container before 1.6 that is cut off")
def _(folder: Path) -> object:
    path = saved(LSTM, folder, "container before 1.6")
    path.write_bytes(path.read_bytes()[:-8])
    return read(path)


def quantised(scheme: torch.Tensor) -> dict[str, Any]:
    return {"weight_ih": scheme, "weight_hh": torch.ones(16, 4)}


@case("whole numbers of a scheme that is not known")
def _(folder: Path) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch would rather have no such tensors
        rows = torch.quantize_per_channel(
            torch.randn(16, 3), torch.rand(16) + 0.1, torch.zeros(16), 0, torch.qint8
        )
    path = saved(quantised(rows), folder)
    with patch.object(tensors.Tensors, "_by_row", lambda *_: None):
        return read(path)


# --- JSON --------------------------------------------------------------------------------------

case = section("JSON with PyTorch's names")


@case("text that is no JSON")
def _(folder: Path) -> object:
    (folder / "model.json").write_text('{"weight_ih_l0": [[1, 2], [3')
    return read(folder / "model.json")


@case("rows of different lengths")
def _(folder: Path) -> object:
    (folder / "model.json").write_text('{"weight_ih_l0": [[1, 2], [3]]}')
    return read(folder / "model.json")


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
