"""The texts in an HDF5 file and their heaps, checked before the HDF5 library goes to them.

Some damaged heaps make the library turn for ever: a free object of no size never lets it get to
the end (HDF5 file format specification, III.E, global heap). And the library takes as much memory
as an attribute declares for its text before it looks for the text (IV.A.2.m, attribute message).
"""

from __future__ import annotations

import math
import mmap
import re
import struct
from typing import BinaryIO

__all__ = ["NAMES", "texts_are_whole"]

#: The attributes of text that the readers ask for; lists go on in ``layer_names0`` and so forth.
NAMES = (
    "backend",
    "dtype",
    "keras_version",
    "layer_names",
    "model_config",
    "name",
    "weight_names",
)

#: How a collection of heap objects begins: signature, version 1, three bytes of zero.
SIGNATURE = b"GCOL\x01\x00\x00\x00"

#: Bytes before the first object, and before each object's content.
HEADER = 16

#: Where an attribute of these names may begin: version, flags, the sizes of name, type and shape,
#: from version 3 on the name's encoding, the name. It takes one byte, so that none hides another.
ATTRIBUTE = re.compile(
    rb"(?=(?:[\x01\x02][\x00-\x03].\x00.{4}|\x03[\x00-\x03].\x00.{5})(?:%s))[\x01-\x03]"
    % "|".join(NAMES).encode(),
    re.DOTALL,
)

#: The class of a datatype of variable length, and bytes of one such text: length, heap, number.
VARIABLE, REFERENCE = 9, 16

#: No model has more attributes of these names, or more texts in them.
MOST = 1_000_000


def texts_are_whole(file: BinaryIO) -> bool:
    """Tell whether the heaps can be walked and the texts of `NAMES` are no longer than the file."""
    try:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _whole(content) and _within(content)
    except (OSError, ValueError):
        file.seek(0)
        read = file.read()
        return _whole(read) and _within(read)
    finally:
        file.seek(0)


def _whole(content: bytes | mmap.mmap) -> bool:
    # Addresses and lengths of 8 bytes, which every writer states and the checks here go by.
    sizes = content[13:15] if content[8:9] < b"\x02" else content[9:11]
    if sizes != b"\x08\x08":
        return False
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


def _within(content: bytes | mmap.mmap) -> bool:
    """Tell whether the texts of every named attribute, taken together, fit into the file."""
    texts = 0
    for match in ATTRIBUTE.finditer(content):
        lengths = _lengths(content, match.start())
        texts += 1 + len(lengths)
        if texts > MOST or sum(lengths) > len(content):
            return False
    return True


def _lengths(content: bytes | mmap.mmap, begin: int) -> tuple[int, ...]:
    """Give the lengths of text that the attribute beginning at a place states."""
    # After the name come the type, the shape and the values, filled up to 8 bytes in version 1.
    version = content[begin]
    sizes = [int.from_bytes(content[begin + k : begin + k + 2], "little") for k in (2, 4, 6)]
    if version == 1:
        sizes = [(size + 7) // 8 * 8 for size in sizes]
    kind = begin + (9 if version == 3 else 8) + sizes[0]
    shape = kind + sizes[1]
    values = shape + sizes[2]
    if values + REFERENCE > len(content) or content[kind] & 15 != VARIABLE:
        return ()
    first = shape + (8 if content[shape] == 1 else 4)
    extents = (
        int.from_bytes(content[first + 8 * axis : first + 8 * axis + 8], "little")
        for axis in range(content[shape + 1])
    )
    count = min(math.prod(extents), (len(content) - values) // REFERENCE, MOST)
    return struct.unpack_from("<" + "I12x" * count, content, values)
