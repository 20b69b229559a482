"""PyTorch modules with distinct random weights, and the files that hold their state dicts."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

__all__ = ["CELLS", "Coded", "agree", "made", "safetensors", "saved", "scrambled"]

#: Cells by name: the module and the options that make it.
CELLS: dict[str, tuple[Any, dict[str, Any]]] = {
    "lstm": (torch.nn.LSTM, {}),
    "lstm_projected": (torch.nn.LSTM, {"proj_size": 2}),
    "gru": (torch.nn.GRU, {}),
    "rnn_tanh": (torch.nn.RNN, {"nonlinearity": "tanh"}),
    "rnn_relu": (torch.nn.RNN, {"nonlinearity": "relu"}),
}


class Coded(torch.nn.Module):
    """Layers by name, and forward code of one input that is a function."""

    def __init__(self, code: Callable[..., Any], **layers: Any) -> None:
        super().__init__()
        self.code = code
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: torch.Tensor) -> Any:
        return self.code(self, x)


def scrambled(module: torch.nn.Module, seed: int = 7, scale: float = 0.4) -> torch.nn.Module:
    """Give every array of a module distinct random numbers, moments too; put it to predict."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for name, array in module.state_dict().items():
            if array.is_floating_point():
                values = rng.normal(size=tuple(array.shape)) * scale
                values = 0.3 + np.abs(values) if name.endswith("running_var") else values
                array.copy_(torch.as_tensor(values))
    return module.eval()


def made(cell: str, dtype: str = "float64", features: int = 3, units: int = 4, **options: Any):
    """Make a recurrent module."""
    kind, own = CELLS[cell]
    module = kind(features, units, dtype=getattr(torch, dtype), **own, **options)
    return scrambled(module)


def safetensors(state: dict[str, torch.Tensor], path: Path) -> Path:
    """Write a safetensors file by hand, from the description of the format."""
    names = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16"}
    names[torch.int64] = "I64"
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, tensor in state.items():
        begin = len(data)
        data += tensor.detach().numpy().tobytes()
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, len(data)],
        }
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def saved(state: Any, folder: Path, container: str = "zip") -> Path:
    """Write a state dict in one of its containers."""
    if container == "safetensors":
        return safetensors(state, folder / "model.safetensors")
    path = folder / "model.pt"
    torch.save(state, path, _use_new_zipfile_serialization=container == "zip")
    return path


def agree(ours: np.ndarray, theirs: Any, dtype: str = "float64") -> None:
    """Require agreement to rounding in the source's precision, 1e-12 or 1e-6 of a number."""
    expected = theirs.detach().numpy().astype(float)
    size = max(1.0, float(np.abs(expected).max()))
    tolerance = {"float64": 1e-12, "float32": 1e-6}[dtype] * size
    np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance)
