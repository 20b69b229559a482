"""HDF5 read with care: plain datasets within the file, nothing that leads out of it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.readers.shelves import Stored

if TYPE_CHECKING:
    from pathlib import Path

    import h5py

__all__ = ["SIGNATURE", "attribute_list", "child", "opened", "stored", "text_attribute"]

#: The first bytes of an HDF5 file.
SIGNATURE = b"\x89HDF\r\n\x1a\n"


@contextmanager
def opened(source: Path | BinaryIO, name: str) -> Generator[h5py.File]:
    """Open an HDF5 file to read it.

    Parameters
    ----------
    source : Path or binary file
        The file.
    name : str
        What to call it in messages.

    Yields
    ------
    h5py.File
        The open file.

    Raises
    ------
    UnreadableFile
        If it is truncated or damaged, as it opens or while it is read.
    InputError
        What the reading itself raised.
    """
    import h5py

    try:
        with h5py.File(source, "r") as file:
            yield file
    except InputError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise UnreadableFile(
            f"{name} begins like HDF5, but it is truncated or damaged; copy or download it again"
        ) from error


def child(group: Any, path: str) -> Any:
    """Give an object within a group, by hard links alone.

    Parameters
    ----------
    group : h5py.Group
        Where to begin.
    path : str
        Names joined by slashes.

    Returns
    -------
    h5py.Group, h5py.Dataset or None
        ``None`` where there is none.

    Raises
    ------
    UnreadableFile
        If the path goes through a soft or external link.
    """
    import h5py

    found: Any = group
    for name in filter(None, path.split("/")):
        link = found.get(name, getlink=True) if isinstance(found, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise UnreadableFile(
                f"{path} in the file leads through a link to another place, which no "
                "version of Keras writes; rnnlens follows no links"
            )
        found = found[name]
    return found


def stored(role: str, dataset: Any, place: str) -> Stored:
    """Describe a dataset, unread.

    Parameters
    ----------
    role : str
        The variable's own name.
    dataset : h5py.Dataset
        The dataset.
    place : str
        Its path in the file.

    Returns
    -------
    Stored
        Its description; reading it needs the file to be open.

    Raises
    ------
    UnreadableFile
        If it is not a dataset, or keeps its numbers outside the file.
    UnsupportedModel
        If its numbers are bfloat16.
    """
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise UnreadableFile(f"{place} in the file is not an array; the file is damaged")
    if dataset.is_virtual or dataset.external:
        raise UnreadableFile(
            f"{place} keeps its numbers in another file, which no version of Keras writes; rnnlens "
            "reads no other file"
        )
    if dataset.attrs.get("dtype") == "bfloat16":
        raise UnsupportedModel(
            f"{place} holds bfloat16 numbers; convert the model's weights to float32 and save it "
            "again"
        )
    return Stored(role, place, tuple(dataset.shape), dataset.dtype, lambda: dataset[()])


def text_attribute(group: Any, name: str) -> str | None:
    """Give an attribute that is text.

    Parameters
    ----------
    group : h5py.Group
        Its owner.
    name : str
        Its name.

    Returns
    -------
    str or None
        ``None`` where there is none.
    """
    value = group.attrs.get(name)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return None if value is None else str(value)


def attribute_list(group: Any, name: str) -> list[str]:
    """Give an attribute that is a list of names; Keras cuts long ones into ``name0``, ``name1``.

    Parameters
    ----------
    group : h5py.Group
        Its owner.
    name : str
        Its name.

    Returns
    -------
    list of str
        Empty where there is none.
    """
    if name in group.attrs:
        parts = [group.attrs[name]]
    else:
        parts = []
        while f"{name}{len(parts)}" in group.attrs:
            parts.append(group.attrs[f"{name}{len(parts)}"])
    items = [item for part in parts for item in part]
    return [item.decode("utf-8") if isinstance(item, bytes) else str(item) for item in items]
