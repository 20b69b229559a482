"""The layers of a model that Keras applies to every step alone: the model in a TimeDistributed."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from string import ascii_letters

from rnnlens.errors import UnsupportedModel
from rnnlens.network.layers import (
    Add,
    Average,
    Bidirectional,
    Binary,
    Concatenate,
    Einsum,
    Embedding,
    Layer,
    Masking,
    Multiply,
    Recurrent,
    Subtract,
    TimeDistributed,
    Where,
)

__all__ = ["Steps"]

#: Layers that compute the same with and without more axes in front.
ENTRYWISE = (Add, Average, Binary, Multiply, Subtract, Where)


@dataclass
class Steps:
    """How many axes of steps the layers that are being read are applied along, and how."""

    #: The number of axes, from the outside in.
    depth: int = 0
    #: Layers by themselves and as they are applied, by the first one's identity and the depth.
    _applied: dict[tuple[int, int], tuple[Layer, Layer]] = field(default_factory=dict)

    @contextmanager
    def each(self) -> Generator[None]:
        """Apply the layers that are read meanwhile to every step alone."""
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def applied(
        self, node: str, kind: str, layer: Layer, ranks: Sequence[int], masked: bool
    ) -> Layer:
        """Give a layer as it is applied to every step; ``ranks`` are those of its inputs."""
        if not self.depth:
            return layer
        if _makes_mask(layer) or _has_states(layer, ranks):
            what = "makes a mask" if _makes_mask(layer) else "takes or gives states"
            raise UnsupportedModel(
                f"layer {node!r} ({kind}) {what} within a model that is applied to every step, "
                "which rnnlens does not implement; build that model without it"
            )
        if len(ranks) > 1:
            return self._of_several(node, kind, layer, ranks, masked)
        key = (id(layer), self.depth)
        if key not in self._applied:
            wrapped = layer
            for _ in range(self.depth):
                wrapped = TimeDistributed(wrapped)
            # The layer is kept beside what it becomes, so that nothing else takes its identity.
            self._applied[key] = (layer, wrapped)
        return self._applied[key][1]

    def _of_several(
        self, node: str, kind: str, layer: Layer, ranks: Sequence[int], masked: bool
    ) -> Layer:
        if not masked and isinstance(layer, ENTRYWISE) and len(set(ranks)) == 1:
            return layer
        if not masked and isinstance(layer, Concatenate):
            return replace(layer, axis=layer.axis + self.depth * (layer.axis > 0))
        if not masked and isinstance(layer, Einsum):
            free = [letter for letter in ascii_letters if letter not in layer.equation]
            steps = "".join(free[: self.depth])
            left, right, out = (f"{term[0]}{steps}{term[1:]}" for term in layer.terms)
            return Einsum(f"{left},{right}->{out}")
        raise UnsupportedModel(
            f"layer {node!r} ({kind}) joins values of different ranks, or masked ones, within a "
            "model that is applied to every step, which rnnlens does not implement; build that "
            "model without it"
        )


def _makes_mask(layer: Layer) -> bool:
    return isinstance(layer, Masking) or (isinstance(layer, Embedding) and layer.mask_zero)


def _has_states(layer: Layer, ranks: Sequence[int]) -> bool:
    if not isinstance(layer, Recurrent | Bidirectional):
        return False
    apart = isinstance(layer, Bidirectional) and layer.merge_mode is None
    one = layer.forward if isinstance(layer, Bidirectional) else layer
    return apart or one.return_state or len(ranks) > 1
