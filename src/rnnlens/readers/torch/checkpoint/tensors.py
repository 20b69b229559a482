"""Tensors of a checkpoint: what their pickle says of them, made arrays when they are needed.

A tensor is pickled as a call of ``torch._utils._rebuild_tensor_v2`` and its kin with a storage, an
offset, a size and strides. The call is not made: its arguments say where the numbers lie.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.pickles.inert import Global, Made
from rnnlens.readers.layouts import CellArray
from rnnlens.readers.torch.checkpoint.container import Numbers
from rnnlens.readers.torch.checkpoint.dtypes import CODES, QUANTISED
from rnnlens.readers.torch.checkpoint.pickled import Storage, damaged
from rnnlens.readers.torch.weights.lazy import LazyArray
from rnnlens.readers.variables import LARGEST_ARRAY

__all__ = ["Tensors"]

#: Who rebuilds a tensor from a storage, an offset, a size and strides.
STRIDED = {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor"}
#: Who puts something around a tensor that its numbers do not change by.
AROUND = {"_rebuild_parameter", "_rebuild_parameter_with_state"}
#: Who makes tensors whose numbers do not lie in the file as they are, and where the size stands.
OTHERS: dict[str, Callable[[tuple[object, ...]], object]] = {
    "_rebuild_sparse_tensor": lambda given: given[1][2] if isinstance(given[1], tuple) else (),
    "_rebuild_sparse_csr_tensor": lambda given: (),
    "_rebuild_meta_tensor_no_storage": lambda given: given[1],
    "_rebuild_nested_tensor": lambda given: (),
    "_rebuild_wrapper_subclass": lambda given: given[2],
    "_rebuild_device_tensor_from_numpy": lambda given: (),
    "_rebuild_device_tensor_from_cpu_tensor": lambda given: (),
}
#: Axes of a tensor at most.
AXES = 16


@dataclass(frozen=True, eq=False)
class _View:
    """Where a tensor's numbers lie in a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    #: Of a quantised tensor: its scheme, and what belongs to it.
    scale: object = None
    #: NumPy's code, where the storage does not say it.
    code: str = ""


