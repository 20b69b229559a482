"""Layers that move, pick and add up steps and units, on affine forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnnlens.evidence.proof.zonotope.forms import Forms, added, beside, constant, picked
from rnnlens.evidence.proof.zonotope.layers import Taken, refuse, spread
from rnnlens.evidence.proof.zonotope.recurrent import Context
from rnnlens.network.axes import ExpandDims, Flip, Index, Mean, Slice, Squeeze
from rnnlens.network.layers import (
    Add,
    Average,
    Concatenate,
    Embedding,
    Flatten,
    GlobalPooling1D,
    Reduction,
    RepeatVector,
    Reshape,
    Subtract,
)
from rnnlens.network.layers.joined import Unjoin
from rnnlens.network.network import Node

__all__: list[str] = []


@spread.register
def _(layer: Flatten, x: Taken, context: Context, node: Node) -> Forms:
    return _flat(x[0])


def _flat(x: Forms) -> Forms:
    if x.centre.shape[1] == 1:
        return replace(x, sequence=False)
    steps = range(x.centre.shape[1])
    return beside([picked(x, [step], sequence=False) for step in steps])


@spread.register
def _(layer: Reshape, x: Taken, context: Context, node: Node) -> Forms:
    whole = _flat(x[0])
    boxes, _, units = whole.centre.shape
    shape = np.empty(units).reshape(layer.shape).shape
    if len(shape) == 1:
        return whole
    if len(shape) != 2:
        refuse(node, f"{len(shape)} axes, where certificates serve at most two")
    steps = shape[0]
    symbols = whole.rows.shape[2]
    rows = whole.rows.reshape(boxes, symbols, *shape).transpose(0, 2, 1, 3)
    return Forms(
        whole.centre.reshape(boxes, *shape),
        whole.rest.reshape(boxes, *shape),
        np.ascontiguousarray(rows),
        np.repeat(whole.ids, steps, axis=1),
        np.repeat(whole.count, steps, axis=1),
        True,
    )


@spread.register
def _(layer: Squeeze, x: Taken, context: Context, node: Node) -> Forms:
    one, (_, steps, units) = x[0], x[0].centre.shape
    if one.sequence and steps == 1 and layer.axis in {1, -2}:
        return replace(one, sequence=False)
    if units != 1 or layer.axis not in {-1, 2 if one.sequence else 1}:
        refuse(node, "an axis that certificates do not squeeze")
    return _flat(one) if one.sequence else one


@spread.register
def _(layer: Embedding, x: Taken, context: Context, node: Node) -> Forms:
    tokens = x[0].centre
    if x[0].sequence or x[0].count.any() or x[0].rest.any() or layer.mask_zero:
        refuse(node, "tokens that are masked or not as they are, which certificates do not follow")
    rows = np.ascontiguousarray(layer.E[tokens[:, 0].astype(np.int64)], dtype=np.float64)
    return constant(rows, np.zeros_like(rows), sequence=True)


@spread.register
def _(layer: Unjoin, x: Taken, context: Context, node: Node) -> Forms:
    if layer.width != x[0].centre.shape[2]:
        refuse(node, "rows that hold other inputs too, which certificates do not take apart")
    return picked(x[0], list(layer.rows), sequence=layer.steps)


@spread.register
def _(layer: ExpandDims, x: Taken, context: Context, node: Node) -> Forms:
    if x[0].sequence or layer.axis not in {1, -2}:
        refuse(node, "a new axis other than one of steps, which certificates do not serve")
    return replace(x[0], sequence=True)


@spread.register
def _(layer: RepeatVector, x: Taken, context: Context, node: Node) -> Forms:
    times = x[1].centre.shape[1] if layer.times is None else layer.times
    return picked(x[0], [0] * times, sequence=True)


@spread.register
def _(layer: Concatenate, x: Taken, context: Context, node: Node) -> Forms:
    if layer.axis not in {-1, 2 if x[0].sequence else 1}:
        refuse(node, "an axis other than the last, which certificates do not serve")
    return beside(x)


@spread.register
def _(layer: Add, x: Taken, context: Context, node: Node) -> Forms:
    return added(_alike(x, node), [1.0] * len(x))


@spread.register
def _(layer: Average, x: Taken, context: Context, node: Node) -> Forms:
    return added(_alike(x, node), [1 / len(x)] * len(x))


@spread.register
def _(layer: Subtract, x: Taken, context: Context, node: Node) -> Forms:
    return added(_alike(x, node), [1.0, -1.0])


def _alike(x: Taken, node: Node) -> Taken:
    if len({one.centre.shape for one in x}) > 1:
        refuse(node, "inputs of several shapes, which certificates do not stretch")
    return x


@spread.register
def _(layer: GlobalPooling1D, x: Taken, context: Context, node: Node) -> Forms:
    if layer.kind != "average":
        refuse(node, "the largest of all steps, which certificates do not serve")
    return _mean(x[0], sequence=layer.keepdims)


@spread.register
def _(layer: Reduction, x: Taken, context: Context, node: Node) -> Forms:
    if layer.kind != "sum" or not x[0].sequence or layer.axes not in {(1,), (-2,)}:
        refuse(node, "another reduction than a sum over the steps, which certificates do not serve")
    parts = [picked(x[0], [step], sequence=layer.keepdims) for step in range(x[0].centre.shape[1])]
    return added(parts, [1.0] * len(parts))


@spread.register
def _(layer: Mean, x: Taken, context: Context, node: Node) -> Forms:
    if not x[0].sequence or layer.axes not in {(1,), (-2,)}:
        refuse(node, "a mean over other axes than the steps, which certificates do not serve")
    return _mean(x[0], sequence=layer.keepdims)


def _mean(x: Forms, *, sequence: bool) -> Forms:
    steps = x.centre.shape[1]
    parts = [picked(x, [step], sequence=sequence) for step in range(steps)]
    return added(parts, [1 / steps] * steps)


@spread.register
def _(layer: Flip, x: Taken, context: Context, node: Node) -> Forms:
    if not x[0].sequence or layer.axis not in {1, -2}:
        refuse(node, "an axis other than the steps, which certificates do not serve")
    return picked(x[0], slice(None, None, -1), sequence=True)


@spread.register
def _(layer: Index, x: Taken, context: Context, node: Node) -> Forms:
    if not x[0].sequence or layer.axis not in {1, -2}:
        refuse(node, "an axis other than the steps, which certificates do not serve")
    step = layer.index % x[0].centre.shape[1]
    return picked(x[0], [step], sequence=False)


@spread.register
def _(layer: Slice, x: Taken, context: Context, node: Node) -> Forms:
    if not x[0].sequence or layer.axis not in {1, -2}:
        refuse(node, "an axis other than the steps, which certificates do not serve")
    return picked(x[0], slice(layer.start, layer.stop, layer.step), sequence=True)
