"""Two networks' recurrent layers side by side, units matched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rnnlens.dynamics.memory.plan import some_of
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.dynamics.weights.activity import correlations, hidden_states
from rnnlens.dynamics.weights.incoming import Order, arranged, stacked
from rnnlens.dynamics.weights.kernels import kernel_measures
from rnnlens.dynamics.weights.matching import (
    as_they_stand,
    distances,
    matched_by_states,
    matched_by_weights,
)
from rnnlens.dynamics.weights.result import ComparedWeights
from rnnlens.dynamics.weights.summary import layers_once, with_data
from rnnlens.engine.operations.registry import Array
from rnnlens.names import told
from rnnlens.network.cells import LSTM, Cell
from rnnlens.network.layers import Bidirectional, Identity, Masking, Recurrent
from rnnlens.network.network import Network, Node, Ref, leading_to

__all__ = ["Comparison", "compared"]

#: What is measured of each network's kernels alone.
KERNELS = ("input_frobenius", "input_spectral", "recurrent_frobenius", "recurrent_spectral",
           "spectral_radius", "bias_low", "bias_mean", "bias_high")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Comparison:
    """What is compared by layer, and by layer why units or kernels are not."""

    layers: dict[str, ComparedWeights]
    missing: dict[str, str]


def compared(
    network: Network, other: Network, questions: tuple[MemoryQuestion, MemoryQuestion] | None
) -> Comparison:
    """Compare layer by layer, in order: both have as many, of the same kinds of cells."""
    data = None if questions is None else (_Data.of(questions[0]), _Data.of(questions[1]))
    orders: dict[str, Order] = {}
    layers: dict[str, ComparedWeights] = {}
    missing: dict[str, str] = {}
    both = zip(layers_once(network).items(), layers_once(other).items(), strict=True)
    for (name, layer), (their_name, their_layer) in both:
        cell, theirs = layer.cell, their_layer.cell
        fields = _side_by_side(cell, theirs)
        if data is not None:
            fields |= _shares(data[0].does[name], data[1].does[their_name])
        if cell.units == theirs.units:
            rows = _rows(network, name, orders, cell, theirs)
            if rows is None:
                missing[name] = (
                    "its input kernels are not compared, for which of the numbers they take is "
                    "which of the other network's is not known"
                )
            if data is None:
                orders[name] = matched_by_weights(cell, theirs, rows)
            else:
                alike = correlations(data[0].states[name], data[1].states[their_name])
                orders[name] = matched_by_states(cell, alike)
                does = data[0].does[name], data[1].does[their_name]
                fields |= _of_partners(alike, orders[name], *does)
            fields |= _matched(cell, theirs, rows, orders[name])
        else:
            missing[name] = told(
                "its units are not matched, for there are {one} in one network and {other} in the "
                "other",
                one=cell.units,
                other=theirs.units,
            )
        layers[name] = ComparedWeights(**fields)
    return Comparison(layers, missing)


class _Data(NamedTuple):
    """What a network does with data, by layer: its measures and its hidden states."""

    does: dict[str, dict[str, np.ndarray]]
    states: dict[str, Array]

    @classmethod
    def of(cls, question: MemoryQuestion) -> _Data:
        """Look at as many windows as can be looked at step by step."""
        some = some_of(question)
        return cls(with_data(some), hidden_states(some))


def _side_by_side(cell: Cell, other: Cell) -> dict[str, np.ndarray]:
    one, two = kernel_measures(cell), kernel_measures(other)
    return {name: np.stack([one[name], two[name]]) for name in KERNELS}


def _shares(one: Mapping[str, np.ndarray], two: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Put means over units of both networks side by side."""
    return {
        name: np.stack([each[name].mean(axis=1) for each in (one, two)])
        for name in ("gate_mean", "saturated")
    }


def _matched(cell: Cell, other: Cell, rows: Order | None, order: Order) -> dict[str, np.ndarray]:
    stand = as_they_stand(cell)
    placed = arranged(other, order, rows)
    pairs = list(zip(cell.gates.values(), placed.gates.values(), strict=True))
    others = {"W", "U", "b", "b_r", "V"}
    kinds = {"recurrent_difference": {"U"}, "bias_difference": {"b", "b_r"}}
    if rows is not None:
        kinds["input_difference"] = {"W"}
    return {
        **{
            name: np.array([
                _relative(stacked(a, others - kept), stacked(b, others - kept)) for a, b in pairs
            ])
            for name, kept in kinds.items()
        },
        "partner": order[0],
        "sign": order[1],
        "distance": distances(cell, other, rows, order),
        "distance_as_they_stand": distances(cell, other, rows, stand),
    }


def _relative(one: Array, other: Array) -> float:
    """Give the size of a difference in parts of the first: NaN where that is nothing."""
    size = float(np.linalg.norm(one))
    return float(np.linalg.norm(one - other)) / size if size else np.nan


def _of_partners(
    correlation: Array,
    order: Order,
    one: Mapping[str, np.ndarray],
    two: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    places, signs = order
    first, second = one["influence"], two["influence"]
    return {
        "state_correlation": correlation[np.arange(len(places)), places] * signs,
        "influence": np.stack([first, second[places]]),
    }


def _rows(
    network: Network, name: str, orders: Mapping[str, Order], cell: Cell, other: Cell
) -> Order | None:
    """Give the order of what the other network's layer takes; None where it is not known."""
    if cell.features != other.features:
        return None
    node = next(one for one in network.nodes if name in _names(one))
    found = _order_of(network, node.inputs[0], orders)
    if found is None:
        before = leading_to(network.nodes, [node.inputs[0][0]])
        moved = [one for one in network.nodes if one.name in before and not _stands(one, orders)]
        return None if moved else _standing(cell.features)
    return found if len(found[0]) == cell.features else None


def _names(node: Node) -> tuple[str, ...]:
    if isinstance(node.layer, Bidirectional):
        return f"{node.name}.forward", f"{node.name}.backward"
    return (node.name,)


def _stands(node: Node, orders: Mapping[str, Order]) -> bool:
    """Say whether no unit of a node is matched with one of another number or sign."""
    if not isinstance(node.layer, Recurrent | Bidirectional):
        return True
    own = [orders.get(name) for name in _names(node)]
    return all(
        one is not None and (one[0] == np.arange(len(one[0]))).all() and (one[1] > 0).all()
        for one in own
    )


def _order_of(network: Network, ref: Ref, orders: Mapping[str, Order]) -> Order | None:
    """Follow what a layer takes back to matched units, where it comes from these alone."""
    node = network[ref[0]]
    layer = node.layer
    if isinstance(layer, Recurrent) and not ref[1]:
        return _handed_on(layer.cell, orders.get(node.name))
    if isinstance(layer, Bidirectional) and layer.merge_mode == "concat" and not ref[1]:
        sides = (layer.forward, layer.backward)
        pairs = zip(sides, _names(node), strict=True)
        found = [_handed_on(one.cell, orders.get(name)) for one, name in pairs]
        if found[0] is None or found[1] is None:
            return None
        (a, signs), (b, more) = found[0], found[1]
        return np.concatenate([a, b + len(a)]), np.concatenate([signs, more])
    if isinstance(layer, Identity | Masking):
        return _order_of(network, node.inputs[0], orders)
    return None


def _handed_on(cell: Cell, order: Order | None) -> Order | None:
    """Give the order of what a cell hands on: of its units, or as it stands where it projects."""
    if isinstance(cell, LSTM) and cell.projection is not None:
        return _standing(cell.state_sizes[0])
    return order


def _standing(size: int) -> Order:
    return np.arange(size), np.ones(size, np.int64)
