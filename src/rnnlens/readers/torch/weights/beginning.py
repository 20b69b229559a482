"""How many features the windows of a stated chain have, where no recurrent layer begins it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rnnlens.readers.torch.weights.lazy import LazyArray
from rnnlens.readers.torch.weights.statement import Branches, Chain, Part
from rnnlens.readers.torch.weights.words import folded_word

__all__ = ["features_of"]

#: Which axis of its weight says how many numbers a layer takes.
TAKEN = {"linear": 1, "conv1d": 1, "layernorm": 0, "batchnorm1d": 0}


def features_of(
    chain: Chain, arrays: Mapping[str, LazyArray], recurrent: Callable[[Part], int | None]
) -> int | None:
    """Give the numbers that the first layer with arrays takes a step; None where none says.

    Parts before it (activations, dropout, pools) hand on as many as they take; branches joined side
    by side do not. The callback says it of a recurrent layer, and None of any other part.
    """
    for part in chain:
        if isinstance(part, Branches):
            found = [features_of(one, arrays, recurrent) for one in part.chains]
            known = next((one for one in found if one is not None), None)
        elif folded_word(part.word) == "concat":
            return None
        else:
            known = recurrent(part) or _taken(part, arrays)
        if known is not None:
            return known
    return None


def _taken(part: Part, arrays: Mapping[str, LazyArray]) -> int | None:
    word = folded_word(part.word)
    name = part.given[0] if word in TAKEN and part.given else part.word
    weight = arrays.get(f"{name}.weight")
    axis = TAKEN.get(word, 1)
    if weight is None or len(weight.shape) <= axis:
        return None
    groups = dict(part.named).get("groups", "1")
    return weight.shape[axis] * (int(groups) if word == "conv1d" and groups.isdigit() else 1)
