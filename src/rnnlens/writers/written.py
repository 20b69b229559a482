"""What a writer gives, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from rnnlens.errors import UnsupportedModel
from rnnlens.network.layers import Layer
from rnnlens.network.network import layer_kind

__all__ = ["Written", "refuse"]


@dataclass(frozen=True, eq=False)
class Written:
    """A network as the bytes of a file."""

    #: The file's content.
    data: bytes
    #: Sentences on what the format holds in another form than the source.
    notes: tuple[str, ...] = ()
    #: Python code of a class that takes the arrays, for a format that holds arrays alone.
    code: str = ""
    #: Whether rnnlens reads the file back: of ONNX it reads no masks but numbers of steps.
    reads_back: bool = True


def refuse(name: str, layer: Layer, why: str) -> NoReturn:
    """Say why a layer cannot be written."""
    raise UnsupportedModel(f"layer {name!r} ({layer_kind(layer)}): {why}")
