"""ONNX operators that compute: products, sums, activations, normalisation, convolution, pooling."""

from __future__ import annotations

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.activations import Activation
from rnnlens.network.layers import (
    Activate,
    Add,
    BatchNormalization,
    Binary,
    Dense,
    Layer,
    LayerNormalization,
    Multiply,
    PReLU,
    Rescaling,
    Subtract,
)
from rnnlens.network.network import Source
from rnnlens.readers.onnx.graph.activations import POINTWISE
from rnnlens.readers.onnx.graph.builder import Given, OnnxGraphBuilder, Rule
from rnnlens.readers.onnx.graph.inputs import copied, fixed_numbers, optional, tensor_of
from rnnlens.readers.onnx.graph.values import (
    APART,
    FixedArray,
    Length,
    OnnxTensor,
    constant_in,
)
from rnnlens.readers.onnx.proto import OnnxOperator
from rnnlens.readers.refusals import WrongSampleAxis

__all__ = ["RULES", "dense"]

Sources = dict[str, Source]

#: What stands for infinity in a score.
FAR = 1e30
#: The number of the type of true and false in TensorProto.DataType.
BOOLEAN = 9


def _same(
    op: OnnxOperator,
    x: OnnxTensor,
    layer: Layer,
    label: str,
    builder: OnnxGraphBuilder,
    sources: Sources | None = None,
) -> OnnxTensor:
    """Add a layer that keeps the shape."""
    ref = builder.add(label, layer, (x.ref,), (x.sample,), sources)
    return OnnxTensor(ref, x.shape, x.batch)


def dense(
    op: OnnxOperator,
    x: OnnxTensor,
    W: np.ndarray,
    b: np.ndarray | None,
    texts: dict[str, str],
    builder: OnnxGraphBuilder,
) -> OnnxTensor:
    """Add a layer ``x W + b`` on the last axis."""
    if x.batch == x.rank - 1:
        raise WrongSampleAxis(f"node {op.text} multiplies along the batch axis{APART}")
    if x.shape[-1] != W.shape[0]:
        raise UnreadableFile(
            f"node {op.text} multiplies {x.shape[-1]} features by a kernel for {W.shape[0]}: the "
            "file is damaged"
        )
    sources = {role: Source(text, text) for role, text in texts.items()}
    shape = (*x.shape[:-1], W.shape[1])
    made = OnnxTensor(x.ref, shape, x.batch)
    ref = builder.add(op.label("dense"), Dense(copied(W), b), (x.ref,), (made.sample,), sources)
    return OnnxTensor(ref, shape, x.batch)


