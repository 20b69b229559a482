"""Weights in files of ``torch.export.save`` of PyTorch before 2.8: files of ``torch.save`` within.

The graph stands there in the same schema, and ``serialized_state_dict.pt`` and
``serialized_constants.pt`` beside it (torch/_export/serde/serialize.py). They are pickles, which
are taken apart as checkpoints are, and run by nobody.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlens.errors import InputError, UnreadableFile
from rnnlens.readers.torch.checkpoint.container import opened
from rnnlens.readers.torch.checkpoint.tensors import Tensors
from rnnlens.readers.torch.checkpoint.walk import entries_of

if TYPE_CHECKING:
    import torch

__all__ = ["GRAPH", "is_older", "tensors_in"]

GRAPH = "serialized_exported_program.json"
WEIGHTS = ("serialized_state_dict.pt", "serialized_constants.pt")


def is_older(names: Collection[str]) -> bool:
    """Tell the older archive by its members."""
    return GRAPH in names


def tensors_in(path: Path, member: Callable[[str], bytes]) -> dict[str, torch.Tensor]:
    """Give the weights and the constants of a program by their names in its signature."""
    found: dict[str, torch.Tensor] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in WEIGHTS:
            inner = Path(folder) / name
            inner.write_bytes(member(name))
            try:
                found |= _tensors(inner)
            except (InputError, ValueError, zipfile.BadZipFile) as error:
                raise UnreadableFile(
                    f"{path} holds weights that PyTorch's own exports are not made of ({name}): "
                    "export the model again with PyTorch 2.8 or later, or give its state dict, "
                    'torch.save(model.state_dict(), "weights.pt")'
                ) from error
    return found


def _tensors(inner: Path) -> dict[str, torch.Tensor]:
    """Give the tensors of a file of ``torch.save``; what is no tensor is left where it is."""
    import torch

    held = opened(inner)
    tensors, entries = Tensors(inner, held.numbers), entries_of(held.content) or {}
    arrays = {name: tensors.plain(name, value) for name, value in entries.items()}
    return {name: torch.as_tensor(array) for name, array in arrays.items() if array is not None}
