"""The one table of layouts: which block of which array belongs to which gate, source by source.

Each entry was read off the source's own code, which is named beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnlens.names import GATE_LETTERS, array_name
from rnnlens.network.cells import FloatArray, Gate
from rnnlens.network.network import Source

__all__ = [
    "EA_LSTM",
    "KERAS",
    "ONNX",
    "ONNX_PEEPHOLES",
    "TORCH",
    "CellArray",
    "GateLayout",
    "split_gates",
]


@dataclass(frozen=True)
class GateLayout:
    """How one source lays out a cell's arrays."""

    #: Gate names in the order of the blocks along the last axis.
    gates: tuple[str, ...]
    #: Where the source's own code says so.
    proof: str


#: Keras 2, tf.keras and Keras 3: kernel (feature, gates x unit), recurrent kernel (unit, gates x
#: unit), bias (gates x unit); a GRU with reset_after has bias (2, gates x unit): input row, then
#: recurrent row.
KERAS: dict[str, GateLayout] = {
    "LSTM": GateLayout(
        ("input", "forget", "cell", "output"),
        "keras/src/layers/rnn/lstm.py, LSTMCell.call splits z into z0..z3 and _compute_carry "
        "_and_output_fused uses them as i, f, c, o; Keras 2.x recurrent.py slices kernel_i, "
        "kernel_f, kernel_c, kernel_o in that order",
    ),
    "GRU": GateLayout(
        ("update", "reset", "candidate"),
        "keras/src/layers/rnn/gru.py, GRUCell.call splits x and h products into z, r, h; build "
        "unstacks the bias (2, 3 units) into input_bias, recurrent_bias; Keras 2.x recurrent.py "
        "slices kernel_z, kernel_r, kernel_h",
    ),
    "SimpleRNN": GateLayout(("hidden",), "keras/src/layers/rnn/simple_rnn.py, SimpleRNNCell.call"),
}

#: Keras 1: one W (feature, unit), U (unit, unit) and b (unit,) a gate, gates in this order in the
#: file; a GRU resets before the product.
KERAS1: dict[str, GateLayout] = {
    "LSTM": GateLayout(
        ("input", "cell", "forget", "output"),
        "Keras 1.2.2 layers/recurrent.py, LSTM.build: trainable_weights lists W_i, U_i, b_i, then "
        "c, f and o; Keras 2.x preprocess_weights_for_loading takes twelve arrays in that order",
    ),
    "GRU": GateLayout(
        ("update", "reset", "candidate"),
        "Keras 1.2.2 layers/recurrent.py, GRU.build: trainable_weights lists W_z, U_z, b_z, then r "
        "and h",
    ),
    "SimpleRNN": GateLayout(("hidden",), "Keras 1.2.2 layers/recurrent.py, SimpleRNN.build"),
}

#: Keras 1 with consume_less="gpu": the gates side by side, as Keras 2 has them.
KERAS1_GPU: dict[str, GateLayout] = {
    "LSTM": GateLayout(
        ("input", "forget", "cell", "output"),
        "Keras 1.2.2 layers/recurrent.py, LSTM.step cuts z into z0..z3 and uses them as i, f, c, o",
    ),
    "GRU": GateLayout(
        ("update", "reset", "candidate"),
        "Keras 1.2.2 layers/recurrent.py, GRU.step cuts matrix_x into x_z, x_r, x_h",
    ),
}

