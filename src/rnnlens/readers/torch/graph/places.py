"""Places of an axis in PyTorch: picked by a list, written one by one; constants like the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnlens.network.axes import Constant, ExpandDims, Slice, Take
from rnnlens.network.layers import Concatenate
from rnnlens.network.network import Ref
from rnnlens.readers.torch.graph.call import TorchCall, operation
from rnnlens.readers.torch.graph.newest import picked_by_data
from rnnlens.readers.torch.graph.values import StackedStates, TorchValue, numbers_of

__all__: list[str] = []

#: Ends beyond this mean the last place.
FAR = 2**62


# --- picked ----------------------------------------------------------------------------------


def _taken(call: TorchCall, value: TorchValue, dim: int, places: Sequence[int]) -> TorchValue:
    axis = call.axis(value, dim)
    ref = call.builder.add(call.function, Take(tuple(int(k) for k in places), axis), value.ref)
    shape = (*value.shape[: axis - 1], len(places), *value.shape[axis:])
    return TorchValue(ref, shape, value.batch)


def _listed(call: TorchCall, tensor: Any) -> list[int]:
    """Give the places that a tensor names, which no input may change."""
    if isinstance(tensor, TorchValue | StackedStates):
        raise call.refuse("which places it picks depends on the input")
    array = numbers_of(tensor)
    if array.ndim != 1:
        raise call.refuse(f"its places have {array.ndim} axes, where a list is expected")
    found = np.flatnonzero(array) if array.dtype == bool else array
    return [int(k) for k in found]


def _one_index(call: TorchCall) -> tuple[int, list[int]]:
    """Give the axis that is indexed, and the places."""
    indices = call.raw["indices"]
    named = [k for k, one in enumerate(indices) if one is not None]
    if len(named) != 1:
        raise call.refuse("it picks by several lists of places at once")
    return named[0], _listed(call, call.results[indices[named[0]]])


@operation("index.Tensor", "index_select")
def _picked(call: TorchCall) -> TorchValue:
    value = call.unfolded(call.value("self"))
    if "indices" in call.raw:
        step = picked_by_data(call)
        if step is not None:
            return step
        dim, places = _one_index(call)
    else:
        dim, places = call["dim"], _listed(call, call.given("index"))
    return _taken(call, value, dim, places)


@operation("roll")
def _rolled(call: TorchCall) -> TorchValue:
    value = call.unfolded(call.value("self"))
    if not call["dims"]:
        raise call.refuse("it works across the samples of a batch", wrong_axis=True)
    ref = value.ref
    for shift, dim in zip(call["shifts"], call["dims"], strict=True):
        axis = call.axis(value, dim)
        first = -shift % value.shape[axis - 1]
        if not first:
            continue
        back = first - value.shape[axis - 1]
        parts = [
            call.builder.add(f"{call.function}_part", Slice(*ends, 1, axis), ref)
            for ends in ((back, None), (None, back))
        ]
        ref = call.builder.add(call.function, Concatenate(axis), *parts)
    return TorchValue(ref, value.shape, value.batch)


# --- written ---------------------------------------------------------------------------------


@operation("copy")
def _copied(call: TorchCall) -> Any:
    given = call.given("src")
    if isinstance(given, TorchValue) and given.rank == len(call.out.shape):
        shape = given.shape if given.fold else (*call.out.before, *call.out.after)
        if given.shape == shape:
            return given
    return _spread(call, given)


def _spread(call: TorchCall, given: Any) -> Any:
    """Stretch what is written to what it is written over."""
    if not isinstance(given, TorchValue):
        return given.detach().cpu().broadcast_to(tuple(call.out.shape))
    value, out = call.unfolded(given), call.out
    shape, ref, target = value.shape, value.ref, (*out.before, *out.after)
    for _ in range(len(target) - len(shape)):
        ref, shape = call.builder.add(f"{call.function}_axis", ExpandDims(1), ref), (1, *shape)
    for axis, (size, wanted) in enumerate(zip(shape, target, strict=True), start=1):
        if size != wanted:
            ref = call.builder.repeated(call.function, ref, shape, axis, wanted // size)
            shape = (*shape[: axis - 1], wanted, *shape[axis:])
    assert out.batch is not None
    return TorchValue(ref, target, out.batch)


@operation("fill")
def _filled(call: TorchCall) -> Any:
    import torch

    if isinstance(call.given("value"), TorchValue):
        return _spread(call, call.given("value"))
    return torch.full(call.out.shape, call["value"], dtype=call.node.meta["val"].dtype)


def _source(call: TorchCall, name: str, sizes: tuple[int, ...], batch: int) -> TorchValue:
    """Give what is written as a value of a sample's shape."""
    given = call.given(name)
    if isinstance(given, TorchValue):
        return call.unfolded(given)
    shape = (*sizes[:batch], 1, *sizes[batch:])
    whole = given.detach().cpu()
    whole = whole if whole.ndim < len(shape) else whole.narrow(batch, 0, 1)
    array = whole.broadcast_to(shape).numpy().astype(float)
    ref = call.builder.constant(f"{call.function}_constant", np.moveaxis(array, batch, 0)[0])
    return TorchValue(ref, sizes, batch)


