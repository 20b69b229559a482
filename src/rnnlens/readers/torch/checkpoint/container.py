"""What a file of ``torch.save`` is built of: pickles, and the numbers that lie beside them.

Since PyTorch 1.6 it is a zip archive: ``NAME/data.pkl``, with each storage in ``NAME/data/KEY``
(torch/serialization.py, ``_save``). A TorchScript archive keeps its attributes in the same way, and
its program in ``NAME/code`` (caffe2/serialize/inline_container.h), which is never looked at. Before
1.6 it was one pickle after another, and then the numbers (``_legacy_save``).
"""

from __future__ import annotations

import io
import zipfile
import zlib
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, cast

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.pickles.inert import Pairs
from rnnlens.readers.hardening.zips import zip_names
from rnnlens.readers.torch.checkpoint.dtypes import ITEM_SIZES
from rnnlens.readers.torch.checkpoint.pickled import Storage, damaged, read_pickle
from rnnlens.readers.torch.checkpoint.walk import storages_in

__all__ = ["LEGACY", "Checkpoint", "Numbers", "is_legacy", "last_part", "opened"]

#: torch/serialization.py, MAGIC_NUMBER as the first pickle of the container before PyTorch 1.6.
LEGACY = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
#: Members in an archive at most: a state dict has one an array and a few besides.
MEMBERS = 100_000
#: Bytes of the pickle at most: it holds names and shapes, and what else was put in.
LONGEST_PICKLE = 2**28

UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError),
    *(OSError, OverflowError, MemoryError),
)


class Numbers(Protocol):
    """Where the numbers of a file lie."""

    @property
    def big_endian(self) -> bool:
        """Whether the most significant byte stands first."""
        ...

    @abstractmethod
    def bytes_of(self, storage: Storage) -> bytes:
        """Read the numbers of a storage."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a file holds, inert."""

    content: object
    numbers: Numbers
    #: What the container is, in words.
    kind: str
    #: Whether it is an archive of TorchScript.
    scripted: bool = False


def is_legacy(path: Path) -> bool:
    """Tell the container before PyTorch 1.6 by its first bytes."""
    with path.open("rb") as file:
        return file.read(len(LEGACY)) == LEGACY


def last_part(name: str) -> str:
    """Give the last part of a member's name."""
    return name.rpartition("/")[2]


def opened(path: Path) -> Checkpoint:
    """Open a file, and give what it holds."""
    if is_legacy(path):  # PyTorch looks at the first bytes too; a zip may follow them
        return _legacy(path)
    names = _checked_names(path)
    (root,) = sorted((n for n in names if last_part(n) == "data.pkl"), key=len)[:1] or ("",)
    if not root:
        raise damaged(path, "it is an archive of PyTorch without data.pkl")
    prefix = root.removesuffix("data.pkl")
    scripted = f"{prefix}constants.pkl" in names
    numbers = _Members(path, prefix)
    try:
        content = read_pickle(path, io.BytesIO(numbers.member("data.pkl", LONGEST_PICKLE)))
    except RecursionError:
        raise damaged(path, "what it holds is nested too deep") from None
    return Checkpoint(content, numbers, "TorchScript" if scripted else "zip", scripted)


def _checked_names(path: Path) -> list[str]:
    names = zip_names(path) or []
    if any(last_part(name) == "archive_format" for name in names):
        raise UnsupportedModel(
            f"{path} is an archive of torch.export.save, a program that rnnlens does not run: give "
            "the state dict of the model that was exported, "
            'torch.save(model.state_dict(), "weights.pt")'
        )
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    # The code of a TorchScript archive is compressed, and never looked at.
    unpacked = sum(member.file_size for member in members if "/code/" not in member.filename)
    # PyTorch stores its other members as they are, so together they are smaller than the file.
    if len(members) > MEMBERS or unpacked > size:
        raise UnreadableFile(
            f"{path} is an archive of {len(members)} members that unpack to {unpacked} bytes from "
            f"a file of {size}, which PyTorch does not write: it is damaged or hostile"
        )
    return names