#: CuDNNLSTM and CuDNNGRU of Keras 2: gates side by side; each gate's block of the kernel holds the
#: numbers of a (unit, feature) matrix row by row under the shape (feature, unit), each block of
#: the recurrent kernel is turned round, and the bias is the input half, then the recurrent half.
CUDNN: dict[str, GateLayout] = {
    "LSTM": GateLayout(
        ("input", "forget", "cell", "output"),
        "Keras 2.x layers/cudnn_recurrent.py, CuDNNLSTM.build cuts kernel_i, kernel_f, kernel_c, "
        "kernel_o and bias_i_i ... bias_o_i, bias_i ... bias_o; engine/saving.py, "
        "_convert_rnn_weights",
    ),
    "GRU": GateLayout(
        ("update", "reset", "candidate"),
        "Keras 2.x layers/cudnn_recurrent.py, CuDNNGRU.build cuts kernel_z, kernel_r, kernel_h and "
        "bias_z_i, bias_r_i, bias_h_i, bias_z, bias_r, bias_h; engine/saving.py, "
        "_convert_rnn_weights",
    ),
}

#: PyTorch: weight_ih (gates x unit, feature), weight_hh (gates x unit, unit), both biases (gates x
#: unit): blocks of rows. With proj_size weight_hh is (gates x unit, output) and weight_hr (output,
#: unit). A GRU resets after the recurrent product.
TORCH: dict[str, GateLayout] = {
    "LSTM": GateLayout(
        ("input", "forget", "cell", "output"),
        "torch/nn/modules/rnn.py, class LSTM: weight_ih_l[k] is (W_ii|W_if|W_ig|W_io); "
        "aten/src/ATen/native/RNN.cpp, LSTMCell chunks gates into ingate, forgetgate, cellgate, "
        "outgate, and multiplies the hidden state by w_hr last",
    ),
    "GRU": GateLayout(
        ("reset", "update", "candidate"),
        "torch/nn/modules/rnn.py, class GRU: weight_ih_l[k] is (W_ir|W_iz|W_in); "
        "aten/src/ATen/native/RNN.cpp, GRUCell chunks into reset, input and new gate, and adds "
        "reset_gate * (h W_hn + b_hn) to the new gate",
    ),
    "SimpleRNN": GateLayout(
        ("hidden",), "torch/nn/modules/rnn.py, class RNN; aten/src/ATen/native/RNN.cpp, SimpleCell"
    ),
}

#: neuralhydrology's EA-LSTM: weight_ih (feature, gates x unit), weight_hh (unit, gates x unit),
#: bias (gates x unit); its input gate is a linear layer of its own, on what does not change.
EA_LSTM = GateLayout(
    ("forget", "output", "cell"),
    "neuralhydrology/modelzoo/ealstm.py, EALSTM._cell chunks the dynamic gates into f, o, g",
)


#: ONNX: W (direction, gates x unit, feature), R (direction, gates x unit, unit), B (direction,
#: 2 gates x unit): input side of every gate, then recurrent side.
ONNX: dict[str, GateLayout] = {
    "LSTM": GateLayout(
        ("input", "output", "forget", "cell"),
        "onnx/docs/Operators.md, LSTM: W[iofc], R[iofc], and B holds Wb[iofc], Rb[iofc]",
    ),
    "GRU": GateLayout(
        ("update", "reset", "candidate"),
        "onnx/docs/Operators.md, GRU: W[zrh], R[zrh], and B holds Wb[zrh], Rb[zrh]",
    ),
    "SimpleRNN": GateLayout(
        ("hidden",), "onnx/docs/Operators.md, RNN: W holds Wi, R holds Ri, and B holds Wbi, Rbi"
    ),
}

#: The peepholes of an ONNX LSTM, P (direction, 3 unit): onnx/docs/Operators.md, LSTM, P[iof].
ONNX_PEEPHOLES = ("input", "output", "forget")


@dataclass(frozen=True, eq=False)
class CellArray:
    """One array of a cell as the source keeps it, all gates side by side."""

    values: FloatArray
    #: Its logical place, such as ``"lstm/kernel"``.
    text: str
    #: Its place in the file.
    stored_at: str = ""


def split_gates(
    kind: str, layout: GateLayout, arrays: Mapping[str, CellArray], units: int
) -> tuple[dict[str, Gate], dict[str, Source]]:
    """Cut the arrays of a cell into its gates."""
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
