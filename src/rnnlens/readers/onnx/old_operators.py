"""Operators of version 6, as version 7 writes the same (onnx/docs/Changelog.md).

Version 7 broadcasts as NumPy does and has no word for it; before, operators said ``broadcast`` and
the axis. Recurrent layers said with ``output_sequence`` whether all steps are among their outputs,
and norms and dropout with ``is_test`` that they predict.
"""

from __future__ import annotations

from dataclasses import replace

from rnnlens.errors import UnsupportedModel
from rnnlens.readers.onnx.proto import OnnxOperator

__all__ = ["of_version_7"]

RECURRENT = frozenset({"LSTM", "GRU", "RNN"})
#: Operators that broadcast their second input where they say so.
BROADCAST = frozenset({"Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater"})
BROADCAST |= {"Less", "Gemm"}


def of_version_7(op: OnnxOperator) -> OnnxOperator:
    """Write an operator of version 6 as one of version 7."""
    left = dict(op.attributes)
    if op.kind in RECURRENT:
        left.pop("output_sequence", None)
    elif op.kind in BROADCAST:
        left.pop("broadcast", None)
        if left.pop("axis", None) is not None:
            raise UnsupportedModel(
                f"node {op.text} of version 6 of ONNX's operators says along which axis it "
                "broadcasts, which rnnlens does not read: export the model again with version 7 "
                "or later, such as 17"
            )
    elif op.kind in {"BatchNormalization", "Dropout"}:
        predicts = left.pop("is_test", 0)
        if op.kind == "BatchNormalization" and not predicts and len(op.outputs) > 1:
            raise UnsupportedModel(
                f"node {op.text} computes as in training, with the moments of each batch: export "
                "the model as it predicts, after model.eval()"
            )
    return replace(op, attributes=left, opset=7)
