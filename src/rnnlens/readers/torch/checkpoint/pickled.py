"""PyTorch's pickles, read inert: only numbers, texts and tensors come out of them.

A checkpoint may hold objects of any class beside its tensors. Each becomes a note of its class
(`rnnlens.pickles.inert.Made`), and nothing is ever imported or called.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rnnlens.errors import UnreadableFile
from rnnlens.pickles.inert import Global
from rnnlens.pickles.machine import Machine, Rules

__all__ = ["Storage", "damaged", "read_pickle"]

#: Instructions at most. Each array of a state dict takes some forty.
MOST_INSTRUCTIONS = 1_000_000


@dataclass(frozen=True, eq=False)
class Storage:
    """A run of numbers in the file that tensors are views of."""

    #: The name of its class, such as ``"FloatStorage"``.
    kind: str
    #: Its name in the file.
    key: str
    #: How many numbers it holds.
    count: int
    #: Numbers of the whole storage before it, where it is a part of one.
    begin: int = 0


def damaged(path: Path, what: str) -> UnreadableFile:
    """Refuse what PyTorch does not write."""
    return UnreadableFile(f"{path} is damaged or hostile: {what}; save or download it again")


def read_pickle(path: Path, file: IO[bytes]) -> object:
    """Read the pickle that stands at a file's place, inert."""

    def persistent(identifier: object) -> object:
        return _kept_elsewhere(path, identifier)

    rules = Rules(
        Global,
        lambda what: damaged(path, what),
        lambda what: damaged(path, what),
        MOST_INSTRUCTIONS,
        persistent=persistent,
        any_object=True,
    )
    return Machine(file, rules).run()


def _kept_elsewhere(path: Path, identifier: object) -> object:
    """Give the storage that an identifier of PyTorch names.

    ``("storage", class, key, place, count[, (view's key, begin, count)])``; a pickled module of old
    names its classes by ``("module", class, file, source)``.
    """
    if isinstance(identifier, tuple) and len(identifier) >= 2:
        if identifier[0] == "module" and isinstance(identifier[1], Global):
            return identifier[1]
        if identifier[0] == "storage" and len(identifier) >= 5:
            _, kind, key, _, count, *view = identifier
            if isinstance(kind, Global) and _is_count(count):
                storage = Storage(kind.name, str(key), count)
                return _part(path, storage, view[0]) if view and view[0] else storage
    raise damaged(path, "it refers to something that no file of PyTorch holds")


def _part(path: Path, whole: Storage, view: object) -> Storage:
    if isinstance(view, tuple) and len(view) == 3:
        _, begin, count = view
        if _is_count(begin) and _is_count(count) and begin + count <= whole.count:
            return Storage(whole.kind, whole.key, count, begin)
    raise damaged(path, "a part of its numbers lies outside of them")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**48
