"""Arrays in files of NumPy, ``.npy`` and ``.npz``: the header is checked before NumPy trusts it."""

from __future__ import annotations

import math
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from os import PathLike
from typing import IO

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import InputError, UnreadableFile

__all__ = ["array_in", "arrays_in"]

#: How far deflate unpacks at the most: by a little more than a thousand.
LARGEST_RATIO = 1100
#: The readers of headers by the version of the format; the third is the second with other names.
HEADERS: dict[tuple[int, int], Callable[..., tuple[tuple[int, ...], bool, np.dtype]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
#: What a header, a member or a list of members that was damaged runs into.
MISPLACED = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, TypeError, SyntaxError),
    *(tokenize.TokenError, RuntimeError, MemoryError, OverflowError, LookupError),
)


def array_in(path: str | PathLike[str]) -> NDArray[np.generic]:
    """Read the array of an ``.npy`` file."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            return _array(file, size, path)
    except InputError:
        raise
    except MISPLACED as error:
        raise UnreadableFile(
            f"{path} is a damaged .npy file ({_told(error)}); fetch it anew"
        ) from error


def arrays_in(path: str | PathLike[str]) -> dict[str, NDArray[np.generic]]:
    """Read the arrays of an ``.npz`` file; nothing where it holds anything else."""
    try:
        with zipfile.ZipFile(path) as archive:
            listed = archive.infolist()
            if not all(info.filename.endswith(".npy") for info in listed):
                return {}
            return {
                info.filename.removesuffix(".npy"): _member(archive, info, path) for info in listed
            }
    except InputError:
        raise
    except MISPLACED as error:
        raise UnreadableFile(
            f"{path} is a damaged .npz archive ({_told(error)}); fetch it anew"
        ) from error


def _member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str | PathLike[str]
) -> NDArray[np.generic]:
    if info.file_size > LARGEST_RATIO * max(info.compress_size, 1):
        raise ValueError(f"{info.filename} unpacks to {info.file_size} bytes")
    with archive.open(info) as member:
        return _array(member, info.file_size, path)


def _array(file: IO[bytes], size: int, path: str | PathLike[str]) -> NDArray[np.generic]:
    """Read an array from here on, once its header agrees with the bytes that there are."""
    version = np.lib.format.read_magic(file)
    shape, columns_first, dtype = HEADERS[version](file)
    if dtype.hasobject:
        raise UnreadableFile(
            f"{path} holds Python objects, which are never loaded; save plain arrays of numbers"
        )
    length = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or length > size:
        raise ValueError(f"an array of {shape} is declared in {size} bytes")
    raw = file.read(length + 1)
    if len(raw) != length:
        raise ValueError(f"an array of {shape} has other numbers than it declares")
    letters = np.frombuffer(raw, dtype.byteorder + "u4") if dtype.kind == "U" else np.zeros(0)
    if letters.size and letters.max() > sys.maxunicode:
        raise ValueError("an array of texts holds what is no text")
    if not length:
        return np.empty(shape, dtype)
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if columns_first else "C").copy()


def _told(error: Exception) -> str:
    """Give the first line of what is wrong, as far as a message shows it."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:80]
