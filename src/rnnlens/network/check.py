"""Check that a network is whole before anything runs it."""

from __future__ import annotations

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.network.inventory import arrays_of
from rnnlens.network.layers import Bidirectional, Input, Recurrent
from rnnlens.network.network import Network
from rnnlens.network.shapes import output_shapes

__all__ = ["check"]


def check(network: Network) -> Network:
    """Check names, order and array shapes, and make every array read-only."""
    known: set[str] = set()
    for node in network.nodes:
        if node.name in known:
            raise UnsupportedModel(f"two nodes of the network are called {node.name!r}")
        for name, _ in node.inputs:
            if name not in known:
                raise UnsupportedModel(
                    f"layer {node.name!r} takes from {name!r}, which does not come before it"
                )
        if not node.inputs and not isinstance(node.layer, Input):
            raise UnsupportedModel(f"layer {node.name!r} takes from nothing and is not an input")
        known.add(node.name)
        for array in arrays_of(node.layer):
            if not np.isfinite(array.values).all():
                raise UnsupportedModel(
                    f"array {node.name}.{array.local_name} holds NaN or infinity: the training "
                    "diverged or the file is damaged; save the model again from its last good epoch"
                )
            array.values.flags.writeable = False
        _check_cells(node.name, node.layer)
    for name, _ in network.outputs:
        if name not in known:
            raise UnsupportedModel(f"the network's output {name!r} is not one of its layers")
    taken = [ref for node in network.nodes for ref in node.inputs]
    if any(number for _, number in (*taken, *network.outputs)):
        output_shapes(network)  # refuses what takes an output that is not there
    return network


def _check_cells(name: str, layer: object) -> None:
    if isinstance(layer, Bidirectional):
        _check_cells(f"{name}.forward", layer.forward)
        _check_cells(f"{name}.backward", layer.backward)
    elif isinstance(layer, Recurrent):
        features, units = layer.cell.features, layer.cell.units
        projection = getattr(layer.cell, "projection", None)
        if projection is not None and (projection.ndim != 2 or len(projection) != units):
            raise UnsupportedModel(
                f"layer {name!r}: its projection has shape {projection.shape}, but the cell has "
                f"{units} units"
            )
        expected = {
            "W": (features, units),
            "U": (layer.cell.state_sizes[0], units),
            "b": (units,),
            "b_r": (units,),
            "V": (units,),
        }
        for gate, arrays in layer.cell.gates.items():
            for kind, values in arrays.arrays().items():
                if values.shape != expected[kind]:
                    raise UnsupportedModel(
                        f"layer {name!r}: array {kind} of the {gate} gate has shape "
                        f"{values.shape}, but {expected[kind]} fits the other gates"
                    )
