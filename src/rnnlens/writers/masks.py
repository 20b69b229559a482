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

from collections.abc import Iterable

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

#: Layers that hand masks on, or compute with them, by rules of their own.
OTHER_RULES = (Binary, CumulativeSum, Multiply, Where)


def masks_of(network: Network) -> dict[Ref, Expression | None]:
    """Give the mask that every value carries, by the rules of Keras and the engine."""
    masks: dict[Ref, Expression | None] = {}
    for node in network.nodes:
        taken = [masks.get(ref) for ref in node.inputs] or [None]
        after = mask_after(node.layer, node.inputs, taken, "newest")
        if isinstance(node.layer, Lengths):
            after = ("lengths", *node.inputs, node.layer.newest)
        masks |= {(node.name, number): None for number in range(8)}
        masks[node.name, 0] = after
        if isinstance(node.layer, Bidirectional) and node.layer.merge_mode is None:
            masks[node.name, 1] = after
    return masks


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
        if isinstance(layer, OTHER_RULES) or axis_wise:
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
