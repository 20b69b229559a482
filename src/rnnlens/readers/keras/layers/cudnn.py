"""The arrays of CuDNNLSTM and CuDNNGRU, which keep each gate's numbers in the order of cuDNN.

cuDNN multiplies a matrix (unit, feature) by a column, so a gate's block of the kernel, though its
shape is (feature, unit), holds the rows of that matrix one after another; it adds two biases. The
length of the bias is the one sign by which these arrays differ from those of an LSTM or a GRU.
"""

from __future__ import annotations

from collections.abc import Mapping

from rnnlens.names import GATE_LETTERS, array_name
from rnnlens.network.cells import FloatArray, Gate
from rnnlens.network.network import Source
from rnnlens.readers.layouts import CUDNN, CellArray

__all__ = ["cudnn_gates", "is_cudnn_bias"]


def is_cudnn_bias(kind: str, shape: tuple[int, ...], units: int) -> bool:
    """Tell by the bias whether arrays are laid out for cuDNN.

    Examples
    --------
    >>> is_cudnn_bias("GRU", (18,), 3), is_cudnn_bias("GRU", (2, 9), 3)
    (True, False)
    """
    return kind in CUDNN and shape == (2 * len(CUDNN[kind].gates) * units,)


def cudnn_gates(
    kind: str, arrays: Mapping[str, CellArray], units: int
) -> tuple[dict[str, Gate], dict[str, Source]]:
    """Cut the arrays of a CuDNN layer into gates."""
    gates: dict[str, Gate] = {}
    sources: dict[str, Source] = {}
    kernel, recurrent, bias = arrays["W"], arrays["U"], arrays["b"]
    features, count = kernel.values.shape[0], len(CUDNN[kind].gates)
    for number, gate in enumerate(CUDNN[kind].gates):
        span = slice(number * units, (number + 1) * units)
        second = slice(span.start + count * units, span.stop + count * units)
        pieces: dict[str, tuple[FloatArray, CellArray, str]] = {
            "W": (
                kernel.values[:, span].reshape(units, features).T,
                kernel,
                f"[:, {_words(span)}].reshape({units}, {features}).T",
            ),
            "U": (recurrent.values[:, span].T, recurrent, f"[:, {_words(span)}].T"),
            "b": (bias.values[span], bias, f"[{_words(span)}]"),
            "b_r": (bias.values[second], bias, f"[{_words(second)}]"),
        }
        gates[gate] = Gate(**{piece: values.copy() for piece, (values, _, _) in pieces.items()})
        for piece, (_, array, place) in pieces.items():
            name = array_name(piece, GATE_LETTERS[kind][gate])
            sources[name] = Source(array.text + place, array.stored_at)
    return gates, sources


def _words(span: slice) -> str:
    return f"{span.start}:{span.stop}"
