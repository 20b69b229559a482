"""The ``.keras`` archive of Keras 3 (and of tf.keras 2.12 to 2.15): a zip of JSON and HDF5.

Keras is not needed.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

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
from rnnlens.readers.keras.weights_only.groups import weights_in
from rnnlens.readers.keras.weights_only.read import WeightsSource
from rnnlens.readers.options import ReadOptions

__all__ = ["TAKES", "match", "partial", "read"]

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"

#: No member may unpack to more than this many bytes, nor to this many times its packed size.
LARGEST_MEMBER, LARGEST_TEXT, LARGEST_RATIO = 4 * 1024**3, 64 * 1024**2, 200


def match(path: Path) -> bool:
    """Tell whether a file is a Keras archive, by its content."""
    return holds(path, CONFIG)


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
        yield WholeModel(
            config,
            ArchiveGroup(file, ""),
            keras_version,
            origin,
            lambda: places_within(file),
            WeightsSource(
                path,
                lambda stated: weights_in(file, stated or version),
                lambda: places_within(file),
                path,
            ),
        )


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
