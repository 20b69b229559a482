"""Which inputs of a network are asked about, what each of them is, and which are held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.arguments import did_you_mean
from rnnlens.attribution.joined import PlayerInput
from rnnlens.errors import DataError
from rnnlens.network.axes import ExpandDims, Index, Lengths, Slice, Squeeze
from rnnlens.network.layers import (
    Bidirectional,
    Embedding,
    Flatten,
    Identity,
    Permute,
    Recurrent,
    Reshape,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rnnlens.network.network import Network, Node

    Inputs = Mapping[str, NDArray[np.float64]]

__all__ = ["has_steps", "input_kind", "players_of", "takes_tokens"]

#: What an input may be: with lags, or without them.
SEQUENCE, TOKENS, STATIC, CATEGORY, STATE, LENGTHS = (
    "sequence",
    "tokens",
    "static",
    "category",
    "state",
    "lengths",
)
#: Layers that lay numbers out anew, through which an input goes on as what it is.
_LAID_OUT = (ExpandDims, Flatten, Identity, Index, Permute, Reshape, Slice, Squeeze)


def takes_tokens(network: Network, name: str) -> bool:
    """Say whether an input is looked up in a table."""
    takers = [node.layer for node in network.nodes if (name, 0) in node.inputs]
    return any(isinstance(layer, Embedding) for layer in takers)


def has_steps(network: Network, name: str) -> bool:
    """Say whether an input is a sequence: numbers by step and feature, or tokens by step."""
    return input_kind(network, name) in {SEQUENCE, TOKENS}


def input_kind(network: Network, name: str) -> str:
    """Say what an input is, by its shape and by what takes it."""
    shape = network.inputs[name].shape
    if takes_tokens(network, name):
        return CATEGORY if shape in {(), (1,)} and len(network.inputs) > 1 else TOKENS
    uses = _uses(network, name)
    if uses == {LENGTHS}:
        return LENGTHS
    if uses == {STATE}:
        return STATE
    return SEQUENCE if len(shape) > 1 else STATIC


def _uses(network: Network, name: str) -> set[str]:
    """Say what the layers do with an input that take it, however it is laid out for them."""
    same, uses = {name}, set()
    for node in network.nodes:
        taken = [place for place, (other, _) in enumerate(node.inputs) if other in same]
        if not taken:
            continue
        if isinstance(node.layer, _LAID_OUT):
            same.add(node.name)
            continue
        uses |= {_use(node, place) for place in taken}
    return uses


def _use(node: Node, place: int) -> str:
    if place and isinstance(node.layer, Recurrent | Bidirectional):
        return STATE
    if place and isinstance(node.layer, Lengths):
        return LENGTHS
    return "numbers"


def players_of(
    network: Network,
    inputs: Inputs,
    of: str | Sequence[str] | None,
    ahead: Mapping[str, int] | None = None,
) -> tuple[PlayerInput, ...]:
    """Give the inputs that are asked about, in the network's order.

    Where it is known how many steps of each lie after the forecast's issue, none is taken for a
    future because of how it is read.

    Shapes: inputs mapping of str to (sample, ...).
    """
    kinds = {name: input_kind(network, name) for name in inputs}
    named = [of] if isinstance(of, str) else of
    if named is None:
        named = [name for name, kind in kinds.items() if kind != LENGTHS]
    for name in named:
        if name not in inputs:
            raise DataError(
                f"the network has no input {name!r}{did_you_mean(name, list(inputs))}: it has "
                f"{', '.join(inputs)}"
            )
        if kinds[name] == LENGTHS:
            raise DataError(
                f"input {name!r} says how many steps of a window are real, which is no quantity "
                "to explain: leave it out of of="
            )
    steps = [name for name, kind in kinds.items() if kind in {SEQUENCE, TOKENS}]
    if ahead is None:
        ahead = {name: inputs[name].shape[1] for name in _futures(network, steps)}
    return tuple(
        PlayerInput(
            name,
            inputs[name].shape[1:],
            kinds[name] in {SEQUENCE, TOKENS},
            future=ahead.get(name, 0) > 0,
            past=inputs[name].shape[1] - ahead[name] if ahead.get(name, 0) > 0 else 0,
        )
        for name in inputs
        if name in named
    )


def _futures(network: Network, sequences: Sequence[str]) -> set[str]:
    """Name sequences that are read after another: a decoder's, whose states an encoder gives."""
    behind: dict[str, set[str]] = {}
    found: set[str] = set()
    for node in network.nodes:
        taken = [behind[name] for name, _ in node.inputs]
        behind[node.name] = set().union({node.name} & set(sequences), *taken)
        if isinstance(node.layer, Recurrent | Bidirectional) and len(taken) > 1:
            before = set().union(*taken[1:])
            if len(taken[0]) == 1 and before and not before & taken[0]:
                found |= taken[0]
    return found
