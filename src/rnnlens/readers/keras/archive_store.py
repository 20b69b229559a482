"""The weights file of a Keras archive, or a ``.weights.h5``: one group a layer.

The weights lie under ``layers/<class>[_<n>]/vars/<k>``: groups are named for the class of the layer
and numbered in the order of the configuration (keras/src/saving/saving_lib.py,
``_save_container_state``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.errors import UnreadableFile
from rnnlens.readers.hardening.hdf5 import child, names_in, stored, text_attribute
from rnnlens.readers.keras.left_over import TRAINING, places_within
from rnnlens.readers.keras.weights import WITH_ARRAYS
from rnnlens.readers.variables import StoredVariable, VariableStore, check_count

if TYPE_CHECKING:
    import h5py

__all__ = ["CONTAINERS", "ArchiveGroup", "snake_case"]

#: Where the layers of a model lie, and the cells of a stack; the second is tf.keras 2.12 and 2.13.
CONTAINERS = ("layers", "_layer_checkpoint_dependencies", "cells")


class ArchiveGroup(VariableStore):
    """One group of the weights file."""

    def __init__(self, file: h5py.File, path: str) -> None:
        self.file = file
        self.path = path

    def _at(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name

    def variables(self, roles: Sequence[str], optional: int = 0) -> list[StoredVariable]:
        """Give the layer's own variables, see `VariableStore.variables`."""
        count = len(names_in(child(self.file, self._at("vars"))))
        check_count(count, roles, optional, f"{self.path or 'the weights file'}")
        variables = []
        for number, role in zip(range(count), roles, strict=False):
            place = self._at(f"vars/{number}")
            variables.append(stored(role, child(self.file, place), place))
        return variables

    def sublayer(self, attribute: str) -> VariableStore:
        """Give the store of a layer within, see `VariableStore.sublayer`."""
        # a cell that stands alone, without its layer, has the arrays as its own
        alone = attribute == "cell" and child(self.file, self._at("cell")) is None
        return self if alone else ArchiveGroup(self.file, self._at(attribute))

    def part(self, attribute: str, name: str) -> VariableStore:
        """Give the store of a layer within, see `VariableStore.part`."""
        plain = child(self.file, self._at(attribute))
        return self.sublayer(attribute if plain is not None else f"_{attribute}")

    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, VariableStore]:
        """Give the stores of a model's layers, see `VariableStore.layers`."""
        container = next((n for n in CONTAINERS if child(self.file, self._at(n))), CONTAINERS[0])
        present = names_in(child(self.file, self._at(container)))
        places: dict[str, str] = {}
        missing: list[str] = []
        for kind in dict.fromkeys(kind for kind, _ in entries):
            names = [name for of, name in entries if of == kind]
            for name, stem in zip(names, _stems(kind, present, len(names)), strict=True):
                places[name] = f"{container}/{stem}"
                if kind in WITH_ARRAYS and stem not in present:
                    missing.append(name)
        places |= self._elsewhere(missing, container, present, places)
        for name, place in places.items():
            self._check_name(self._at(place), name)
        return {name: ArchiveGroup(self.file, self._at(place)) for name, place in places.items()}

    def _elsewhere(
        self,
        missing: Sequence[str],
        container: str,
        present: Sequence[str],
        places: Mapping[str, str],
    ) -> dict[str, str]:
        """Find the groups of layers that do not lie under their class.

        A class of the user's own that stands for one of Keras's, and the attributes of a model
        that is a class of its own, bear other names: they are told by the layer's name, and the
        last by being the only one that is left.
        """
        top = names_in(child(self.file, self.path) if self.path else self.file)
        beside = [name for name in top if name not in CONTAINERS and not TRAINING.fullmatch(name)]
        groups = [*(f"{container}/{name}" for name in present), *beside]
        free = [name for name in groups if name not in places.values() and name != "vars"]
        names = {name: self._written(self._at(name)) or name.rpartition("/")[2] for name in free}
        found = {
            name: next((place for place in free if names[place] == name), "") for name in missing
        }
        rest = [place for place in free if place not in found.values()]
        unfound = [name for name, place in found.items() if not place]
        if len(rest) == len(unfound) == 1 and self._written(self._at(rest[0])) is None:
            found[unfound[0]] = rest[0]
        return {name: place for name, place in found.items() if place}

    def every(self) -> list[StoredVariable]:
        """Give all variables below, see `VariableStore.every`."""
        group = child(self.file, self.path) if self.path else self.file
        if group is None:
            return []
        prefix = f"{self.path}/" if self.path else ""
        return [
            stored(place.removeprefix(prefix), child(self.file, place), place)
            for place in sorted(places_within(self.file, self.path))
        ]

    def _written(self, place: str) -> str | None:
        group = child(self.file, f"{place}/vars")
        return None if group is None else text_attribute(group, "name")

    def _check_name(self, place: str, name: str) -> None:
        """Newer versions write each layer's name beside its arrays: hold them to it."""
        written = self._written(place)
        if written is not None and written != name:
            raise UnreadableFile(
                f"{place} holds the arrays of layer {written!r} where the configuration has "
                f"{name!r}: the weights do not belong to this configuration"
            )


def _stems(kind: str, present: Sequence[str], count: int) -> list[str]:
    """Name the groups of the layers of one class, in the order of the configuration."""
    # Versions that skip numbers still write the groups in that order.
    stem = snake_case(kind)
    numbers = {
        int(match[1] or 0): name
        for name in present
        if (match := re.fullmatch(rf"{re.escape(stem)}(?:_(\d+))?", name))
    }
    if len(numbers) == count:
        return [numbers[number] for number in sorted(numbers)]
    return [stem if number == 0 else f"{stem}_{number}" for number in range(count)]


def snake_case(kind: str) -> str:
    """Write a class name as Keras names its group.

    Examples
    --------
    >>> [snake_case(kind) for kind in ("LSTM", "Conv1D", "TimeDistributed", "PReLU")]
    ['lstm', 'conv1d', 'time_distributed', 'p_re_lu']
    """
    words = re.sub(r"(?<=.)([A-Z][a-z]+)", r"_\1", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
