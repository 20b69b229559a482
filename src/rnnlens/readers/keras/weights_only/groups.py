"""The layers that a file of weights alone holds, before anybody says what they compute."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rnnlens.errors import UnreadableFile
from rnnlens.network.json_values import JsonObject
from rnnlens.readers.hardening.hdf5 import attribute_list, child, names_in, stored, text_attribute
from rnnlens.readers.keras.archive import CONTAINERS, ArchiveGroup, snake_case
from rnnlens.readers.keras.hdf5_network import groups_of, version_within
from rnnlens.readers.keras.keras1.variables import variable_name
from rnnlens.readers.keras.layers.spec import KerasVersion, keras_version_of
from rnnlens.readers.keras.weights import WITH_ARRAYS, LayerGroups, base_name
from rnnlens.readers.keras.weights_only.shapes import CELLS, classes_of, sizes
from rnnlens.readers.variables import StoredVariable, VariableStore

if TYPE_CHECKING:
    import h5py

__all__ = ["LayerArrays", "WeightsFile", "holds_weights", "weights_in"]

#: Classes by the name of their groups in a ``.weights.h5``.
CLASSES = {snake_case(kind): kind for kind in WITH_ARRAYS}

#: More layers than this are in no model.
MOST_LAYERS = 10_000


@dataclass(frozen=True, eq=False)
class LayerArrays:
    """One layer's arrays."""

    #: The layer's name, or that of its group.
    name: str
    #: Its arrays, for a builder of layers.
    store: VariableStore
    #: The same one by one, unread, in the file's order; roles are their own names.
    arrays: tuple[StoredVariable, ...]
    #: The classes that have such arrays, each with the class within a wrapper.
    classes: tuple[tuple[str, str], ...]

    @property
    def kinds(self) -> list[str]:
        """The classes in words: ``"LSTM"``, ``"Bidirectional LSTM"``."""
        return [f"{kind} {inner}".strip() for kind, inner in self.classes]

    def entry(self, kind: str, inner: str = "", stated: JsonObject | None = None) -> dict | None:
        """Write the layer as Keras would, its sizes taken from the arrays."""
        stated = stated or {}
        implied = sizes(kind, [array.shape for array in self.arrays], inner)
        if implied is None:
            return None
        if not inner:
            return {"class_name": kind, "config": {"name": self.name, **implied, **stated}}
        within = {"name": inner.lower(), **implied, **stated.get("layer", {})}
        outer = {key: value for key, value in stated.items() if key != "layer"}
        layer = {"class_name": inner, "config": within}
        return {"class_name": kind, "config": {"name": self.name, "layer": layer, **outer}}


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """A file of weights alone."""

    layers: tuple[LayerArrays, ...]
    #: What the version that wrote it means.
    keras_version: KerasVersion
    #: All of it, for a builder of models.
    store: VariableStore
    #: Whether the file keeps the order of the layers.
    ordered: bool
    #: What the file is, such as ``"Keras 2 weights (HDF5)"``.
    what: str


def holds_weights(file: h5py.File) -> bool:
    """Tell whether an HDF5 file is one of weights alone."""
    if text_attribute(file, "model_config") is not None:
        return False
    return bool(attribute_list(file, "layer_names")) or _container(file) is not None


def weights_in(file: h5py.File, version: str | None = None) -> WeightsFile:
    """List the layers of a file of weights alone."""
    container = _container(file)
    if container is not None and not attribute_list(file, "layer_names"):
        keras_version = (
            keras_version_of(version) if version else KerasVersion("3", "Keras 3", stated=False)
        )
        layers = tuple(_numbered(file, container))
        return WeightsFile(
            layers, keras_version, ArchiveGroup(file, ""), False, "Keras 3 weights (.weights.h5)"
        )
    groups = LayerGroups(file)
    names = groups.filled
    if len(names) > MOST_LAYERS:
        raise UnreadableFile(f"the file lists {len(names)} layers; it is damaged")
    stated = version or text_attribute(file, "keras_version")
    old = all(variable_name(each) for name in names for each, _, _ in groups.weights_of(name))
    keras_version = version_within(file, groups, stated or (None if old else "2.0"))
    keras_version = replace(keras_version, stated=bool(stated))
    store = groups_of(groups, keras_version)
    stores = store.layers([("", name) for name in names])
    named = variable_name if keras_version.generation == "Keras 1" else base_name
    layers = []
    for name in names:
        arrays = [stored(named(each), *rest) for each, *rest in groups.weights_of(name)]
        classes = classes_of([array.shape for array in arrays], [array.role for array in arrays])
        layers.append(LayerArrays(name, stores[name], tuple(arrays), tuple(classes)))
    return WeightsFile(
        tuple(layers), keras_version, store, True, f"{keras_version.generation} weights (HDF5)"
    )


def _container(file: h5py.File) -> str | None:
    return next((name for name in CONTAINERS if child(file, name) is not None), None)


def _numbered(file: h5py.File, container: str) -> Iterator[LayerArrays]:
    """Give the layers of a ``.weights.h5``, whose groups are named for classes."""
    names = sorted(names_in(child(file, container)), key=_by_number)
    for name in names[:MOST_LAYERS]:
        place = f"{container}/{name}"
        arrays = tuple(_variables(file, place, set()))
        if not arrays:
            continue
        kind = CLASSES.get(re.sub(r"_\d+$", "", name), "")
        classes = classes_of([array.shape for array in arrays])
        # The group's name says the class; shapes must agree with it.
        kept = tuple(each for each in classes if each[0] == kind)
        if kind == "TimeDistributed":
            kept = tuple((kind, of) for of, _ in classes if of not in CELLS)
        written = text_attribute(child(file, f"{place}/vars") or file, "name")
        yield LayerArrays(written or name, ArchiveGroup(file, place), arrays, kept)


def _by_number(name: str) -> tuple[str, int]:
    match = re.fullmatch(r"(.*?)(?:_(\d+))?", name, re.DOTALL)
    assert match is not None
    return match[1], int(match[2] or 0)


def _variables(file: h5py.File, place: str, seen: set[Hashable]) -> Iterator[StoredVariable]:
    """Give the arrays of a layer and of the layers within it, forward before backward."""
    import h5py

    group = child(file, place)
    if not isinstance(group, h5py.Group):
        return
    if group.id in seen or len(seen) > MOST_LAYERS:
        raise UnreadableFile(f"{place} in the file is a layer within itself; the file is damaged")
    seen.add(group.id)
    for number in sorted(names_in(child(file, f"{place}/vars")), key=_by_number):
        where = f"{place}/vars/{number}"
        yield stored(number, child(file, where), where)
    order = {"forward_layer": 0, "backward_layer": 1}
    for name in sorted(names_in(group), key=lambda name: (order.get(name, 2), *_by_number(name))):
        if name not in {"vars", "seed_generator"}:
            yield from _variables(file, f"{place}/{name}", seen)
