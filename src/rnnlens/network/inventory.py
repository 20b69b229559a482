"""Every array of a network by its full name: the answer to "which array belongs to which gate"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rnnlens.names import GATE_LETTERS, KINDS, array_name
from rnnlens.network.cells import LSTM, Cell, FloatArray
from rnnlens.network.layers import Bidirectional, Layer, Recurrent, TimeDistributed
from rnnlens.network.network import Network, Node, Source

__all__ = ["NamedArray", "arrays_of", "inventory", "parameter_count"]

#: Dimension names by kind of array in a gate.
GATE_DIMENSIONS = {
    "W": ("feature", "unit"),
    "U": ("from_unit", "unit"),
    "b": ("unit",),
    "b_r": ("unit",),
    "V": ("unit",),
}


@dataclass(frozen=True, eq=False)
class NamedArray:
    """One array with its name and its meaning.

    Parameters
    ----------
    layer : str
        Name of the node.
    local_name : str
        Name within the node: ``"W_i"``, ``"forward.W_i"``.
    meaning : str
        What it is: ``"input kernel"``.
    gate : str
        The gate it belongs to, empty for a layer without gates.
    values : array
        The numbers.
    dimensions : tuple of str
        Dimension names, empty where the layer has none that are always the same.
    source : Source
        Where it came from.
    """

    layer: str
    local_name: str
    meaning: str
    gate: str
    values: FloatArray
    dimensions: tuple[str, ...]
    source: Source

    @property
    def name(self) -> str:
        """The full name, ``"lstm_1.W_f"``."""
        return f"{self.layer}.{self.local_name}"


def _cell_arrays(cell: Cell) -> Iterator[tuple[str, str, str, FloatArray, tuple[str, ...]]]:
    letters = GATE_LETTERS[cell.kind]
    for kind, meaning in KINDS.items():
        for gate, arrays in cell.gates.items():
            values = arrays.arrays().get(kind)
            if values is not None:
                name = array_name(kind, letters[gate])
                yield name, meaning, gate, values, _dimensions(kind, cell)
    if isinstance(cell, LSTM) and cell.projection is not None:
        yield "P", "projection of the hidden state", "", cell.projection, ("unit", "output")


def _dimensions(kind: str, cell: Cell) -> tuple[str, ...]:
    projected = isinstance(cell, LSTM) and cell.projection is not None
    # a projected hidden state has entries of its own, not one a unit
    return ("from_output", "unit") if kind == "U" and projected else GATE_DIMENSIONS[kind]


def arrays_of(layer: Layer) -> Iterator[tuple[str, str, str, FloatArray, tuple[str, ...]]]:
    """Give every array of one layer."""
    if isinstance(layer, Recurrent):
        yield from _cell_arrays(layer.cell)
    elif isinstance(layer, Bidirectional):
        for direction in ("forward", "backward"):
            for name, meaning, gate, values, dims in _cell_arrays(getattr(layer, direction).cell):
                yield f"{direction}.{name}", meaning, gate, values, dims
    elif isinstance(layer, TimeDistributed):
        yield from arrays_of(layer.layer)
    else:
        for name, values in layer.arrays().items():
            yield name, layer.meanings.get(name, ""), "", values, layer.dimensions.get(name, ())


def _node_arrays(node: Node) -> Iterator[NamedArray]:
    for name, meaning, gate, values, dimensions in arrays_of(node.layer):
        source = node.sources.get(name, Source(""))
        yield NamedArray(node.name, name, meaning, gate, values, dimensions, source)


def inventory(network: Network) -> list[NamedArray]:
    """List every array of a network, in the order of its layers."""
    seen: set[int] = set()
    listed = []
    for node in network.nodes:
        if id(node.layer) not in seen:
            seen.add(id(node.layer))
            listed.extend(_node_arrays(node))
    return listed


def parameter_count(network: Network) -> int:
    """Count the numbers in all arrays of a network."""
    return sum(array.values.size for array in inventory(network))
