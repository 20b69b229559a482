"""From what a pickle left inert to arrays of numbers and texts, as NumPy and joblib write them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import IO

import numpy as np
from numpy.typing import NDArray

from rnnlens.series.scalers.inert import Estimator, Global, Made, Pairs, damaged
from rnnlens.series.scalers.names import CODEC, CURVES, is_estimator

__all__ = ["array_of", "plain", "read_joblib_array"]

#: Dimensions of an array at most, and numbers in it.
MOST_AXES, MOST_NUMBERS = 4, 2**24
#: Types of plain numbers, and of texts of a fixed length.
NUMBERS = re.compile(r"[biuf][1248]")
TEXTS = re.compile(r"U\d{1,5}")
OBJECTS = re.compile(r"O[48]?")
#: Letters of NumPy's own for types, which pickles of old versions have.
BYTES = bytes | bytearray


def plain(value: object) -> object:
    """Give a value as a number, a text, an array, an `Estimator`, or as it is; one level deep."""
    if not isinstance(value, Made):
        return value
    maker, arguments = value.maker, value.arguments
    if maker == Global("copyreg", "_reconstructor") and arguments:
        first = arguments[0]
        maker, arguments = (first, ()) if isinstance(first, Global) else (maker, arguments)
    if is_estimator(maker):
        state = value.state
        if not isinstance(state, Pairs):
            raise damaged(f"its {maker.path} has no fields")
        return Estimator(maker.name, state.named())
    made = MADE.get(maker)
    return value if made is None else made(value)


def _state_array(value: Made) -> NDArray[np.generic]:
    """Read ``_reconstruct(...)`` and its state: version, shape, type, order, data."""
    state = value.state
    if not (isinstance(state, tuple) and len(state) == 5):
        raise damaged("one of its arrays has no numbers")
    _, shape, dtype, columns_first, data = state
    return _array(dtype, shape, data, "F" if columns_first is True else "C")


def _buffer_array(value: Made) -> NDArray[np.generic]:
    """Read ``_frombuffer(data, type, shape, order)``, the form of protocol 5."""
    if len(value.arguments) != 4:
        raise damaged("one of its arrays has no numbers")
    data, dtype, shape, order = value.arguments
    return _array(dtype, shape, data, "F" if order == "F" else "C")


def _scalar(value: Made) -> object:
    """Read ``scalar(type, data)``."""
    if len(value.arguments) != 2:
        raise damaged("one of its numbers has no value")
    dtype, data = value.arguments
    return _array(dtype, (), data, "C").item()


def _bytes(value: object) -> bytes:
    if isinstance(value, Made) and value.maker == CODEC and value.arguments:
        value = value.arguments[0]  # a text whose letters are the bytes
    elif isinstance(value, Made) and value.maker == Global("builtins", "bytes"):
        value = b""
    if isinstance(value, str) and max(value, default="") < "\u0100":
        return value.encode("latin-1")
    if not isinstance(value, BYTES):
        raise damaged("the numbers of one of its arrays are missing")
    return bytes(value)


def _type_of(value: object) -> tuple[str, str]:
    """Read ``dtype(code, ...)`` and its state: its code and the order of its bytes."""
    if not (isinstance(value, Made) and value.maker == Global("numpy", "dtype")):
        raise damaged("one of its arrays has no type")
    code = value.arguments[0] if value.arguments else None
    state = value.state
    order = state[1] if isinstance(state, tuple) and len(state) > 1 else "|"
    if not (isinstance(code, str) and isinstance(order, str) and order in {"<", ">", "=", "|"}):
        raise damaged("one of its arrays has no type")
    return code, order


def _shape_of(value: object) -> tuple[int, ...]:
    stated = value if isinstance(value, tuple) and len(value) <= MOST_AXES else (None,)
    lengths = [n for n in stated if type(n) is int and 0 <= n <= MOST_NUMBERS]
    if len(lengths) != len(stated) or math.prod(lengths) > MOST_NUMBERS:
        raise damaged("one of its arrays has a shape that no scaler has")
    return tuple(lengths)


def _array(dtype: object, shape: object, data: object, order: str) -> NDArray[np.generic]:
    code, byte_order = _type_of(dtype)
    lengths = _shape_of(shape)
    if OBJECTS.fullmatch(code):
        return _of_objects(data, lengths)
    return array_of(byte_order + code, lengths, _bytes(data), order)


def array_of(code: str, shape: tuple[int, ...], raw: bytes, order: str) -> NDArray[np.generic]:
    """Make an array of numbers or texts; the code is as ``<f8``."""
    if not (NUMBERS.fullmatch(code[1:]) or TEXTS.fullmatch(code[1:])):
        raise damaged("one of its arrays holds neither numbers nor texts")
    try:
        kind = np.dtype(code)
    except TypeError:
        raise damaged("one of its arrays holds neither numbers nor texts") from None
    if len(raw) != kind.itemsize * math.prod(shape):
        raise damaged("one of its arrays has more or fewer numbers than its shape")
    if kind.kind == "U":
        return _of_texts(raw, kind, shape)
    shaped = np.frombuffer(raw, kind).reshape(shape, order="F" if order == "F" else "C")
    return np.array(shaped, dtype=kind.newbyteorder("="), order="C")


def _of_objects(data: object, shape: tuple[int, ...]) -> NDArray[np.generic]:
    if not isinstance(data, list) or len(data) != math.prod(shape):
        raise damaged("one of its arrays has more or fewer entries than its shape")
    array = np.empty(len(data), dtype=object)
    array[:] = [item if isinstance(item, str | int | float) else None for item in data]
    return array.reshape(shape)


def _of_texts(raw: bytes, kind: np.dtype[np.generic], shape: tuple[int, ...]) -> NDArray:
    codec = "utf-32-be" if kind.byteorder == ">" else "utf-32-le"
    size = max(kind.itemsize, 1)
    try:
        texts = [raw[at : at + size].decode(codec) for at in range(0, len(raw), size)]
    except UnicodeDecodeError:
        raise damaged("one of its arrays of texts holds what is no text") from None
    array = np.empty(math.prod(shape), dtype=object)
    array[:] = [text.rstrip("\x00") for text in texts] or [""] * len(array)
    return array.reshape(shape)


def read_joblib_array(
    wrapper: Made, file: IO[bytes], nested: Callable[[], object]
) -> NDArray[np.generic]:
    """Read the array whose numbers follow joblib's wrapper in the file."""
    if not isinstance(wrapper.state, Pairs):
        raise damaged("an array of joblib says nothing of itself")
    stated = wrapper.state.named()
    if stated.get("subclass") != Global("numpy", "ndarray"):
        raise damaged("an array of joblib is none of NumPy's")
    code, byte_order = _type_of(stated.get("dtype"))
    shape = _shape_of(stated.get("shape"))
    if OBJECTS.fullmatch(code):
        array = plain(nested())
        if not isinstance(array, np.ndarray):
            raise damaged("an array of joblib holds something else")
        return array
    if stated.get("numpy_array_alignment_bytes") is not None:
        file.read(int.from_bytes(file.read(1), "little"))
    if not (NUMBERS.fullmatch(code) or TEXTS.fullmatch(code)):
        raise damaged("one of its arrays holds neither numbers nor texts")
    size = int(code[1:]) * (4 if code[0] == "U" else 1)
    data = file.read(size * math.prod(shape))
    dtype = Made(Global("numpy", "dtype"), (code,), (3, byte_order))
    return _array(dtype, shape, data, "F" if stated.get("order") == "F" else "C")


