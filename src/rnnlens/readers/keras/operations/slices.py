"""Operations that pick places of axes: ``x[:, -1]``, take, split, unstack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnlens.network.axes import ExpandDims, Index, Slice, Take
from rnnlens.network.json_values import Json
from rnnlens.network.layers import Subtract
from rnnlens.network.network import Ref
from rnnlens.readers.keras.operations.call import OperationCall, operation

__all__ = ["Places", "pick"]


@dataclass(frozen=True)
class Places:
    """``start:stop:step``; ``None`` as in Python."""

    start: int | None
    stop: int | None
    step: int | None

    @property
    def whole(self) -> bool:
        """Whether it takes all places in their order."""
        return self.start in {None, 0} and self.stop is None and self.step in {None, 1}


def _is_place(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _places(call: OperationCall, item: Json) -> Json:
    """Turn a serialised slice into `Places`, and an ellipsis into Python's."""
    if not isinstance(item, Mapping):
        return item
    if item.get("class_name") == "__ellipsis__":
        return ...
    sides = item.get("config", item)
    read = [sides.get(side) for side in ("start", "stop", "step")]
    if not all(side is None or _is_place(side) for side in read):
        raise call.refuse("its slice has an end that the network computes; use fixed numbers")
    return Places(*read)


@operation("GetItem")
def get_item(call: OperationCall) -> Ref:
    """``x[key]``."""
    ref, key = call.ref(), call.given(1, "key")
    items = key if isinstance(key, list | tuple) else [key]
    return pick(call, ref, [_places(call, item) for item in items])


def pick(call: OperationCall, ref: Ref, items: list[Json]) -> Ref:
    """Take ``x[items]``, an item an axis from that of the samples on."""
    rank = call.nodes.rank(ref)
    named = sum(item is not None and item is not ... for item in items)
    if items.count(...) > 1 or named > rank:
        raise call.refuse(f"it names {named} axes, and its input has {rank}")
    if ... in items:
        k = items.index(...)
        items = [*items[:k], *[Places(None, None, None)] * (rank - named), *items[k + 1 :]]
    samples, *others = items
    if not isinstance(samples, Places) or not samples.whole:
        raise call.refuse(
            "it picks samples, which rnnlens keeps apart: begin the key with a colon, as in "
            "x[:, -1]"
        )
    axis = 1
    for item in others:
        if item is None:
            ref = call.add(ExpandDims(axis), ref)
        elif not isinstance(item, Places):
            ref = _taken(call, ref, item, axis)
        elif not item.whole:
            ref = call.add(Slice(item.start, item.stop, item.step or 1, axis), ref)
        if not _is_place(item):
            axis += 1
    return ref


def _taken(call: OperationCall, ref: Ref, places: Json, axis: int) -> Ref:
    """Take one place of an axis, which goes with it, or a list of places."""
    if _is_place(places):
        return call.add(Index(_within(call, places, axis, ref), axis), ref)
    if not isinstance(places, list) or not places or not all(map(_is_place, places)):
        raise call.refuse("it picks places that the network computes; use fixed numbers")
    return call.add(Take(tuple(_within(call, one, axis, ref) for one in places), axis), ref)


def _within(call: OperationCall, place: int, axis: int, ref: Ref) -> int:
    """Give a place that the axis has."""
    length = call.nodes.shape(ref)[axis - 1]
    if length is not None and not -length <= place < length:
        raise call.refuse(f"it picks place {place} of an axis of {length}")
    return place


@operation("Take")
def take(call: OperationCall) -> Ref:
    """``take(x, indices, axis)``."""
    ref = call.ref()
    places = call.given(1, "indices")
    return _taken(call, ref, places, call.axis(call.given(2, "axis", None), call.nodes.rank(ref)))


@operation("Split")
def split(call: OperationCall) -> list[Ref]:
    """``split(x, sections or places, axis)``."""
    ref = call.ref()
    axis = call.axis(call.given(2, "axis", 0), call.nodes.rank(ref))
    length = call.nodes.shape(ref)[axis - 1]
    cuts = call.given(1, "indices_or_sections")
    if isinstance(cuts, int):
        if length is None or length % cuts:
            raise call.refuse(f"it splits {length} places into {cuts} parts")
        cuts = list(range(length // cuts, length, length // cuts))
    if not isinstance(cuts, list) or not all(map(_is_place, cuts)):
        raise call.refuse("it splits at places that the network computes; use fixed numbers")
    ends = [*cuts, None]
    return [
        call.add(Slice(start, stop, 1, axis), ref)
        for start, stop in zip([None, *cuts], ends, strict=True)
    ]


@operation("Unstack")
def unstack(call: OperationCall) -> list[Ref]:
    """``unstack(x, axis)``."""
    ref, wanted = call.ref(), call.given(1, "num", None)
    axis = call.axis(call.given(2, "axis", 0), call.nodes.rank(ref))
    length = call.nodes.shape(ref)[axis - 1]
    if length is None or wanted not in {None, length}:
        raise call.refuse("it unstacks an axis of open length; give the input a fixed one")
    return [call.add(Index(place, axis), ref) for place in range(length)]


@operation("Slice")
def part(call: OperationCall) -> Ref:
    """``slice(x, start_indices, shape)``, where the samples are left whole."""
    ref = call.ref()
    starts, sizes = call.given(1, "start_indices"), call.given(2, "shape")
    if not all(isinstance(each, list) and all(map(_is_place, each)) for each in (starts, sizes)):
        raise call.refuse("it begins or ends where the network computes; use fixed numbers")
    if starts[0] != 0 or sizes[0] != -1:
        raise call.refuse("it fixes the number of samples; write it as x[:, 2:5]")
    places = [
        Places(start, None if size == -1 else start + size, None)
        for start, size in zip(starts, sizes, strict=True)
    ]
    return pick(call, ref, list(places))


@operation("Diff")
def difference(call: OperationCall) -> Ref:
    """Each place less the one before."""
    ref = call.ref()
    if call.given(1, "n", 1) != 1:
        raise call.refuse("it takes differences of differences; write each as an operation")
    axis = call.axis(call.given(2, "axis", -1), call.nodes.rank(ref))
    later = call.add(Slice(1, None, 1, axis), ref)
    return call.add(Subtract(), later, call.add(Slice(None, -1, 1, axis), ref))
