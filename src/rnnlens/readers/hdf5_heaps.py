"""The heaps of text in an HDF5 file, checked before the HDF5 library walks them.

Some damaged heaps make the library turn for ever: a free object of no size never lets it get to
the end (HDF5 file format specification, III.E, global heap).
"""

from __future__ import annotations

import mmap
from typing import BinaryIO

__all__ = ["heaps_are_whole"]

#: How a collection of heap objects begins: signature, version 1, three bytes of zero.
SIGNATURE = b"GCOL\x01\x00\x00\x00"

#: Bytes before the first object, and before each object's content.
HEADER = 16


def heaps_are_whole(file: BinaryIO) -> bool:
    """Tell whether every heap can be walked from its beginning to its end.

    Parameters
    ----------
    file : binary file
        The HDF5 file; its position is left at the beginning.

    Returns
    -------
    bool
        False if an object in a heap has no size or reaches beyond the heap.
    """
    try:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _whole(content)
    except (OSError, ValueError):
        file.seek(0)
        return _whole(file.read())
    finally:
        file.seek(0)


def _whole(content: bytes | mmap.mmap) -> bool:
    place = content.find(SIGNATURE)
    while place >= 0:
        end = place + int.from_bytes(content[place + 8 : place + HEADER], "little")
        if end > len(content) or not _walks(content, place + HEADER, end):
            return False
        place = content.find(SIGNATURE, place + 1)
    return True


def _walks(content: bytes | mmap.mmap, place: int, end: int) -> bool:
    while end - place >= HEADER:
        number = int.from_bytes(content[place : place + 2], "little")
        size = int.from_bytes(content[place + 8 : place + HEADER], "little")
        # A free object, number 0, counts its own header in its size; the others fill up to 8.
        taken = size if number == 0 else HEADER + (size + 7) // 8 * 8
        if taken < HEADER or place + taken > end:
            return False
        place += taken
    return True
