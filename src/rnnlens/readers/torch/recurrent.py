"""The recurrent layers of PyTorch: from its arrays to cells with one set of arrays a gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnlens.errors import UnsupportedModel
from rnnlens.names import GATE_LETTERS, array_name
from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Cell, FloatArray, Gate, SimpleRNN
from rnnlens.network.layers import Bidirectional, Recurrent
from rnnlens.network.network import Source
from rnnlens.readers.layouts import TORCH, CellArray

__all__ = ["ROLES", "Level", "cell_of", "kind_of", "level_of"]

#: What PyTorch calls the arrays of one layer and direction, and what they are here.
ROLES = {
    "weight_ih": "W",
    "weight_hh": "U",
    "bias_ih": "b",
    "bias_hh": "b_r",
    "weight_hr": "P",
}

#: Blocks of rows in weight_ih, by kind.
BLOCKS = {4: "LSTM", 3: "GRU", 1: "SimpleRNN"}


def kind_of(name: str, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Tell the kind of a cell by the shapes of its arrays, whatever the module is called."""
    for role in ("weight_ih", "weight_hh"):
        if role not in shapes:
            raise UnsupportedModel(
                f"{name} has no array {role}, which every recurrent layer of PyTorch has; save the "
                "state dict of the plain module, without parametrizations"
            )
    ih, hh = shapes["weight_ih"], shapes["weight_hh"]
    hr = shapes.get("weight_hr")
    rows = ih[0] if ih else 0
    units = (hr or hh)[-1] if len(hr or hh) == 2 else 0
    kind = BLOCKS.get(rows // units) if units and rows % units == 0 else None
    if kind is not None:
        fits = len(ih) == 2 and hh == (rows, units if hr is None else hr[0])
        biases = [shapes[role] for role in ("bias_ih", "bias_hh") if role in shapes]
        fits = fits and all(shape == (rows,) for shape in biases) and len(biases) in {0, 2}
        if fits and (hr is None or kind == "LSTM"):
            return kind
    listed = ", ".join(f"{role} {shape}" for role, shape in shapes.items())
    raise UnsupportedModel(
        f"{name} has arrays that fit no LSTM (4 blocks of rows), GRU (3) or plain recurrent layer "
        f"(1) of PyTorch: {listed}"
    )


def cell_of(
    kind: str, arrays: Mapping[str, CellArray], nonlinearity: str = "tanh"
) -> tuple[Cell, dict[str, Source]]:
    """Make a cell of PyTorch's arrays, whose shapes `kind_of` has checked."""
    layout = TORCH[kind]
    projection = arrays.get("weight_hr")
    units = arrays["weight_ih"].values.shape[0] // len(layout.gates)
    gates: dict[str, Gate] = {}
    sources: dict[str, Source] = {}
    for number, gate in enumerate(layout.gates):
        rows = slice(number * units, (number + 1) * units)
        pieces: dict[str, FloatArray] = {}
        for role, array in arrays.items():
            if role == "weight_hr":
                continue
            piece = ROLES[role]
            pieces[piece] = array.values[rows].T.copy()
            name = array_name(piece, GATE_LETTERS[kind][gate])
            sources[name] = _place(array, rows if len(layout.gates) > 1 else None)
        gates[gate] = Gate(**pieces)
    if kind == "GRU":
        return GRU(gates["update"], gates["reset"], gates["candidate"], reset_after=True), sources
    if kind == "SimpleRNN":
        return SimpleRNN(gates["hidden"], Activation(nonlinearity)), sources
    P = None
    if projection is not None:
        P, sources["P"] = projection.values.T.copy(), _place(projection, None)
    i, f, c, o = (gates[name] for name in ("input", "forget", "cell", "output"))
    return LSTM(i, f, c, o, projection=P), sources


def _place(array: CellArray, rows: slice | None) -> Source:
    matrix = array.values.ndim == 2
    inside = "" if rows is None else f"{rows.start}:{rows.stop}"
    if inside:
        inside = f"[{inside}, :]" if matrix else f"[{inside}]"
    return Source(f"{array.text}{inside}{' transposed' if matrix else ''}", array.stored_at)


@dataclass(frozen=True, eq=False)
class Level:
    """One layer of a stack: its one or two directions."""

    #: It gives every step.
    layer: Recurrent | Bidirectional
    #: By array name, ``"forward.W_f"`` where there are two directions.
    sources: dict[str, Source]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cell of each direction."""
        layer = self.layer
        if isinstance(layer, Bidirectional):
            return layer.forward.cell, layer.backward.cell
        return (layer.cell,)

    @property
    def width(self) -> int:
        """How many numbers it hands on at each step."""
        return sum(cell.state_sizes[0] for cell in self.cells)


def level_of(
    made: list[tuple[Cell, dict[str, Source]]],
    *,
    return_sequences: bool = True,
    return_state: bool = False,
) -> Level:
    """Join one or two directions into a layer."""
    layers = [
        Recurrent(
            cell,
            go_backwards=bool(number),
            return_sequences=return_sequences,
            return_state=return_state,
        )
        for number, (cell, _) in enumerate(made)
    ]
    if len(layers) == 1:
        return Level(layers[0], made[0][1])
    sources = {
        f"{side}.{name}": place
        for side, (_, places) in zip(("forward", "backward"), made, strict=True)
        for name, place in places.items()
    }
    return Level(Bidirectional(layers[0], layers[1]), sources)
