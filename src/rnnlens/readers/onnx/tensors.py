"""The numbers of an ONNX file: within it, or beside it in its own folder.

A file is hostile until shown otherwise: declared sizes are checked against the bytes that are
there before memory is taken, and data outside the file is read from the model's own folder alone.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.readers.hardening.contents import stands
from rnnlens.readers.variables import LARGEST_ARRAY

if TYPE_CHECKING:
    import onnx

__all__ = ["tensor_values"]

#: Where each element type of TensorProto keeps numbers that are not raw, and its type in NumPy.
NUMBERS = {
    "FLOAT": ("float_data", np.float32),
    "DOUBLE": ("double_data", np.float64),
    "FLOAT16": ("int32_data", np.float16),
    "INT8": ("int32_data", np.int8),
    "UINT8": ("int32_data", np.uint8),
    "INT16": ("int32_data", np.int16),
    "INT32": ("int32_data", np.int32),
    "INT64": ("int64_data", np.int64),
    "BOOL": ("int32_data", np.bool_),
}


def tensor_values(tensor: onnx.TensorProto, path: Path) -> np.ndarray:
    """Read the numbers of a tensor."""
    import onnx

    number = tensor.data_type
    known = onnx.TensorProto.DataType.values()
    kind = onnx.TensorProto.DataType.Name(number) if number in known else str(number)
    if kind not in NUMBERS:
        raise UnsupportedModel(
            f"tensor {tensor.name!r} holds numbers of type {kind}, and rnnlens reads float16, "
            "float32, float64 and plain integers; export the model in float32"
        )
    field, dtype = NUMBERS[kind]
    shape = tuple(tensor.dims)
    count = math.prod(shape)
    size = count * np.dtype(dtype).itemsize
    if any(length < 0 for length in shape) or size > LARGEST_ARRAY:
        raise UnreadableFile(
            f"tensor {tensor.name!r} declares shape {shape}, more than "
            f"{LARGEST_ARRAY // 1024**3} GiB or less than nothing: the file is damaged"
        )
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raw = _external(tensor, path, size)
    elif tensor.HasField("raw_data"):
        raw = tensor.raw_data
    else:
        return _typed(tensor, field, np.dtype(dtype), shape)
    if len(raw) != size:
        raise UnreadableFile(
            f"tensor {tensor.name!r} declares shape {shape}, which takes {size} bytes, but "
            f"{len(raw)} are there: the file is truncated or damaged"
        )
    little = np.dtype(dtype).newbyteorder("<")
    return np.frombuffer(raw, little).reshape(shape).astype(dtype)


def _typed(
    tensor: onnx.TensorProto, field: str, dtype: np.dtype, shape: tuple[int, ...]
) -> np.ndarray:
    given = getattr(tensor, field)
    if len(given) != math.prod(shape):
        raise UnreadableFile(
            f"tensor {tensor.name!r} declares shape {shape}, but holds {len(given)} numbers: the "
            "file is truncated or damaged"
        )
    if dtype == np.float16:
        # TensorProto.int32_data keeps the bits of a float16, not its value.
        return np.array(given, np.int64).astype(np.uint16).view(np.float16).reshape(shape)
    return np.array(given).astype(dtype).reshape(shape)


def _external(tensor: onnx.TensorProto, path: Path, size: int) -> bytes:
    """Read numbers kept beside the model, from its own folder alone."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    folder = path.resolve().parent
    place = (folder / location).resolve()
    if not location or "\x00" in location or not place.is_relative_to(folder) or place == folder:
        raise UnreadableFile(
            f"tensor {tensor.name!r} keeps its numbers in {location!r}, outside the model's own "
            "folder; rnnlens reads data from that folder alone"
        )
    if not stands(place):
        raise UnreadableFile(
            f"tensor {tensor.name!r} keeps its numbers in the file {location!r} beside the model, "
            "which is not there; copy it to the model's folder"
        )
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", size))
    except ValueError as error:
        raise UnreadableFile(
            f"tensor {tensor.name!r} states no number where its data begin; the file is damaged"
        ) from error
    held = place.stat().st_size
    if offset < 0 or length != size or offset + length > held:
        raise UnreadableFile(
            f"tensor {tensor.name!r} takes {size} bytes from {offset} on in {location!r}, which "
            f"holds {held}: the file is truncated or damaged"
        )
    with place.open("rb") as file:
        file.seek(offset)
        return file.read(length)
