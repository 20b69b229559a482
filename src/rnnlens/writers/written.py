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
    """A network as the bytes of a file.

    Parameters
    ----------
    data : bytes
        The file's content.
    notes : tuple of str
        Sentences on what the format holds in another form than the source.
    code : str
        Python code of a class that takes the arrays, for a format that holds arrays alone.
    """

    data: bytes
    notes: tuple[str, ...] = ()
    code: str = ""


def refuse(name: str, layer: Layer, why: str) -> NoReturn:
    """Say why a layer cannot be written."""
    raise UnsupportedModel(f"layer {name!r} ({layer_kind(layer)}): {why}")
