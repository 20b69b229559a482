"""ONNX files: LSTM, GRU and RNN nodes, and the operators that exporters put around them."""

from __future__ import annotations

from pathlib import Path

from rnnlens.network.network import Network
from rnnlens.readers.onnx.graph.read import reading
from rnnlens.readers.onnx.proto import looks_like_model
from rnnlens.readers.options import Options

__all__ = ["TAKES", "match", "read"]

#: The options of `rnnlens.read` that an ONNX file takes.
TAKES = frozenset({"batch_axes", "weights"})

#: How much of a file is looked at: the graph comes after a few short fields.
HEAD = 1 << 16


def match(path: Path) -> bool:
    """Tell whether a file is an ONNX model, by its content and without onnx.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        True where its bytes read as the fields of a model.
    """
    with path.open("rb") as file:
        return looks_like_model(file.read(HEAD), path.stat().st_size)


def read(path: Path, options: Options | None = None) -> Network:
    """Read an ONNX file.

    Parameters
    ----------
    path : Path
        The file.
    options : Options, optional
        ``weights``: values of graph inputs that are weights, where the file holds none.
        ``batch_axes``: the axis of the samples of an input, where the graph leaves it open.

    Returns
    -------
    Network
        The network. Its arrays are batch-first, ``(sample, step, feature)``, wherever the file has
        its batch axis; the other axes keep the file's order.

    Raises
    ------
    MissingLibrary
        If onnx is not installed.
    UnreadableFile
        If the file is damaged.
    UnsupportedModel
        If an operator or an option is not implemented, or the recurrence is written out.
    """
    options = options or Options()
    return reading(path, weights=options.weights, batch_axes=options.batch_axes).network
