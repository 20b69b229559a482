"""What a layer of Keras is that becomes several layers here."""

from __future__ import annotations

from typing import Protocol

from rnnlens.readers.keras.graph.builder import CallInputs, KerasGraphBuilder, KerasValue

__all__ = ["Composite"]


class Composite(Protocol):
    """A layer with its arrays, built once and called as often as the graph says."""

    def call(self, builder: KerasGraphBuilder, node: str, taken: CallInputs) -> list[KerasValue]:
        """Add the nodes of one call and give its outputs."""
        ...
