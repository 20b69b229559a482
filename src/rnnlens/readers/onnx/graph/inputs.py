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
    """Give an input that must hold fixed whole numbers, such as axes.

    Parameters
    ----------
    value : Known or Tensor
        The input.
    where, what : str
        Node and input, for the message.

    Returns
    -------
    list of int
        The numbers.

    Raises
    ------
    UnsupportedModel
        If the network computes them, or they depend on the data's shape.
    """
    if isinstance(value, Known) and value.values.dtype.kind in "iu":
        return [int(number) for number in np.atleast_1d(value.values)]
    raise UnsupportedModel(
        f"node {where} takes its {what} from the data instead of from fixed numbers, which rnnlens "
        "does not read"
    )


def lengths_of(value: Value | None, where: str) -> list[Length]:
    """Give an input that holds a shape.

    Parameters
    ----------
    value : Known or Tensor
        The input.
    where : str
        The node, for the message.

    Returns
    -------
    list of int or Dim
        The lengths.
    """
    if isinstance(value, Known) and value.values.dtype == object:
        return [n if isinstance(n, Dim) else int(n) for n in np.atleast_1d(value.values)]
    return list(whole_numbers(value, where, "shape"))


def optional(values: Sequence[Value | None], place: int) -> Value | None:
    """Give an input that may be left out.

    Parameters
    ----------
    values : sequence
        All inputs.
    place : int
        Which.

    Returns
    -------
    Known, Tensor or None
        None where it is left out.
    """
    return values[place] if place < len(values) else None


def axes_option(op: Operator, values: Sequence[Value | None], place: int = 1) -> list[int] | None:
    """Give the axes of a node: an attribute in old opsets, an input in new ones.

    Parameters
    ----------
    op : Operator
        The node.
    values : sequence
        Its inputs.
    place : int
        Which input.

    Returns
    -------
    list of int or None
        As stated, perhaps negative.
    """
    if "axes" in op.attributes:
        return list(op.attributes["axes"])
    given = optional(values, place)
    return None if given is None else whole_numbers(given, op.text, "axes")


def tensor_of(op: Operator, values: Sequence[Value | None], place: int = 0) -> Tensor:
    """Give an input that the network computes.

    Parameters
    ----------
    op : Operator
        The node.
    values : sequence
        Its inputs.
    place : int
        Which.

    Returns
    -------
    Tensor
        The input.

    Raises
    ------
    UnsupportedModel
        If the file fixes it.
    """
    value = optional(values, place)
    if isinstance(value, Tensor):
        return value
    raise UnsupportedModel(
        f"node {op.text} takes fixed numbers where rnnlens expects a value that the network "
        "computes"
    )


def whole_axis(axis: int, rank: int, op: Operator) -> int:
    """Count an axis from the first.

    Parameters
    ----------
    axis : int
        As stated, perhaps negative.
    rank : int
        How many there are.
    op : Operator
        The node, for the message.

    Returns
    -------
    int
        Not negative.

    Raises
    ------
    UnreadableFile
        If there is no such axis.
    """
    if not -rank <= axis < rank:
        raise UnreadableFile(f"node {op.text} names axis {axis} of {rank}: the file is damaged")
    return axis % rank


def fixed_numbers(op: Operator, values: Sequence[Value | None], place: int, what: str) -> Known:
    """Give an input that must be weights of the file.

    Parameters
    ----------
    op : Operator
        The node.
    values : sequence
        Its inputs.
    place : int
        Which.
    what : str
        What it is, for the message.

    Returns
    -------
    Known
        The numbers, floating point.

    Raises
    ------
    UnsupportedModel
        If the network computes them, or they are whole numbers.
    """
    value = optional(values, place)
    if isinstance(value, Known) and value.values.dtype.kind == "f":
        return value
    raise UnsupportedModel(
        f"node {op.text} takes its {what} from the data instead of from the file's own numbers, "
        "which rnnlens does not read"
    )


def own(values: np.ndarray) -> np.ndarray:
    """Copy an array.

    Parameters
    ----------
    values : array
        Perhaps a view of a larger one.

    Returns
    -------
    array
        C-contiguous.
    """
    return np.array(values, order="C", copy=True)
