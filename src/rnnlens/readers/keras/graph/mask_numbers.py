"""Masks that a network computes with as numbers, such as the count of the real steps."""

from __future__ import annotations

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.axes import ExpandDims
from rnnlens.network.layers import Activate, Binary, Concatenate, Reduction, Rescaling
from rnnlens.network.network import Ref
from rnnlens.readers.keras.graph.masks import Expression, MaskValue
from rnnlens.readers.keras.graph.nodes import Nodes

__all__ = ["as_numbers"]


def scaled(scale: float, offset: float) -> Rescaling:
    """Make ``x scale + offset``."""
    return Rescaling(np.array(float(scale)), np.array(float(offset)))


def as_numbers(mask: MaskValue, nodes: Nodes) -> Ref:
    """Compute a mask: 1 where it holds, and 0 elsewhere."""

    def made(expression: Expression) -> Ref:
        kind, *parts = expression
        if kind in {"ones", "zeros"}:
            return nodes.add(scaled(0.0, float(kind == "ones")), parts[0])
        if kind == "not_equal":
            apart = nodes.add(scaled(1.0, -parts[1]), parts[0])
            equal = nodes.add(Activate(Activation("is_zero")), apart)
            return nodes.add(scaled(-1.0, 1.0), equal)
        if kind == "any":
            return nodes.add(Reduction("max", (-1,)), made(parts[0]))
        if kind == "wide":
            return nodes.add(ExpandDims(-1), made(parts[0]))
        if kind == "or":
            return nodes.add(Binary("maximum"), made(parts[0]), made(parts[1]))
        axis, *joined = parts  # side by side
        return nodes.add(Concatenate(axis), *map(made, joined))

    return made(mask.expression)
