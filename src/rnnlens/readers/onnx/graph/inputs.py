"""The inputs of an ONNX node by what they must be: fixed whole numbers, a shape, left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.readers.onnx.graph.values import Dim, FixedArray, Length, OnnxTensor, OnnxValue
from rnnlens.readers.onnx.proto import OnnxOperator

__all__ = [
    "axes_option",
    "copied",
    "fixed_numbers",
    "lengths_of",
    "optional",
    "tensor_of",
    "whole_axis",
    "whole_numbers",
]


def whole_numbers(value: OnnxValue | None, where: str, what: str) -> list[int]:
    """Give an input that must hold fixed whole numbers, such as axes."""
    if isinstance(value, FixedArray) and value.values.dtype.kind in "iu":
        return [int(number) for number in np.atleast_1d(value.values)]
    raise UnsupportedModel(
        f"node {where} takes its {what} from the data instead of from fixed numbers, which rnnlens "
        "does not read"
    )


def lengths_of(value: OnnxValue | None, where: str) -> list[Length]:
    """Give an input that holds a shape."""
    if isinstance(value, FixedArray) and value.values.dtype == object:
        return [n if isinstance(n, Dim) else int(n) for n in np.atleast_1d(value.values)]
    return list(whole_numbers(value, where, "shape"))


def optional(values: Sequence[OnnxValue | None], place: int) -> OnnxValue | None:
    """Give an input that may be left out."""
    return values[place] if place < len(values) else None


def axes_option(
    op: OnnxOperator, values: Sequence[OnnxValue | None], place: int = 1
) -> list[int] | None:
    """Give the axes of a node: an attribute in old opsets, an input in new ones."""
    if "axes" in op.attributes:
        return list(op.attributes["axes"])
    given = optional(values, place)
    return None if given is None else whole_numbers(given, op.text, "axes")


def tensor_of(op: OnnxOperator, values: Sequence[OnnxValue | None], place: int = 0) -> OnnxTensor:
    """Give an input that the network computes."""
    value = optional(values, place)
    if isinstance(value, OnnxTensor):
        return value
    raise UnsupportedModel(
        f"node {op.text} takes fixed numbers where rnnlens expects a value that the network "
        "computes"
    )


def whole_axis(axis: int, rank: int, op: OnnxOperator) -> int:
    """Count an axis from the first."""
    if not -rank <= axis < rank:
        raise UnreadableFile(f"node {op.text} names axis {axis} of {rank}: the file is damaged")
    return axis % rank


def fixed_numbers(
    op: OnnxOperator, values: Sequence[OnnxValue | None], place: int, what: str
) -> FixedArray:
    """Give an input that must be weights of the file."""
    value = optional(values, place)
    if isinstance(value, FixedArray) and value.values.dtype.kind == "f":
        return value
    raise UnsupportedModel(
        f"node {op.text} takes its {what} from the data instead of from the file's own numbers, "
        "which rnnlens does not read"
    )


def copied(values: np.ndarray) -> np.ndarray:
    """Copy an array."""
    return np.array(values, order="C", copy=True)
