"""Products of two tensors in PyTorch, by the letters of their axes: what attention is made of."""

from __future__ import annotations

import math
import string
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlens.network.activations import Activation
from rnnlens.network.axes import Constant
from rnnlens.network.layers import Activate, Add, Einsum, Reduction
from rnnlens.network.network import Source
from rnnlens.readers.letters import equation_terms, matmul_terms
from rnnlens.readers.torch.graph.arithmetic import merged, scaled
from rnnlens.readers.torch.graph.call import TorchCall, operation
from rnnlens.readers.torch.graph.functions import FAR
from rnnlens.readers.torch.graph.layers import dense
from rnnlens.readers.torch.graph.values import StackedStates, TorchValue, numbers_of

__all__: list[str] = []

#: The letter of an axis that PyTorch has merged with the samples.
FOLD = "Z"

#: A value, and a letter for each of its axes in PyTorch.
Lettered = tuple[TorchValue, str]


def _canonical(value: TorchValue, letters: str) -> str:
    """Order the letters as the axes of the network stand: the samples' first."""
    inner = FOLD if value.fold else ""
    place = value.batch
    return letters[place] + letters[:place] + inner + letters[place + 1 :]


def _multiplied(call: TorchCall, left: Lettered, right: Lettered, out: str) -> TorchValue:
    """Multiply two values and sum over the letters that ``out``, in PyTorch's order, lacks."""
    sample = left[1][left[0].batch]
    if right[1][right[0].batch] != sample or sample not in out or left[0].fold != right[0].fold:
        raise call.refuse("it works across the samples of a batch", wrong_axis=True)
    terms = [_canonical(*one) for one in (left, right)]
    lengths: dict[str, int] = {}
    for term, (value, _) in zip(terms, (left, right), strict=True):
        if len(set(term)) < len(term):
            raise call.refuse("it takes a diagonal")
        for letter, length in zip(term[1:], value.shape, strict=True):
            if lengths.setdefault(letter, length) != length:
                if letter not in out or 1 not in {lengths[letter], length}:
                    raise call.refuse("it sums over axes of which one is of length one")
                lengths[letter] = max(lengths[letter], length)
    batch = out.index(sample)
    like = TorchValue(left[0].ref, (), batch, left[0].fold)
    made = _canonical(like, out)
    ref = call.builder.add(
        call.function, Einsum(f"{terms[0]},{terms[1]}->{made}"), left[0].ref, right[0].ref
    )
    return TorchValue(ref, tuple(lengths[c] for c in made[1:]), batch, left[0].fold)


def _fixed(call: TorchCall, name: str, array: NDArray[np.float64], letters: str) -> Lettered:
    """Make a value of an array that no input changes: its letters, the samples' put first."""
    if not np.isfinite(array).all():
        raise call.refuse("a constant in it holds NaN or infinity")
    source = {"C": call.source(name) if hasattr(call.raw.get(name), "name") else Source(name)}
    entry = (call.builder.entry, 0)
    ref = call.builder.add(f"{call.function}_{name}", Constant(array), entry, sources=source)
    return TorchValue(ref, array.shape, 0), letters


def _side(call: TorchCall, name: str, letters: str, sample: str) -> Lettered:
    """Give one side of a product as a value."""
    given = call.given(name)
    if isinstance(given, TorchValue | StackedStates):
        return call.value(name), letters
    array = numbers_of(given).astype(float)
    if sample in letters:
        place = letters.index(sample)
        array = call.per_sample(given, place).astype(float)
        letters = letters.replace(sample, "")
    return _fixed(call, name, array, sample + letters)


def _product(call: TorchCall, sides: tuple[str, str], letters: tuple[str, str], out: str) -> Any:
    given = [call.given(name) for name in sides]
    lettered = [
        (call.value(name), own)
        for name, one, own in zip(sides, given, letters, strict=True)
        if isinstance(one, TorchValue | StackedStates)
    ]
    value, own = lettered[0]
    sample = own[value.batch]
    left, right = (_side(call, name, own, sample) for name, own in zip(sides, letters, strict=True))
    return _multiplied(call, left, right, out)


@operation("matmul", "mm", "bmm")
def _matmul(call: TorchCall) -> TorchValue:
    other = "other" if "other" in call.raw else "mat2"
    left, right = call.given("self"), call.given(other)
    right_shape = call.raw[other].meta["val"].shape
    fixed = not isinstance(right, TorchValue | StackedStates)
    if fixed and len(right_shape) == 2 and isinstance(left, TorchValue | StackedStates):
        return dense(call, call.value("self"), other, None, turned=False)
    ranks = [len(call.raw[name].meta["val"].shape) for name in ("self", other)]
    of_left, of_right, out = matmul_terms(*ranks)
    return _product(call, ("self", other), (of_left, of_right), out)


@operation("baddbmm")
def _added_product(call: TorchCall) -> TorchValue:
    if (call["beta"], call["alpha"]) != (1, 1):
        raise call.refuse("its alpha or beta is not 1")
    made = _product(call, ("batch1", "batch2"), ("axy", "ayz"), "axz")
    given = call.given("self")
    if isinstance(given, TorchValue):
        return merged(call, Add(), given, made)
    return _masked(call, made, given)


