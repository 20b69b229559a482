"""State dicts of PyTorch in memory: what ``model.state_dict()`` gives."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rnnlens.network.network import Network, Origin
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.torch.file import StateDict, arrays_of
from rnnlens.readers.torch.state import TAKES, network_of

__all__ = ["TAKES", "match", "read"]


def match(source: object) -> bool:
    """Tell whether an object is a state dict, without importing torch."""
    tensor = getattr(sys.modules.get("torch"), "Tensor", None)
    if tensor is None or not isinstance(source, Mapping) or not source:
        return False
    return all(isinstance(key, str) for key in source) and any(
        isinstance(value, tensor) for value in source.values()
    )


def read(source: StateDict, options: ReadOptions) -> Network:
    """Read a state dict; later training of the module does not change the network."""
    version = str(sys.modules["torch"].__version__)
    return network_of(arrays_of(source), options, Origin("PyTorch state dict in memory", version))
