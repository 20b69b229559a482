"""ONNX operators that slide over the steps: convolution and pooling, (batch, channel, step)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.layers import Concatenate, Conv1D, GlobalPooling1D, Pooling1D
from rnnlens.network.network import Source
from rnnlens.readers.onnx.graph.builder import Given, OnnxGraphBuilder, Rule
from rnnlens.readers.onnx.graph.inputs import copied, fixed_numbers, optional, tensor_of
from rnnlens.readers.onnx.graph.values import Length, OnnxTensor, fresh
from rnnlens.readers.onnx.proto import OnnxOperator
from rnnlens.readers.refusals import WrongSampleAxis

__all__ = ["RULES"]


def _steps_first(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> OnnxTensor:
    """Give the input of a convolution or pool, (batch, channel, step) in the file."""
    x = tensor_of(op, values)
    if x.rank != 3:
        raise UnsupportedModel(
            f"node {op.text} works over {x.rank - 2} axes besides batch and channels, and rnnlens "
            "reads those over steps alone"
        )
    if x.batch != 0:
        raise WrongSampleAxis(f"node {op.text} takes its samples along axis 0")
    return _turned(x, builder)


def _turned(x: OnnxTensor, builder: OnnxGraphBuilder) -> OnnxTensor:
    """Change places of steps and channels."""
    return OnnxTensor(builder.permuted(x.ref, (2, 1)), (x.shape[0], x.shape[2], x.shape[1]), 0)


def _one(op: OnnxOperator, option: str, usual: int = 1) -> int:
    stated = op.attributes.get(option, [usual])
    if len(stated) != 1 or stated[0] < 1:
        raise UnreadableFile(f"node {op.text} states {option} = {stated}: the file is damaged")
    return stated[0]


def _padding(
    op: OnnxOperator, reach: int, stride: int, *, causal: bool = True
) -> tuple[Literal["valid", "same", "causal"], tuple[int, int]]:
    """Give the padding by its name where it has one, else in steps before and after."""
    auto = op.attributes.get("auto_pad", "NOTSET")
    pads = tuple(op.attributes.get("pads", (0, 0)))
    if auto == "SAME_UPPER":
        return "same", (0, 0)
    if auto not in {"NOTSET", "VALID"} or len(pads) != 2 or min(pads) < 0:
        raise UnsupportedModel(
            f"node {op.text} pads as {auto} {list(pads)}, which rnnlens does not read"
        )
    if auto == "VALID" or pads == (0, 0):
        return "valid", (0, 0)
    total = reach - 1
    if stride == 1 and pads == (total // 2, total - total // 2):
        return "same", (0, 0)
    if causal and pads == (total, 0):
        return "causal", (0, 0)
    return "valid", (pads[0], pads[1])


def _padded(
    op: OnnxOperator, x: OnnxTensor, around: tuple[int, int], builder: OnnxGraphBuilder
) -> OnnxTensor:
    """Put steps of zeros before and after."""
    if around == (0, 0):
        return x
    features = x.shape[2]
    if not isinstance(features, int):
        raise UnsupportedModel(f"node {op.text} pads channels of unknown number")
    before, after = (
        [builder.constant(np.zeros((n, features)), x.ref)] if n else [] for n in around
    )
    steps = x.shape[1] + sum(around) if isinstance(x.shape[1], int) else fresh()
    parts = (*before, x.ref, *after)
    ref = builder.add("pad", Concatenate(1), parts, ((steps, features),))
    return OnnxTensor(ref, (x.shape[0], steps, features), 0)


def _slid(steps: Length, reach: int, stride: int, padding: str) -> Length:
    if not isinstance(steps, int):
        return steps if stride == 1 and padding != "valid" else fresh()
    return (steps - reach) // stride + 1 if padding == "valid" else -(-steps // stride)


def _conv(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = _steps_first(op, values, builder)
    kernel = fixed_numbers(op, values, 1, "kernel")
    if kernel.values.ndim != 3:
        raise UnreadableFile(
            f"node {op.text} has a kernel of {kernel.values.ndim} axes where 3 are called for: the "
            "file is damaged"
        )
    units, _, taps = kernel.values.shape
    stride, dilation = _one(op, "strides"), _one(op, "dilations")
    reach = dilation * (taps - 1) + 1
    padding, around = _padding(op, reach, stride)
    x = _padded(op, x, around, builder)
    bias = None if optional(values, 2) is None else fixed_numbers(op, values, 2, "bias")
    sources = {"W": Source(f"{kernel.text}.transpose(2, 1, 0)", kernel.text)}
    if bias is not None:
        sources["b"] = Source(bias.text, bias.text)
    layer = Conv1D(
        copied(kernel.values.transpose(2, 1, 0)),
        None if bias is None else copied(bias.values),
        stride=stride,
        dilation=dilation,
        groups=op.attributes.get("group", 1),
        padding=padding,
    )
    sample = (_slid(x.shape[1], reach, stride, padding), units)
    ref = builder.add(op.label("conv1d"), layer, (x.ref,), (sample,), sources)
    return [_turned(OnnxTensor(ref, (x.shape[0], *sample), 0), builder)]


def _pool(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = _steps_first(op, values, builder)
    kind: Literal["max", "average"] = "max" if op.kind == "MaxPool" else "average"
    if op.attributes.get("ceil_mode", 0) or _one(op, "dilations") != 1:
        raise UnsupportedModel(
            f"node {op.text} rounds up or skips steps (ceil_mode, dilations), which rnnlens does "
            "not implement"
        )
    size, stride = _one(op, "kernel_shape"), _one(op, "strides")
    padding, around = _padding(op, size, stride, causal=False)
    zeros = bool(op.attributes.get("count_include_pad", 0))
    if (padding == "same" and zeros) or (around != (0, 0) and not (zeros and kind == "average")):
        raise UnsupportedModel(f"node {op.text} pads otherwise than rnnlens implements for a pool")
    x = _padded(op, x, around, builder)
    sample = (_slid(x.shape[1], size, stride, padding), x.shape[2])
    layer = Pooling1D(kind, size, stride, "same" if padding == "same" else "valid")
    ref = builder.add(op.label("pool"), layer, (x.ref,), (sample,))
    return [_turned(OnnxTensor(ref, (x.shape[0], *sample), 0), builder)]


def _global_pool(op: OnnxOperator, values: Given, builder: OnnxGraphBuilder) -> list[OnnxTensor]:
    x = _steps_first(op, values, builder)
    kind: Literal["max", "average"] = "max" if op.kind == "GlobalMaxPool" else "average"
    sample = (1, x.shape[2])
    layer = GlobalPooling1D(kind, keepdims=True)
    ref = builder.add(op.label("pool"), layer, (x.ref,), (sample,))
    return [_turned(OnnxTensor(ref, (x.shape[0], *sample), 0), builder)]


#: Operators over values that the network computes, each with its rule.
RULES: dict[str, Rule] = {
    **dict.fromkeys(("AveragePool", "MaxPool"), _pool),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), _global_pool),
    "Conv": _conv,
}
