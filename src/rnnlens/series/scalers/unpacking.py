"""The bytes of a scaler's file, unpacked where it is compressed, as far as a scaler goes."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from os import PathLike
from typing import Protocol, cast

from rnnlens.errors import MissingLibrary
from rnnlens.series.scalers.inert import Refused, damaged

__all__ = ["LARGEST", "content_of"]

#: Bytes of a file, and of what it unpacks to. A scaler of a thousand columns has some 100 kB.
LARGEST = 2**25
#: Bytes that unpacking may take besides, and streams one after the other.
MEMORY, MOST_STREAMS = 2**27, 16


class _Unpacker(Protocol):
    """What the libraries of Python unpack with."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /, max_length: int) -> bytes: ...


def _zlib() -> _Unpacker:
    return zlib.decompressobj(zlib.MAX_WBITS | 32)  # with the head of zlib or of gzip


def _lzma() -> _Unpacker:
    return lzma.LZMADecompressor(memlimit=MEMORY)


def _lz4() -> _Unpacker:
    if find_spec("lz4") is None:
        raise MissingLibrary(
            "it is compressed with lz4, and the library lz4 is not installed: run pip install lz4, "
            'or write it as joblib.dump(scaler, "scaler.joblib", compress=("zlib", 3))'
        )
    from lz4.frame import LZ4FrameDecompressor  # pyright: ignore[reportMissingImports]

    return cast("_Unpacker", LZ4FrameDecompressor())


#: First bytes of what joblib and Python compress with.
KINDS: tuple[tuple[bytes, str, Callable[[], _Unpacker]], ...] = (
    (b"x", "zlib", _zlib),
    (b"\x1f\x8b", "gzip", _zlib),
    (b"BZ", "bz2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ", "xz", _lzma),
    (b"\x5d\x00", "lzma", _lzma),
    (b"\x04\x22\x4d\x18", "lz4", _lz4),
)


def content_of(path: str | PathLike[str]) -> bytes:
    """Give what a file holds, unpacked."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise Refused("there is no such file") from None
    except OSError as error:
        raise Refused(f"it cannot be opened: {error.strerror}") from None
    except ValueError:
        raise Refused("that is no name of a file") from None
    if len(data) > LARGEST:
        raise Refused(
            f"it has more than {LARGEST // 2**20} MB, which no scaler has; give the file of the "
            "scaler alone"
        )
    if not data:
        raise Refused("it is empty; write the scaler again")
    for head, name, unpacker in KINDS:
        if data.startswith(head):
            return _unpacked(data, name, unpacker)
    return data


def _unpacked(data: bytes, name: str, unpacker: Callable[[], _Unpacker]) -> bytes:
    """Unpack one stream after another."""
    whole = bytearray()
    try:
        for _ in range(MOST_STREAMS):
            data = _one_stream(data, unpacker(), whole)
            if not data:
                return bytes(whole)
    # each library has an error of its own for what is no stream of it
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, RuntimeError) as error:
        if isinstance(error, Refused):
            raise
        raise damaged(f"it begins as {name} and does not go on so") from None
    raise damaged(f"it holds more than {MOST_STREAMS} streams of {name}")


def _one_stream(data: bytes, one: _Unpacker, whole: bytearray) -> bytes:
    """Unpack one stream into the whole, a byte more than is allowed at most; give what follows."""
    while not one.eof:
        more = one.decompress(data, LARGEST + 1 - len(whole))
        whole += more
        if len(whole) > LARGEST:
            raise Refused(f"it unpacks to more than {LARGEST // 2**20} MB, which no scaler does")
        data = getattr(one, "unconsumed_tail", b"")
        if not more and not data and not one.eof:
            raise EOFError
    return one.unused_data or b""
