"""Where a layer's parameter count comes from, with its own numbers put in."""

from __future__ import annotations

from rnnlens.network.cells import LSTM, Cell
from rnnlens.network.inventory import arrays_of
from rnnlens.network.layers import (
    Bidirectional,
    Conv1D,
    Dense,
    Embedding,
    Layer,
    Recurrent,
    TimeDistributed,
)

__all__ = ["parameter_formula", "parameters_of"]


def parameters_of(layer: Layer) -> int:
    """Count the numbers in a layer's arrays."""
    return sum(array.values.size for array in arrays_of(layer))


def parameter_formula(layer: Layer) -> str:
    """Write a layer's parameter count as a formula, with its numbers, with its value."""
    total = parameters_of(layer)
    if not total:
        return ""
    if isinstance(layer, TimeDistributed):
        return parameter_formula(layer.layer)
    symbols, numbers = _sides(layer)
    return " = ".join(side for side in (symbols, numbers, f"{total:,}") if side)


def _sides(layer: Layer) -> tuple[str, str]:
    if isinstance(layer, Recurrent):
        return _cell(layer.cell)
    if isinstance(layer, Bidirectional):
        return _both(layer)
    if isinstance(layer, Dense):
        features, units = layer.W.shape
        if layer.b is None:
            return "F H", f"{features} x {units}"
        return "(F + 1) H", f"({features} + 1) {units}"
    if isinstance(layer, Embedding):
        tokens, features = layer.E.shape
        return "N F", f"{tokens} x {features}"
    if isinstance(layer, Conv1D):
        taps, features, units = layer.W.shape
        if layer.b is None:
            return "K F H", f"{taps} x {features} x {units}"
        return "(K F + 1) H", f"({taps} x {features} + 1) {units}"
    sizes = [str(array.values.size) for array in arrays_of(layer)]
    return "", " + ".join(sizes) if len(sizes) > 1 else ""


def _cell(cell: Cell) -> tuple[str, str]:
    """Write ``gates (F + H + biases) H``, and apart what not every gate has."""
    gates = list(cell.gates.values())
    vectors = [(gate.b is not None) + (gate.b_r is not None) for gate in gates]
    biases = min(vectors)
    rest = sum(vectors) - biases * len(gates) + sum(gate.V is not None for gate in gates)

    def side(features: object, units: object) -> str:
        times = f"{len(gates)} " if len(gates) > 1 else ""
        bias = f" + {biases}" if biases else ""
        more = {0: "", 1: f" + {units}"}.get(rest, f" + {rest} {_times(units)}")
        return f"{times}({features} + {{}}{bias}) {units}{more}"

    symbols, numbers = side("F", "H"), side(cell.features, cell.units)
    output, units = cell.state_sizes[0], cell.units
    if isinstance(cell, LSTM) and cell.projection is not None:
        return symbols.format("P") + " + H P", numbers.format(output) + f" + {units} x {output}"
    return symbols.format("H"), numbers.format(units)


def _times(units: object) -> str:
    return f"x {units}" if isinstance(units, int) else str(units)


def _both(layer: Bidirectional) -> tuple[str, str]:
    forward, backward = _cell(layer.forward.cell), _cell(layer.backward.cell)
    if forward == backward:
        return f"2 [{forward[0]}]", f"2 [{forward[1]}]"
    return "", f"{forward[1]} + {backward[1]}"
