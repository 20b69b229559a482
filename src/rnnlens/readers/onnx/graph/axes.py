"""ONNX operators that lay values out anew, with the batch axis kept in sight."""

from __future__ import annotations

from typing import Literal

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.activations import Activation
from rnnlens.network.axes import ExpandDims, Mean, Repeat, Squeeze
from rnnlens.network.layers import (
    Activate,
    GlobalPooling1D,
    Layer,
    Multiply,
    Reduction,
    RepeatVector,
    Reshape,
)
from rnnlens.readers.onnx.graph.builder import Given, OnnxGraphBuilder, Rule
from rnnlens.readers.onnx.graph.heads import with_heads
from rnnlens.readers.onnx.graph.inputs import (
    axes_option,
    lengths_of,
    optional,
    tensor_of,
    whole_axis,
    whole_numbers,
)
from rnnlens.readers.onnx.graph.values import (
    APART,
    BATCH,
    Dim,
    Length,
    OnnxTensor,
    product,
    quotient,
)
from rnnlens.readers.onnx.proto import OnnxOperator
from rnnlens.readers.refusals import WrongSampleAxis

__all__ = ["RULES"]

Kind = Literal["sum", "max", "min", "product", "logsumexp"]

#: Reductions and what they are, where ``ReduceL2`` is also the root of it.
REDUCTIONS: dict[str, Kind] = {
    "ReduceL1": "sum",
    "ReduceL2": "sum",
    "ReduceLogSumExp": "logsumexp",
    "ReduceMax": "max",
    "ReduceMin": "min",
    "ReduceProd": "product",
    "ReduceSum": "sum",
    "ReduceSumSquare": "sum",
}


