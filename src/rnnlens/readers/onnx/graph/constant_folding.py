"""Operators over numbers that the file fixes: weights behind a Transpose, shapes, zero states.

Shapes may hold lengths that only the data will tell (`Dim`); these pass through arithmetic as
names. An array that is constant along the batch axis keeps that axis with length one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.readers.onnx.graph.inputs import axes_option, lengths_of, optional, whole_numbers
from rnnlens.readers.onnx.graph.values import APART, BATCH, Dim, FixedArray, Length
from rnnlens.readers.onnx.proto import OnnxOperator

__all__ = ["FOLDED", "fold_constants"]

#: Element types by their number in TensorProto.DataType that a Cast may ask for.
CASTS: dict[int, npt.DTypeLike] = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    5: np.int16,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    10: np.float16,
    11: np.float64,
}

#: Numbers that a node makes out of a shape alone are states and fillings: never more bytes.
LARGEST_MADE = 64 * 1024**2

FixedInputs = Sequence[FixedArray | None]


def fold_constants(op: OnnxOperator, values: FixedInputs) -> list[FixedArray] | None:
    """Compute a node whose every input is fixed."""
    rule = FOLDED.get(op.kind)
    if rule is None:
        return None
    try:
        computed = rule(op, values)
    except InputError:
        raise
    except (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError) as error:
        known = [one for one in values if one is not None]
        if any(one.batch is not None or one.values.dtype == object for one in known):
            raise UnsupportedModel(
                f"node {op.text} computes with the number of samples, as exporters write "
                "out[:, t] = y: stack or join the parts instead (torch.stack, torch.cat), or read "
                "the live module"
            ) from error
        raise UnreadableFile(
            f"node {op.text} cannot be computed from its fixed inputs: the file is damaged"
        ) from error
    return [_as_numbers(one) for one in (computed if isinstance(computed, list) else [computed])]


def _as_numbers(known: FixedArray) -> FixedArray:
    """Turn a shape without unknown lengths back into numbers."""
    if known.values.dtype == object and not any(isinstance(n, Dim) for n in known.values.flat):
        return FixedArray(known.values.astype(np.int64), known.text, known.batch)
    return known


def _first(values: FixedInputs) -> FixedArray:
    if not values or values[0] is None:
        raise ValueError
    return values[0]


def _text(op: OnnxOperator, known: FixedArray) -> str:
    return known.text or next((name for name in op.outputs if name), "")


def _bounded(shape: Sequence[int], itemsize: int) -> None:
    if any(length < 0 for length in shape) or math.prod(shape) * itemsize > LARGEST_MADE:
        raise UnreadableFile(
            f"a node asks for fixed numbers of shape {tuple(shape)}, more than "
            f"{LARGEST_MADE // 1024**2} MiB: the file is damaged or hostile"
        )


def _same(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    return _first(values)


def _cast(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    known = _first(values)
    wanted = op.attributes.get("to")
    if wanted not in CASTS:
        raise UnsupportedModel(
            f"node {op.text} casts to a number type that rnnlens does not read; export the model "
            "in float32"
        )
    if known.values.dtype == object:
        return known
    return FixedArray(known.values.astype(CASTS[wanted]), known.text, known.batch)


def _transpose(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    known = _first(values)
    order = op.attributes.get("perm") or list(range(known.values.ndim))[::-1]
    batch = None if known.batch is None else order.index(known.batch)
    return FixedArray(known.values.transpose(order), known.text, batch)


def _unsqueeze(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    known = _first(values)
    axes = axes_option(op, values) or []
    rank = known.values.ndim + len(axes)
    added = {axis % rank for axis in axes}
    kept = [axis for axis in range(rank) if axis not in added]
    batch = None if known.batch is None else kept[known.batch]
    return FixedArray(np.expand_dims(known.values, tuple(added)), known.text, batch)


def _squeeze(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    known = _first(values)
    rank = known.values.ndim
    stated = axes_option(op, values)
    if stated is None:
        stated = [k for k, n in enumerate(known.values.shape) if n == 1 and k != known.batch]
    gone = {axis % rank for axis in stated}
    if known.batch in gone:
        raise UnsupportedModel(f"node {op.text} takes the batch axis away{APART}")
    kept = [axis for axis in range(rank) if axis not in gone]
    batch = None if known.batch is None else kept.index(known.batch)
    return FixedArray(np.squeeze(known.values, tuple(gone)), known.text, batch)


def _reshape(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    known = _first(values)
    wanted = lengths_of(optional(values, 1), op.text)
    if "shape" in op.attributes:
        wanted = list(op.attributes["shape"])
    if not op.attributes.get("allowzero"):
        wanted = [known.shape[k] if n == 0 else n for k, n in enumerate(wanted)]
    if known.batch is not None and BATCH not in wanted:
        raise UnsupportedModel(f"node {op.text} folds the batch axis into another{APART}")
    if BATCH in wanted:
        return _spread(op, known, wanted)
    stated = [n for n in wanted if isinstance(n, int)]
    if len(stated) < len(wanted):
        raise UnsupportedModel(f"node {op.text} computes with a length that only data will tell")
    return FixedArray(known.values.reshape(stated), known.text)


def _slice(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    known = _first(values)
    starts, ends = op.attributes.get("starts"), op.attributes.get("ends")
    steps = None
    axes = op.attributes.get("axes")
    if starts is None or ends is None:
        starts = whole_numbers(optional(values, 1), op.text, "starts")
        ends = whole_numbers(optional(values, 2), op.text, "ends")
        axes = None if optional(values, 3) is None else whole_numbers(values[3], op.text, "axes")
        steps = None if optional(values, 4) is None else whole_numbers(values[4], op.text, "steps")
    rank = known.values.ndim
    places = [slice(None)] * rank
    for k, (start, end) in enumerate(zip(starts, ends, strict=True)):
        step = 1 if steps is None else steps[k]
        axis = (k if axes is None else axes[k]) % rank
        # With a negative step an end before the first place has no counterpart in Python but None.
        stop = None if step < 0 and end < -known.values.shape[axis] else end
        places[axis] = slice(start, stop, step)
    if known.batch is not None and places[known.batch] != slice(None):
        whole = places[known.batch]
        if whole.start not in {0, None} or (whole.stop or 0) < 2**31 - 1 or whole.step != 1:
            raise UnsupportedModel(f"node {op.text} cuts the batch axis{APART}")
        places[known.batch] = slice(None)
    return FixedArray(known.values[tuple(places)], known.text, known.batch)


def _gather(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    known = _first(values)
    axis = op.attributes.get("axis", 0) % max(known.values.ndim, 1)
    where = values[1]
    if where is None or where.values.dtype == object or known.batch is not None:
        raise ValueError
    picked = np.take(known.values, where.values, axis=axis)
    return FixedArray(np.asarray(picked, dtype=known.values.dtype), known.text)


def _concat(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    parts = [value for value in values if value is not None]
    if any(part.batch != parts[0].batch for part in parts):
        raise ValueError
    mixed = any(part.values.dtype == object for part in parts)
    arrays = [part.values.astype(object) if mixed else part.values for part in parts]
    axis = op.attributes["axis"]
    if parts[0].batch is not None and axis % arrays[0].ndim == parts[0].batch:
        raise UnsupportedModel(f"node {op.text} joins values along the batch axis{APART}")
    return FixedArray(np.concatenate(arrays, axis=axis), _text(op, parts[0]), parts[0].batch)


def _split(op: OnnxOperator, values: FixedInputs) -> list[FixedArray]:
    known = _first(values)
    axis = op.attributes.get("axis", 0)
    sizes = op.attributes.get("split")
    given = optional(values, 1)
    if given is not None:
        sizes = whole_numbers(given, op.text, "sizes")
    length = known.values.shape[axis]
    if sizes is None:
        each = -(-length // len(op.outputs))
        sizes = [min(each, length - k * each) for k in range(len(op.outputs))]
    if sum(sizes) != length or known.batch is not None:
        raise ValueError
    pieces = np.split(known.values, np.cumsum(sizes)[:-1], axis=axis)
    return [FixedArray(piece, known.text) for piece in pieces]


def _constant(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    for name, dtype in (
        ("value", None),
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        if name in op.attributes:
            return FixedArray(np.asarray(op.attributes[name], dtype), op.outputs[0])
    raise UnsupportedModel(f"node {op.text} holds no numbers that rnnlens reads")


def _constant_of_shape(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    value = np.asarray(op.attributes.get("value", np.zeros(1, np.float32))).reshape(())
    return _spread(op, FixedArray(value), lengths_of(values[0], op.text))


def _expand(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    return _spread(op, _first(values), lengths_of(optional(values, 1), op.text))


def _tile(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    known = _first(values)
    times = lengths_of(optional(values, 1), op.text)
    if len(times) != known.values.ndim:
        raise ValueError
    stretched = [axis for axis, n in enumerate(times) if isinstance(n, Dim)]
    if stretched and (known.batch is not None or known.values.shape[stretched[0]] != 1):
        raise ValueError
    wanted = [
        n if isinstance(n, Dim) else n * length
        for n, length in zip(times, known.values.shape, strict=True)
    ]
    fixed = [1 if isinstance(n, Dim) else n for n in times]
    _bounded([n for n in wanted if isinstance(n, int)], known.values.dtype.itemsize)
    return _spread(op, FixedArray(np.tile(known.values, fixed), known.text, known.batch), wanted)


def _spread(op: OnnxOperator, known: FixedArray, wanted: list[Length]) -> FixedArray:
    """Stretch numbers to a shape in which the number of samples may stand."""
    places = [axis for axis, n in enumerate(wanted) if isinstance(n, Dim)]
    if len(places) > 1 or any(wanted[axis] != BATCH for axis in places):
        raise UnsupportedModel(
            f"node {op.text} makes fixed numbers as many as the data have steps, which rnnlens "
            "does not read"
        )
    batch = places[0] if places else None
    shape = [1 if isinstance(n, Dim) else n for n in wanted]
    _bounded(shape, known.values.dtype.itemsize)
    if op.kind == "Reshape":
        return FixedArray(known.values.reshape(shape), known.text, batch)
    if known.batch is not None:
        own = known.batch + max(len(shape) - known.values.ndim, 0)
        if batch not in {None, own}:
            raise UnsupportedModel(f"node {op.text} stretches two axes by the number of samples")
        batch = own
    full = np.broadcast_shapes(known.values.shape, tuple(shape))
    return FixedArray(np.broadcast_to(known.values, full), known.text, batch)


def _elementwise(
    compute: Callable[[np.ndarray, np.ndarray], npt.ArrayLike],
) -> Callable[[OnnxOperator, FixedInputs], FixedArray]:
    def rule(op: OnnxOperator, values: FixedInputs) -> FixedArray:
        left, right = values
        if left is None or right is None:
            raise ValueError
        a, b = left.values, right.values
        if object in {a.dtype, b.dtype}:
            computed = np.asarray(compute(a.astype(object), b.astype(object)), dtype=object)
        else:
            computed = np.asarray(compute(a, b))
        rank = computed.ndim
        batches = {
            one.batch + rank - one.values.ndim for one in (left, right) if one.batch is not None
        }
        if len(batches) > 1:
            raise ValueError
        return FixedArray(computed, _text(op, left), next(iter(batches), None))

    return rule


def _divided(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype == object:
        return a // b
    # ONNX divides whole numbers towards zero.
    return np.trunc(a / b).astype(a.dtype) if a.dtype.kind in "iu" else a / b


def _where(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    condition, left, right = (value.values for value in values if value is not None)
    if object in {left.dtype, right.dtype}:
        left, right = left.astype(object), right.astype(object)
    return FixedArray(np.where(condition.astype(bool), left, right), op.outputs[0])


def _product(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    known = _first(values)
    if known.values.ndim != 1 or known.batch is not None:
        raise ValueError
    kept = op.attributes.get("keepdims", 1)
    computed = np.asarray(np.multiply.reduce(known.values), dtype=known.values.dtype)
    return FixedArray(computed.reshape((1,) if kept else ()), known.text)


def _matmul(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    left, right = values
    if left is None or right is None or left.batch is not None or right.batch is not None:
        raise ValueError
    return FixedArray(left.values @ right.values, op.outputs[0])


def _negative(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    known = _first(values)
    return FixedArray(-known.values, known.text, known.batch)


def _not(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    known = _first(values)
    return FixedArray(~known.values.astype(bool), known.text, known.batch)


def _trilu(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    known, shift = _first(values), optional(values, 1)
    k = int(shift.values.reshape(())) if isinstance(shift, FixedArray) else 0
    cut = np.triu if op.attributes.get("upper", 1) else np.tril
    return FixedArray(cut(known.values, k), known.text, known.batch)


def _root(op: OnnxOperator, values: FixedInputs) -> FixedArray:
    known = _first(values)
    return FixedArray(np.sqrt(known.values), known.text, known.batch)


#: The operators that are folded, each with its rule.
FOLDED: dict[str, Callable[[OnnxOperator, FixedInputs], FixedArray | list[FixedArray]]] = {
    "Add": _elementwise(np.add),
    "And": _elementwise(np.logical_and),
    "Cast": _cast,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Div": _elementwise(_divided),
    "Dropout": _same,
    "Equal": _elementwise(np.equal),
    "Expand": _expand,
    "Gather": _gather,
    "Greater": _elementwise(np.greater),
    "GreaterOrEqual": _elementwise(np.greater_equal),
    "Identity": _same,
    "Less": _elementwise(np.less),
    "LessOrEqual": _elementwise(np.less_equal),
    "MatMul": _matmul,
    "Mod": _elementwise(np.mod),
    "Mul": _elementwise(np.multiply),
    "Neg": _negative,
    "Not": _not,
    "Or": _elementwise(np.logical_or),
    "Pow": _elementwise(np.power),
    "ReduceProd": _product,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Sqrt": _root,
    "Squeeze": _squeeze,
    "Sub": _elementwise(np.subtract),
    "Tile": _tile,
    "Transpose": _transpose,
    "Trilu": _trilu,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
