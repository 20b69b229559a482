"""The layers of a model that Keras applies to every step alone: the model in a TimeDistributed."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rnnlens.errors import UnsupportedModel
from rnnlens.network.layers import Bidirectional, Embedding, Layer, Masking, Recurrent
from rnnlens.network.steps.applied import applied_to_each

__all__ = ["Steps"]


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
            # The layer is kept beside what it becomes, so that nothing else takes its identity.
            self._applied[key] = (layer, applied_to_each(layer, ranks, self.depth) or layer)
        return self._applied[key][1]

    def _of_several(
        self, node: str, kind: str, layer: Layer, ranks: Sequence[int], masked: bool
    ) -> Layer:
        joined = None if masked else applied_to_each(layer, ranks, self.depth)
        if joined is not None:
            return joined
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