class Tensors:
    """Makes arrays of the tensors in one file."""

    def __init__(self, path: Path, numbers: Numbers) -> None:
        self.path = path
        self.numbers = numbers

    def array_of(self, name: str, value: object, stored_at: str = "") -> LazyArray | None:
        """Give a tensor as an array that is read when it is needed; None for what is no tensor."""
        made = _unwrapped(value)
        if made is None:
            return None
        if made.maker.name in OTHERS:
            return self._without_numbers(name, made)
        view = self._view(made)

        def load() -> CellArray:
            return CellArray(self._values(name, view), name, stored_at or name)

        return LazyArray(view.shape, load)

    def plain(self, name: str, value: object) -> np.ndarray | None:
        """Give a tensor's numbers in its own type, whole numbers and truths too; None for others.

        Half a float32 (bfloat16), for which NumPy has no type, comes as a float32. A ValueError
        says that the numbers do not lie in the file as they are.
        """
        made = _unwrapped(value)
        if made is None:
            return None
        view = None if made.maker.name in OTHERS else self._view(made)
        code = "" if view is None else view.code or CODES.get(view.storage.kind, "")
        if view is None or view.storage.kind in QUANTISED or np.dtype(code or "c8").kind == "c":
            raise ValueError(name)
        halved = view.storage.kind == "BFloat16Storage"
        whole = np.dtype(code).kind in "iub" and not halved
        return self._plain(name, view, code) if whole else self._values(name, view)

    def _without_numbers(self, name: str, made: Made) -> LazyArray:
        try:
            shape = _sizes(OTHERS[made.maker.name](made.arguments))
        except (IndexError, TypeError, ValueError):
            shape = ()

        def load() -> CellArray:
            raise _other_than_plain(name)

        return LazyArray(shape, load)

    def _view(self, made: Made) -> _View:
        try:
            storage, offset, shape, strides, *rest = made.arguments
            sizes, steps, (begin,) = _sizes(shape), _sizes(strides), _sizes((offset,))
        except (TypeError, ValueError):
            storage, sizes, steps, begin, rest = None, (), (), 0, []
        if not isinstance(storage, Storage) or len(sizes) != len(steps):
            raise damaged(self.path, "a tensor in it is not described as PyTorch does")
        last = begin + sum((n - 1) * s for n, s in zip(sizes, steps, strict=True))
        count = math.prod(sizes)
        code = ""
        if storage.kind == "UntypedStorage":  # its size is in bytes, and the type stands apart
            code = _code_of(rest[2] if len(rest) > 2 else None)
        held = storage.count // np.dtype(code or "u1").itemsize
        if count and (last >= held or count > max(held, 2**16)):
            raise damaged(self.path, "a tensor in it is larger than its numbers")
        scale = rest[0] if made.maker.name == "_rebuild_qtensor" and rest else None
        return _View(storage, begin, sizes, steps, scale, code)

    def _values(self, name: str, view: _View) -> np.ndarray:
        kind = view.storage.kind
        code = view.code or CODES.get(kind, "")
        floating = kind == "BFloat16Storage" or (code and np.dtype(code).kind == "f")
        if not floating and kind not in QUANTISED:
            raise UnsupportedModel(
                f"array {name} holds {_words(kind, code)}, not floating-point numbers: save the "
                "model with plain float32 or float64 arrays"
            )
        plain = self._plain(name, view, code)
        if kind == "BFloat16Storage":
            return (plain.astype(np.uint32) << 16).view(np.float32)
        return self._scaled(name, view, plain) if kind in QUANTISED else plain

    def _plain(self, name: str, view: _View, code: str) -> np.ndarray:
        """Read the numbers of a view, in the order of its axes."""
        dtype = np.dtype(code).newbyteorder(">" if self.numbers.big_endian else "<")
        if math.prod(view.shape) * max(dtype.itemsize, 4) > LARGEST_ARRAY:
            raise UnreadableFile(
                f"array {name} has shape {view.shape}, more than is ever read from a file: it is "
                "damaged or not what it seems"
            )
        data = self.numbers.bytes_of(view.storage)
        if len(data) % dtype.itemsize:
            raise damaged(self.path, f"the numbers of {name} are cut off")
        flat = np.frombuffer(data, dtype)[view.storage.begin + view.offset :]
        last = sum((n - 1) * s for n, s in zip(view.shape, view.strides, strict=True))
        if not math.prod(view.shape):
            return np.zeros(view.shape, dtype.newbyteorder("="))
        if last >= len(flat):
            raise damaged(self.path, f"the numbers of {name} are not all there")
        strides = tuple(step * dtype.itemsize for step in view.strides)
        values = np.lib.stride_tricks.as_strided(flat, view.shape, strides, writeable=False)
        return np.array(values, dtype=dtype.newbyteorder("="), order="C")

    def _scaled(self, name: str, view: _View, whole: np.ndarray) -> np.ndarray:
        """Give the numbers that whole ones stand for: ``(q - zero) * scale``."""
        given = view.scale if isinstance(view.scale, tuple) else ()
        scheme = given[0].name if given and isinstance(given[0], Global) else ""
        found = None
        if scheme == "per_tensor_affine" and len(given) == 3:
            scale, zero = given[1:]
            if isinstance(scale, float) and isinstance(zero, int):
                found = np.float32(zero), np.float32(scale)
        elif scheme.startswith("per_channel_affine") and len(given) == 4:
            found = self._by_row(name, given, whole.shape)
        if found is None:
            raise _other_than_plain(name)
        zero_at, factor = found
        return (whole.astype(np.float32) - zero_at) * factor

    def _by_row(
        self, name: str, given: tuple[object, ...], shape: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Give the zeros and the scales of each row; None where they do not fit."""
        _, scales, zeros, axis = given
        if not isinstance(axis, int) or not 0 <= axis < len(shape):
            return None
        rows = []
        for one in (zeros, scales):
            made = _unwrapped(one)
            if made is None or made.maker.name not in STRIDED:
                return None
            view = self._view(made)
            row = self._plain(name, view, view.code or CODES.get(view.storage.kind, "|u1"))
            if row.shape != shape[axis : axis + 1]:
                return None
            along = tuple(-1 if k == axis else 1 for k in range(len(shape)))
            rows.append(row.astype(np.float32).reshape(along))
        return rows[0], rows[1]


def _other_than_plain(name: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"array {name} is quantised, sparse or without values: save the model with plain float32 "
        "or float64 arrays"
    )


def _unwrapped(value: object) -> Made | None:
    """Give the call that makes a tensor, without what is put around it."""
    for _ in range(8):
        if not isinstance(value, Made):
            return None
        name, given = value.maker.name, value.arguments
        if not value.maker.module.startswith("torch."):
            return None
        if name in STRIDED or name in OTHERS:
            return value
        if name in AROUND and given:
            value = given[0]
        elif name in {"_rebuild_from_type", "_rebuild_from_type_v2"} and len(given) >= 3:
            maker, inner = given[0], given[2]
            if not isinstance(maker, Global) or not isinstance(inner, tuple):
                return None
            value = Made(maker, inner)
        else:
            return None
    return None


def _sizes(given: object) -> tuple[int, ...]:
    """Take whole numbers from zero, no more than a tensor has axes."""
    if isinstance(given, Made):  # torch.Size
        given = given.arguments[0] if given.arguments else ()
    if not isinstance(given, tuple | list) or len(given) > AXES:
        raise TypeError
    sizes = []
    for one in given:
        if not isinstance(one, int) or isinstance(one, bool) or not 0 <= one < 2**48:
            raise ValueError
        sizes.append(one)
    return tuple(sizes)


def _code_of(dtype: object) -> str:
    """Give NumPy's code of a type that PyTorch names; that of bytes where NumPy has none."""
    known = {"uint16": "<u2", "uint32": "<u4", "uint64": "<u8", "float16": "<f2"}
    known |= {"float32": "<f4", "float64": "<f8"}
    return known.get(dtype.name, "|u1") if isinstance(dtype, Global) else "|u1"


def _words(kind: str, code: str) -> str:
    """Name a type as PyTorch does."""
    if code and kind != "UntypedStorage":
        return f"torch.{np.dtype(code).name}"
    return f"torch.{np.dtype(code).name}" if code else kind