class _Members:
    """Numbers in the members of a zip archive."""

    def __init__(self, path: Path, prefix: str) -> None:
        self.path = path
        self.prefix = prefix

    @property
    def big_endian(self) -> bool:
        """Whether the archive says so."""
        names = zip_names(self.path) or []
        return f"{self.prefix}byteorder" in names and self.member("byteorder", 16) == b"big"

    def bytes_of(self, storage: Storage) -> bytes:
        """Read the member of a storage."""
        return self.member(f"data/{storage.key}", self.path.stat().st_size)

    def member(self, name: str, longest: int) -> bytes:
        """Read one member, no longer than it may be."""
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.prefix + name) as member:
                data = member.read(longest + 1)
        except KeyError:
            raise damaged(self.path, f"{name} is missing in the archive") from None
        # a wrong sum, a password, an unknown compression, a place that no file has
        except UNREADABLE:
            raise damaged(self.path, f"{name} in the archive cannot be read") from None
        if len(data) > longest:
            raise damaged(self.path, f"{name} is longer than any is")
        return data


class _Within(io.RawIOBase):
    """A file of which no more is ever asked than it holds: a pickle may declare any length."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("rb")
        self.size = path.stat().st_size

    def read(self, size: int = -1) -> bytes:
        """Read what is there of so many bytes."""
        left = min(self.size - self.file.tell(), LONGEST_PICKLE)
        return self.file.read(left if size < 0 else min(size, left))

    def readline(self, size: int | None = -1) -> bytes:
        """Read to the end of the line, as long as the longest text that a pickle may hold."""
        return self.file.readline(LONGEST_PICKLE if size is None or size < 0 else size)

    def tell(self) -> int:
        """Give the place in the file."""
        return self.file.tell()

    def close(self) -> None:
        """Close the file."""
        self.file.close()
        super().close()


def _legacy(path: Path) -> Checkpoint:
    with _Within(path) as file:
        try:
            _, _, system, content, keys = (
                read_pickle(path, cast("IO[bytes]", file)) for _ in range(5)
            )
        except RecursionError:
            raise damaged(path, "what it holds is nested too deep") from None
        begin = file.tell()
    little = system.named().get("little_endian", True) if isinstance(system, Pairs) else True
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise damaged(path, "it does not list its storages")
    return Checkpoint(
        content, _InOrder(path, begin, keys, content, not little), "container before 1.6"
    )


class _InOrder:
    """Numbers behind the pickles: of each storage in the order of its key, how many, and they."""

    def __init__(
        self, path: Path, begin: int, keys: list[str], content: object, big_endian: bool
    ) -> None:
        self.path = path
        self.big_endian = big_endian
        sizes = {storage.key: ITEM_SIZES.get(storage.kind) for storage in storages_in(content)}
        self.places = self._places(begin, keys, sizes)

    def _places(
        self, begin: int, keys: list[str], sizes: Mapping[str, int | None]
    ) -> dict[str, tuple[int, int]]:
        places: dict[str, tuple[int, int]] = {}
        whole = self.path.stat().st_size
        with self.path.open("rb") as file:
            for key in keys:
                size = sizes.get(key)
                if size is None:  # what follows cannot be found
                    break
                file.seek(begin)
                count = int.from_bytes(file.read(8), "big" if self.big_endian else "little")
                length = count * size
                if begin + 8 + length > whole:
                    break
                places[key] = (begin + 8, length)
                begin += 8 + length
        return places

    def bytes_of(self, storage: Storage) -> bytes:
        """Read the numbers of a storage."""
        if storage.key not in self.places:
            raise damaged(self.path, "the numbers of an array are missing at its end")
        begin, length = self.places[storage.key]
        with self.path.open("rb") as file:
            file.seek(begin)
            return file.read(length)