def _curve(value: Made) -> object:
    """Read ``_ufunc_reconstruct(module, name)``, as NumPy 1 names its functions."""
    name = value.arguments[1] if len(value.arguments) == 2 else None
    return Global("numpy", name) if isinstance(name, str) and name in CURVES else value


def _index(value: Made) -> object:
    """Read the index of a table of pandas: ``_new_Index(Index, {"data": array, ...})``."""
    stated = value.arguments[1] if len(value.arguments) == 2 else None
    data = stated.named().get("data") if isinstance(stated, Pairs) else None
    return plain(data)


def _of_python(value: Made) -> object:
    """Give what a call of one of Python's own types stands for: lists for sets, bytes, slices."""
    if value.maker.name == "bytes":
        return b""
    if value.maker.name == "slice" and len(value.arguments) == 3:
        ends = [end if type(end) is int else None for end in value.arguments]
        return slice(*ends)
    if value.maker.name in {"set", "frozenset"} and value.arguments:
        return value.arguments[0]
    return value


def _of_pairs(value: Made) -> Pairs:
    """Give an OrderedDict or its like as plain entries."""
    first = value.arguments[0] if value.arguments else None
    entries = first.entries if isinstance(first, Pairs) else []
    return Pairs([*entries, *value.pairs.entries])


MADE: dict[Global, Callable[[Made], object]] = {
    Global("numpy.core.multiarray", "_reconstruct"): _state_array,
    Global("numpy.core.numeric", "_frombuffer"): _buffer_array,
    Global("numpy.core.multiarray", "scalar"): _scalar,
    Global("numpy.core", "_ufunc_reconstruct"): _curve,
    Global("pandas.core.indexes.base", "_new_Index"): _index,
    Global("collections", "OrderedDict"): _of_pairs,
    Global("collections", "defaultdict"): _of_pairs,
    CODEC: _bytes,
    **{Global("builtins", name): _of_python for name in ("bytes", "slice", "set", "frozenset")},
}
