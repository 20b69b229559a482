"""Files that hold a state dict, whatever their format: read as a network, or named by array."""

from __future__ import annotations

from pathlib import Path

from rnnlens.network.arrays import Arrays
from rnnlens.network.network import Network, Origin
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.torch import file as torch_file
from rnnlens.readers.torch import safetensors_file
from rnnlens.readers.torch.named import named
from rnnlens.readers.torch.state import TAKES, LazyArray, network_of

__all__ = ["TAKES", "arrays", "match", "read"]


def match(path: Path) -> bool:
    """Tell whether a file holds a state dict, by its content."""
    return torch_file.match(path) or safetensors_file.match(path)


def read(path: Path, options: ReadOptions) -> Network:
    """Read the state dict in a file."""
    arrays, origin = _state_dict_in(path)
    return network_of(arrays, options, origin)


def arrays(path: Path) -> Arrays | None:
    """Name the arrays of a state dict that makes no network alone."""
    return named(*_state_dict_in(path))


def _state_dict_in(path: Path) -> tuple[dict[str, LazyArray], Origin]:
    of_torch = torch_file.match(path)
    return torch_file.state_dict_in(path) if of_torch else safetensors_file.state_dict_in(path)
