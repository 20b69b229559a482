"""A network as the module of the page takes it: plain values, and all weights as one text.

The module runs one chain of layers from the windows to the forecast. What it cannot run is said in
one sentence, and nothing is left out in silence.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import singledispatch
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.names import GATE_LETTERS
from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Cell, SimpleRNN
from rnnlens.network.layers import (
    Activate,
    BatchNormalization,
    Bidirectional,
    Dense,
    Flatten,
    Identity,
    Input,
    Layer,
    Masking,
    Recurrent,
    Rescaling,
    Reshape,
    Standardization,
    TimeDistributed,
)
from rnnlens.network.network import Network, Node, layer_kind, leading_to
from rnnlens.writers.packing import has, packed, summed_bias
from rnnlens.writers.simplify import simplified

__all__ = ["FUNCTIONS", "page_network", "text_of"]

#: The functions of one number that the module knows.
FUNCTIONS = frozenset({
    "elu", "exponential", "hard_sigmoid", "hard_tanh", "linear", "relu", "selu", "sigmoid",
    "softplus", "softsign", "tanh",
})  # fmt: skip

#: Alpha and scale of the scaled exponential linear unit (Klambauer et al. 2017).
SELU = (1.6732632423543772, 1.0507009873554805)

Array = NDArray[np.floating]
Spec = dict[str, Any]


class _CannotRun(Exception):
    """Why the module cannot run a layer, as a clause."""


@dataclass(eq=False)
class _Weights:
    """The arrays of a network one behind the other, as they are put down."""

    arrays: list[NDArray[np.float32]] = field(default_factory=list)
    length: int = 0

    def put(self, array: Array) -> dict[str, list[int]]:
        """Add an array and say where it stands."""
        flat = np.ascontiguousarray(array, dtype=np.float32).reshape(-1)
        at = [self.length, len(flat)]
        self.arrays.append(flat)
        self.length += len(flat)
        return {"at": at}

    def text(self) -> str:
        """Give all of them as text."""
        return text_of(np.concatenate(self.arrays)) if self.arrays else ""


def text_of(array: Array) -> str:
    """Give numbers as base64 of little-endian single precision.

    Examples
    --------
    >>> text_of(np.array([1.0, -2.0]))
    'AACAPwAAAMA='
    """
    return base64.b64encode(np.ascontiguousarray(array, dtype="<f4").tobytes()).decode("ascii")


def page_network(network: Network, output: int = 0) -> tuple[Spec, str]:
    """Give a network as the page's module takes it.

    Parameters
    ----------
    network : Network
        With one entry, (step, feature).
    output : int
        Which of its outputs is asked about.

    Returns
    -------
    dict
        ``layers`` and ``weights``; empty where the module cannot run the network.
    str
        Why it cannot, as a sentence; empty where it can.
    """
    weights = _Weights()
    layers = []
    try:
        for node in _chain(simplified(network), output):
            if isinstance(node.layer, Identity):
                continue  # it changes nothing
            called = {"name": node.name, "called": layer_kind(node.layer)}
            layers.append(called | _named(node, weights))
    except _CannotRun as why:
        return {}, f"This page cannot run the network itself: {why}."
    return {"layers": layers, "weights": weights.text()}, ""


def _chain(network: Network, output: int) -> list[Node]:
    """Give the layers from the windows to an output, each behind the one before."""
    name, number = network.outputs[output]
    needed = leading_to(network.nodes, [name])
    nodes = [node for node in network.nodes if node.name in needed]
    if number or not isinstance(nodes[0].layer, Input) or len(nodes[0].layer.shape) != 2:
        raise _CannotRun("its forecast is not made from one sequence (step, feature)")
    for before, node in pairwise(nodes):
        if node.inputs != ((before.name, 0),):
            raise _CannotRun(
                f"layer {node.name!r} ({layer_kind(node.layer)}) does not take the layer before "
                "it alone"
            )
    return nodes[1:]


def _named(node: Node, weights: _Weights) -> Spec:
    try:
        spec = _layer(node.layer, weights)
    except _CannotRun as why:
        raise _CannotRun(f"layer {node.name!r} ({layer_kind(node.layer)}) {why}") from None
    if isinstance(node.layer, Bidirectional):
        spec["names"] = [f"{node.name}.forward", f"{node.name}.backward"]
    elif isinstance(node.layer, Recurrent):
        spec["names"] = [node.name]
    return spec


@singledispatch
def _layer(layer: Layer, weights: _Weights) -> Spec:
    raise _CannotRun("is not among the layers that it knows")


@_layer.register
def _(layer: Masking, weights: _Weights) -> Spec:
    return {"kind": "masking", "value": layer.value}


@_layer.register
def _(layer: Flatten, weights: _Weights) -> Spec:
    return {"kind": "reshape", "shape": [-1]}


@_layer.register
def _(layer: Reshape, weights: _Weights) -> Spec:
    if len(layer.shape) > 2:
        raise _CannotRun("lays a sample's numbers out along more than two axes")
    return {"kind": "reshape", "shape": list(layer.shape)}


@_layer.register
def _(layer: Dense, weights: _Weights) -> Spec:
    b = np.zeros(layer.W.shape[1]) if layer.b is None else layer.b
    phi = _function(layer.activation)
    return {"kind": "dense", "W": weights.put(layer.W), "b": weights.put(b), "phi": phi}


@_layer.register
def _(layer: TimeDistributed, weights: _Weights) -> Spec:
    if not isinstance(layer.layer, Dense | Activate):
        raise _CannotRun("is more than a dense layer at each step")
    return _layer(layer.layer, weights)


@_layer.register
def _(layer: Activate, weights: _Weights) -> Spec:
    return {"kind": "dense", "phi": _function(layer.activation)}


@_layer.register
def _(layer: BatchNormalization, weights: _Weights) -> Spec:
    if layer.axis not in {-1, 2}:
        raise _CannotRun("does not scale the last axis")
    scale = 1 / np.sqrt(np.asarray(layer.variance, float) + layer.epsilon)
    scale = scale if layer.gamma is None else scale * layer.gamma
    offset = -layer.mean * scale + (0.0 if layer.beta is None else layer.beta)
    return _affine(scale, offset, weights)


@_layer.register
def _(layer: Rescaling, weights: _Weights) -> Spec:
    scale, offset = np.broadcast_arrays(layer.scale, layer.offset)
    return _affine(scale, offset, weights)


@_layer.register
def _(layer: Standardization, weights: _Weights) -> Spec:
    mean, variance = np.broadcast_arrays(layer.mean, layer.variance)
    size = np.maximum(np.sqrt(variance.astype(float)), layer.epsilon)
    if layer.invert:
        return _affine(size, mean, weights)
    return _affine(1 / size, -mean / size, weights)


def _affine(scale: Array, offset: Array, weights: _Weights) -> Spec:
    scale, offset = np.atleast_1d(scale), np.atleast_1d(offset)
    if scale.size not in {1, scale.shape[-1]}:
        raise _CannotRun("scales each step by numbers of its own")
    return {"kind": "affine", "scale": weights.put(scale), "offset": weights.put(offset)}


@_layer.register
def _(layer: Recurrent, weights: _Weights) -> Spec:
    return {"kind": "recurrent", "cells": [_cell(layer, weights)], "merge": None, **_handing(layer)}


@_layer.register
def _(layer: Bidirectional, weights: _Weights) -> Spec:
    if layer.merge_mode is None:
        raise _CannotRun("leaves its two directions apart")
    return {
        "kind": "recurrent",
        "cells": [_cell(one, weights) for one in (layer.forward, layer.backward)],
        "merge": layer.merge_mode,
        **_handing(layer.forward),
    }


def _handing(layer: Recurrent) -> Spec:
    return {"sequences": layer.return_sequences, "zero_masked": layer.zero_output_for_mask}


def _cell(layer: Recurrent, weights: _Weights) -> Spec:
    cell = layer.cell
    order = list(GATE_LETTERS[cell.kind])
    spec: Spec = {
        "kind": cell.kind,
        "units": cell.units,
        "outputs": cell.state_sizes[0],
        "backwards": layer.go_backwards,
        "phi": _function(cell.activation) if isinstance(cell, LSTM | GRU | SimpleRNN) else None,
        "W": weights.put(packed(cell, order, "W")),
        "U": weights.put(packed(cell, order, "U")),
    }
    spec |= _OWN[type(cell)](cell, order, weights)
    shown = {"LSTM": "ifgoch", "GRU": "zrnh"}.get(cell.kind, "h")
    return spec | {"limits": _limits(cell.kind, spec), "shown": list(shown)}


def _limits(kind: str, spec: Spec) -> Spec:
    """Give the ends of each gate and candidate, by its letter, where there are any."""
    ends = {"sigmoid": [0, 1], "tanh": [-1, 1], "softsign": [-1, 1]}
    letters = {"LSTM": {"i": "sigma", "f": "sigma", "g": "phi", "o": "sigma"},
               "GRU": {"z": "sigma", "r": "sigma", "n": "phi"}}.get(kind, {"h": "phi"})  # fmt: skip
    found = {}
    for letter, name in letters.items():
        curve = spec[name]
        known = [curve["low"], 1] if curve["name"] == "clip" else ends.get(curve["name"])
        if known:
            found[letter] = known
    return found


def _lstm(cell: LSTM, order: list[str], weights: _Weights) -> Spec:
    spec: Spec = {"sigma": _function(cell.recurrent_activation)}
    spec["b"] = weights.put(summed_bias(cell, order))
    if has(cell, "V"):
        seeing = [gate for gate in order if gate != "cell"]
        spec["V"] = weights.put(packed(cell, seeing, "V"))
    if cell.projection is not None:
        spec["P"] = weights.put(cell.projection)
    return spec


def _gru(cell: GRU, order: list[str], weights: _Weights) -> Spec:
    spec: Spec = {"sigma": _function(cell.recurrent_activation), "reset_after": cell.reset_after}
    b, b_rn = summed_bias(cell, order), np.zeros(cell.units)
    if cell.reset_after:
        b_rn = packed(cell, order, "b_r")[-cell.units :].astype(float)
        b[-cell.units :] -= b_rn
    return spec | {"b": weights.put(b), "b_rn": weights.put(b_rn)}


def _plain(cell: SimpleRNN, order: list[str], weights: _Weights) -> Spec:
    return {"b": weights.put(summed_bias(cell, order))}


_OWN: dict[type[Cell], Callable[[Any, list[str], _Weights], Spec]] = {
    LSTM: _lstm,
    GRU: _gru,
    SimpleRNN: _plain,
}


def _function(phi: Activation) -> Spec:
    """Give a function as the module knows it: some are others of stated parameters."""
    match phi.name:
        case "selu":
            return {"name": "elu", "alpha": SELU[0], "scale": SELU[1]}
        case "elu":
            return {"name": "elu", "alpha": phi["alpha"], "scale": 1.0}
        case "hard_tanh":
            return {"name": "clip", "slope": 1.0, "offset": 0.0, "low": -1.0, "width": 1.0}
        case "hard_sigmoid":
            slope = phi["slope"]
            return {"name": "clip", "slope": slope, "offset": 0.5, "low": 0.0, "width": 0.5 / slope}
    if phi.name not in FUNCTIONS:
        raise _CannotRun(f"has the activation {phi}, which the page does not know")
    # JSON has no infinity
    finite = {key: one if np.isfinite(one) else 1e308 for key, one in phi.parameters.items()}
    return {"name": phi.name, **finite}
