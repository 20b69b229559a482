"""Weights in JSON: arrays as nested lists, by the names that PyTorch gives them.

What ``json.dump({k: v.tolist() for k, v in model.state_dict().items()}, file)`` writes, and
checkpoints that nest such an object.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.network import Origin
from rnnlens.readers.hardening.contents import digest_of
from rnnlens.readers.layouts import CellArray
from rnnlens.readers.torch.checkpoint.parts import Part, parts_of
from rnnlens.readers.torch.weights.lazy import LazyArray

__all__ = ["match", "parts_in"]

#: Bytes of such a file at most; each number takes some twenty.
LONGEST = 2**28
#: An array of a recurrent layer: its name, and the list that follows it.
ARRAY = re.compile(rb'"(?:[^"\\]+\.)?weight_[ih]h(?:_l\d{1,4}(?:_reverse)?)?"\s*:\s*\[')
BLANK = b" \t\r\n"


def match(path: Path) -> bool:
    """Tell whether a file is JSON with an array of a recurrent layer, by its content."""
    with path.open("rb") as file:
        head = file.read(1024).lstrip(BLANK)
        if not head.startswith(b"{") or path.stat().st_size > LONGEST:
            return False
        return bool(ARRAY.search(head + file.read()))


def parts_in(path: Path) -> tuple[list[Part], Origin]:
    """Give the state dicts in a file."""
    try:
        content = json.loads(path.read_bytes(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise UnreadableFile(
            f"{path} holds arrays by PyTorch's names, but it is not JSON, or an object of it names "
            "two things alike: it is damaged; write it again"
        ) from None
    parts = parts_of(content, _array_of)
    if not parts:
        raise UnsupportedModel(
            f"{path} names arrays as PyTorch does, but they are no lists of numbers of one length: "
            "write each as array.tolist() gives it"
        )
    return parts, Origin("JSON with PyTorch's names", "", str(path), digest_of(path))


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    held = dict(pairs)
    if len(held) < len(pairs):
        raise ValueError
    return held


def _array_of(name: str, value: object, stored_at: str = "") -> LazyArray | None:
    """Give nested lists of numbers as an array; None for what is none."""
    if not isinstance(value, list | int | float) or isinstance(value, bool):
        return None
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError, RecursionError):  # rows of different lengths
        return None
    if array.dtype.kind not in "fiu":
        return None
    values = array.astype(np.float64)
    return LazyArray(values.shape, lambda: CellArray(values, name, stored_at or name))
