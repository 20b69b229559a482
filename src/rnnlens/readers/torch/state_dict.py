"""State dicts of PyTorch in memory: what ``model.state_dict()`` gives, or a dict of several."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.arrays import Arrays
from rnnlens.network.network import Network, Origin
from rnnlens.readers.layouts import CellArray
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.torch.checkpoint.choose import chosen, joined
from rnnlens.readers.torch.checkpoint.parts import Part, parts_of
from rnnlens.readers.torch.file import origin_of
from rnnlens.readers.torch.named import named
from rnnlens.readers.torch.state import TAKES, network_of
from rnnlens.readers.torch.weights.lazy import LazyArray
from rnnlens.readers.variables import LARGEST_ARRAY

if TYPE_CHECKING:
    import torch

__all__ = ["TAKES", "arrays", "match", "read"]

#: A state dict: tensors, and whatever else was put among them, by name.
StateDict = Mapping[str, Any]
#: How deep a checkpoint in memory is looked into for tensors.
DEPTH = 4


def match(source: object) -> bool:
    """Tell whether an object is a state dict, or holds one, without importing torch."""
    torch = sys.modules.get("torch")
    kinds = tuple(
        kind
        for kind in (getattr(torch, name, None) for name in ("Tensor", "ScriptObject"))
        if isinstance(kind, type)
    )
    return bool(kinds) and _holds(source, kinds, DEPTH)


def _holds(source: object, kinds: tuple[type, ...], depth: int) -> bool:
    if not isinstance(source, Mapping) or not all(isinstance(key, str) for key in source):
        return False
    values = list(source.values())
    return any(isinstance(value, kinds) for value in values) or (
        depth > 0 and any(_holds(value, kinds, depth - 1) for value in values)
    )


def read(source: StateDict, options: ReadOptions) -> Network:
    """Read a state dict; later training of the module does not change the network."""
    version = str(sys.modules["torch"].__version__)
    origin = Origin("PyTorch state dict in memory", version)
    parts = parts_of(source, _array_of) or [Part("", _arrays_of(source))]
    part = chosen(parts, options.part, "the state dict")
    return network_of(part.arrays, options, origin_of(origin, part))


def arrays(source: object) -> Arrays | None:
    """Name the arrays of every state dict in memory; None for what holds none."""
    if not match(source):
        return None
    parts = parts_of(source, _array_of)
    names = tuple(one.where for one in parts) if len(parts) > 1 else ()
    return named(joined(parts).arrays, Origin("state dict in memory"), names) if parts else None


def _arrays_of(state: StateDict) -> dict[str, LazyArray]:
    arrays = {key: _array_of(key, value) for key, value in state.items()}
    return {key: array for key, array in arrays.items() if array is not None}


def _array_of(name: str, value: object, stored_at: str = "") -> LazyArray | None:
    """Give a tensor as an array that is copied when it is needed; None for what is no tensor."""
    tensor: Any = value
    if not hasattr(tensor, "detach") or not hasattr(tensor, "shape"):
        return None
    return LazyArray(
        tuple(tensor.shape), lambda: CellArray(_copied(name, tensor), name, stored_at or name)
    )


def _copied(name: str, tensor: torch.Tensor) -> np.ndarray:
    import torch

    if tensor.is_meta or tensor.layout != torch.strided:
        raise UnsupportedModel(
            f"array {name} is quantised, sparse or without values: save the model with plain "
            "float32 or float64 arrays"
        )
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if not tensor.is_floating_point():
        raise UnsupportedModel(
            f"array {name} holds {tensor.dtype}, not floating-point numbers: save the model with "
            "plain float32 or float64 arrays"
        )
    if tensor.numel() * tensor.element_size() > LARGEST_ARRAY:
        raise UnreadableFile(
            f"array {name} has shape {tuple(tensor.shape)}, more than is ever read from a file: "
            "it is damaged or not what it seems"
        )
    # NumPy has no bfloat16, and float32 holds every number of it
    plain = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    return plain.detach().cpu().resolve_conj().resolve_neg().numpy().copy()
