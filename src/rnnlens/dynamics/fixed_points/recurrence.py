"""From a network to the map of its recurrent layers: which they are, and what reaches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.fixed_points.step_map import StepMap, step_map
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.operations.recurrent import run_cell
from rnnlens.engine.recurrent_layers import LayerLocation, locate_layer
from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.network.layers import Bidirectional, Identity, Recurrent
from rnnlens.network.network import Network, layer_kind

__all__ = ["Recurrence", "recurrence"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Recurrence:
    """A stack of recurrent layers, each taking what the one before gives.

    Parameters
    ----------
    network : Network
        The network that they are of.
    places : tuple of LayerLocation
        The layers, the one nearest to the input first.
    whole : bool
        Whether these are all recurrent layers, so that their states are the network's.
    """

    network: Network
    places: tuple[LayerLocation, ...]
    whole: bool

    def map(self, inputs: Mapping[str, Array]) -> StepMap:
        """Make the map at inputs that are held: one sample a phase, each held over its steps.

        Shapes: inputs mapping of str to (phase, ...).
        """
        run = forward(self.network, inputs)
        first = self._taken(run, self.places[0])
        reached = first[:, 0] if self.places[0].layer.go_backwards else first[:, -1]
        return step_map([place.layer.cell for place in self.places], reached)

    def visited(self, inputs: Mapping[str, Array]) -> Array:
        """Give the states that windows visit: (window and step, state)."""
        run = forward(self.network, inputs)
        parts = []
        for place in self.places:
            own, _ = run_cell(place.layer, (self._taken(run, place),), None)
            parts.extend(own.states_after(backwards=False))
        return np.concatenate([part.reshape(-1, part.shape[-1]) for part in parts], axis=1)

    def _taken(self, run: Run, place: LayerLocation) -> Array:
        return run.value(place.node.inputs[0])

    @property
    def states(self) -> tuple[tuple[str, str, int], ...]:
        """Name each number of a state by layer, kind of state and unit."""
        return tuple(
            (place.name, kind, unit)
            for place in self.places
            for kind, size in zip(
                place.layer.cell.states, place.layer.cell.state_sizes, strict=True
            )
            for unit in range(size)
        )


def recurrence(network: Network, layer: str | None) -> Recurrence:
    """Find the stack of recurrent layers, or the one that is named."""
    every = [node for node in network.nodes if isinstance(node.layer, Recurrent | Bidirectional)]
    if layer is not None or len(every) < 2:
        place = locate_layer(network, layer)
        return Recurrence(network, (place,), whole=len(every) == 1 and place.side is None)
    names = ", ".join(name for name, _ in network.recurrent())
    places: list[LayerLocation] = []
    for node in every:
        if isinstance(node.layer, Bidirectional):
            raise UnsupportedModel(
                f"the two directions of {node.name!r} begin at different ends of the window, so "
                f"that no one step takes the network on: name one of {names} with layer= (--layer)"
            )
        assert isinstance(node.layer, Recurrent)
        if places:
            _check_joined(network, places[-1], node.name, names)
        places.append(LayerLocation(node.name, node, node.layer))
    return Recurrence(network, tuple(places), whole=True)


def _check_joined(network: Network, below: LayerLocation, name: str, names: str) -> None:
    """Refuse what stands between two layers, or turns the steps round."""
    source, number = network[name].inputs[0]
    while isinstance(network[source].layer, Identity):
        source, number = network[source].inputs[0]
    layer = network[name].layer
    assert isinstance(layer, Recurrent)
    if source != below.name or number != 0 or not below.layer.return_sequences:
        between = f"{source!r} ({layer_kind(network[source].layer)})"
        raise UnsupportedModel(
            f"{name!r} takes what {between} gives, and not each step of {below.name!r}: name one "
            f"of {names} with layer= (--layer)"
        )
    if layer.go_backwards or below.layer.go_backwards:
        raise InputError(
            f"{name!r} and {below.name!r} read the steps in an order of their own, so that no one "
            f"step takes both on: name one of {names} with layer= (--layer)"
        )