@operation("einsum")
def _einsum(call: TorchCall) -> TorchValue:
    nodes = call.raw["tensors"]
    ranks = [len(node.meta["val"].shape) for node in nodes]
    terms, out = equation_terms(_without_fold(call["equation"]), ranks)
    for number, node in enumerate(nodes):
        call.raw[f"operand_{number}"] = node
    names = [f"operand_{number}" for number in range(len(nodes))]
    given = [call.given(name) for name in names]
    varying = [k for k, one in enumerate(given) if isinstance(one, TorchValue | StackedStates)]
    first = varying[0]
    sample = terms[first][call.value(names[first]).batch]
    if len(names) == 2 and len(varying) == 1:
        made = _as_dense(
            call, (names[first], names[1 - first]), (terms[first], terms[1 - first]), out
        )
        if made is not None:
            return made
    sides = [_side(call, name, term, sample) for name, term in zip(names, terms, strict=True)]
    if len(sides) == 1:
        return _alone(call, sides[0], out)
    made = sides[0]
    for number, side in enumerate(sides[1:], start=1):
        later = "".join(term for _, term in sides[number + 1 :]) + out
        both = dict.fromkeys(made[1] + side[1])
        wanted = out if number == len(sides) - 1 else "".join(c for c in both if c in later)
        made = _multiplied(call, made, side, wanted), wanted
    return made[0]


def _without_fold(equation: str) -> str:
    """Write another letter for the one that stands for a merged axis."""
    unused = next(c for c in string.ascii_letters if c not in equation and c != FOLD)
    return str(equation.replace(FOLD, unused))


def _as_dense(
    call: TorchCall, names: tuple[str, str], terms: tuple[str, str], out: str
) -> TorchValue | None:
    """Read a product with a matrix over the last axis as the layer that it is."""
    (own, matrix), (_, weight) = terms, names
    if len(matrix) != 2 or own[-1] not in matrix:
        return None
    other = matrix.replace(own[-1], "")
    if len(other) != 1 or other in own or out != own[:-1] + other:
        return None
    return dense(call, call.value(names[0]), weight, None, turned=matrix.startswith(other))


def _alone(call: TorchCall, side: Lettered, out: str) -> TorchValue:
    """Sum and turn the axes of one value."""
    value, letters = call.unfolded(side[0]), side[1]
    if len(set(letters)) < len(letters):
        raise call.refuse("it takes a diagonal")
    gone = [c for c in letters if c not in out]
    if letters[value.batch] in gone:
        raise call.refuse("it works across the samples of a batch", wrong_axis=True)
    ref, canonical = value.ref, _canonical(value, letters)
    sizes = dict(zip(canonical[1:], value.shape, strict=True))
    if gone:
        axes = tuple(canonical.index(c) for c in sorted(gone, key=canonical.index))
        ref = call.builder.add(call.function, Reduction("sum", axes), ref)
        canonical = "".join(c for c in canonical if c not in gone)
    batch = out.index(canonical[0])
    wanted = out[:batch] + out[batch + 1 :]
    ref = call.builder.permuted(call.function, ref, [canonical.index(c) for c in wanted])
    return TorchValue(ref, tuple(sizes[c] for c in wanted), batch)


# --- attention -------------------------------------------------------------------------------


@operation("scaled_dot_product_attention")
def _attention(call: TorchCall) -> TorchValue:
    if call["dropout_p"] or call.raw.get("enable_gqa"):
        raise call.refuse("it drops at random, or shares keys among groups of heads")
    query, key, value = (call.value(name) for name in ("query", "key", "value"))
    many = string.ascii_lowercase[: query.rank - 2]
    scores = _multiplied(call, (query, many + "xw"), (key, many + "yw"), many + "xy")
    scale = call.raw.get("scale") or 1 / math.sqrt(query.shape[-1])
    scores = scaled(call, scores, np.array(float(scale)), np.array(0.0))
    scores = _with_mask(call, scores)
    softmax = Activate(Activation("softmax", {"axis": -1.0}))
    ref = call.builder.add(f"{call.function}_weights", softmax, scores.ref)
    weights = TorchValue(ref, scores.shape, scores.batch, scores.fold)
    return _multiplied(call, (weights, many + "xy"), (value, many + "yv"), many + "xv")


def _with_mask(call: TorchCall, scores: TorchValue) -> TorchValue:
    """Add what hides some keys from some queries."""
    import torch

    if call["is_causal"]:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        return _masked(call, scores, torch.zeros(seen.shape).masked_fill(~seen, -FAR))
    mask = call.given("attn_mask") if call.raw["attn_mask"] is not None else None
    if mask is None:
        return scores
    if isinstance(mask, TorchValue):
        raise call.refuse("its mask is computed from the input")
    if mask.dtype == torch.bool:
        mask = torch.zeros(mask.shape).masked_fill(~mask, -FAR)
    return _masked(call, scores, mask)


def _masked(call: TorchCall, scores: TorchValue, mask: Any) -> TorchValue:
    """Add a constant tensor, which is aligned by its last axis; infinity becomes a large number."""
    mask = mask.detach().cpu().clamp(-FAR, FAR)
    array = mask.numpy()
    place, after = scores.batch - (scores.rank - array.ndim), scores.rank - scores.batch - 1
    if place >= 0:
        array = call.per_sample(mask, place)
    if scores.fold is not None and array.ndim > after:  # what is merged with the samples
        array = np.expand_dims(array, array.ndim - after)
    return scaled(call, scores, np.array(1.0), array.astype(float))
