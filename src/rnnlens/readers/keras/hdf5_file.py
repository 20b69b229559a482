"""Whole models in HDF5, as Keras 1, Keras 2, tf.keras and Keras 3 (its legacy ``.h5``) write them.

The configuration is JSON in the attribute ``model_config``; the arrays lie under
``model_weights/<layer>/<weight name>``, and the attribute ``weight_names`` of each layer's group
keeps their order (keras/src/legacy/saving/legacy_h5_format.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.arrays import Arrays
from rnnlens.network.network import Network, Origin
from rnnlens.readers.hardening.contents import digest_of
from rnnlens.readers.hardening.hdf5 import SIGNATURE, child, opened, text_attribute
from rnnlens.readers.keras.hdf5_network import prepared, version_within
from rnnlens.readers.keras.left_over import places_within
from rnnlens.readers.keras.partial.partly import partly
from rnnlens.readers.keras.partial.whole import TAKES, WholeModel
from rnnlens.readers.keras.weights import WHOLE, LayerGroups
from rnnlens.readers.keras.weights_only.groups import holds_weights, listed_in, weights_in
from rnnlens.readers.keras.weights_only.read import (
    WEIGHTS_TAKE,
    WeightsSource,
    arrays_of,
    network_of_weights,
)
from rnnlens.readers.options import ReadOptions, refuse_others

if TYPE_CHECKING:
    import h5py

__all__ = ["TAKES", "arrays", "match", "partial", "read", "weights_source"]


def match(path: Path) -> bool:
    """Tell whether a file is HDF5, by its content."""
    with path.open("rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


def read(path: Path, options: ReadOptions | None = None) -> Network:
    """Read a whole model from HDF5, or weights whose architecture is told."""
    options = options or ReadOptions()
    with opened(path, str(path)) as file:
        written = text_attribute(file, "model_config")
        if written is None and holds_weights(file):
            refuse_others(options, WEIGHTS_TAKE, f"{path} holds weights alone, so it")
            return network_of_weights(weights_source(file, path), options)
        if written is None:
            held = ", ".join(sorted(file)[:5]) or "nothing"
            raise UnreadableFile(f"{path} is HDF5 without a Keras model: it holds {held}")
        return _whole(file, path, written).read(options)


def _whole(file: h5py.File, path: Path, written: str) -> WholeModel:
    try:
        config = json.loads(written)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UnreadableFile(
            f"the attribute model_config of {path} is not JSON; the file is damaged"
        ) from error
    weights = child(file, WHOLE)
    if weights is None or not isinstance(config, dict):
        raise UnreadableFile(
            f"{path} holds a configuration but no weights; save the model with model.save"
        )
    groups = LayerGroups(weights, WHOLE)
    keras_version = version_within(file, groups)
    origin = Origin(
        f"{keras_version.generation} HDF5", keras_version.number, str(path), digest_of(path)
    )
    config, groups, origin = prepared(config, groups, keras_version, origin)

    def places() -> Iterator[str]:
        return places_within(file, WHOLE)

    source = WeightsSource(
        path,
        lambda version: listed_in(file, LayerGroups(weights, WHOLE, by_order=True), version),
        places,
        path,
    )
    return WholeModel(config, groups, keras_version, origin, places, source)


def arrays(path: Path) -> Arrays | None:
    """Name the arrays of a file of weights alone."""
    with opened(path, str(path)) as file:
        return arrays_of(weights_source(file, path)) if holds_weights(file) else None


def partial(path: Path, refusal: UnsupportedModel) -> Arrays | None:
    """Name the arrays of a whole model that is refused."""
    with opened(path, str(path)) as file:
        written = text_attribute(file, "model_config")
        return None if written is None else partly(_whole(file, path, written), refusal)


def weights_source(file: h5py.File, path: Path, main: Path | None = None) -> WeightsSource:
    """Describe an open file of weights alone; ``main`` is the file on the disk, where another."""
    return WeightsSource(
        path, lambda version: weights_in(file, version), lambda: places_within(file), main or path
    )
