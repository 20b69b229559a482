"""Sequences of which only so many steps are real, as `signature.packing` marks them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rnnlens.network.axes import Lengths, Unmask
from rnnlens.network.layers import Bidirectional, Recurrent
from rnnlens.readers.torch.graph.call import OPERATIONS, TorchCall
from rnnlens.readers.torch.graph.values import TorchValue
from rnnlens.readers.torch.recurrent import Level

if TYPE_CHECKING:
    import torch

__all__ = ["padded_with_zeros"]


def _marked(call: TorchCall) -> TorchValue:
    """Say which steps of a sequence are real: x (sample, step, feature), n (sample,)."""
    value = call.unfolded(call.value("x"))
    n = call.as_value(call.raw["n"])
    constant = call.given("n")
    if not isinstance(constant, TorchValue) and int(constant[0]) == value.shape[0]:
        call.as_value(call.raw["n"])  # refuses lengths that are fixed for each sample of a batch
        return value
    ref = call.builder.add("lengths", Lengths(), value.ref, n.ref)
    return TorchValue(ref, value.shape, value.batch)


def _whole(call: TorchCall) -> TorchValue:
    """Give a sequence that is zero past its end as one of which every step counts."""
    value = call.unfolded(call.value("x"))
    layer = call.builder.node(value.ref).layer
    one = layer.forward if isinstance(layer, Bidirectional) else layer
    if not isinstance(one, Recurrent):
        return value
    ref = call.builder.add("padded", Unmask(), value.ref)
    return TorchValue(ref, value.shape, value.batch)


def padded_with_zeros(call: TorchCall, nodes: list[torch.fx.Node], level: Level) -> Level:
    """Give the same level as packing computes it: with zeros past the end of a sequence."""
    return call.shared(["packed", *nodes], lambda: replace(level, layer=_zeroed(level.layer)))


def _zeroed(layer: Recurrent | Bidirectional) -> Recurrent | Bidirectional:
    if isinstance(layer, Bidirectional):
        ways = (replace(one, zero_output_for_mask=True) for one in (layer.forward, layer.backward))
        return replace(layer, **dict(zip(("forward", "backward"), ways, strict=True)))
    return replace(layer, zero_output_for_mask=True)


OPERATIONS["rnnlens.lengths"] = _marked
OPERATIONS["rnnlens.padded"] = _whole