@operation("select_scatter")
def _place_written(call: TorchCall) -> TorchValue:
    dim, index = call["dim"] % len(call.out.shape), call["index"]
    base = _base(call)
    axis = call.axis(base, dim)
    sizes = (*base.shape[: axis - 1], *base.shape[axis:])
    own = _source(call, "src", sizes, base.batch - (dim < base.batch))
    ref = call.builder.add(f"{call.function}_part", ExpandDims(axis), own.ref)
    return _written(call, base, axis, index % base.shape[axis - 1], [(ref, 1)])


@operation("slice_scatter")
def _run_written(call: TorchCall) -> Any:
    out = call.out
    dim = call["dim"] % len(out.shape)
    start, end, step = call["start"] or 0, call["end"], call["step"]
    if step != 1:
        raise call.refuse("it writes every second place, or fewer")
    if start == 0 and (end is None or end >= FAR):
        return call.given("src")
    base = _base(call)
    axis = call.axis(base, dim)
    first, last, _ = slice(start, end).indices(base.shape[axis - 1])
    sizes = (*base.shape[: axis - 1], last - first, *base.shape[axis:])
    own = _source(call, "src", sizes, base.batch)
    return _written(call, base, axis, first, [(own.ref, last - first)])


@operation("index_put", "index_put_")
def _list_written(call: TorchCall) -> TorchValue:
    if call["accumulate"]:
        raise call.refuse("it adds to what is there")
    dim, places = _one_index(call)
    base = _base(call)
    axis = call.axis(base, dim)
    if len(set(places)) < len(places):
        raise call.refuse("it writes to one place several times")
    wanted = (*base.shape[: axis - 1], len(places), *base.shape[axis:])
    given = call.given("values")
    if isinstance(given, TorchValue) and given.rank != base.rank:
        raise call.refuse("what it writes has fewer axes than what it is written to")
    own = _source(call, "values", wanted, base.batch)
    made = base
    for number, place in enumerate(places):
        at = 0 if own.shape[axis - 1] == 1 else number
        ref = call.builder.add(f"{call.function}_part", Slice(at, at + 1, 1, axis), own.ref)
        made = _written(call, made, axis, place % base.shape[axis - 1], [(ref, 1)])
    return made


def _base(call: TorchCall) -> TorchValue:
    """Give what is written over as a value."""
    given = call.given("self")
    if isinstance(given, TorchValue):
        return call.unfolded(given)
    out = call.out
    assert out.batch is not None
    array = call.per_sample(given, out.batch, holes=True)
    ref = call.builder.constant(f"{call.function}_base", array)
    return TorchValue(ref, array.shape, out.batch)


def _written(
    call: TorchCall, base: TorchValue, axis: int, place: int, own: list[tuple[Ref, int]]
) -> TorchValue:
    """Put parts, each with its length, over the places of an axis from one on.

    What was written before stays a list of parts, so that a loop that writes place by place is
    one row of parts in the end, and not a tower.
    """
    key = (base.ref, axis)
    parts = call.builder.parts.get(key, [(base.ref, base.shape[axis - 1])])
    end, at = place + sum(size for _, size in own), 0
    made: list[tuple[Ref, int]] = []
    for ref, size in parts:
        before, after = min(max(place - at, 0), size), min(max(at + size - end, 0), size)
        if before:
            made.append((_cut(call, ref, (0, before), size, axis), before))
        if at <= place < at + size:
            made += own
        if after:
            made.append((_cut(call, ref, (size - after, size), size, axis), after))
        at += size
    refs = [ref for ref, _ in made]
    shown = -1 if axis == len(base.shape) else axis
    whole = call.builder.add(call.function, Concatenate(shown), *refs) if len(refs) > 1 else refs[0]
    call.builder.parts[whole, axis] = made
    return TorchValue(whole, base.shape, base.batch)


def _cut(call: TorchCall, ref: Ref, ends: tuple[int, int], size: int, axis: int) -> Ref:
    if ends == (0, size):
        return ref
    layer = call.builder.node(ref).layer
    if isinstance(layer, Constant):
        place = (*(slice(None),) * (axis - 1), slice(*ends))
        return call.builder.constant(f"{call.function}_rest", layer.C[place])
    start, stop = ends[0] or None, None if ends[1] == size else ends[1]
    return call.builder.add(f"{call.function}_rest", Slice(start, stop, 1, axis), ref)


# --- constants like the data -----------------------------------------------------------------


@operation("new_zeros", "new_ones", "new_full", "zeros_like", "ones_like", "full_like")
def _like_the_data(call: TorchCall) -> Any:
    """Make a constant of the shape that the example gives it; no number of the data is in it."""
    import torch

    filled = 1 if "ones" in call.kind else call["fill_value"] if "full" in call.kind else 0
    return torch.full(
        tuple(call.out.shape), filled, dtype=call.node.meta["val"].dtype, device="cpu"
    )


@operation("empty_like", "new_empty", "new_empty_strided")
def _uninitialised(call: TorchCall) -> Any:
    """Make what is to be written over; what is not is NaN, and is refused where it is used."""
    import torch

    kind = call.node.meta["val"].dtype
    blank = float("nan") if kind.is_floating_point else 0
    return torch.full(tuple(call.out.shape), blank, dtype=kind)
