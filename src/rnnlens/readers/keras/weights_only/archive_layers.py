"""The layers of a ``.weights.h5`` of Keras 3: every group that holds arrays, wherever it stands.

A Sequential or functional model keeps its layers under ``layers/<class>[_<n>]``. A model that is a
class of its own is gone through attribute by attribute, in alphabetical order: a layer that comes
before ``layers`` among them lies under the attribute's name, and the others under their class
(keras/src/saving/saving_lib.py, ``_walk_saveable``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rnnlens.errors import UnreadableFile
from rnnlens.readers.hardening.hdf5 import child, names_in, stored, text_attribute
from rnnlens.readers.keras.archive_store import CONTAINERS, ArchiveGroup, snake_case
from rnnlens.readers.keras.left_over import TRAINING
from rnnlens.readers.keras.weights import WITH_ARRAYS
from rnnlens.readers.keras.weights_only.layer_arrays import (
    MOST_LAYERS,
    LayerArrays,
    told_apart,
)
from rnnlens.readers.keras.weights_only.shapes import CELLS, classes_of
from rnnlens.readers.variables import StoredVariable

if TYPE_CHECKING:
    import h5py

__all__ = ["PARTS", "archive_layers", "fits", "holds_layers"]

#: Groups within a layer whose arrays are the layer's own, forward before backward.
PARTS = {"cell": 0, "forward_layer": 1, "backward_layer": 2, "layer": 3}

#: How deep a layer's parts lie within each other: a Bidirectional's cells lie two deep.
DEEPEST = 4

#: Classes by the name of their groups.
CLASSES = {snake_case(kind): kind for kind in WITH_ARRAYS}


def holds_layers(file: h5py.File) -> bool:
    """Tell whether a file has the form of a ``.weights.h5``."""
    import h5py

    tops = [name for name in names_in(file) if not TRAINING.fullmatch(name)]
    if any(name in CONTAINERS for name in tops):
        return True
    groups = [child(file, name) for name in tops]
    return any(_has_vars(group) for group in groups if isinstance(group, h5py.Group))


def _has_vars(group: h5py.Group) -> bool:
    names = names_in(group)
    return "vars" in names or any("vars" in names_in(child(group, part)) for part in names)


def archive_layers(file: h5py.File) -> list[LayerArrays]:
    """Give every layer of a ``.weights.h5``, in the order of its groups."""
    return told_apart(list(_within(file, "", set())))


def _within(file: h5py.File, place: str, seen: set[object]) -> Iterator[LayerArrays]:
    import h5py

    group = child(file, place) if place else file
    if not isinstance(group, h5py.Group):
        return
    _enter(group, place, seen)
    names = {name for name in names_in(group) if not TRAINING.fullmatch(name)}
    # an attribute of the model itself may be called as a layer's part is
    parts = sorted(names & PARTS.keys(), key=PARTS.__getitem__) if place else []
    places = [place, *_parts(file, place, parts)]
    arrays = tuple(array for part in places for array in _variables(file, part))
    if arrays:
        yield _layer(file, place, arrays)
    for part in places:
        inner = child(file, part) if part else file
        if part != place and isinstance(inner, h5py.Group):
            _enter(inner, part, seen)
        rest = set(names_in(inner)) - {"vars"} - (PARTS.keys() if part else set())
        for name in sorted(rest, key=_by_number):
            if not TRAINING.fullmatch(name):
                yield from _within(file, f"{part}/{name}".lstrip("/"), seen)


def _enter(group: h5py.Group, place: str, seen: set[object]) -> None:
    if group.id in seen or len(seen) > 4 * MOST_LAYERS:
        raise UnreadableFile(
            f"{place or 'the root'} in the file is a layer within itself; the file is damaged"
        )
    seen.add(group.id)


def _parts(file: h5py.File, place: str, parts: list[str], depth: int = 0) -> Iterator[str]:
    """Give the places of a layer's own parts, and of theirs."""
    for part in parts if depth < DEEPEST else ():
        where = f"{place}/{part}"
        yield where
        inner = set(names_in(child(file, where))) & PARTS.keys()
        yield from _parts(file, where, sorted(inner, key=PARTS.__getitem__), depth + 1)


def _variables(file: h5py.File, place: str) -> Iterator[StoredVariable]:
    """Give the arrays that stand in a group as its own."""
    variables = f"{place}/vars".lstrip("/")
    for number in sorted(names_in(child(file, variables)), key=_by_number):
        where = f"{variables}/{number}"
        yield stored(number, child(file, where), where)


def _layer(file: h5py.File, place: str, arrays: tuple[StoredVariable, ...]) -> LayerArrays:
    above, _, name = place.rpartition("/")
    numbered = above.rpartition("/")[2] in CONTAINERS
    kind = CLASSES.get(re.sub(r"_\d+$", "", name), "") if numbered else ""
    shapes = [array.shape for array in arrays]
    # only Keras 1 kept the kernel of a Conv1D with four axes
    flat = len(shapes[0]) < 4
    classes = [each for each in classes_of(shapes) if flat or each[0] != "Conv1D"]
    inside = set(names_in(child(file, place))) if place else set()
    # The group's name says the class, or its parts do; shapes must agree with it.
    if kind == "TimeDistributed" or (not kind and "layer" in inside):
        kept = tuple(("TimeDistributed", of) for of, _ in classes if of not in CELLS)
    elif kind:
        kept = tuple(each for each in classes if each[0] == kind)
    else:
        kept = tuple(each for each in classes if fits(each[0], inside))
    written = text_attribute(child(file, f"{place}/vars".lstrip("/")) or file, "name")
    label = (written if written and place else name) or "model"
    return LayerArrays(label, ArchiveGroup(file, place), arrays, kept, place, numbered)


def fits(kind: str, inside: set[str]) -> bool:
    """Tell whether a group's parts are those of a class whose name it does not bear."""
    if kind in CELLS:
        return "forward_layer" not in inside  # a cell alone has its arrays as its own
    if kind == "Bidirectional":
        return "forward_layer" in inside
    return not inside & PARTS.keys()


def _by_number(name: str) -> tuple[str, int]:
    match = re.fullmatch(r"(.*?)(?:_(\d+))?", name, re.DOTALL)
    assert match is not None
    return match[1], int(match[2] or 0)
