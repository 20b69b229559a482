"""Whole models in HDF5, as Keras 2, tf.keras and Keras 3 (its legacy ``.h5``) write them.

The configuration is JSON in the attribute ``model_config``; the arrays lie under
``model_weights/<layer>/<weight name>``, and the attribute ``weight_names`` of each layer's group
keeps their order (keras/src/legacy/saving/legacy_h5_format.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.network import Network, Origin
from rnnlens.readers.contents import digest_of
from rnnlens.readers.hdf5 import (
    SIGNATURE,
    attribute_list,
    child,
    opened,
    stored,
    text_attribute,
)
from rnnlens.readers.keras_config import MODELS, network_of
from rnnlens.readers.keras_spec import dialect_of
from rnnlens.readers.shelves import Shelf, Stored, check_count

__all__ = ["match", "read"]

WEIGHTS = "model_weights"


def match(path: Path) -> bool:
    """Tell whether a file is HDF5, by its content.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        True for HDF5.
    """
    with path.open("rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


def read(path: Path) -> Network:
    """Read a whole model from HDF5.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Network
        The network.

    Raises
    ------
    UnreadableFile
        If the file is damaged or holds no model.
    UnsupportedModel
        If a layer or an option is not implemented.
    """
    with opened(path, str(path)) as file:
        written = text_attribute(file, "model_config")
        if written is None:
            raise UnreadableFile(_without_model(file, path))
        version = text_attribute(file, "keras_version")
        if version is None:
            raise UnsupportedModel(
                f"{path} does not state the version of Keras that wrote it, so it is Keras 1.1 or "
                "older; load it in Keras 2.x and save it again"
            )
        dialect = dialect_of(version)
        try:
            config = json.loads(written)
        except (json.JSONDecodeError, RecursionError) as error:
            raise UnreadableFile(
                f"the attribute model_config of {path} is not JSON; the file is damaged"
            ) from error
        weights = child(file, WEIGHTS)
        if weights is None or not isinstance(config, dict):
            raise UnreadableFile(
                f"{path} holds a configuration but no weights; save the model with model.save"
            )
        origin = Origin(f"{dialect.generation} HDF5", version, str(path), digest_of(path))
        return network_of(config, _Model(weights), dialect, origin)


def _without_model(file: Any, path: Path) -> str:
    """Say what an HDF5 file holds instead of a model."""
    if attribute_list(file, "layer_names") or "_layer_checkpoint_dependencies" in file:
        return (
            f"{path} holds weights only: the architecture is missing; save the whole model with "
            "model.save"
        )
    if "layers" in file and not isinstance(file.get("layers", getlink=True), type(None)):
        return (
            f"{path} holds weights only (the .weights.h5 of Keras 3): the architecture is missing; "
            "save the whole model with model.save"
        )
    held = ", ".join(sorted(file)[:5]) or "nothing"
    return f"{path} is HDF5 without a Keras model: it holds {held}"


class _Model(Shelf):
    """The group of a whole model: one group a layer."""

    def __init__(self, group: Any) -> None:
        self.group = group

    def own(self, roles: Sequence[str], optional: int = 0) -> list[Stored]:
        check_count(0, roles, optional, "the model")
        return []

    def part(self, attribute: str) -> Shelf:
        raise UnreadableFile(f"the file has no place for {attribute!r} of the model")

    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, Shelf]:
        return {name: _Flat(self._weights(name), name) for _, name in entries}

    def _weights(self, name: str) -> list[tuple[str, Any, str]]:
        group = child(self.group, name) if "/" not in name else None
        if group is None:
            return []
        listed = attribute_list(group, "weight_names")
        place = f"{WEIGHTS}/{name}"
        return [(weight, child(group, weight), f"{place}/{weight}") for weight in listed]


class _Flat(Shelf):
    """The arrays of one layer, in Keras's order, told apart by their names."""

    def __init__(self, weights: Sequence[tuple[str, Any, str]], layer: str) -> None:
        self.weights = list(weights)
        self.layer = layer

    def own(self, roles: Sequence[str], optional: int = 0) -> list[Stored]:
        # The state that a stateful layer keeps is among its variables in Keras 3.
        kept = [item for item in self.weights if not _base(item[0]).startswith("rnn_state")]
        check_count(len(kept), roles, optional, f"layer {self.layer!r}")
        by_name = {_base(name): (weight, place) for name, weight, place in kept}
        wanted = list(roles)[: len(kept)]
        if set(by_name) == set(wanted):
            return [stored(role, *by_name[role]) for role in wanted]
        known = set(by_name) & set(wanted)
        if known:
            raise UnreadableFile(
                f"layer {self.layer!r} holds the arrays {', '.join(by_name)} where its "
                f"configuration calls for {', '.join(wanted)}: the weights do not belong to it"
            )
        return [
            stored(role, weight, place)
            for role, (_, weight, place) in zip(wanted, kept, strict=True)
        ]

    def part(self, attribute: str) -> Shelf:
        if attribute not in {"forward_layer", "backward_layer"}:
            return self
        side = attribute.removesuffix("layer")
        named = [item for item in self.weights if _names(item[0], side)]
        if not named:
            half = len(self.weights) // 2
            named = self.weights[:half] if side == "forward_" else self.weights[half:]
        return _Flat(named, f"{self.layer}.{side.rstrip('_')}")

    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, Shelf]:
        # The arrays of a nested model lie in one list; its layers are told by their names.
        return {
            name: _Flat(self.weights if kind in MODELS else self._of(name), name)
            for kind, name in entries
        }

    def _of(self, layer: str) -> list[tuple[str, Any, str]]:
        depths = {
            item[0]: parts.index(layer)
            for item in self.weights
            if layer in (parts := item[0].split("/")[:-1])
        }
        first = min(depths.values(), default=0)
        return [item for item in self.weights if depths.get(item[0]) == first]


def _base(name: str) -> str:
    """Give a variable's own name: ``lstm_1/kernel_2:0`` is ``kernel``."""
    return re.sub(r"_\d+$", "", name.rsplit("/", maxsplit=1)[-1].split(":", maxsplit=1)[0])


def _names(name: str, side: str) -> bool:
    return any(part.startswith(side) for part in name.split("/"))
