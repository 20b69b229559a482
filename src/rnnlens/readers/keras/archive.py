"""The ``.keras`` archive of Keras 3 (and of tf.keras 2.12 to 2.15): a zip of JSON and HDF5.

Keras is not needed.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.network.arrays import Arrays
from rnnlens.network.json_values import Json
from rnnlens.network.network import Network, Origin
from rnnlens.readers.hardening.contents import digest_of
from rnnlens.readers.hardening.hdf5 import opened
from rnnlens.readers.hardening.zips import holds, swells
from rnnlens.readers.keras.archive_store import ArchiveGroup
from rnnlens.readers.keras.layers.spec import keras_version_of
from rnnlens.readers.keras.left_over import places_within
from rnnlens.readers.keras.partial.partly import partly
from rnnlens.readers.keras.partial.whole import TAKES, WholeModel
from rnnlens.readers.keras.sharded import joined
from rnnlens.readers.keras.weights_only.groups import weights_in
from rnnlens.readers.keras.weights_only.read import WeightsSource
from rnnlens.readers.options import ReadOptions

if TYPE_CHECKING:
    import h5py

__all__ = ["TAKES", "match", "match_folder", "partial", "read"]

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
#: What stands for `WEIGHTS` where these lie in several files.
INDEX = "model.weights.json"

#: No member may unpack to more than this many bytes, nor to this many times its packed size.
LARGEST_MEMBER, LARGEST_TEXT, LARGEST_RATIO = 4 * 1024**3, 64 * 1024**2, 200


def match(path: Path) -> bool:
    """Tell whether a file is a Keras archive, by its content."""
    return holds(path, CONFIG)


def match_folder(path: Path) -> bool:
    """Tell an archive that was unpacked, or never packed, by its files."""
    return path.is_dir() and (path / CONFIG).is_file() and (path / METADATA).is_file()


def read(path: Path, options: ReadOptions | None = None) -> Network:
    """Read a Keras archive."""
    with _opened(path) as model:
        return model.read(options or ReadOptions())


def partial(path: Path, refusal: UnsupportedModel) -> Arrays:
    """Name the arrays of an archive that is refused."""
    with _opened(path) as model:
        return partly(model, refusal)


@contextmanager
def _opened(path: Path) -> Generator[WholeModel]:
    try:
        with _members(path) as members:
            config, metadata = _json(members, CONFIG, path), _json(members, METADATA, path)
            version = str(metadata.get("keras_version", ""))
            with _weights(members, path) as file:
                yield _model(config, version, file, path)
    except InputError:
        raise
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, zlib.error) as error:
        raise UnreadableFile(
            f"{path} is a Keras archive, but it is truncated or damaged; copy or download it again"
        ) from error


def _model(config: dict[str, Json], version: str, file: h5py.File, path: Path) -> WholeModel:
    keras_version = keras_version_of(version)
    kind = "Keras 3" if keras_version.generation == "Keras 3" else "tf.keras"
    main = path / CONFIG if path.is_dir() else path
    what = "folder" if path.is_dir() else "archive (.keras)"
    origin = Origin(f"{kind} {what}", version, str(path), digest_of(main))

    def places() -> Iterator[str]:
        return places_within(file)

    source = WeightsSource(path, lambda stated: weights_in(file, stated or version), places, main)
    return WholeModel(config, ArchiveGroup(file, ""), keras_version, origin, places, source)


@contextmanager
def _weights(members: Members, path: Path) -> Generator[h5py.File]:
    names = members.names()
    if WEIGHTS in names:
        content = members.read(WEIGHTS, LARGEST_MEMBER)
        with opened(io.BytesIO(content), f"{WEIGHTS} in {path}") as file:
            yield file
    elif INDEX in names:
        index = members.read(INDEX, LARGEST_TEXT)
        shards = lambda name: io.BytesIO(members.read(name, LARGEST_MEMBER))  # noqa: E731
        with joined(index, shards, path) as file:
            yield file
    else:
        kept = [name for name in names if name.startswith("model.weights")]
        raise UnsupportedModel(
            f"{path} keeps its weights in {kept[0] if kept else 'no file'}; rnnlens reads "
            f"{WEIGHTS}: save the model with model.save"
        )


class Members(Protocol):
    """The files that make a model, in an archive or in a folder."""

    def names(self) -> list[str]:
        """Give their names."""
        ...

    def read(self, name: str, largest: int) -> bytes:
        """Give the content of one, no further than a limit; ``KeyError`` where it is not there."""
        ...


@contextmanager
def _members(path: Path) -> Generator[Members]:
    if path.is_dir():
        yield _FolderMembers(path)
        return
    with zipfile.ZipFile(path) as archive:
        yield _ArchiveMembers(archive, path)


@dataclass(frozen=True)
class _FolderMembers:
    path: Path

    def names(self) -> list[str]:
        return [each.name for each in self.path.iterdir() if each.is_file()]

    def read(self, name: str, largest: int) -> bytes:
        file = self.path / name
        if not file.is_file():
            raise KeyError(name)
        if file.stat().st_size > largest:
            raise UnreadableFile(
                f"{file} has {file.stat().st_size} bytes, which no model has; it is damaged or "
                "hostile"
            )
        return file.read_bytes()


@dataclass(frozen=True)
class _ArchiveMembers:
    archive: zipfile.ZipFile
    path: Path

    def names(self) -> list[str]:
        return self.archive.namelist()

    def read(self, name: str, largest: int) -> bytes:
        info = self.archive.getinfo(name)
        if info.file_size > largest or swells(info, LARGEST_RATIO):
            raise UnreadableFile(
                f"{self.path} declares that {name} unpacks from {info.compress_size} to "
                f"{info.file_size} bytes, which no model does; the file is damaged or hostile"
            )
        with self.archive.open(info) as member:
            return member.read(info.file_size + 1)


def _json(members: Members, name: str, path: Path) -> dict[str, Json]:
    try:
        value = json.loads(members.read(name, LARGEST_TEXT))
    except KeyError as error:
        raise UnreadableFile(
            f"{path} is {_what(path)} without {name}; a Keras archive has one: save the model again"
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableFile(f"{name} in {path} is not JSON; the file is damaged") from error
    if not isinstance(value, dict):
        raise UnreadableFile(f"{name} in {path} does not hold a configuration; the file is damaged")
    return value


def _what(path: Path) -> str:
    return "a folder" if path.is_dir() else "a zip"
