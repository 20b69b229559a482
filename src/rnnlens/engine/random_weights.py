"""Networks of the same shape whose weights were never trained.

Two schemes: every learned array drawn from a normal distribution with its own root mean square, as
the checks by randomised weights have it; and recurrent layers drawn as the library draws them that
the network comes from, the others as before.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from rnnlens.network.cells import LSTM, Cell, Gate
from rnnlens.network.layers import (
    Bidirectional,
    Conv1D,
    Dense,
    Embedding,
    PReLU,
    Recurrent,
    TimeDistributed,
)
from rnnlens.network.network import Network

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

    _Part = TypeVar("_Part", bound=DataclassInstance)

    Draw = Callable[[Cell, np.random.Generator], Cell]

__all__ = ["initial_scheme", "learned_layers", "with_initial_weights", "with_random_weights"]

#: Layers whose arrays are all learned by gradients.
LEARNED = (Bidirectional, Conv1D, Dense, Embedding, PReLU, Recurrent, TimeDistributed)


def learned_layers(network: Network) -> tuple[str, ...]:
    """Name the layers that have learned weights, from the output down."""
    names: dict[int, str] = {}
    for node in reversed(network.nodes):
        if isinstance(node.layer, LEARNED):
            names.setdefault(id(node.layer), node.name)
    return tuple(names.values())


def with_random_weights(network: Network, names: tuple[str, ...], seed: int) -> Network:
    """Replace the weights of some layers by random ones of the same scale."""
    order = learned_layers(network)
    fresh = {
        id(network[name].layer): _random(
            network[name].layer, np.random.default_rng([seed, order.index(name)])
        )
        for name in names
    }
    nodes = [replace(node, layer=fresh.get(id(node.layer), node.layer)) for node in network.nodes]
    return replace(network, nodes=tuple(nodes))


def _random(part: _Part, rng: np.random.Generator) -> _Part:
    """Give a copy of a layer, a cell or a gate with every array drawn anew."""
    changes: dict[str, object] = {}
    for spec in fields(part):
        value = getattr(part, spec.name)
        if isinstance(value, np.ndarray):
            scale = float(np.sqrt(np.mean(np.square(value, dtype=np.float64))))
            changes[spec.name] = rng.normal(size=value.shape) * scale
        elif is_dataclass(value) and not isinstance(value, type):
            changes[spec.name] = _random(value, rng)
    return replace(part, **changes) if changes else part


def initial_scheme(network: Network) -> str:
    """Name the library whose initial weights are known: ``"Keras"``, ``"PyTorch"``, or nothing."""
    made = network.origin.format
    return next((one for one in ("Keras", "PyTorch") if one in made), "")


def with_initial_weights(network: Network, seed: int) -> Network:
    """Draw the weights anew as the network's library draws them before any training.

    Keras: Glorot's uniform kernels, orthogonal recurrent kernels, biases of 0 and of 1 for forget
    gates. PyTorch: all uniform within 1 / sqrt(units).
    """
    draw = {"Keras": _keras, "PyTorch": _pytorch}[initial_scheme(network)]
    network = with_random_weights(network, learned_layers(network), seed)
    fresh: dict[int, Recurrent | Bidirectional] = {}
    for place, node in enumerate(network.nodes):
        layer, rng = node.layer, np.random.default_rng([seed, place, 1])
        if isinstance(layer, Recurrent):
            fresh.setdefault(id(layer), replace(layer, cell=draw(layer.cell, rng)))
        elif isinstance(layer, Bidirectional):
            both = {
                side: replace(one, cell=draw(one.cell, rng))
                for side, one in (("forward", layer.forward), ("backward", layer.backward))
            }
            fresh.setdefault(id(layer), replace(layer, **both))
    nodes = [replace(node, layer=fresh.get(id(node.layer), node.layer)) for node in network.nodes]
    return replace(network, nodes=tuple(nodes))


def _keras(cell: Cell, rng: np.random.Generator) -> Cell:
    gates, units, rows = cell.gates, cell.units, cell.state_sizes[0]
    limit = np.sqrt(6 / (cell.features + len(gates) * units))
    normal = rng.normal(size=(len(gates) * units, rows))
    orthogonal, triangle = np.linalg.qr(normal)
    # the signs make the draw uniform over all rotations
    wide = (orthogonal * np.sign(np.diag(triangle))).T
    fresh = {}
    for k, (name, gate) in enumerate(gates.items()):
        bias = 1.0 if name == "forget" else 0.0
        fresh[name] = replace(
            gate,
            W=rng.uniform(-limit, limit, gate.W.shape),
            U=wide[:, k * units : (k + 1) * units],
            b=None if gate.b is None else np.full(units, bias),
            b_r=None if gate.b_r is None else np.zeros(units),
        )
    return replace(cell, **fresh)


def _pytorch(cell: Cell, rng: np.random.Generator) -> Cell:
    limit = 1 / np.sqrt(cell.units)

    def drawn(gate: Gate) -> Gate:
        arrays = {
            kind: rng.uniform(-limit, limit, np.shape(array))
            for kind, array in gate.arrays().items()
        }
        if gate.b is not None and gate.b_r is None:
            # PyTorch's two biases of a gate are one where a reader has added them up
            arrays["b"] += rng.uniform(-limit, limit, np.shape(gate.b))
        return replace(gate, **arrays)

    fresh = {name: drawn(gate) for name, gate in cell.gates.items()}
    if isinstance(cell, LSTM) and cell.projection is not None:
        shape = np.shape(cell.projection)
        return replace(cell, **fresh, projection=rng.uniform(-limit, limit, shape))
    return replace(cell, **fresh)
