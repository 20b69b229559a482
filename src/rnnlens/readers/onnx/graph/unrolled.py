"""Recurrences that an ONNX graph holds without a recurrent node, so that they can be named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rnnlens.errors import UnsupportedModel
from rnnlens.readers.onnx.proto import OnnxOperator

__all__ = ["refuse_unrolled"]

#: Operators that pass an array of weights on as it is.
PASSING = frozenset({"Cast", "Identity", "Squeeze", "Transpose", "Unsqueeze"})
ADVICE = (
    "without an LSTM, GRU or RNN node, and rnnlens does not guess which gate is which; export so "
    "that the recurrent layer stays whole, or read the source model itself (rnnlens reads Keras "
    "and PyTorch models)"
)


def refuse_unrolled(operators: Sequence[OnnxOperator], weights: Iterable[str]) -> None:
    """Refuse a graph without a recurrent node that is a recurrence all the same.

    The sign is a matrix that multiplies what came of its own earlier product, or a sigmoid times
    a tanh, as the gates of a cell have it.
    """
    roots = {name: name for name in weights}
    numbers: dict[str, int] = {}
    behind: dict[str, int] = {}
    made: dict[str, str] = {}
    for op in operators:
        if op.kind == "Constant" or (
            op.kind in PASSING and op.inputs[:1] and op.inputs[0] in roots
        ):
            root = op.inputs[0] if op.inputs else ""
            roots |= {name: roots.get(root, name) for name in op.outputs}
            continue
        reached = 0
        for name in op.inputs:
            reached |= behind.get(name, 0)
        if op.kind in {"MatMul", "Gemm"}:
            for name in op.inputs[:2]:
                if name not in roots:
                    continue
                bit = 1 << numbers.setdefault(roots[name], len(numbers))
                if reached & bit:
                    raise UnsupportedModel(
                        f"the graph holds a recurrence written out step by step (the weights "
                        f"{roots[name]!r} multiply what came of their own product) {ADVICE}"
                    )
                reached |= bit
        if op.kind == "Mul" and reached and _gated(op, made):
            raise UnsupportedModel(
                f"the graph holds a cell taken apart into its gates (node {op.text} multiplies a "
                f"sigmoid by a tanh) {ADVICE}"
            )
        behind |= dict.fromkeys(op.outputs, reached)
        kind = made.get(op.inputs[0], "") if op.kind in PASSING and op.inputs else op.kind
        made |= dict.fromkeys(op.outputs, kind)


def _gated(op: OnnxOperator, made: Mapping[str, str]) -> bool:
    return {made.get(name, "") for name in op.inputs} == {"Sigmoid", "Tanh"}
