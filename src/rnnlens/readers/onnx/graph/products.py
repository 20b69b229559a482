"""ONNX operators that multiply two values and sum over axes: MatMul and Einsum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.layers import Einsum
from rnnlens.readers.letters import canonical, equation_terms, matmul_terms
from rnnlens.readers.onnx.graph.builder import Given, OnnxGraphBuilder, Rule
from rnnlens.readers.onnx.graph.layers import dense
from rnnlens.readers.onnx.graph.values import (
    APART,
    FixedArray,
    Length,
    OnnxTensor,
    OnnxValue,
    constant_in,
)
from rnnlens.readers.onnx.proto import OnnxOperator
from rnnlens.readers.refusals import WrongSampleAxis

__all__ = ["RULES"]

#: A value, and a letter for each of its axes in the file.
Lettered = tuple[OnnxTensor, str]


def _multiplied(
    op: OnnxOperator, left: Lettered, right: Lettered, out: str, builder: OnnxGraphBuilder
) -> OnnxTensor:
    sample = left[1][left[0].batch]
    if right[1][right[0].batch] != sample or sample not in out:
        raise WrongSampleAxis(f"node {op.text} multiplies along the batch axis{APART}")
    lengths: dict[str, Length] = {}
    for value, letters in (left, right):
        if len(set(letters)) < len(letters):
            raise UnsupportedModel(f"node {op.text} takes a diagonal, which rnnlens does not read")
        for letter, length in zip(letters, value.shape, strict=True):
            known = lengths.setdefault(letter, length)
            if known == 1:
                lengths[letter] = length
            differ = isinstance(known, int) and isinstance(length, int) and known != length
            if differ and (letter not in out or 1 not in {known, length}):
                raise UnreadableFile(
                    f"node {op.text} meets lengths {known} and {length}: the file is damaged"
                )
    batch = out.index(sample)
    terms = [canonical(letters, value.batch) for value, letters in (left, right)]
    layer = Einsum(f"{terms[0]},{terms[1]}->{canonical(out, batch)}")
    made = OnnxTensor(left[0].ref, tuple(lengths[c] for c in out), batch)
    refs = (left[0].ref, right[0].ref)
    ref = builder.add(op.label(op.kind.lower()), layer, refs, (made.sample,))
    return OnnxTensor(ref, made.shape, batch)


def _side(
    op: OnnxOperator,
    value: OnnxValue | None,
    letters: str,
    like: Lettered,
    builder: OnnxGraphBuilder,
) -> Lettered:
    """Give one side of a product as a value; fixed numbers become a constant."""
    if isinstance(value, OnnxTensor):
        return value, letters
    assert value is not None
    sample = like[1][like[0].batch]
    numbers = value.values
    if sample in letters:
        place = letters.index(sample)
        numbers = constant_in(value, numbers.ndim, place, op.text)
        letters = letters.replace(sample, "")[len(letters) - 1 - np.ndim(numbers) :]
    array = np.asarray(numbers, float)
    ref = builder.constant(array, like[0].ref)
    shape = (like[0].shape[like[0].batch], *array.shape)
    return OnnxTensor(ref, shape, 0), sample + letters


def _product(
    op: OnnxOperator,
    values: Given,
    terms: Sequence[str],
    out: str,
    builder: OnnxGraphBuilder,
) -> OnnxTensor:
    """Multiply values two by two, from the left."""
    like = next(
        (value, letters)
        for value, letters in zip(values, terms, strict=True)
        if isinstance(value, OnnxTensor)
    )
    made, *others = (
        _side(op, value, letters, like, builder)
        for value, letters in zip(values, terms, strict=True)
    )
    for number, side in enumerate(others):
        later = "".join(letters for _, letters in others[number + 1 :]) + out
        both = "".join(c for c in dict.fromkeys(made[1] + side[1]) if c in later)
        wanted = out if side is others[-1] else both
        made = _multiplied(op, made, side, wanted, builder), wanted
    return made[0]


def _matmul(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    left, right = values[0], values[1]
    if isinstance(left, OnnxTensor) and isinstance(right, FixedArray) and right.values.ndim == 2:
        return [dense(op, left, right.values, None, {"W": right.text}, builder)]
    ranks = [one.values.ndim if isinstance(one, FixedArray) else one.rank for one in values if one]
    of_left, of_right, out = matmul_terms(*ranks)
    return [_product(op, values, (of_left, of_right), out, builder)]


def _einsum(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    if len(values) < 2:
        raise UnsupportedModel(
            f"node {op.text} sums or turns the axes of one value, and rnnlens reads products alone"
        )
    ranks = [one.values.ndim if isinstance(one, FixedArray) else one.rank for one in values if one]
    terms, out = equation_terms(op.attributes["equation"], ranks)
    for own, other in ((0, 1), (1, 0)) if len(values) == 2 else ():
        x, kernel = values[own], values[other]
        if isinstance(x, OnnxTensor) and isinstance(kernel, FixedArray):
            W = _as_kernel(terms[own], terms[other], out, kernel.values)
            if W is not None:
                return [dense(op, x, W, None, {"W": kernel.text}, builder)]
    return [_product(op, values, terms, out, builder)]


def _as_kernel(own: str, matrix: str, out: str, values: np.ndarray) -> np.ndarray | None:
    """Give the kernel of a product over the last axis, where the equation is one."""
    if len(matrix) != 2 or own[-1] not in matrix:
        return None
    other = matrix.replace(own[-1], "")
    if len(other) != 1 or other in own or out != own[:-1] + other:
        return None
    return values.T if matrix.startswith(other) else values


#: Operators over values that the network computes, each with its rule.
RULES: dict[str, Rule] = {"Einsum": _einsum, "MatMul": _matmul}
