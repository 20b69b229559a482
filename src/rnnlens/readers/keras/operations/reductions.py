"""Sums, means and the like over axes, and products summed over axes."""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.axes import Mean
from rnnlens.network.layers import Activate, CumulativeSum, Dense, Einsum, Layer, Reduction
from rnnlens.network.network import Ref
from rnnlens.readers.keras.operations.call import OperationCall, operation

__all__ = ["product"]

KINDS: dict[str, Any] = {
    "Sum": "sum",
    "Max": "max",
    "Min": "min",
    "Amax": "max",
    "Amin": "min",
    "Any": "max",
    "All": "min",
    "Prod": "product",
    "Var": "variance",
    "Std": "variance",
    "Logsumexp": "logsumexp",
    "Mean": "mean",
    "Average": "mean",
}


@operation(*KINDS)
def reduce(call: OperationCall) -> Ref:
    """Give a number over axes."""
    ref, kind = call.ref(), KINDS[call.kind]
    axes = call.axes(call.given(1, "axis", None), call.nodes.rank(ref))
    keepdims = bool(call.option("keepdims", False))
    layer: Layer
    layer = Mean(axes, keepdims) if kind == "mean" else Reduction(kind, axes, keepdims)
    made = call.add(layer, ref)
    return call.add(Activate(Activation("sqrt")), made) if call.kind == "Std" else made


@operation("Cumsum")
def cumsum(call: OperationCall) -> Ref:
    """Give the sum of all places up to each."""
    ref = call.ref()
    axis = call.axis(call.given(1, "axis", None), call.nodes.rank(ref))
    return call.add(CumulativeSum(axis), ref)


@operation("Norm")
def norm(call: OperationCall) -> Ref:
    """Give the root of the sum of squares over axes."""
    ref = call.ref()
    if call.option("ord") not in {None, 2, "euclidean"}:
        raise call.refuse("rnnlens takes the Euclidean norm alone")
    axes = call.axes(call.given(2, "axis", None), call.nodes.rank(ref))
    squares = call.add(Activate(Activation("power")), ref)
    total = call.add(Reduction("sum", axes, bool(call.option("keepdims", False))), squares)
    return call.add(Activate(Activation("sqrt")), total)


def product(call: OperationCall, equation: str, left: Ref, right: Ref) -> Ref:
    """Multiply two values and sum over the axes that the output lacks."""
    try:
        layer = Einsum(equation)
    except ValueError as error:
        raise call.refuse(
            f"the product {equation!r} is not taken sample by sample, each axis once"
        ) from error
    return call.add(layer, left, right)


@operation("Matmul")
def matmul(call: OperationCall) -> Ref:
    """``x1 @ x2``."""
    left, fixed = call.ref(0, "x1"), call.operand(1, "x2")
    if isinstance(fixed, np.ndarray):
        turned_over = bool(call.option("transpose_b", False))
        if fixed.ndim != 2 or call.option("transpose_a", False):
            raise call.refuse("it multiplies by numbers that are no matrix (row, column)")
        return call.add(Dense(np.ascontiguousarray(fixed.T if turned_over else fixed)), left)
    right = fixed
    ranks = call.nodes.rank(left), call.nodes.rank(right)
    if ranks[0] != ranks[1] or ranks[0] < 3:
        raise call.refuse(
            f"its sides have {ranks[0]} and {ranks[1]} axes; rnnlens multiplies matrices of one "
            "sample each, (sample, row, column)"
        )
    front = ascii_lowercase[: ranks[0] - 2]
    turned = [bool(call.option(name, False)) for name in ("transpose_a", "transpose_b")]
    one, other = ("yx" if turned[0] else "xy"), ("zy" if turned[1] else "yz")
    return product(call, f"{front}{one},{front}{other}->{front}xz", left, right)


@operation("Einsum")
def einsum(call: OperationCall) -> Ref:
    """Give a product by letters, and a sum over those that the output lacks."""
    equation = str(call.option("subscripts") or call.given(0, "subscripts"))
    equation = equation.replace(" ", "")
    at = 0 if "subscripts" in call.keywords else 1
    refs = [call.ref(place, "operands") for place in range(at, len(call.arguments))]
    if "->" not in equation or len(refs) != 2 or "." in equation:
        raise call.refuse(
            f"the product {equation!r} of {len(refs)} values; rnnlens reads two values with every "
            "letter named, as in 'btf,btg->bfg'"
        )
    return product(call, equation, *refs)


@operation("Dot")
def dot(call: OperationCall) -> Ref:
    """``dot(x1, x2)``, which joins samples with samples."""
    raise call.refuse("it multiplies across samples, which rnnlens keeps apart; use matmul")
