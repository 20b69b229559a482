"""The ``.keras`` archive of Keras 3 (and of tf.keras 2.12 to 2.15): a zip of JSON and HDF5.

Keras is not needed. The weights lie under ``layers/<class>[_<n>]/vars/<k>``: groups are named for
the class of the layer and numbered in the order of the configuration
(keras/src/saving/saving_lib.py, ``_save_container_state``).
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.network.json_values import Json
from rnnlens.network.network import Network, Origin
from rnnlens.readers.hardening.contents import digest_of
from rnnlens.readers.hardening.hdf5 import child, names_in, opened, stored, text_attribute
from rnnlens.readers.hardening.zips import holds, swells
from rnnlens.readers.keras.graph.config import network_of
from rnnlens.readers.keras.layers.spec import keras_version_of
from rnnlens.readers.keras.left_over import TRAINING, accounted, places_within
from rnnlens.readers.keras.weights import WITH_ARRAYS
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.variables import StoredVariable, VariableStore, check_count

if TYPE_CHECKING:
    import h5py

__all__ = ["TAKES", "ArchiveGroup", "match", "read", "snake_case"]

#: The options of `read` that an archive takes.
TAKES = frozenset({"same_as"})

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"

#: No member may unpack to more than this many bytes, nor to this many times its packed size.
LARGEST_MEMBER, LARGEST_TEXT, LARGEST_RATIO = 4 * 1024**3, 64 * 1024**2, 200

#: Where the layers of a model lie, and the cells of a stack; the second is tf.keras 2.12 and 2.13.
CONTAINERS = ("layers", "_layer_checkpoint_dependencies", "cells")


def match(path: Path) -> bool:
    """Tell whether a file is a Keras archive, by its content."""
    return holds(path, CONFIG)


def read(path: Path, options: ReadOptions | None = None) -> Network:
    """Read a Keras archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            config, metadata, weights = _parts(archive, path)
    except InputError:
        raise
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, zlib.error) as error:
        raise UnreadableFile(
            f"{path} is a Keras archive, but it is truncated or damaged; copy or download it again"
        ) from error
    version = str(metadata.get("keras_version", ""))
    keras_version = keras_version_of(version)
    kind = "Keras 3" if keras_version.generation == "Keras 3" else "tf.keras"
    origin = Origin(f"{kind} archive (.keras)", version, str(path), digest_of(path))
    with opened(io.BytesIO(weights), f"{WEIGHTS} in {path}") as file:
        same_as = options.same_as if options else None
        network = network_of(config, ArchiveGroup(file, ""), keras_version, origin, same_as)
        return accounted(network, places_within(file))


def _parts(archive: zipfile.ZipFile, path: Path) -> tuple[dict[str, Json], dict[str, Json], bytes]:
    """Unpack configuration, metadata and weights."""
    config, metadata = _json(archive, CONFIG, path), _json(archive, METADATA, path)
    if WEIGHTS not in archive.namelist():
        kept = [name for name in archive.namelist() if name.startswith("model.weights")]
        raise UnsupportedModel(
            f"{path} keeps its weights in {kept[0] if kept else 'no file'}; rnnlens reads "
            f"{WEIGHTS}: save the model with model.save"
        )
    return config, metadata, _member(archive, WEIGHTS, path, LARGEST_MEMBER)


def _member(archive: zipfile.ZipFile, name: str, path: Path, largest: int) -> bytes:
    """Unpack one member, no further than its limit."""
    info = archive.getinfo(name)
    if info.file_size > largest or swells(info, LARGEST_RATIO):
        raise UnreadableFile(
            f"{path} declares that {name} unpacks from {info.compress_size} to {info.file_size} "
            "bytes, which no model does; the file is damaged or hostile"
        )
    with archive.open(info) as member:
        return member.read(info.file_size + 1)


def _json(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Json]:
    try:
        value = json.loads(_member(archive, name, path, LARGEST_TEXT))
    except KeyError as error:
        raise UnreadableFile(
            f"{path} is a zip without {name}; a Keras archive has one: save the model again"
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableFile(f"{name} in {path} is not JSON; the file is damaged") from error
    if not isinstance(value, dict):
        raise UnreadableFile(f"{name} in {path} does not hold a configuration; the file is damaged")
    return value


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
