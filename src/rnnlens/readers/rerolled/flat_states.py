"""States that a loop carries with an axis of length one before their units, made plain vectors.

Exporters start a recurrence from ``(layer, sample, unit)``, and may keep the layers' axis, which
is of length one, until the loop ends in a squeeze.
"""

from __future__ import annotations

from dataclasses import replace

from rnnlens.errors import InputError
from rnnlens.network.axes import Constant, Squeeze
from rnnlens.network.layers import Activate, Add, Dense, Multiply, Subtract
from rnnlens.network.network import Network, Node, Origin, Ref
from rnnlens.network.shapes import output_shapes

__all__ = ["flat_states"]


def flat_states(nodes: list[Node], outputs: list[Ref]) -> tuple[list[Node], list[Ref]]:
    """Take the axis away where every way from such a start ends in a squeeze of it."""
    starts = {node.name for node in nodes if _is_start(node)}
    if not starts:
        return nodes, outputs
    try:
        shapes = output_shapes(Network(tuple(nodes), tuple(outputs), Origin("")))
    except (InputError, ValueError, IndexError, TypeError):  # what shapes are not known of
        return nodes, outputs
    carried, gone = set(starts), dict[Ref, Ref]()
    for node in nodes:
        taken = [name for name, _ in node.inputs if name in carried]
        if not taken:
            continue
        if isinstance(node.layer, Squeeze) and node.layer.axis == 1:
            gone[node.name, 0] = node.inputs[0]
        elif _keeps(node) and all(
            name in carried or len(shapes[name][k]) == 1 for name, k in node.inputs
        ):
            carried.add(node.name)
        else:
            return nodes, outputs
    if any(name in carried for name, _ in outputs):
        return nodes, outputs
    made = []
    for node in nodes:
        if (node.name, 0) in gone:
            continue
        layer = node.layer
        if node.name in starts and isinstance(layer, Constant):
            layer = Constant(layer.C[0])
        made.append(
            replace(node, layer=layer, inputs=tuple(gone.get(ref, ref) for ref in node.inputs))
        )
    return made, [gone.get(ref, ref) for ref in outputs]


def _is_start(node: Node) -> bool:
    return isinstance(node.layer, Constant) and node.layer.C.ndim == 2 and len(node.layer.C) == 1


def _keeps(node: Node) -> bool:
    """Tell whether a layer leaves an axis before the last as it is."""
    layer = node.layer
    if isinstance(layer, Activate):
        return not layer.activation.axis_wise
    return isinstance(layer, Add | Dense | Multiply | Subtract)
