"""ONNX files: LSTM, GRU and RNN nodes, and the operators that exporters put around them."""

from __future__ import annotations

from pathlib import Path

from rnnlens.network.network import Network
from rnnlens.readers.onnx.graph.read import read_graph
from rnnlens.readers.onnx.proto import looks_like_model
from rnnlens.readers.options import ReadOptions

__all__ = ["TAKES", "match", "read"]

#: The options of `rnnlens.read` that an ONNX file takes.
TAKES = frozenset({"batch_axes", "weights"})

#: How much of a file is looked at: the graph comes after a few short fields.
HEAD = 1 << 16


def match(path: Path) -> bool:
    """Tell whether a file is an ONNX model, by its content and without onnx."""
    with path.open("rb") as file:
        return looks_like_model(file.read(HEAD), path.stat().st_size)


def read(path: Path, options: ReadOptions | None = None) -> Network:
    """Read an ONNX file."""
    options = options or ReadOptions()
    return read_graph(path, weights=options.weights, batch_axes=options.batch_axes).network
