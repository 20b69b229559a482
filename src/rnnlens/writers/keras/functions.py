"""Activation functions as Keras 3 states them."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

from rnnlens.names import told
from rnnlens.network.activations import ACTIVATIONS, Activation
from rnnlens.network.cells import LSTM, Cell, SimpleRNN
from rnnlens.network.json_values import Json
from rnnlens.network.layers import Recurrent
from rnnlens.writers.packing import scaled_gate
from rnnlens.writers.written import refuse

__all__ = ["HARD_SLOPE", "activation_layer", "function_of", "on_keras_slope", "serialized"]

#: The slope of Keras 3's ``hard_sigmoid`` (keras/src/activations/activations.py).
HARD_SLOPE = 1 / 6

#: Functions that Keras does not call by name, or by whose name it computes another.
NAMELESS = frozenset({"threshold", "sparsemax"})


def serialized(kind: str, config: dict[str, Json]) -> dict[str, Json]:
    """Give a layer of Keras as its files state it."""
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": config,
        "registered_name": None,
    }


def activation_layer(activation: Activation) -> tuple[str, dict[str, Json]] | None:
    """Give the layer of Keras that is a function with parameters."""
    p = activation.parameters
    if activation.name == "relu":
        limit = None if p["max_value"] == inf else p["max_value"]
        return "ReLU", {
            "max_value": limit,
            "negative_slope": p["negative_slope"],
            "threshold": p["threshold"],
        }
    if activation.name == "elu":
        return "ELU", {"alpha": p["alpha"]}
    if activation.name == "softmax":
        return "Softmax", {"axis": int(p["axis"])}
    return None


def function_of(name: str, layer: Any, activation: Activation) -> str | dict[str, Json]:
    """State an activation as an option of a layer."""
    usual = Activation(activation.name).parameters
    if activation.name not in NAMELESS and activation.parameters == usual:
        return activation.name
    made = activation_layer(activation)
    if made is None:
        known = ", ".join(sorted(set(ACTIVATIONS) - NAMELESS))
        refuse(
            name,
            layer,
            f"Keras 3 has no function {activation} to write it as; it has {known} with their usual "
            "parameters; ONNX or .npz may hold it",
        )
    kind, config = made
    return serialized(kind, {"name": f"{name}_{activation.name}", **config})


def _off_slope(activation: Activation) -> bool:
    return activation.name == "hard_sigmoid" and activation["slope"] != HARD_SLOPE


def on_keras_slope(name: str, layer: Recurrent, notes: list[str]) -> Recurrent:
    """Write ``clip(s a + 0.5)`` of another slope s as Keras 3's ``clip(a / 6 + 0.5)``.

    The two are equal where the pre-activation is multiplied by ``6 s``: ``s a = (6 s a) / 6``. So
    every array of those gates is multiplied, and the function of the network stays what it is.
    """
    cell: Cell = layer.cell
    keras = Activation("hard_sigmoid")
    if isinstance(cell, LSTM) and _off_slope(cell.activation):
        refuse(
            name,
            layer,
            f"its activation {cell.activation} acts on the cell state, and Keras 3 has that "
            "function with the slope 1/6 alone; write .npz, which holds it",
        )
    changed: dict[str, Json] = {}
    for option, gates in _gates_by_option(cell).items():
        activation = getattr(cell, option)
        if _off_slope(activation):
            factor = activation["slope"] / HARD_SLOPE
            changed[option] = keras
            changed |= {gate: scaled_gate(cell.gates[gate], factor) for gate in gates}
            notes.append(
                told(
                    "{layer}: hard_sigmoid of the slope {slope:.4g} is written as Keras 3's, of "
                    "the slope 1/6, with the arrays of its gates ({gates}) multiplied by "
                    "{factor:.4g}: the function is the same",
                    layer=name,
                    slope=float(activation["slope"]),
                    gates=", ".join(gates),
                    factor=float(factor),
                )
            )
    return replace(layer, cell=replace(cell, **changed)) if changed else layer


def _gates_by_option(cell: Cell) -> dict[str, tuple[str, ...]]:
    """Give the gates that each option of a cell acts on."""
    every = tuple(cell.gates)
    if isinstance(cell, SimpleRNN):
        return {"activation": every}
    candidate = "cell" if isinstance(cell, LSTM) else "candidate"
    gates = {"recurrent_activation": tuple(gate for gate in every if gate != candidate)}
    return gates if isinstance(cell, LSTM) else {**gates, "activation": (candidate,)}
