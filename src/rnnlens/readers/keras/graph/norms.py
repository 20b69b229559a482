"""Division by the norm of what is divided."""

from __future__ import annotations

from rnnlens.network.activations import Activation
from rnnlens.network.layers import Activate, Multiply, Reduction
from rnnlens.network.network import Ref
from rnnlens.readers.keras.graph.nodes import Nodes

__all__ = ["normalized"]


def normalized(nodes: Nodes, ref: Ref, axes: tuple[int, ...], smallest: float) -> Ref:
    """Divide by the Euclidean norm over axes: ``x / sqrt(max(sum of squares, smallest))``."""
    squares = nodes.add(Activate(Activation("power")), ref)
    total = nodes.add(Reduction("sum", axes, keepdims=True), squares)
    floor = nodes.add(Activate(Activation("clip", {"min_value": smallest})), total)
    inverse = nodes.add(Activate(Activation("power", {"exponent": -0.5})), floor)
    return nodes.add(Multiply(), ref, inverse)
