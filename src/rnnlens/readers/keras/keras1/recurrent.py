"""The gates of Keras 1's cells: an array a gate, or side by side with ``consume_less="gpu"``."""

from __future__ import annotations

from dataclasses import replace

from rnnlens.names import GATE_LETTERS, array_name
from rnnlens.network.cells import FloatArray, Gate
from rnnlens.network.network import Source
from rnnlens.readers.keras.layers.spec import LayerSpec
from rnnlens.readers.layouts import KERAS1, KERAS1_GPU, CellArray, split_gates

__all__ = ["keras1_gates"]

#: Our gate to the letter that Keras 1 gives it in its arrays' names.
LETTERS = {**GATE_LETTERS["LSTM"], **GATE_LETTERS["GRU"], "candidate": "h", "hidden": ""}


def keras1_gates(spec: LayerSpec, kind: str) -> tuple[dict[str, Gate], dict[str, Source]]:
    """Read the arrays of a Keras 1 cell."""
    units = spec.options.size("units")
    packed = spec.options.choice("consume_less", ["cpu", "mem", "gpu"], "cpu") == "gpu"
    spec = replace(spec, store=spec.store.sublayer("cell"))
    if packed and kind in KERAS1_GPU:
        width = len(KERAS1_GPU[kind].gates) * units
        variables = spec.variables({"W": (None, width), "U": (units, width), "b": (width,)})
        arrays = {
            role: CellArray(item.values, item.source.text, item.source.stored_at)
            for role, item in variables.items()
        }
        return split_gates(kind, KERAS1_GPU[kind], arrays, units)
    roles = {
        (array_name(letter, LETTERS[gate])): (gate, letter)
        for gate in KERAS1[kind].gates
        for letter in ("W", "U", "b")
    }
    shapes = {"W": (None, units), "U": (units, units), "b": (units,)}
    variables = spec.variables({role: shapes[letter] for role, (_, letter) in roles.items()})
    pieces: dict[str, dict[str, FloatArray]] = {}
    sources: dict[str, Source] = {}
    for role, (gate, letter) in roles.items():
        pieces.setdefault(gate, {})[letter] = variables[role].values
        sources[array_name(letter, GATE_LETTERS[kind][gate])] = variables[role].source
    return {gate: Gate(**arrays) for gate, arrays in pieces.items()}, sources
