"""What `rnnlens.convert` gives: a file, and the proof that it computes the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnlens.network.network import Network

__all__ = ["FORMATS", "Conversion"]

#: What is written, by the ending of the path.
FORMATS = {
    ".keras": "Keras 3 archive",
    ".safetensors": "PyTorch state dict (safetensors)",
    ".onnx": "ONNX",
    ".npz": "rnnlens archive of named arrays",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Conversion:
    """What was written, and the proof that it computes the same.

    Parameters
    ----------
    path : str
        The file.
    format : str
        What it is.
    bytes : int
        Its length.
    largest_difference : float
        Between the source and the file as read back, both run by rnnlens in float64 on the same
        random inputs; in the network's own units. Of a file that rnnlens does not read back, ONNX
        with masked steps, what the library that ran it gives instead.
    tolerance : float
        What rounding explains; above it nothing is written.
    samples : int
        Random inputs compared.
    library : str
        Which library ran the file, or the class of PyTorch, too; empty where none did.
    library_difference : float or None
        Largest difference between that library and the file as read back.
    notes : tuple of str
        What the file holds in another form than the source, and what could not be checked.
    code : str
        Python code of the class that takes a PyTorch state dict; empty for other formats.
    network : Network
        The file as read back; where rnnlens does not read it back, the network that was written.
    """

    path: str
    format: str
    bytes: int
    largest_difference: float
    tolerance: float
    samples: int
    library: str
    library_difference: float | None
    notes: tuple[str, ...]
    code: str
    network: Network
