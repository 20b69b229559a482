"""Every array of a network by its full name: the answer to "which array belongs to which gate"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rnnlens.names import GATE_LETTERS, KINDS, array_name
from rnnlens.network.cells import LSTM, Cell, FloatArray
from rnnlens.network.layers import Bidirectional, Layer, Recurrent, TimeDistributed
from rnnlens.network.network import Network, Source

__all__ = ["LayerArray", "NamedArray", "arrays_of", "inventory", "parameter_count"]

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


@dataclass(frozen=True, eq=False)
class LayerArray:
    """One array of a layer that stands alone: as `NamedArray`, without node and source."""

    local_name: str
    meaning: str
    gate: str
    values: FloatArray
    dimensions: tuple[str, ...]

    def within(self, node: str, sources: Mapping[str, Source]) -> NamedArray:
        """Give the array as one of a node's."""
        source = sources.get(self.local_name, Source(""))
        return NamedArray(node, source=source, **vars(self))


def _cell_arrays(cell: Cell) -> Iterator[LayerArray]:
    letters = GATE_LETTERS[cell.kind]
    for kind, meaning in KINDS.items():
        for gate, arrays in cell.gates.items():
            values = arrays.arrays().get(kind)
            if values is not None:
                name = array_name(kind, letters[gate])
                yield LayerArray(name, meaning, gate, values, _dimensions(kind, cell))
    if isinstance(cell, LSTM) and cell.projection is not None:
        meaning = "projection of the hidden state"
        yield LayerArray("P", meaning, "", cell.projection, ("unit", "output"))


def _dimensions(kind: str, cell: Cell) -> tuple[str, ...]:
    projected = isinstance(cell, LSTM) and cell.projection is not None
    # a projected hidden state has entries of its own, not one a unit
    return ("from_output", "unit") if kind == "U" and projected else GATE_DIMENSIONS[kind]


def arrays_of(layer: Layer) -> Iterator[LayerArray]:
    """Give every array of one layer."""
    if isinstance(layer, Recurrent):
        yield from _cell_arrays(layer.cell)
    elif isinstance(layer, Bidirectional):
        for direction in ("forward", "backward"):
            for array in _cell_arrays(getattr(layer, direction).cell):
                yield replace(array, local_name=f"{direction}.{array.local_name}")
    elif isinstance(layer, TimeDistributed):
        yield from arrays_of(layer.layer)
    else:
        for name, values in layer.arrays().items():
            meaning, dimensions = layer.meanings.get(name, ""), layer.dimensions.get(name, ())
            yield LayerArray(name, meaning, "", values, dimensions)


def inventory(network: Network) -> list[NamedArray]:
    """List every array of a network, in the order of its layers."""
    seen: set[int] = set()
    listed = []
    for node in network.nodes:
        if id(node.layer) not in seen:
            seen.add(id(node.layer))
            listed += [array.within(node.name, node.sources) for array in arrays_of(node.layer)]
    return listed


def parameter_count(network: Network) -> int:
    """Count the numbers in all arrays of a network."""
    return sum(array.values.size for array in inventory(network))
