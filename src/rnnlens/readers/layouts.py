"""The one table of layouts: which block of which array belongs to which gate, source by source.

Each entry was read off the source's own code, which is named beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnlens.names import GATE_LETTERS, array_name
from rnnlens.network.cells import FloatArray, Gate
from rnnlens.network.network import Source

__all__ = ["KERAS", "CellArray", "Layout", "cut_gates"]


@dataclass(frozen=True)
class Layout:
    """How one source lays out a cell's arrays.

    Parameters
    ----------
    gates : tuple of str
        Gate names in the order of the blocks along the last axis.
    proof : str
        Where the source's own code says so.
    """

    gates: tuple[str, ...]
    proof: str


#: Keras 2, tf.keras and Keras 3: kernel (feature, gates x unit), recurrent kernel (unit, gates x
#: unit), bias (gates x unit); a GRU with reset_after has bias (2, gates x unit): input row, then
#: recurrent row.
KERAS: dict[str, Layout] = {
    "LSTM": Layout(
        ("input", "forget", "cell", "output"),
        "keras/src/layers/rnn/lstm.py, LSTMCell.call splits z into z0..z3 and _compute_carry "
        "_and_output_fused uses them as i, f, c, o; Keras 2.x recurrent.py slices kernel_i, "
        "kernel_f, kernel_c, kernel_o in that order",
    ),
    "GRU": Layout(
        ("update", "reset", "candidate"),
        "keras/src/layers/rnn/gru.py, GRUCell.call splits x and h products into z, r, h; build "
        "unstacks the bias (2, 3 units) into input_bias, recurrent_bias; Keras 2.x recurrent.py "
        "slices kernel_z, kernel_r, kernel_h",
    ),
    "SimpleRNN": Layout(("hidden",), "keras/src/layers/rnn/simple_rnn.py, SimpleRNNCell.call"),
}


@dataclass(frozen=True, eq=False)
class CellArray:
    """One array of a cell as the source keeps it, all gates side by side.

    Parameters
    ----------
    values : array
        The whole array.
    text : str
        Its logical place, such as ``"lstm/kernel"``.
    stored_at : str
        Its place in the file.
    """

    values: FloatArray
    text: str
    stored_at: str = ""


def cut_gates(
    kind: str, layout: Layout, arrays: Mapping[str, CellArray], units: int
) -> tuple[dict[str, Gate], dict[str, Source]]:
    """Cut the arrays of a cell into its gates.

    Parameters
    ----------
    kind : {"LSTM", "GRU", "SimpleRNN"}
        The cell.
    layout : Layout
        The source's layout.
    arrays : mapping of str to CellArray
        ``"W"`` (feature, gates x unit), ``"U"`` (unit, gates x unit) and perhaps ``"b"`` of shape
        (gates x unit) or (2, gates x unit).
    units : int
        Hidden units.

    Returns
    -------
    gates : dict of str to Gate
        By gate name; every array is a copy of its own.
    sources : dict of str to Source
        By array name, such as ``"W_f"``.
    """
    gates: dict[str, Gate] = {}
    sources: dict[str, Source] = {}
    for number, gate in enumerate(layout.gates):
        pieces: dict[str, FloatArray] = {}
        for kind_of_array, array in arrays.items():
            span = (number * units, (number + 1) * units) if len(layout.gates) > 1 else None
            for piece, place, values in _blocks(kind_of_array, array, span):
                pieces[piece] = values
                name = array_name(piece, GATE_LETTERS[kind][gate])
                sources[name] = Source(array.text + place, array.stored_at)
        gates[gate] = Gate(**pieces)
    return gates, sources


def _blocks(
    kind: str, array: CellArray, span: tuple[int, int] | None
) -> list[tuple[str, str, FloatArray]]:
    """Give the pieces of one array that belong to one gate: kind, slice in words, values."""
    columns = slice(*span) if span else slice(None)
    words = f"{span[0]}:{span[1]}" if span else ""
    if kind == "b" and array.values.ndim == 2:
        rows = (("b", 0), ("b_r", 1))
        return [
            (piece, f"[{row}, {words or ':'}]", array.values[row, columns].copy())
            for piece, row in rows
        ]
    if array.values.ndim == 2:
        place = f"[:, {words}]" if words else ""
    else:
        place = f"[{words}]" if words else ""
    return [(kind, place, array.values[..., columns].copy())]
