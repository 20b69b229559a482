"""Masked steps in a graph of ONNX: recurrent operators run over the real steps, by `sequence_lens`.

The real steps of each sample are moved to the front in their order, the operator reads as many as
there are, and each step is given the output at the last real step up to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from rnnlens.network.layers import Bidirectional, GlobalPooling1D, Masking, Recurrent
from rnnlens.network.network import Node, Ref
from rnnlens.writers.masks import Expression
from rnnlens.writers.onnx.graph import OnnxGraphWriter
from rnnlens.writers.onnx.recurrent import last_states, merged_sides, operator, turned

__all__ = ["masked_operators", "masking"]

#: Types of ONNX by number.
FLOAT, INT32, INT64, BOOL = 1, 6, 7, 9


def masking(layer: Masking, x: str, writer: OnnxGraphWriter) -> str:
    """Write the layer that sets masked steps to zero."""
    real = _any(_unequal(x, layer.value, writer), writer)
    return writer.op("Mul", [x, _unsqueezed(real, writer)])


def masked_operators(
    node: Node,
    inputs: Sequence[str],
    mask: Expression,
    values: Mapping[Ref, str],
    writer: OnnxGraphWriter,
) -> list[str]:
    """Write a layer that takes a masked sequence."""
    layer = node.layer
    writer.packs = True
    real = _real(mask, values, writer)
    if isinstance(layer, GlobalPooling1D):
        return [_mean(layer, inputs[0], real, writer)]
    if isinstance(layer, Recurrent):
        return _way(layer, inputs, real, writer)
    assert isinstance(layer, Bidirectional)
    half = 1 + (len(inputs) - 1) // 2
    given = ([inputs[0], *inputs[1:half]], [inputs[0], *inputs[half:]])
    both = (layer.forward, layer.backward)
    ways = [_way(side, own, real, writer) for side, own in zip(both, given, strict=True)]
    return merged_sides(layer, ways, writer)


def _mean(layer: GlobalPooling1D, x: str, real: str, writer: OnnxGraphWriter) -> str:
    axes, keep = writer.constant(np.array([1]), "axes"), int(layer.keepdims)
    wide = _unsqueezed(real, writer)
    total = writer.op("ReduceSum", [writer.op("Mul", [x, wide]), axes], keepdims=keep)
    return writer.op("Div", [total, writer.op("ReduceSum", [wide, axes], keepdims=keep)])


def _real(mask: Expression, values: Mapping[Ref, str], writer: OnnxGraphWriter) -> str:
    """Write a mask as numbers (sample, step), 1 where a step is real."""
    kind, *parts = mask
    if kind == "any":
        _, ref, value = parts[0]
        return _any(_unequal(values[ref], value, writer), writer)
    if kind == "not_equal":
        return _unequal(values[parts[0]], parts[1], writer)
    if kind == "or":
        return writer.op("Max", [_real(part, values, writer) for part in parts])
    if kind == "joined":
        return writer.op("Concat", [_real(part, values, writer) for part in parts], axis=1)
    if kind == "ones":
        shape = writer.op("Shape", [values[parts[0]]], start=0, end=2)
        return writer.op("Expand", [writer.constant(1.0, "one"), shape])
    x, lengths, newest = parts
    steps = _steps(values[x], writer)
    count = writer.op("Cast", [writer.op("Round", [values[lengths]])], to=INT64)
    if newest:
        last = writer.op("Sub", [_length(values[x], writer), writer.constant(np.array(1), "one")])
        steps = writer.op("Sub", [last, steps])
    return writer.op("Cast", [writer.op("Less", [steps, _unsqueezed(count, writer)])], to=FLOAT)


def _unequal(x: str, value: float, writer: OnnxGraphWriter) -> str:
    fixed = writer.constant(np.array(int(value) if x in writer.whole else float(value)), "value")
    same = writer.op("Equal", [x, fixed])
    return writer.op("Cast", [writer.op("Not", [same])], to=FLOAT)


def _any(unequal: str, writer: OnnxGraphWriter) -> str:
    axes = writer.constant(np.array([-1]), "axes")
    return writer.op("ReduceMax", [unequal, axes], keepdims=0)


def _unsqueezed(value: str, writer: OnnxGraphWriter) -> str:
    return writer.op("Unsqueeze", [value, writer.constant(np.array([-1]), "axis")])


def _length(x: str, writer: OnnxGraphWriter) -> str:
    shape = writer.op("Shape", [x], start=1, end=2)
    return writer.op("Squeeze", [shape, writer.constant(np.array([0]), "axis")])


def _steps(x: str, writer: OnnxGraphWriter) -> str:
    """Count the steps from 0."""
    ends = [writer.constant(np.array(k), name) for k, name in enumerate(("start", "step"))]
    return writer.op("Range", [ends[0], _length(x, writer), ends[1]])


def _way(side: Recurrent, inputs: Sequence[str], real: str, writer: OnnxGraphWriter) -> list[str]:
    """Write one direction: its output at every step, or at the last one, and its states."""
    x, *starts = inputs
    if side.go_backwards:
        x, real = turned(x, writer), turned(real, writer)
    over_steps = writer.constant(np.array([1]), "axes")
    count = writer.op("ReduceSum", [real, over_steps], keepdims=1)
    number = writer.op("Squeeze", [count, over_steps])
    writer.lengths = writer.op("Cast", [number], to=INT32)
    packed = writer.op("Transpose", [_packed(x, real, writer)], perm=[1, 0, 2])
    y, given = operator([replace(side, go_backwards=False)], packed, starts, writer)
    writer.lengths = ""
    there = writer.op("Min", [count, writer.constant(1.0, "one")])
    states = _kept(last_states(given, writer), starts, there, writer)
    if side.return_sequences:
        y = writer.op("Transpose", [writer.op("Squeeze", [y, over_steps])], perm=[1, 0, 2])
        first = _spread(side, y, real, writer)
    else:
        if side.zero_output_for_mask:
            newest = writer.constant(np.array([-1]), "newest")
            there = writer.op("Gather", [real, newest], axis=1)
        first = writer.op("Mul", [states[0], there])
    return [first, *(states if side.return_state else [])]


def _kept(
    states: list[str], starts: Sequence[str], there: str, writer: OnnxGraphWriter
) -> list[str]:
    """Let states be those to start from in a sample without a real step."""
    if not starts:
        return states
    condition = writer.op("Cast", [there], to=BOOL)
    return [
        writer.op("Where", [condition, state, start])
        for state, start in zip(states, starts, strict=True)
    ]


def _packed(x: str, real: str, writer: OnnxGraphWriter) -> str:
    """Move the real steps of each sample to the front, in their order."""
    length = writer.op("Cast", [_length(x, writer)], to=FLOAT)
    steps = writer.op("Cast", [_steps(x, writer)], to=FLOAT)
    # steps have ranks of their own, the real ones the higher
    rank = writer.op("Sub", [writer.op("Mul", [real, length]), steps])
    every = writer.op("Shape", [x], start=1, end=2)
    return _gathered(x, writer.ops("TopK", [rank, every], 2, axis=1)[1], writer)


def _spread(side: Recurrent, y: str, real: str, writer: OnnxGraphWriter) -> str:
    """Give each step the output at the last real step up to it, or zero."""
    one, zero = writer.constant(1.0, "one"), writer.constant(0.0, "zero")
    until = writer.op("CumSum", [real, writer.constant(np.array(1), "axis")])
    place = writer.op("Max", [writer.op("Sub", [until, one]), zero])
    there = real if side.zero_output_for_mask else writer.op("Min", [until, one])
    found = _gathered(y, writer.op("Cast", [place], to=INT64), writer)
    return writer.op("Mul", [found, _unsqueezed(there, writer)])


def _gathered(x: str, places: str, writer: OnnxGraphWriter) -> str:
    """Take steps (sample, step) out of x (sample, step, feature), sample by sample."""
    return writer.op("GatherND", [x, _unsqueezed(places, writer)], batch_dims=1)
