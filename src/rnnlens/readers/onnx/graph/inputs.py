"""The inputs of an ONNX node by what they must be: fixed whole numbers, a shape, left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.readers.onnx.graph.values import Dim, Known, Length, Tensor, Value
from rnnlens.readers.onnx.proto import Operator

__all__ = [
    "axes_option",
    "fixed_numbers",
    "lengths_of",
    "optional",
    "own",
    "tensor_of",
    "whole_axis",
    "whole_numbers",
]


def whole_numbers(value: Value | None, where: str, what: str) -> list[int]:
    """Give an input that must hold fixed whole numbers, such as axes."""
    if isinstance(value, Known) and value.values.dtype.kind in "iu":
        return [int(number) for number in np.atleast_1d(value.values)]
    raise UnsupportedModel(
        f"node {where} takes its {what} from the data instead of from fixed numbers, which rnnlens "
        "does not read"
    )


def lengths_of(value: Value | None, where: str) -> list[Length]:
    """Give an input that holds a shape."""
    if isinstance(value, Known) and value.values.dtype == object:
        return [n if isinstance(n, Dim) else int(n) for n in np.atleast_1d(value.values)]
    return list(whole_numbers(value, where, "shape"))


def optional(values: Sequence[Value | None], place: int) -> Value | None:
    """Give an input that may be left out."""
    return values[place] if place < len(values) else None


def axes_option(op: Operator, values: Sequence[Value | None], place: int = 1) -> list[int] | None:
    """Give the axes of a node: an attribute in old opsets, an input in new ones."""
    if "axes" in op.attributes:
        return list(op.attributes["axes"])
    given = optional(values, place)
    return None if given is None else whole_numbers(given, op.text, "axes")


def tensor_of(op: Operator, values: Sequence[Value | None], place: int = 0) -> Tensor:
    """Give an input that the network computes."""
    value = optional(values, place)
    if isinstance(value, Tensor):
        return value
    raise UnsupportedModel(
        f"node {op.text} takes fixed numbers where rnnlens expects a value that the network "
        "computes"
    )


def whole_axis(axis: int, rank: int, op: Operator) -> int:
    """Count an axis from the first."""
    if not -rank <= axis < rank:
        raise UnreadableFile(f"node {op.text} names axis {axis} of {rank}: the file is damaged")
    return axis % rank


def fixed_numbers(op: Operator, values: Sequence[Value | None], place: int, what: str) -> Known:
    """Give an input that must be weights of the file."""
    value = optional(values, place)
    if isinstance(value, Known) and value.values.dtype.kind == "f":
        return value
    raise UnsupportedModel(
        f"node {op.text} takes its {what} from the data instead of from the file's own numbers, "
        "which rnnlens does not read"
    )


def own(values: np.ndarray) -> np.ndarray:
    """Copy an array."""
    return np.array(values, order="C", copy=True)
