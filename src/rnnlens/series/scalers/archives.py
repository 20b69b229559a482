"""Scalers in zip archives: ``.npz`` of NumPy, and skops, which writes JSON beside arrays."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rnnlens.series.scalers.arrays import array_of
from rnnlens.series.scalers.inert import Estimator, Refused, damaged
from rnnlens.series.scalers.names import admitted, is_estimator
from rnnlens.series.scalers.unpacking import LARGEST

__all__ = ["ZIP", "read_archive", "read_json"]

ZIP = b"PK\x03\x04"
SCHEMA = "schema.json"
#: Members of an archive at most.
MOST_MEMBERS = 10_000
#: How deep JSON may nest.
DEEPEST = 60
#: The head of an array as NumPy writes it.
HEAD = re.compile(
    rb"\{'descr': '([<>|=][A-Za-z]\d{1,5})', 'fortran_order': (False|True), "
    rb"'shape': \(([\d, ]{0,60})\), \} *\n?"
)


def read_archive(data: bytes) -> object:
    """Give what an archive holds: arrays by their names, or what skops wrote, inert."""
    members = _members(data)
    if SCHEMA in members:
        return _inert(read_json(members[SCHEMA]), members, 0)
    arrays = {
        name.removesuffix(".npy"): _array(content)
        for name, content in members.items()
        if name.endswith(".npy")
    }
    if not arrays:
        raise Refused("it is a zip archive with neither arrays of NumPy nor a scaler of skops")
    return arrays


def _members(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _unpacked(archive)
    except Refused:
        raise
    # what a damaged list, a wrong sum, a password and an unknown compression run into
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError):
        raise damaged("it begins like a zip archive and does not go on so") from None


def _unpacked(archive: zipfile.ZipFile) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    left = LARGEST
    listed = archive.infolist()
    if len(listed) > MOST_MEMBERS:
        raise damaged(f"it is an archive of {len(listed)} members")
    for info in listed:
        with archive.open(info) as member:
            content = member.read(left + 1)
        members[info.filename] = content
        left -= len(content)
        if left < 0:
            raise damaged(f"it unpacks to more than {LARGEST // 2**20} MB")
    return members


def _array(content: bytes) -> NDArray[np.generic]:
    """Read one ``.npy``: its head is taken apart here, and objects are refused."""
    if not content.startswith(b"\x93NUMPY") or len(content) < 12:
        raise damaged("one of its arrays is none of NumPy's")
    wide = content[6] > 1
    begin = 12 if wide else 10
    length = int.from_bytes(content[8:begin], "little")
    head = HEAD.fullmatch(content[begin : begin + min(length, 10_000)])
    if head is None:
        raise Refused(
            "one of its arrays holds Python objects, or is none of NumPy's: save plain arrays of "
            "numbers and of texts"
        )
    code, columns_first, shape = (part.decode("ascii") for part in head.groups())
    lengths = tuple(int(n) for n in shape.replace(" ", "").split(",") if n)
    if any(n > LARGEST for n in lengths):
        raise damaged("one of its arrays has a shape that no scaler has")
    raw = content[begin + length :]
    return array_of(code, lengths, raw, "F" if columns_first == "True" else "C")


def read_json(text: bytes) -> object:
    """Read JSON, whose numbers are finite and no longer than numbers are."""
    try:
        return json.loads(text.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        if isinstance(error, Refused):
            raise
        raise damaged("it begins like JSON and does not go on so") from None


def _no_number(text: str) -> float:
    raise Refused(f"it holds {text}, which is no number: fit the scaler on finite numbers")


def _inert(node: object, members: Mapping[str, bytes], depth: int) -> object:
    """Make a node of skops what the same part of a pickle would be."""
    if not isinstance(node, dict) or depth > DEEPEST:
        raise damaged("what skops wrote makes no sense")
    loader, content = node.get("__loader__"), node.get("content")
    if not isinstance(loader, str):
        raise damaged("what skops wrote makes no sense")
    if loader == "JsonNode":
        return read_json(str(content).encode())
    if loader in {"ListNode", "TupleNode", "SetNode"} and isinstance(content, list):
        items = [_inert(item, members, depth + 1) for item in content]
        return tuple(items) if loader == "TupleNode" else items
    if loader == "DictNode" and isinstance(content, dict):
        return {key: _inert(value, members, depth + 1) for key, value in content.items()}
    if loader == "NdArrayNode":
        return _array_node(node, members, depth)
    if loader == "SliceNode" and isinstance(content, dict):
        return slice(*(content.get(name) for name in ("start", "stop", "step")))
    named = admitted(str(node.get("__module__")), str(node.get("__class__")))
    if loader == "ObjectNode" and is_estimator(named):
        fields = _inert(content, members, depth + 1)
        if isinstance(fields, dict):
            return Estimator(named.name, fields)
    return named


def _array_node(node: Mapping[str, object], members: Mapping[str, bytes], depth: int) -> object:
    if node.get("type") == "numpy":
        content = members.get(str(node.get("file")))
        if content is None:
            raise damaged("one of its arrays is missing")
        array = _array(content)
        # NumPy's own numbers are written as arrays without an axis
        return array.item() if array.ndim == 0 else array
    items = node.get("content")
    if not isinstance(items, list):
        raise damaged("one of its arrays is missing")
    return [_inert(item, members, depth + 1) for item in items]
