"""Masks in Keras's graphs: which ones Keras made itself, and which the user made.

A functional Keras 3 model writes the masks that it computed into its graph, as operations
(``NotEqual``, ``Any``, ``LogicalOr``, ...) and as ``mask`` arguments of layers. The engine makes
these masks anew by the same rules, so the reader leaves them out, once it is sure that they are
the same: the mask that each tensor carries is written as an expression, and a mask that a layer
was given must be that expression.

Expressions are tuples: ``("not_equal", ref, value)``, ``("any", e)``, ``("or", e, e)``,
``("wide", e)`` for a mask spread over features, ``("ones", ref)``, ``("zeros", ref)``,
``("concatenate", axis, e, ...)``, and ``("mixed",)`` for one that older versions of Keras make by
another rule than the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rnnlens.network.json_values import Json, JsonObject
from rnnlens.network.layers import (
    Activate,
    Add,
    Average,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Dense,
    Embedding,
    GlobalPooling1D,
    Identity,
    Layer,
    LayerNormalization,
    Masking,
    Multiply,
    PReLU,
    Recurrent,
    Rescaling,
    Standardization,
    Subtract,
    TimeDistributed,
)
from rnnlens.network.network import Ref

__all__ = ["MIXED", "Expression", "MaskValue", "mask_after", "mask_operation", "needs_mask"]

Expression = tuple[Any, ...]

Rules = Literal["newest", "all", "lost"]

#: A mask whose making differs between versions of Keras.
MIXED: Expression = ("mixed",)

#: Layers that hand the mask of their first input on.
PASSES = (
    Activate,
    BatchNormalization,
    Dense,
    Identity,
    LayerNormalization,
    PReLU,
    Rescaling,
    Standardization,
    TimeDistributed,
)

ENTRYWISE = (Add, Average, Multiply, Subtract)


@dataclass(frozen=True)
class MaskValue:
    """The output of an operation on masks."""

    #: What it computes.
    expression: Expression
    #: The operation's name, for messages.
    operation: str


def mask_operation(kind: str, config: JsonObject, arguments: Sequence[Any]) -> Expression | None:
    """Write one operation of a graph as an expression on masks."""
    masks = [item.expression for item in arguments if isinstance(item, MaskValue)]
    first = arguments[0] if arguments else None
    made: Expression | None = None
    if kind == "NotEqual" and len(arguments) == 2 and _is_ref(first) and _is_number(arguments[1]):
        made = ("not_equal", first, float(arguments[1]))
    elif kind in {"ZerosLike", "OnesLike"} and _is_ref(first):
        made = ("zeros" if kind == "ZerosLike" else "ones", first)
    elif len(masks) != len(arguments) or not masks:
        made = None
    elif kind == "Any" and config.get("axis") == -1 and not config.get("keepdims"):
        made = _any(masks[0])
    elif kind == "ExpandDims" and config.get("axis") == -1:
        made = ("wide", masks[0])
    elif kind == "ConvertToTensor" and len(masks) == 1:
        made = masks[0]
    elif kind == "LogicalOr" and len(masks) == 2:
        made = _or(*masks)
    elif kind == "Concatenate":
        made = ("concatenate", config.get("axis"), *masks)
    return made


def _is_ref(item: Json) -> bool:
    return isinstance(item, tuple)


def _is_number(item: Json) -> bool:
    return isinstance(item, (int, float)) and not isinstance(item, bool)


def _or(left: Expression, right: Expression) -> Expression:
    """Either of two masks; the same one twice, or spread over zeros, stays what it is."""
    if left == right or right[0] == "zeros":
        return left
    return MIXED if MIXED in {left, right} else ("or", left, right)


def _any(inner: Expression) -> Expression:
    """Any over features; a mask spread over features and put side by side with itself is itself."""
    if inner[0] == "concatenate":
        _, axis, *parts = inner
        if axis in {-1, 2} and parts[0][0] == "wide" and len(set(parts)) == 1:
            return parts[0][1]
    return ("any", inner)


def mask_after(
    layer: Layer,
    inputs: Sequence[Ref],
    masks: Sequence[Expression | None],
    rules: Rules,
) -> Expression | None:
    """Give the mask that a layer's first output carries, by Keras's rules."""
    first = masks[0]
    after: Expression | None = None
    if isinstance(layer, Masking):
        after = ("any", ("not_equal", inputs[0], layer.value))
    elif isinstance(layer, Embedding) and layer.mask_zero:
        after = ("not_equal", inputs[0], 0.0)
    elif isinstance(layer, PASSES):
        # The preprocessing layers of tf.keras drop masks; those of Keras 3 hand them on.
        dropped = rules == "all" and isinstance(layer, (Rescaling, Standardization))
        after = MIXED if dropped and first is not None else first
    elif isinstance(layer, Recurrent):
        after = first if layer.return_sequences else None
    elif isinstance(layer, Bidirectional):
        after = first if layer.forward.return_sequences else None
    elif isinstance(layer, (*ENTRYWISE, Concatenate)):
        after = _merged(layer, inputs, masks, rules)
    return after


def _merged(
    layer: Layer,
    inputs: Sequence[Ref],
    masks: Sequence[Expression | None],
    rules: Rules,
) -> Expression | None:
    there = [mask for mask in masks if mask is not None]
    if not there:
        return None
    alike = len(there) == len(masks) and len(set(there)) == 1
    over_steps = isinstance(layer, Concatenate) and layer.axis == 1
    # Before Keras 3 all masks that are there must hold, and an input without one is left out;
    # before Keras 3.4 merges lose masks (Keras pull request 19685).
    if rules == "lost" or (rules == "all" and not alike and not over_steps):
        return MIXED
    if isinstance(layer, Concatenate):
        parts = [
            ("ones", ref) if mask is None else ("wide", mask)
            for ref, mask in zip(inputs, masks, strict=True)
        ]
        return MIXED if MIXED in there else _any(("concatenate", layer.axis, *parts))
    if len(there) < len(masks):
        return None
    merged = there[0]
    for mask in there[1:]:
        merged = _or(merged, mask)
    return merged


def needs_mask(layer: Layer) -> bool:
    """Tell whether a mask changes what a layer computes."""
    mean = isinstance(layer, GlobalPooling1D) and layer.kind == "average"
    return mean or isinstance(layer, (Recurrent, Bidirectional))
