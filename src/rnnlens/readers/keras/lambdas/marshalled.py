"""Python's marshal format, as far as the code of a small function needs it, read as plain data.

Python's own ``marshal`` is not made for files of strangers, so it is not used. The layout of a code
object: CPython, ``Python/marshal.c``, ``w_complex_object`` of 3.6 to 3.13.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

__all__ = ["Code", "code_within"]

#: Nothing in a small function is longer, or nested deeper, than this.
LONGEST, DEEPEST = 100_000, 20


@dataclass(frozen=True)
class Code:
    """What the code of a function of one argument says."""

    instructions: bytes
    constants: tuple[Any, ...]
    names: tuple[str, ...]
    arguments: int
    #: Whether the layout is that of Python 3.11 and newer.
    newer: bool


def code_within(data: bytes) -> Code:
    """Read a code object; `ValueError` for what is none, or more than a small function."""
    try:
        read = _Reader(data)
        code = read.value(0)
    except (IndexError, struct.error, UnicodeDecodeError, TypeError) as error:
        raise ValueError("damaged") from error
    if not isinstance(code, Code) or read.place != len(data):
        raise ValueError("no code")
    return code


class _Reader:
    def __init__(self, data: bytes) -> None:
        if len(data) > LONGEST:
            raise ValueError("long")
        self.data = data
        self.place = 0
        self.refs: list[Any] = []

    def take(self, count: int) -> bytes:
        if not 0 <= count <= len(self.data) - self.place:
            raise IndexError(count)
        self.place += count
        return self.data[self.place - count : self.place]

    def number(self) -> int:
        return struct.unpack("<i", self.take(4))[0]

    def value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise ValueError("deep")
        mark = self.take(1)[0]
        kind, kept = chr(mark & 0x7F), bool(mark & 0x80)
        # What holds others takes its place among the references before they do.
        place = len(self.refs) if kept and kind in "(c)[" else None
        if place is not None:
            self.refs.append(None)
        made = self.of_kind(kind, depth)
        if place is not None:
            self.refs[place] = made
        elif kept:
            self.refs.append(made)
        return made

    def of_kind(self, kind: str, depth: int) -> Any:
        plain = {"N": None, "T": True, "F": False, ".": ...}
        if kind in plain:
            return plain[kind]
        if kind == "i":
            return self.number()
        if kind == "g":
            return struct.unpack("<d", self.take(8))[0]
        if kind in "sut":
            text = self.take(self.number())
            return text if kind == "s" else text.decode("utf-8")
        if kind in "aAzZ":
            count = self.number() if kind in "aA" else self.take(1)[0]
            return self.take(count).decode("ascii")
        if kind in "()":
            count = self.number() if kind == "(" else self.take(1)[0]
            if count > len(self.data):
                raise IndexError(count)
            return tuple(self.value(depth + 1) for _ in range(count))
        if kind == "r":
            return self.refs[self.number()]
        if kind == "c":
            return self.code(depth)
        raise ValueError(kind)

    def code(self, depth: int) -> Code:
        arguments, *_ = (self.number() for _ in range(5))
        if chr(self.data[self.place] & 0x7F) != "s":
            self.number()  # Python 3.8 to 3.10 count the arguments by position apart
        instructions, constants, names, _, kinds = (self.value(depth + 1) for _ in range(5))
        newer = isinstance(kinds, bytes)
        # Behind these stand the names of the file and of the function, with its outer ones or those
        # that functions within it take; then the numbers of the lines, and where errors are caught.
        for _ in range(3):
            self.value(depth + 1)
        self.number()
        for _ in range(2 if newer else 1):
            self.value(depth + 1)
        if not (isinstance(instructions, bytes) and isinstance(constants, tuple)):
            raise ValueError("code")
        return Code(instructions, constants, names, arguments, newer)
