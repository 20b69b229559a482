"""Types of numbers in files of PyTorch, by what it calls their storages and itself."""

from __future__ import annotations

import numpy as np

__all__ = ["CODES", "ITEM_SIZES", "QUANTISED"]

#: NumPy's code of each storage, little-endian; bfloat16 is the upper half of a float32.
CODES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
    "QInt8Storage": "|i1",
    "QUInt8Storage": "|u1",
    "QInt32Storage": "<i4",
    "ComplexFloatStorage": "<c8",
    "ComplexDoubleStorage": "<c16",
    "UntypedStorage": "|u1",
}
#: Bytes of one number.
ITEM_SIZES = {kind: np.dtype(code).itemsize for kind, code in CODES.items()}
#: Storages whose numbers stand for others, by a scale.
QUANTISED = frozenset({"QInt8Storage", "QUInt8Storage", "QInt32Storage"})
