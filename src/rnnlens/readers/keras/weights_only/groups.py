"""The layers that a file of weights alone holds, before anybody says what they compute."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rnnlens.errors import UnreadableFile
from rnnlens.readers.hardening.hdf5 import attribute_list, stored, text_attribute
from rnnlens.readers.keras.archive_store import ArchiveGroup
from rnnlens.readers.keras.hdf5_network import groups_of, version_within
from rnnlens.readers.keras.keras1.variables import variable_name
from rnnlens.readers.keras.layers.spec import KerasVersion, keras_version_of
from rnnlens.readers.keras.weights import LayerGroups, base_name
from rnnlens.readers.keras.weights_only.archive_layers import archive_layers, holds_layers
from rnnlens.readers.keras.weights_only.layer_arrays import MOST_LAYERS, LayerArrays
from rnnlens.readers.keras.weights_only.shapes import classes_of
from rnnlens.readers.variables import VariableStore

if TYPE_CHECKING:
    import h5py

__all__ = ["WeightsFile", "holds_weights", "listed_in", "weights_in"]


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
    #: Whether the layers' names are those of the model, and not of their groups.
    named: bool = True

    def candidates(self, kind: str, inner: str = "") -> list[LayerArrays]:
        """Give the layers that a statement of a class may mean where the file keeps no order.

        Groups that are numbered by class stand in the order of the model, so the first is meant.
        """
        fits = [
            each
            for each in self.layers
            if any(kind == of and inner in {"", within} for of, within in each.classes)
        ]
        beside = {each.place.rpartition("/")[0] for each in fits}
        in_order = self.ordered or (all(each.numbered for each in fits) and len(beside) < 2)
        return fits[:1] if in_order else fits


def holds_weights(file: h5py.File) -> bool:
    """Tell whether an HDF5 file is one of weights alone."""
    if text_attribute(file, "model_config") is not None:
        return False
    return bool(attribute_list(file, "layer_names")) or holds_layers(file)


def weights_in(file: h5py.File, version: str | None = None) -> WeightsFile:
    """List the layers of a file of weights alone."""
    if not attribute_list(file, "layer_names"):
        keras_version = (
            keras_version_of(version) if version else KerasVersion("3", "Keras 3", stated=False)
        )
        return WeightsFile(
            tuple(archive_layers(file)),
            keras_version,
            ArchiveGroup(file, ""),
            False,
            "Keras 3 weights (.weights.h5)",
            named=False,
        )
    return listed_in(file, LayerGroups(file), version)


def listed_in(file: h5py.File, groups: LayerGroups, version: str | None = None) -> WeightsFile:
    """List the layers whose arrays an HDF5 file lists by name."""
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
