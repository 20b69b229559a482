"""HDF5 read with care: plain datasets within the file, nothing that leads out of it."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from rnnlens.errors import InputError, UnreadableFile
from rnnlens.readers.hardening.heaps import texts_are_whole
from rnnlens.readers.variables import StoredVariable

if TYPE_CHECKING:
    import h5py

__all__ = [
    "SIGNATURE",
    "Hdf5Object",
    "attribute_list",
    "child",
    "names_in",
    "opened",
    "stored",
    "text_attribute",
]

#: A group or a dataset, or None where there is none: told apart where it is used.
Hdf5Object = Any

#: No attribute has more text than this.
LARGEST_TEXT = 64 * 1024**2

#: How many times its packed size an array may have, as in archives, where it is not small.
LARGEST_RATIO, SMALL = 1100, 1024**2

#: The first bytes of an HDF5 file.
SIGNATURE = b"\x89HDF\r\n\x1a\n"


@contextmanager
def opened(source: Path | BinaryIO, name: str) -> Generator[h5py.File]:
    """Open an HDF5 file to read it."""
    import h5py

    try:
        with h5py.File(source, "r") as file:
            # Opening takes no attribute's memory; reading one does.
            _check_texts(source, name)
            yield file
    except InputError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError) as error:
        # h5py raises TypeError for damaged types, OverflowError for addresses that no file has,
        # and gives damaged names as bytes.
        raise UnreadableFile(
            f"{name} begins like HDF5, but it is truncated or damaged; copy or download it again"
        ) from error


def _check_texts(source: Path | BinaryIO, name: str) -> None:
    """Refuse a file in which a text is declared longer than the file."""
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as content:
        if not texts_are_whole(content):
            raise UnreadableFile(
                f"{name} begins like HDF5, but it is truncated or damaged (a text within it has no "
                "end); copy or download it again"
            )


def child(group: h5py.Group, path: str) -> Hdf5Object:
    """Give an object within a group, by hard links alone."""
    import h5py

    reached: Hdf5Object = group
    for name in filter(None, path.split("/")):
        link = reached.get(name, getlink=True) if isinstance(reached, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise UnreadableFile(
                f"{path} in the file leads through a link to another place, which no "
                "version of Keras writes; rnnlens follows no links"
            )
        reached = reached[name]
    return reached


def names_in(group: Hdf5Object) -> list[str]:
    """Give the names in a group; h5py gives those that are no text as bytes."""
    import h5py

    listed = list(group) if isinstance(group, h5py.Group) else []
    if not all(isinstance(name, str) for name in listed):
        raise UnreadableFile("the file holds names that are no text; it is damaged")
    return listed


def stored(role: str, dataset: Hdf5Object, place: str) -> StoredVariable:
    """Describe a dataset, unread."""
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise UnreadableFile(f"{place} in the file is not an array; the file is damaged")
    if dataset.is_virtual or dataset.external:
        raise UnreadableFile(
            f"{place} keeps its numbers in another file, which no version of Keras writes; rnnlens "
            "reads no other file"
        )
    shape = tuple(dataset.shape)
    # Keras 3's archives say so; its HDF5 keeps two bytes of no type, as no other type of it is
    if text_attribute(dataset, "dtype") == "bfloat16" or dataset.dtype == np.dtype("V2"):
        single = np.dtype(np.float32)
        return StoredVariable(role, place, shape, single, lambda: _widened(dataset, place))
    return StoredVariable(role, place, shape, dataset.dtype, lambda: _values(dataset, place))


def _widened(dataset: Hdf5Object, place: str) -> np.ndarray:
    """Read bfloat16 numbers: each is the upper half of a float32."""
    values = _values(dataset, place)
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    if values.dtype.itemsize != 2:
        raise UnreadableFile(
            f"{place} in the file says that it holds bfloat16 numbers and keeps "
            f"{values.dtype.itemsize} bytes of each; the file is damaged"
        )
    return (values.view(np.uint16).astype(np.uint32) << 16).view(np.float32)


def _values(dataset: Hdf5Object, place: str) -> np.ndarray:
    """Read an array that is declared no larger than what the file keeps of it can unpack to."""
    item = dataset.dtype.itemsize
    declared = math.prod(dataset.shape) * item
    piece = math.prod(dataset.chunks or ()) * item
    kept = min(dataset.id.get_storage_size(), dataset.file.id.get_filesize())
    if declared > SMALL + LARGEST_RATIO * kept or piece > max(declared, SMALL):
        raise UnreadableFile(
            f"{place} in the file declares shape {tuple(dataset.shape)}, {declared} bytes, and the "
            f"file keeps {kept} bytes of it; the file is damaged or hostile"
        )
    return dataset[()]


def text_attribute(group: Hdf5Object, name: str) -> str | None:
    """Give an attribute that is text."""
    value = _text_value(group, name)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return None if value is None else str(value)


def _text_value(group: Hdf5Object, name: str) -> Any:
    """Read an attribute once it is sure that it is text."""
    import h5py

    if name not in group.attrs:
        return None
    kind = group.attrs.get_id(name)
    # The HDF5 library ends the process on some damaged attributes that are no text; Keras writes
    # an empty list of names as an empty list of numbers.
    if not isinstance(kind.get_type(), h5py.h5t.TypeStringID):
        if kind.shape == (0,):
            return []
        raise UnreadableFile(
            f"the attribute {name} in the file is not text, as Keras writes it; the file is damaged"
        )
    if len(kind.shape) > 1 or kind.get_storage_size() > LARGEST_TEXT:
        raise UnreadableFile(
            f"the attribute {name} in the file declares {kind.get_storage_size()} bytes of text in "
            f"the shape {kind.shape}, which Keras never writes; the file is damaged"
        )
    try:
        return group.attrs[name]
    except TypeError as error:
        raise UnreadableFile(
            f"the attribute {name} in the file is in an unknown encoding; the file is damaged"
        ) from error


def attribute_list(group: Hdf5Object, name: str) -> list[str]:
    """Give an attribute that is a list of names; Keras cuts long ones into ``name0``, ``name1``."""
    whole = _text_value(group, name)
    parts = [] if whole is None else [whole]
    while whole is None and f"{name}{len(parts)}" in group.attrs:
        parts.append(_text_value(group, f"{name}{len(parts)}"))
    if any(isinstance(part, str | bytes) for part in parts):
        raise UnreadableFile(f"the attribute {name} in the file is not a list; it is damaged")
    items = [item for part in parts for item in part]
    return [item.decode("utf-8") if isinstance(item, bytes) else str(item) for item in items]
