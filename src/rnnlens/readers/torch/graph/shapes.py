"""Operations of PyTorch that pick numbers and lay them out anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnlens.network.axes import ExpandDims, Flip, Index, Slice
from rnnlens.network.layers import Concatenate
from rnnlens.readers.torch.graph.call import TorchCall, operation
from rnnlens.readers.torch.graph.functions import applied, truth
from rnnlens.readers.torch.graph.values import (
    Result,
    StackedStates,
    TorchValue,
    is_counted,
    relaid,
)

__all__: list[str] = []


@operation("contiguous", "clone", "detach", "detach_", "alias", "lift_fresh_copy", "type_as")
def _same(call: TorchCall) -> Any:
    return call.given("self")


@operation("to", "_to_copy", "to.dtype", "to.device", "to.other", "to.dtype_layout")
def _converted(call: TorchCall) -> Any:
    before, after = call.raw["self"].meta["val"].dtype, call.node.meta["val"].dtype
    given = call.given("self")
    if not before.is_floating_point or after.is_floating_point:
        return given
    if str(after) == "torch.bool":
        return truth(call, call.value("self"))
    return applied(call, call.value("self"), "truncate")


@operation(
    "view", "reshape", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze", "squeeze_"
)
def _relaid(call: TorchCall) -> Result:
    given, out = call.given("self"), call.out
    if isinstance(given, StackedStates):
        lead = out.shape[:-2]
        if out.batch == len(out.shape) - 2 and out.inner == 1 and out.shape[-1] == given.width:
            return StackedStates(given.parts.reshape(lead), given.width)
        given = call.value("self")
    laid = relaid(given, out)
    if laid is None:
        raise call.refuse("it lays the samples of a batch out among other numbers", wrong_axis=True)
    shape, fold = laid
    assert out.batch is not None
    ref = call.builder.reshaped(call.function, given.ref, given.shape, shape)
    return TorchValue(ref, shape, out.batch, fold)


def _order(call: TorchCall, rank: int) -> list[int]:
    if "dims" in call.raw:
        return [axis % rank for axis in call["dims"]]
    # t and mT turn the last two axes
    first, second = (call["dim0"], call["dim1"]) if "dim0" in call.raw else (-2, -1)
    order = list(range(rank))
    order[first], order[second] = second, first
    return order


@operation("permute", "transpose", "t", "mT")
def _permuted(call: TorchCall) -> TorchValue:
    value = call.value("self")
    order = _order(call, value.rank)
    if order == sorted(order):
        return value
    axes = []
    for axis in order:
        if axis != value.batch:
            axes.append(call.axis(value, axis))
        elif value.fold is not None:  # what is merged with the samples goes where they go
            axes.append(value.batch + 1)
    ref = call.builder.permuted(call.function, value.ref, axes)
    shape = tuple(value.shape[axis - 1] for axis in axes)
    return TorchValue(ref, shape, order.index(value.batch), value.fold)


@operation("select")
def _selected(call: TorchCall) -> Result:
    given, dim, index = call.given("self"), call["dim"], call["index"]
    if isinstance(given, StackedStates) and dim % (given.parts.ndim + 2) < given.parts.ndim:
        parts = np.take(given.parts, [index], axis=dim % (given.parts.ndim + 2))
        parts = np.squeeze(parts, axis=dim % (given.parts.ndim + 2))
        return StackedStates(parts, given.width) if parts.ndim else _part(parts, given.width)
    return _at(call, call.unfolded(call.value("self")), dim, index)


def _part(parts: np.ndarray, width: int) -> TorchValue:
    return TorchValue(parts.item(), (width,), 0)


def _at(call: TorchCall, value: TorchValue, dim: int, index: int) -> TorchValue:
    axis = call.axis(value, dim)
    size = value.shape[axis - 1]
    shape = (*value.shape[: axis - 1], *value.shape[axis:])
    batch = value.batch - (dim % value.rank < value.batch)
    written = call.builder.written_at(value.ref, axis, index % size)
    if written is not None:
        return TorchValue(written, shape, batch)
    # the last place is the last one also in a longer window
    index = -1 if index in {-1, size - 1} and size > 1 else index
    ref = call.builder.add(call.function, Index(index, axis), value.ref)
    return TorchValue(ref, shape, batch)


@operation("slice", "narrow")
def _sliced(call: TorchCall) -> Result:
    given, dim = call.given("self"), call["dim"]
    start = call["start"] or 0
    stop = start + call["length"] if "length" in call.raw else call["end"]
    step = call.raw.get("step", 1)
    rank = len(call.out.shape)
    size = call.raw["self"].meta["val"].shape[dim % rank]
    if not is_counted(size) and stop is not None and stop >= size:
        stop = None
    if start == 0 and step == 1 and (stop is None or stop > 2**62):
        return given
    if isinstance(given, StackedStates) and dim % rank < given.parts.ndim:
        place = (*(slice(None),) * (dim % rank), slice(start, stop, step))
        return StackedStates(given.parts[place], given.width)
    return _run(call, call.unfolded(call.value("self")), dim, (start or None, stop, step))


def _run(
    call: TorchCall, value: TorchValue, dim: int, places: tuple[int | None, int | None, int]
) -> TorchValue:
    axis = call.axis(value, dim)
    ref = call.builder.add(call.function, Slice(*places, axis), value.ref)
    length = len(range(*slice(*places).indices(value.shape[axis - 1])))
    shape = (*value.shape[: axis - 1], length, *value.shape[axis:])
    return TorchValue(ref, shape, value.batch)


def _split_along(call: TorchCall, sizes: Sequence[int]) -> tuple[Result, ...]:
    given, dim = call.given("self"), call["dim"]
    if isinstance(given, StackedStates) and dim % (given.parts.ndim + 2) == 0:
        ends = np.cumsum(sizes)[:-1]
        return tuple(StackedStates(part, given.width) for part in np.split(given.parts, ends))
    value = call.unfolded(call.value("self"))
    total, start, parts = sum(sizes), 0, []
    for size in sizes:
        stop = start + size
        places = (start or None, None if stop == total else stop, 1)
        parts.append(_run(call, value, dim, places))
        start = stop
    return tuple(parts)


@operation("split", "split.sizes", "split_with_sizes", "chunk", "split.Tensor")
def _split(call: TorchCall) -> tuple[Result, ...]:
    dim = call["dim"]
    return _split_along(call, [int(part.shape[dim]) for part in call.node.meta["val"]])


@operation("unbind")
def _unbound(call: TorchCall) -> tuple[Result, ...]:
    given, dim = call.given("self"), call["dim"]
    if isinstance(given, StackedStates) and dim % (given.parts.ndim + 2) == 0:
        parts = [np.asarray(part, dtype=object) for part in given.parts]
        if given.parts.ndim == 1:
            return tuple(TorchValue(ref, (given.width,), 0) for ref in given.parts)
        return tuple(StackedStates(part, given.width) for part in parts)
    value = call.unfolded(call.value("self"))
    return tuple(_at(call, value, dim, k) for k in range(len(call.node.meta["val"])))


@operation("cat", "concat")
def _joined(call: TorchCall) -> TorchValue:
    values = [call.unfolded(value) for value in call.values("tensors")]
    first = values[0]
    if any((value.rank, value.batch) != (first.rank, first.batch) for value in values):
        raise call.refuse("its parts have their samples in different axes", wrong_axis=True)
    axis = call.axis(first, call["dim"])
    return _side_by_side(call, values, axis)


def _side_by_side(call: TorchCall, values: list[TorchValue], axis: int) -> TorchValue:
    first = values[0]
    shown = -1 if axis == len(first.shape) else axis
    refs = [value.ref for value in values]
    ref = call.builder.add(call.function, Concatenate(shown), *refs) if len(refs) > 1 else refs[0]
    total = sum(value.shape[axis - 1] for value in values)
    shape = (*first.shape[: axis - 1], total, *first.shape[axis:])
    return TorchValue(ref, shape, first.batch)


@operation("stack")
def _stacked(call: TorchCall) -> Result:
    values = [call.unfolded(value) for value in call.values("tensors")]
    first, rank = values[0], values[0].rank + 1
    if any((value.rank, value.batch) != (first.rank, first.batch) for value in values):
        raise call.refuse("its parts have their samples in different axes", wrong_axis=True)
    dim = call["dim"] % rank
    batch = first.batch + (dim <= first.batch)
    axis = dim + 1 if dim < batch else dim
    widened = [
        TorchValue(
            call.builder.add(f"{call.function}_part", ExpandDims(axis), value.ref),
            (*value.shape[: axis - 1], 1, *value.shape[axis - 1 :]),
            batch,
        )
        for value in values
    ]
    return _side_by_side(call, widened, axis)


@operation("flip")
def _flipped(call: TorchCall) -> TorchValue:
    value = call.unfolded(call.value("self"))
    ref = value.ref
    for dim in call["dims"]:
        ref = call.builder.add(call.function, Flip(call.axis(value, dim)), ref)
    return TorchValue(ref, value.shape, value.batch)


@operation("expand", "expand_as", "repeat", "tile")
def _repeated(call: TorchCall) -> TorchValue:
    value, out = call.unfolded(call.value("self")), call.out
    if out.batch is None or out.inner != 1:
        raise call.refuse("it repeats samples", wrong_axis=True)
    ref, shape, batch = value.ref, value.shape, value.batch
    for _ in range(len(out.shape) - value.rank):  # PyTorch sets new axes in front
        ref = call.builder.add(f"{call.function}_axis", ExpandDims(1), ref)
        shape, batch = (1, *shape), batch + 1
    if batch != out.batch:
        raise call.refuse("it repeats samples", wrong_axis=True)
    target = (*out.before, *out.after)
    for axis, (size, wanted) in enumerate(zip(shape, target, strict=True), start=1):
        if wanted != size:
            ref = call.builder.repeated(call.function, ref, shape, axis, wanted // size)
            shape = (*shape[: axis - 1], wanted, *shape[axis:])
    return TorchValue(ref, target, out.batch)
