"""Weights of Keras 3 in several files: an index in JSON, and ``.weights.h5`` files beside it.

The index says under ``weight_map`` which file holds the arrays of which group
(keras/src/saving/saving_lib.py, ``ShardedH5IOStore``). The groups are put together in memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from rnnlens.errors import UnreadableFile
from rnnlens.network.arrays import Arrays
from rnnlens.network.json_values import Json
from rnnlens.network.network import Network
from rnnlens.readers.hardening.contents import stands
from rnnlens.readers.hardening.hdf5 import child, opened, stored
from rnnlens.readers.keras.hdf5_file import weights_source
from rnnlens.readers.keras.left_over import places_within
from rnnlens.readers.keras.weights_only.read import WEIGHTS_TAKE, arrays_of, network_of_weights
from rnnlens.readers.options import ReadOptions

if TYPE_CHECKING:
    import h5py

__all__ = ["TAKES", "arrays", "joined", "match", "read"]

#: The options of `read` that weights in several files take.
TAKES = WEIGHTS_TAKE

#: The key of an index by which it is told, and how far it is looked for.
MAP, HEAD = "weight_map", 4096

#: No index has more text than this or names more files.
LARGEST_INDEX, MOST_SHARDS = 16 * 1024**2, 1000


def match(path: Path) -> bool:
    """Tell an index by its content."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    return head.lstrip()[:1] == b"{" and f'"{MAP}"'.encode() in head


def read(path: Path, options: ReadOptions | None = None) -> Network:
    """Read weights whose architecture is told."""
    with _beside(path) as file:
        return network_of_weights(weights_source(file, path), options or ReadOptions())


def arrays(path: Path) -> Arrays:
    """Name the arrays of the weights."""
    with _beside(path) as file:
        return arrays_of(weights_source(file, path))


@contextmanager
def _beside(path: Path) -> Generator[h5py.File]:
    if path.stat().st_size > LARGEST_INDEX:
        raise UnreadableFile(
            f"{path} has {path.stat().st_size} bytes, more than the index of any model; it is "
            "damaged or hostile"
        )
    with joined(path.read_bytes(), path.with_name, path) as file:
        yield file


@contextmanager
def joined(
    index: bytes, shard: Callable[[str], Path | BinaryIO], path: Path
) -> Generator[h5py.File]:
    """Put the groups of all files together, given the index and what gives a file by its name."""
    import h5py

    with h5py.File("joined", "w", driver="core", backing_store=False) as whole:
        for name in _names(index, path):
            try:
                source = shard(name)
            except KeyError:
                source = None
            if source is None or (isinstance(source, Path) and not stands(source)):
                raise UnreadableFile(
                    f"{path} is the index of weights in several files, and {name} is not beside "
                    "it: copy all of them"
                )
            with opened(source, f"{name} of {path}") as file:
                _copy(file, whole, path)
        yield whole


def _names(index: bytes, path: Path) -> list[str]:
    """Give the names of the files, once each, plain names alone."""
    try:
        value: Json = json.loads(index)
        listed = value[MAP].values()
        names = [name for each in listed for name in ([each] if isinstance(each, str) else each)]
        plain = all(isinstance(name, str) and _is_plain(name) for name in names)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableFile(
            f"{path} is no index of weights as Keras writes it; the file is damaged"
        ) from error
    if not plain or len(set(names)) > MOST_SHARDS:
        raise UnreadableFile(
            f"{path} names files in other folders, or more than {MOST_SHARDS}, which no version "
            "of Keras writes; the file is damaged or hostile"
        )
    return sorted(set(names))


def _copy(file: h5py.File, whole: h5py.File, path: Path) -> None:
    for place in places_within(file):
        dataset = child(file, place)
        stored(place, dataset, place)  # refuses what keeps its numbers elsewhere
        above, _, name = place.rpartition("/")
        group = whole.require_group(above or "/")
        if name in group:
            raise UnreadableFile(
                f"{place} is in two of the files that {path} names: the weights do not belong "
                "together; save them again"
            )
        file.copy(dataset, group, name)
        written = child(file, above) if above else file
        if "name" in written.attrs and "name" not in group.attrs:
            group.attrs["name"] = written.attrs["name"]


def _is_plain(name: str) -> bool:
    """Tell whether a name is one of a file beside another: none is empty, or a folder."""
    return name not in {"", ".."} and "\0" not in name and Path(name).name == name
