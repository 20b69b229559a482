"""Which layers of Keras are several layers here, and what builds each."""

from __future__ import annotations

from collections.abc import Callable

from rnnlens.network.json_values import JsonObject
from rnnlens.readers.keras.composites.attention import additive_attention, attention
from rnnlens.readers.keras.composites.base import Composite
from rnnlens.readers.keras.composites.heads import multi_head_attention
from rnnlens.readers.keras.composites.lambdas import lambda_layer
from rnnlens.readers.keras.composites.places import cropping, up_sampling, zero_padding
from rnnlens.readers.keras.composites.products import dot
from rnnlens.readers.keras.composites.stacks import both_ways, stack
from rnnlens.readers.keras.layers.cells import is_stack
from rnnlens.readers.keras.layers.spec import LayerSpec, class_of

__all__ = ["CALLED_BY_NAME", "composite_of"]

#: Builders by Keras class.
COMPOSITES: dict[str, Callable[[LayerSpec], Composite]] = {
    "Dot": dot,
    "Attention": attention,
    "AdditiveAttention": additive_attention,
    "MultiHeadAttention": multi_head_attention,
    "Lambda": lambda_layer,
    "ZeroPadding1D": zero_padding,
    "Cropping1D": cropping,
    "UpSampling1D": up_sampling,
}

#: Those whose calls are read with their lists and names as they are.
CALLED_BY_NAME = frozenset({"Attention", "AdditiveAttention", "MultiHeadAttention"})


def composite_of(entry: JsonObject) -> Callable[[LayerSpec], Composite] | None:
    """Give what builds a layer that is several here; ``None`` for the others."""
    kind = class_of(entry)
    if is_stack(entry):
        return stack
    if kind == "Bidirectional" and is_stack(entry["config"]["layer"]):
        return both_ways
    return COMPOSITES.get(kind)
