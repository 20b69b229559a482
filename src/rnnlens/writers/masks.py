"""Which steps are padding, for targets whose layers know no masks: as expressions on values.

Expressions are those of `rnnlens.readers.keras.graph.masks`, and ``("lengths", ref, ref, newest)``
for a sequence with each sample's number of real steps, and ``("joined", e, ...)`` for masks whose
steps stand one behind another.

A target without masks runs a recurrent layer over the real steps alone: they are moved to the front
in their order, the layer runs over them, and each step is given the output at the last real step up
to it, or zero before the first. That is what a mask does, wherever the padding stands: at a masked
step the states stay, and the output is the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rnnlens.network.axes import Lengths
from rnnlens.network.layers import (
    Activate,
    Bidirectional,
    Binary,
    CumulativeSum,
    Multiply,
    Where,
)
from rnnlens.network.network import Network, Node, Ref
from rnnlens.readers.keras.graph.masks import Expression, mask_after, needs_mask
from rnnlens.writers.written import refuse

__all__ = ["Expression", "masks_of", "wanted_masks"]


def masks_of(network: Network) -> dict[Ref, Expression | None]:
    """Give the mask that every value carries, by the rules of Keras and the engine."""
    masks: dict[Ref, Expression | None] = {}
    for node in network.nodes:
        taken = [masks.get(ref) for ref in node.inputs] or [None]
        after = _after(node, taken)
        masks |= {(node.name, number): None for number in range(8)}
        masks[node.name, 0] = after
        if isinstance(node.layer, Bidirectional) and node.layer.merge_mode is None:
            masks[node.name, 1] = after
    return masks


def _after(node: Node, taken: Sequence[Expression | None]) -> Expression | None:
    """Give the mask of a node's first output, operations that Keras has as no layers included."""
    layer = node.layer
    if isinstance(layer, Lengths):
        return ("lengths", *node.inputs, layer.newest)
    if isinstance(layer, CumulativeSum):
        return taken[0]
    if isinstance(layer, Binary | Where):
        sides = taken[1:] if isinstance(layer, Where) else taken
        there = [mask for mask in sides if mask is not None]
        return ("or", *there) if len(there) == len(sides) else None
    return mask_after(layer, node.inputs, taken, "newest")


def wanted_masks(network: Network) -> dict[str, Expression]:
    """Give the masks that change what a layer computes, by node; refuse those not written."""
    masks = masks_of(network)
    wanted: dict[str, Expression] = {}
    for node in network.nodes:
        taken = [masks[ref] for ref in node.inputs]
        if all(mask is None for mask in taken):
            continue
        layer = node.layer
        axis_wise = isinstance(layer, Activate) and layer.activation.axis_wise
        # both compute with masks by rules of their own
        if isinstance(layer, Multiply) or axis_wise:
            _refuse(node, "it takes a masked sequence")
        first = taken[0]
        if needs_mask(layer) and first is not None:
            told = _told(first)
            if told[0] != "ones":
                wanted[node.name] = told
    return wanted


def _told(mask: Expression) -> Expression:
    """Give a mask by the kinds that are written; that of a merge by those of its inputs."""
    kind, *parts = mask
    if kind == "wide":
        return _told(parts[0])
    if kind == "or":
        return _either(_told(part) for part in parts)
    if kind == "any" and parts[0][0] == "concatenate":
        _, axis, *sides = parts[0]
        told = [_told(side) for side in sides]
        if axis in {1, -2}:
            return ("joined", *told)
        return _either(told)
    return mask


def _either(masks: Iterable[Expression]) -> Expression:
    """Any of several masks; where one of them hides no step, none does."""
    told = list(masks)
    whole = [mask for mask in told if mask[0] == "ones"]
    return whole[0] if whole else ("or", *told)


def _refuse(node: Node, what: str) -> None:
    refuse(
        node.name,
        node.layer,
        f"{what}, and rnnlens writes that for no target that knows no masks; write .npz, which "
        "holds it",
    )
