"""A layer that is applied to every step alone, as a layer over the sequence of steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from string import ascii_letters

from rnnlens.network.layers import (
    Add,
    Average,
    Binary,
    Concatenate,
    Einsum,
    Layer,
    Multiply,
    Subtract,
    TimeDistributed,
    Where,
)

__all__ = ["applied_to_each"]

#: Layers that compute the same with and without more axes in front.
ENTRYWISE = (Add, Average, Binary, Multiply, Subtract, Where)


def applied_to_each(layer: Layer, ranks: Sequence[int], depth: int = 1) -> Layer | None:
    """Give a layer with so many axes of steps in front; None where it joins unlike values.

    ``ranks`` are those of its inputs within a step.

    Examples
    --------
    >>> applied_to_each(Concatenate(1), [2, 2])
    Concatenate(axis=2)
    """
    if len(ranks) == 1:
        for _ in range(depth):
            layer = TimeDistributed(layer)
        return layer
    if isinstance(layer, ENTRYWISE) and len(set(ranks)) == 1:
        return layer
    if isinstance(layer, Concatenate):
        return replace(layer, axis=layer.axis + depth * (layer.axis > 0))
    if isinstance(layer, Einsum):
        free = [letter for letter in ascii_letters if letter not in layer.equation]
        steps = "".join(free[:depth])
        left, right, out = (f"{term[0]}{steps}{term[1:]}" for term in layer.terms)
        return Einsum(f"{left},{right}->{out}")
    return None
