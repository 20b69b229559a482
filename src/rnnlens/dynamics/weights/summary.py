"""What is said of the weights of every recurrent layer and direction of a network."""

from __future__ import annotations

import numpy as np

from rnnlens.dynamics.memory.plan import some_of
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.dynamics.memory.units import unit_memories
from rnnlens.dynamics.weights.activity import Activity, activities
from rnnlens.dynamics.weights.copies import copies
from rnnlens.dynamics.weights.kernels import kernel_measures
from rnnlens.dynamics.weights.result import LayerWeights
from rnnlens.engine.operations.registry import Array
from rnnlens.network.layers import Recurrent
from rnnlens.network.network import Network

__all__ = ["layers_once", "summarized", "with_data"]

#: Part of the largest influence below which nothing of a unit arrives: what rounding leaves.
NOTHING = 1e-12


def summarized(network: Network, question: MemoryQuestion | None = None) -> dict[str, LayerWeights]:
    """Measure every recurrent layer and direction, over data where a question holds some."""
    does = {} if question is None else with_data(question)
    layers = {}
    for name, layer in layers_once(network).items():
        of, signs = copies(layer.cell)
        layers[name] = LayerWeights(
            **kernel_measures(layer.cell), copy_of=of, copy_sign=signs, **does.get(name, {})
        )
    return layers


def with_data(question: MemoryQuestion) -> dict[str, dict[str, np.ndarray]]:
    """Give what is known of each layer from data alone, by the names of `LayerWeights`."""
    looked = some_of(question)
    memories, acts = unit_memories(looked), activities(looked)
    names: dict[int, list[str]] = {}
    for name, layer in question.network.recurrent():
        names.setdefault(id(layer), []).append(name)
    influences = {
        each[0]: np.sum([memories[name].influence for name in each], axis=0)
        for each in names.values()
    }
    return {name: _with_data(act, influences[name]) for name, act in acts.items()}


def layers_once(network: Network) -> dict[str, Recurrent]:
    """Give every recurrent layer and direction by its first name: decoders call one many times."""
    by_layer: dict[int, tuple[str, Recurrent]] = {}
    for name, layer in network.recurrent():
        by_layer.setdefault(id(layer), (name, layer))
    return dict(by_layer.values())


def _with_data(act: Activity, influence: Array) -> dict[str, np.ndarray]:
    nothing = influence <= NOTHING * influence.max(initial=0.0)
    moves_with, correlation = _companions(act.correlation)
    over_windows = {}
    if act.spread is not None and act.constant is not None:
        over_windows = {"hidden_spread": act.spread, "constant": act.constant}
    return {
        **over_windows,
        "gate_mean": act.gates.mean,
        "closed": act.gates.closed,
        "open": act.gates.open,
        "saturated": act.gates.saturated,
        "moves_with": moves_with,
        "correlation": correlation,
        "influence": influence,
        "influence_rank": np.argsort(np.argsort(-influence, kind="stable")) + 1,
        "dead": nothing if act.constant is None else nothing | act.constant,
    }


def _companions(correlation: Array) -> tuple[np.ndarray, Array]:
    """Give the unit that each goes with the most, and how much: (unit, unit) -> two of (unit,)."""
    others = correlation.copy()
    np.fill_diagonal(others, np.nan)
    size = np.nan_to_num(np.abs(others), nan=-1.0)
    most = size.argmax(axis=1)
    each = np.arange(len(most))
    alone = size[each, most] < 0
    return np.where(alone, -1, most), np.where(alone, np.nan, others[each, most])