def _gemm(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x, a = tensor_of(op, values), op.attributes
    kernel = fixed_numbers(op, values, 1, "kernel")
    if x.rank < 2 or kernel.values.ndim != 2:
        raise UnreadableFile(
            f"node {op.text} multiplies arrays that are no matrices: the file is damaged"
        )
    if a.get("transA", 0) and (x.rank != 2 or x.batch != 1):
        raise WrongSampleAxis(f"node {op.text} multiplies along the batch axis{APART}")
    if a.get("transA", 0):
        x = OnnxTensor(x.ref, x.shape[::-1], 0)
    W = kernel.values.T if a.get("transB", 0) else kernel.values
    alpha, beta = a.get("alpha", 1.0), a.get("beta", 1.0)
    W = W if alpha == 1 else W * np.asarray(alpha, W.dtype)
    turned = ".T" if a.get("transB", 0) else ""
    texts = {"W": kernel.text + turned}
    b = None
    added = optional(values, 2)
    if isinstance(added, OnnxTensor) and beta == 1:
        return [_plus(op, dense(op, x, W, None, texts, builder), added, builder)]
    if added is not None:
        bias = fixed_numbers(op, values, 2, "bias")
        b = np.broadcast_to(constant_in(bias, 2, 0, op.text), W.shape[1:])
        b = copied(b if beta == 1 else b * np.asarray(beta, b.dtype))
        texts["b"] = bias.text
    return [dense(op, x, W, b, texts, builder)]


def _plus(
    op: OnnxOperator, left: OnnxTensor, right: OnnxTensor, builder: OnnxGraphBuilder
) -> OnnxTensor:
    shape, batch = _broadcast(op, left, right)
    sample = OnnxTensor(left.ref, shape, batch).sample
    ref = builder.add(op.label("add"), Add(), (left.ref, right.ref), (sample,))
    return OnnxTensor(ref, shape, batch)


def _broadcast(
    op: OnnxOperator, left: OnnxTensor, right: OnnxTensor
) -> tuple[tuple[Length, ...], int]:
    if left.rank - left.batch != right.rank - right.batch:
        raise WrongSampleAxis(f"node {op.text} meets two values whose batch axes differ{APART}")
    rank = max(left.rank, right.rank)
    a, b = ((1,) * (rank - one.rank) + one.shape for one in (left, right))
    shape = []
    for m, n in zip(a, b, strict=True):
        if m != n and 1 not in {m, n} and isinstance(m, int) and isinstance(n, int):
            raise UnreadableFile(f"node {op.text} meets lengths {m} and {n}: the file is damaged")
        shape.append(n if m == 1 else m)
    return tuple(shape), rank - (left.rank - left.batch)


def _arithmetic(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    left, right = values[0], values[1]
    if isinstance(left, OnnxTensor) and isinstance(right, OnnxTensor):
        layers = {"Add": Add(), "Mul": Multiply(), "Sub": Subtract(), "Div": Binary("divide")}
        shape, batch = _broadcast(op, left, right)
        made = OnnxTensor(left.ref, shape, batch)
        both = (left.ref, right.ref)
        ref = builder.add(op.label(op.kind.lower()), layers[op.kind], both, (made.sample,))
        return [OnnxTensor(ref, shape, batch)]
    x, fixed = (left, right) if isinstance(left, OnnxTensor) else (right, left)
    if not isinstance(x, OnnxTensor) or not isinstance(fixed, FixedArray):
        raise UnreadableFile(f"node {op.text} has an input missing: the file is damaged")
    numbers = np.asarray(constant_in(fixed, x.rank, x.batch, op.text))
    _check_width(op, x, numbers)
    first = isinstance(left, OnnxTensor)
    if op.kind == "Add":
        merged = _biased(x, numbers, fixed.text, builder)
        if merged is not None:
            return [merged]
    return [_rescaled(op, x, numbers, fixed, builder, value_first=first)]


def _check_width(op: OnnxOperator, x: OnnxTensor, numbers: np.ndarray) -> None:
    sample = x.sample[len(x.sample) - numbers.ndim :]
    for have, want in zip(sample, numbers.shape, strict=True):
        if want not in {1, have}:
            raise UnsupportedModel(
                f"node {op.text} widens a value to {want} places along an axis, which rnnlens does "
                "not read"
            )


def _biased(
    x: OnnxTensor, numbers: np.ndarray, text: str, builder: OnnxGraphBuilder
) -> OnnxTensor | None:
    """Give a product and the sum after it as one dense layer."""
    node = builder.nodes[x.ref[0]]
    dense = node.layer
    if not isinstance(dense, Dense) or dense.b is not None or x.ref[1]:
        return None
    if numbers.shape != dense.W.shape[1:] or x.batch == x.rank - 1:
        return None
    layer = Dense(dense.W, copied(numbers.astype(dense.W.dtype)))
    sources = {**node.sources, "b": Source(text, text)}
    ref = builder.add(node.label, layer, node.inputs, (x.sample,), sources)
    return OnnxTensor(ref, x.shape, x.batch)


def _rescaled(
    op: OnnxOperator,
    x: OnnxTensor,
    numbers: np.ndarray,
    fixed: FixedArray,
    builder: OnnxGraphBuilder,
    *,
    value_first: bool,
) -> OnnxTensor:
    numbers = np.asarray(numbers, float)
    if op.kind == "Add":  # what hides some keys from some queries: a softmax takes both alike
        numbers = np.where(numbers == -np.inf, -FAR, numbers)
    one, zero = np.ones(()), np.zeros(())
    if op.kind in {"Add", "Sum"}:
        scale, offset = one, numbers
    elif op.kind == "Sub":
        scale, offset = (one, -numbers) if value_first else (-one, numbers)
    elif op.kind == "Mul":
        scale, offset = numbers, zero
    elif not value_first:
        inverse = Activate(Activation("reciprocal"))
        x = _same(op, x, inverse, op.label("reciprocal"), builder)
        scale, offset = numbers, zero
    elif (numbers != 0).all():
        scale, offset = 1 / numbers, zero
    else:
        raise UnsupportedModel(f"node {op.text} divides by zero, which rnnlens does not read")
    which = "scale" if op.kind in {"Mul", "Div"} else "offset"
    sources = {which: Source(fixed.text, fixed.text)}
    layer = Rescaling(copied(scale), copied(offset))
    return _same(op, x, layer, op.label(op.kind.lower()), builder, sources=sources)


def _negative(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    return [_same(op, x, Rescaling(-np.ones(()), np.zeros(())), op.label("neg"), builder)]


def _activation(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    attributes = dict(op.attributes)
    if op.kind == "Clip":
        for place, name in ((1, "min"), (2, "max")):
            limit = optional(values, place)
            if isinstance(limit, FixedArray) and limit.values.size == 1:
                attributes[name] = float(limit.values.reshape(()))
            elif limit is not None:
                attributes[name] = float(fixed_numbers(op, values, place, name).values)
    activation = POINTWISE[op.kind](attributes)
    if activation is None:
        stated = ", ".join(f"{key} = {value}" for key, value in sorted(attributes.items()))
        raise UnsupportedModel(
            f"node {op.text} with {stated or 'no limits'} is a function that rnnlens does not "
            "implement"
        )
    return [_same(op, x, Activate(activation), op.label(op.kind.lower()), builder)]


def _softmax(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    old = op.opset < 13
    axis = op.attributes.get("axis", 1 if old else -1)
    axis = axis % x.rank
    # Before opset 13 all axes from this one on counted as one.
    if axis == x.batch or (old and any(n != 1 for n in x.shape[axis + 1 :])):
        raise WrongSampleAxis(
            f"node {op.text} mixes other values than those of one axis of one sample"
        )
    name = "softmax" if op.kind == "Softmax" else "log_softmax"
    layer = Activate(Activation(name, {"axis": float(x.axis(axis) - x.rank)}))
    return [_same(op, x, layer, op.label(op.kind.lower()), builder)]


def _prelu(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    slope = fixed_numbers(op, values, 1, "slope")
    alpha = constant_in(slope, x.rank, x.batch, op.text)
    _check_width(op, x, np.asarray(alpha))
    sources = {"alpha": Source(slope.text, slope.text)}
    return [_same(op, x, PReLU(copied(alpha)), op.label("prelu"), builder, sources=sources)]


def _batch_norm(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    if op.attributes.get("training_mode", 0) or op.attributes.get("spatial", 1) != 1:
        raise UnsupportedModel(
            f"node {op.text} normalises by the batch at hand, as in training; export the model in "
            "evaluation mode"
        )
    if x.rank < 2 or x.batch != 0:
        raise WrongSampleAxis(f"node {op.text} normalises along the batch axis{APART}")
    roles = ("gamma", "beta", "mean", "variance")
    given = {
        role: fixed_numbers(op, values, place, role) for place, role in enumerate(roles, start=1)
    }
    sources = {role: Source(known.text, known.text) for role, known in given.items()}
    arrays = {role: copied(known.values) for role, known in given.items()}
    if any(array.shape != (x.shape[1],) for array in arrays.values()):
        raise UnreadableFile(
            f"node {op.text} has moments that do not fit its channels: the file is damaged"
        )
    layer = BatchNormalization(**arrays, epsilon=op.attributes.get("epsilon", 1e-5), axis=1)
    return [_same(op, x, layer, op.label("batch_normalization"), builder, sources=sources)]


def _layer_norm(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    first = op.attributes.get("axis", -1) % x.rank
    axes = tuple(range(first, x.rank))
    if x.batch in axes:
        raise WrongSampleAxis(f"node {op.text} mixes the samples of a batch{APART}")
    shape = tuple(x.shape[axis] for axis in axes)
    arrays, sources = {}, {}
    for place, role in ((1, "gamma"), (2, "beta")):
        if optional(values, place) is not None:
            known = fixed_numbers(op, values, place, role)
            fixed = [n for n in shape if isinstance(n, int)]
            if len(fixed) < len(shape):
                raise UnsupportedModel(f"node {op.text} scales an axis of unknown length")
            arrays[role] = copied(np.broadcast_to(known.values, fixed))
            sources[role] = Source(known.text, known.text)
    canonical = tuple(x.axis(axis) - x.rank for axis in axes)
    epsilon = op.attributes.get("epsilon", 1e-5)
    layer = LayerNormalization(**arrays, axes=canonical, epsilon=epsilon)
    return [_same(op, x, layer, op.label("layer_normalization"), builder, sources=sources)]


def _unchanged(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    training = optional(values, 2)
    if op.kind == "Dropout" and not (
        training is None or (isinstance(training, FixedArray) and not training.values.any())
    ):
        raise UnsupportedModel(
            f"node {op.text} drops at random, as in training; export the model in evaluation mode"
        )
    return [x]


def _cast(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = tensor_of(op, values)
    to = op.attributes.get("to")
    whole = to in {2, 3, 5, 6, 7, 12, 13}
    if whole and not x.integer:
        cut = _same(op, x, Activate(Activation("truncate")), op.label("truncate"), builder)
        return [OnnxTensor(cut.ref, cut.shape, cut.batch, True)]
    if to == BOOLEAN:
        zero = _same(op, x, Activate(Activation("is_zero")), op.label("is_zero"), builder)
        line = Rescaling(-np.ones(()), np.ones(()))
        true = _same(op, zero, line, op.label("is_true"), builder)
        return [OnnxTensor(true.ref, true.shape, true.batch, True)]
    if not whole and to not in {1, 10, 11, 16}:
        raise UnsupportedModel(f"node {op.text} casts to a type that rnnlens does not read")
    return [OnnxTensor(x.ref, x.shape, x.batch, whole)]


#: Operators over values that the network computes, each with its rule.
RULES: dict[str, Rule] = {
    **dict.fromkeys(("Add", "Div", "Mul", "Sub"), _arithmetic),
    **dict.fromkeys(POINTWISE, _activation),
    **dict.fromkeys(("LogSoftmax", "Softmax"), _softmax),
    **dict.fromkeys(("Dropout", "Identity"), _unchanged),
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Gemm": _gemm,
    "LayerNormalization": _layer_norm,
    "Neg": _negative,
    "PRelu": _prelu,
}
