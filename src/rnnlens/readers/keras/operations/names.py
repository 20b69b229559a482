"""Functions of Keras's backend, of Keras 3 and of TensorFlow as code names them: ``K.sum``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rnnlens.readers.keras.operations.call import OPERATIONS
from rnnlens.readers.keras.operations.tf_keras import FUNCTIONS, Translated, translated

__all__ = ["named_operation"]

#: Where Keras's backend goes by.
BACKENDS = (("K",), ("backend",), ("keras", "backend"), ("tf", "keras", "backend"))

#: Where the operations of Keras 3 go by.
KERAS_3 = (("ops",), ("keras", "ops"))

#: Functions of Keras's backend and their arguments in the words of Keras 3.
BACKEND: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "abs": ("Abs", {}),
    "clip": ("Clip", {"min_value": "x_min", "max_value": "x_max"}),
    "concatenate": ("Concatenate", {"tensors": "xs"}),
    "exp": ("Exp", {}),
    "expand_dims": ("ExpandDims", {}),
    "log": ("Log", {}),
    "max": ("Max", {}),
    "mean": ("Mean", {}),
    "min": ("Min", {}),
    "permute_dimensions": ("Transpose", {"pattern": "axes"}),
    "prod": ("Prod", {}),
    "repeat_elements": ("Repeat", {"rep": "repeats"}),
    "reshape": ("Reshape", {"shape": "newshape"}),
    "reverse": ("Flip", {"axes": "axis"}),
    "sigmoid": ("Sigmoid", {}),
    "softmax": ("Softmax", {}),
    "sqrt": ("Sqrt", {}),
    "square": ("Square", {}),
    "squeeze": ("Squeeze", {}),
    "stack": ("Stack", {}),
    "std": ("Std", {}),
    "sum": ("Sum", {}),
    "tanh": ("Tanh", {}),
    "tile": ("Tile", {"n": "repeats"}),
    "var": ("Var", {}),
}

#: Where TensorFlow keeps functions that have a shorter name too.
WITHIN = ("", "math.", "linalg.", "nn.")


def named_operation(
    path: Sequence[str], arguments: list[Any], keywords: Mapping[str, Any]
) -> Translated | None:
    """Say a call of a function by its path in the words of Keras 3; ``None`` for any other."""
    *module, name = path
    if tuple(module) in BACKENDS and name in BACKEND:
        kind, names = BACKEND[name]
        renamed = {names.get(key, key): value for key, value in keywords.items()}
        if kind == "ExpandDims" and len(arguments) < 2:
            renamed.setdefault("axis", -1)
        return Translated(kind, arguments, renamed)
    if tuple(module) in KERAS_3:
        kind = "".join(part.capitalize() for part in name.split("_"))
        return Translated(kind, arguments, keywords) if kind in OPERATIONS else None
    if module and module[0] == "tf":
        written = ".".join(path[1:])
        function = next((f"{at}{written}" for at in WITHIN if f"{at}{written}" in FUNCTIONS), None)
        return translated(written, function, arguments, keywords) if function else None
    return None
