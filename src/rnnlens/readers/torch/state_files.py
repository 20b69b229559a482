"""Files that hold state dicts, whatever their format: read as a network, or named by array."""

from __future__ import annotations

from pathlib import Path

from rnnlens.network.arrays import Arrays
from rnnlens.network.network import Network, Origin
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.torch import file as torch_file
from rnnlens.readers.torch import json_file, safetensors_file
from rnnlens.readers.torch.checkpoint.choose import chosen, joined
from rnnlens.readers.torch.checkpoint.parts import Part
from rnnlens.readers.torch.named import named
from rnnlens.readers.torch.state import TAKES, network_of

__all__ = ["TAKES", "arrays", "match", "read"]


def match(path: Path) -> bool:
    """Tell whether a file holds a state dict, by its content."""
    return any(one.match(path) for one in (torch_file, safetensors_file, json_file))


def read(path: Path, options: ReadOptions) -> Network:
    """Read the state dict in a file, or the one of several that is named."""
    parts, origin = _parts_in(path)
    part = chosen(parts, options.part, str(path))
    return network_of(part.arrays, options, torch_file.origin_of(origin, part))


def arrays(path: Path, part: str | None = None) -> Arrays | None:
    """Name the arrays of state dicts that make no network alone: of all, or of a part."""
    parts, origin = _parts_in(path)
    taken = joined(parts) if part is None else chosen(parts, part, str(path))
    names = tuple(one.where for one in parts) if part is None and len(parts) > 1 else ()
    return named(taken.arrays, torch_file.origin_of(origin, taken), names)


def _parts_in(path: Path) -> tuple[list[Part], Origin]:
    if torch_file.match(path):
        return torch_file.parts_in(path)
    if json_file.match(path):
        return json_file.parts_in(path)
    state, origin = safetensors_file.state_dict_in(path)
    return [Part("", state)], origin
