"""The nodes that one layer or operation of Keras becomes, where it is more than one layer here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rnnlens.network.axes import Constant
from rnnlens.network.layers import Layer
from rnnlens.network.network import Ref, Source
from rnnlens.network.shapes import Shape

__all__ = ["Nodes"]

NO_SOURCES: Mapping[str, Source] = {}


class Grows(Protocol):
    """What is asked of the graph that grows."""

    def add(self, node: str, layer: Layer, refs: list[Ref], sources: Mapping[str, Source]) -> Ref:
        """Add a node."""
        ...

    def unmasked(self, node: str, ref: Ref) -> Ref:
        """Hand a value on without its mask."""
        ...

    def shape(self, ref: Ref) -> Shape:
        """Give the shape of one sample."""
        ...


@dataclass
class Nodes:
    """Nodes of one call: the first takes the call's name, the next ones a number after it."""

    graph: Grows
    name: str
    count: int = 0

    def add(
        self,
        layer: Layer,
        *refs: Ref,
        named: str = "",
        sources: Mapping[str, Source] = NO_SOURCES,
    ) -> Ref:
        """Add a node, whose inputs lose their masks, for operations hand none on."""
        self.count += 1
        own = f"{self.name}.{named or self.count}" if named or self.count > 1 else self.name
        plain = [
            self.graph.unmasked(f"{own}.unmasked{number or ''}", ref)
            for number, ref in enumerate(refs)
        ]
        return self.graph.add(own, layer, plain, sources)

    def shape(self, ref: Ref) -> Shape:
        """Give the shape of one sample."""
        return self.graph.shape(ref)

    def rank(self, ref: Ref) -> int:
        """Give the number of axes, that of the samples counted."""
        return 1 + len(self.shape(ref))

    def constant(self, values: np.ndarray, like: Ref) -> Ref:
        """Add the same numbers for every sample of a value."""
        return self.add(Constant(np.asarray(values, dtype=np.float64)), like)