def _transpose(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    order = op.attributes.get("perm") or list(range(x.rank))[::-1]
    if sorted(order) != list(range(x.rank)):
        raise UnreadableFile(f"node {op.text} orders axes as {order}: the file is damaged")
    axes = tuple(x.axis(axis) for axis in order if axis != x.batch)
    ref = builder.permuted(x.ref, axes)
    return [x.laid(ref, [x.shape[axis] for axis in order], order.index(x.batch))]


def _unsqueeze(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    axes = axes_option(op, values) or []
    rank = x.rank + len(axes)
    for axis in sorted(whole_axis(axis, rank, op) for axis in axes):
        batch = x.batch + (axis <= x.batch)
        shape = (*x.shape[:axis], 1, *x.shape[axis:])
        wider = OnnxTensor(x.ref, shape, batch, x.integer)
        ref = builder.relaid(x.ref, ExpandDims(wider.axis(axis)), wider.sample)
        x = x.laid(ref, shape, batch)
    return [x]


def _squeeze(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    stated = axes_option(op, values)
    if stated is None:
        stated = [k for k, length in enumerate(x.shape) if length == 1 and k != x.batch]
    for axis in sorted((whole_axis(axis, x.rank, op) for axis in stated), reverse=True):
        x = _without(op, x, axis, builder)
    return [x]


def _without(op: OnnxOperator, x: OnnxTensor, axis: int, builder: OnnxGraphBuilder) -> OnnxTensor:
    if axis == x.batch:
        raise WrongSampleAxis(
            f"node {op.text} takes the batch axis away: the model is for one window alone"
        )
    if x.shape[axis] != 1:
        raise WrongSampleAxis(
            f"node {op.text} takes an axis away whose length is not known to be one"
        )
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    batch = x.batch - (axis < x.batch)
    rest = shape[:batch] + shape[batch + 1 :]
    return x.laid(builder.relaid(x.ref, Squeeze(x.axis(axis)), rest), shape, batch)


def _reshape(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    wanted = op.attributes.get("shape")
    wanted = lengths_of(optional(values, 1), op.text) if wanted is None else list(wanted)
    if not op.attributes.get("allowzero"):
        wanted = [_copied(op, x, k) if n == 0 else n for k, n in enumerate(wanted)]
    if _folds(x, wanted):
        return [x.folded()]
    joined = _features_joined(x, wanted, builder)
    if joined is not None:
        return [joined.folded()]
    beside = with_heads(x, wanted, builder)
    return [_reshaped(op, x.opened(), wanted, builder) if beside is None else beside]


def _folds(x: OnnxTensor, wanted: list[Length]) -> bool:
    """Tell whether a shape puts samples and steps into one axis and leaves the features alone."""
    if x.apart or x.rank < 3 or x.batch == x.rank - 1 or len(wanted) != 2:
        return False
    rows, features = wanted
    if features == -1:
        return rows == product(x.shape[:-1])
    # A file for one batch size writes a number here, which no sample's shape can make.
    return features == x.shape[-1] and (rows == -1 or rows != BATCH)


def _features_joined(
    x: OnnxTensor, wanted: list[Length], builder: OnnxGraphBuilder
) -> OnnxTensor | None:
    """Put the last axes into one, where a shape does that and puts the others into one too."""
    if x.apart or x.rank < 4 or x.batch > 1 or len(wanted) != 2:
        return None
    rows, features = wanted
    whole = product(x.shape[2:])
    if rows != product(x.shape[:2]) or features not in {-1, whole} or not isinstance(whole, int):
        return None
    shape = (*x.shape[:2], whole)
    made = OnnxTensor(x.ref, shape, x.batch)
    layer = Reshape(tuple(n if isinstance(n, int) else -1 for n in made.sample))
    return x.laid(builder.relaid(x.ref, layer, made.sample), shape, x.batch)


def _copied(op: OnnxOperator, x: OnnxTensor, axis: int) -> Length:
    if axis >= x.rank:
        raise UnreadableFile(
            f"node {op.text} copies a length that is not there: the file is damaged"
        )
    return x.shape[axis]


def _flatten(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    axis = op.attributes.get("axis", 1)
    axis = axis % x.rank if axis < 0 else axis
    return [_reshaped(op, x, [product(x.shape[:axis]), product(x.shape[axis:])], builder)]


def _reshaped(
    op: OnnxOperator, x: OnnxTensor, wanted: list[Length], builder: OnnxGraphBuilder
) -> OnnxTensor:
    """Lay a value out anew; the samples must stay apart."""
    total, before = product(x.shape), product(x.shape[: x.batch])
    placings = []
    for place, length in enumerate(wanted):
        if isinstance(length, Dim) and length != BATCH:
            continue
        # A file for one batch size writes that number where the samples go.
        shape: list[Length] = list(wanted)
        shape[place] = BATCH
        if -1 in shape:
            free = shape.index(-1)
            rest = quotient(total, product(shape[:free] + shape[free + 1 :]))
            if rest is None:
                continue
            shape[free] = rest
        if product(shape) == total and product(shape[:place]) == before:
            placings.append((place, shape))
    if not placings:
        raise WrongSampleAxis(
            f"node {op.text} mixes samples with steps or features, or its shape cannot be told "
            "before data come; rnnlens reads networks that keep the batch axis apart"
        )
    # Lengths of one leave a choice: the place that says so, else the same place as before.
    placings.sort(key=lambda one: (wanted[one[0]] != BATCH, one[0] != x.batch))
    place, shape = placings[0]
    rest = tuple(shape[:place] + shape[place + 1 :])
    if sum(isinstance(length, Dim) for length in rest) > 1:
        raise UnsupportedModel(f"node {op.text} lays out two axes whose lengths are not known")
    layer = Reshape(tuple(n if isinstance(n, int) else -1 for n in rest))
    return x.laid(builder.relaid(x.ref, layer, rest), shape, place)


def _stretched(
    op: OnnxOperator, x: OnnxTensor, wanted: list[Length], builder: OnnxGraphBuilder
) -> OnnxTensor:
    """Repeat axes of length one."""
    if len(wanted) > x.rank:
        raise UnsupportedModel(f"node {op.text} adds axes by stretching; rnnlens does not read it")
    wanted = [1] * (x.rank - len(wanted)) + wanted
    axes = [
        axis
        for axis, (have, want) in enumerate(zip(x.shape, wanted, strict=True))
        if axis != x.batch and want not in {1, have}
    ]
    if not axes:
        return x
    for axis in axes:
        x = _repeated(op, x, axis, wanted[axis], builder)
    return x


def _repeated(
    op: OnnxOperator, x: OnnxTensor, axis: int, wanted: Length, builder: OnnxGraphBuilder
) -> OnnxTensor:
    """Make an axis longer by copies."""
    place, have = x.axis(axis), x.shape[axis]
    shape = (*x.shape[:axis], wanted, *x.shape[axis + 1 :])
    made = OnnxTensor(x.ref, shape, x.batch)
    if isinstance(wanted, int) and isinstance(have, int) and (have == 1 or op.kind == "Tile"):
        if have == 1 and x.rank == 3 and place == 1:
            vector = _without(op, x, axis, builder)
            ref = builder.add("repeat", RepeatVector(wanted), (vector.ref,), (made.sample,))
        else:
            layer = Repeat(place, wanted // have)
            ref = builder.add("repeat", layer, (x.ref,), (made.sample,))
        return x.laid(ref, shape, x.batch)
    if have != 1:
        raise UnreadableFile(
            f"node {op.text} stretches {have} places to {wanted}: the file is damaged"
        )
    alike = [
        ref
        for ref, sample in builder.samples.items()
        if len(sample) >= place and sample[place - 1] == wanted
    ]
    if not alike:
        raise UnsupportedModel(
            f"node {op.text} stretches a value to a length that only the data will tell, and that "
            "no other value has at that place"
        )
    ref = builder.add("repeat", Repeat(place), (x.ref, alike[0]), (made.sample,))
    return x.laid(ref, shape, x.batch)


def _expand(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    return [_stretched(op, x, lengths_of(optional(values, 1), op.text), builder)]


def _tile(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    times = whole_numbers(optional(values, 1), op.text, "repeats")
    if len(times) != x.rank or times[x.batch] != 1:
        raise WrongSampleAxis(f"node {op.text} repeats the batch axis{APART}")
    wanted = [product([n, length]) for n, length in zip(times, x.shape, strict=True)]
    return [_stretched(op, x, wanted, builder)]


def _reduced(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    stated = axes_option(op, values)
    if not stated:
        raise WrongSampleAxis(f"node {op.text} takes one number of the whole batch{APART}")
    axes = sorted({whole_axis(axis, x.rank, op) for axis in stated})
    if x.batch in axes:
        raise WrongSampleAxis(f"node {op.text} mixes the samples of a batch{APART}")
    keep = bool(op.attributes.get("keepdims", 1))
    shape = [1 if k in axes else n for k, n in enumerate(x.shape) if keep or k not in axes]
    batch = x.batch if keep else x.batch - sum(axis < x.batch for axis in axes)
    places = tuple(x.axis(axis) for axis in axes)
    layer: Layer = Mean(places, keep)
    if op.kind != "ReduceMean":
        layer = Reduction(REDUCTIONS[op.kind], places, keep)
    if op.kind == "ReduceMax" and places == (1,) and x.rank == 3:
        layer = GlobalPooling1D("max", keep)
    label, taken = op.kind.lower().replace("reduce", ""), (x.ref,)
    if op.kind == "ReduceL1":
        taken = (builder.add("abs", Activate(Activation("abs")), taken, (x.sample,)),)
    elif op.kind in {"ReduceL2", "ReduceSumSquare"}:
        taken = (builder.add("square", Multiply(), (x.ref, x.ref), (x.sample,)),)
    made = OnnxTensor(x.ref, tuple(shape), batch)
    ref = builder.add(label, layer, taken, (made.sample,))
    if op.kind == "ReduceL2":
        ref = builder.add("sqrt", Activate(Activation("sqrt")), (ref,), (made.sample,))
    return [x.laid(ref, shape, batch)]


#: Operators over values that the network computes, each with its rule.
RULES: dict[str, Rule] = {
    "Expand": _expand,
    "Flatten": _flatten,
    **dict.fromkeys((*REDUCTIONS, "ReduceMean"), _reduced),
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
