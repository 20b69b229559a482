"""Every other layer as operators of ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.axes import (
    Constant,
    ExpandDims,
    Flip,
    Index,
    Lengths,
    Mean,
    Slice,
    Squeeze,
    Unmask,
)
from rnnlens.network.layers import (
    Activate,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv1D,
    Dense,
    DescribedRecurrent,
    Embedding,
    Flatten,
    GlobalPooling1D,
    Identity,
    Layer,
    LayerNormalization,
    Masking,
    Permute,
    Pooling1D,
    PReLU,
    Recurrent,
    RepeatVector,
    Rescaling,
    Reshape,
    Standardization,
    TimeDistributed,
)
from rnnlens.network.shapes import Shape
from rnnlens.writers.onnx.between import BETWEEN, stretched
from rnnlens.writers.onnx.graph import OnnxGraphWriter
from rnnlens.writers.onnx.masked import masking
from rnnlens.writers.onnx.recurrent import bidirectional, recurrent
from rnnlens.writers.onnx.scanned import described
from rnnlens.writers.written import refuse

__all__ = ["operators"]


def operators(
    layer: Layer, inputs: Sequence[str], shapes: Sequence[Shape], writer: OnnxGraphWriter
) -> list[str]:
    """Write one layer."""
    if isinstance(layer, Recurrent):
        return recurrent(layer, inputs, writer)
    if isinstance(layer, Bidirectional):
        return bidirectional(layer, inputs, writer)
    if isinstance(layer, TimeDistributed):
        inner = layer.layer
        if not isinstance(inner, Dense | Identity | Rescaling) and not (
            isinstance(inner, Activate) and not inner.activation.axis_wise
        ):
            refuse(
                writer.scope,
                layer,
                "rnnlens writes a TimeDistributed around Dense and Activation alone; write .keras "
                "or .npz instead",
            )
        return operators(inner, inputs, [shapes[0][1:]], writer)
    if isinstance(layer, DescribedRecurrent):
        return described(layer, inputs, shapes, writer, operators)
    maker = MAKERS.get(type(layer))
    if maker is None:
        refuse(
            writer.scope,
            layer,
            "ONNX has no operator for it that rnnlens writes; write .npz instead",
        )
    return [maker(layer, inputs, shapes, writer)]


Inputs = Sequence[str]
Shapes = Sequence[Shape]


def _activated(layer: Layer, x: str, activation: Activation, writer: OnnxGraphWriter) -> str:
    made = writer.activated(x, activation)
    if made is None:
        refuse(
            writer.scope,
            layer,
            f"ONNX has no operator for its activation {activation}; write .keras or .npz instead",
        )
    return made


def _dense(layer: Dense, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    y = writer.op("MatMul", [inputs[0], writer.constant(layer.W, "W")])
    if layer.b is not None:
        y = writer.op("Add", [y, writer.constant(layer.b, "b")])
    return _activated(layer, y, layer.activation, writer)


def _activate(layer: Activate, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    return _activated(layer, inputs[0], layer.activation, writer)


def _masking(layer: Masking, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    return masking(layer, inputs[0], writer)


def _same(layer: Layer, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    return inputs[0]


def _scaled(x: str, scale: np.ndarray, offset: np.ndarray | None, writer: OnnxGraphWriter) -> str:
    y = writer.op("Mul", [x, writer.constant(scale, "scale")])
    return y if offset is None else writer.op("Add", [y, writer.constant(offset, "offset")])


def _batch_normalization(
    layer: BatchNormalization, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter
) -> str:
    scale = 1 / np.sqrt(layer.variance.astype(np.float64) + layer.epsilon)
    if layer.gamma is not None:
        scale *= layer.gamma
    offset = -layer.mean * scale
    if layer.beta is not None:
        offset += layer.beta
    rank = len(shapes[0]) + 1
    sides = [1] * (rank - 1)
    sides[layer.axis % rank - 1] = -1
    return _scaled(inputs[0], scale.reshape(sides), offset.reshape(sides), writer)


def _layer_normalization(
    layer: LayerNormalization, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter
) -> str:
    rank = len(shapes[0]) + 1
    axes = sorted(axis % rank for axis in layer.axes)
    size = [shapes[0][axis - 1] for axis in axes]
    if not layer.centred or axes != list(range(axes[0], rank)) or None in size:
        refuse(
            writer.scope,
            layer,
            "ONNX takes the moments over the last axes, centred, and it does not; write .keras or "
            ".npz instead",
        )
    gamma = np.ones([n or 1 for n in size]) if layer.gamma is None else layer.gamma
    arrays = [writer.constant(gamma, "scale")]
    if layer.beta is not None:
        arrays.append(writer.constant(layer.beta, "offset"))
    return writer.op(
        "LayerNormalization", [inputs[0], *arrays], axis=axes[0] - rank, epsilon=layer.epsilon
    )


def _rescaling(layer: Rescaling, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    return _scaled(inputs[0], layer.scale, layer.offset, writer)


def _standardization(
    layer: Standardization, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter
) -> str:
    divisor = np.maximum(np.sqrt(layer.variance.astype(np.float64)), layer.epsilon)
    mean = layer.mean.astype(np.float64)
    if layer.invert:
        return _scaled(inputs[0], divisor, mean, writer)
    centred = writer.op("Sub", [inputs[0], writer.constant(mean, "mean")])
    return writer.op("Div", [centred, writer.constant(divisor, "deviation")])


def _embedding(layer: Embedding, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    tokens = inputs[0]
    if tokens not in writer.whole:
        tokens = writer.op("Cast", [tokens], to=7)  # int64
    return writer.op("Gather", [writer.constant(layer.E, "E"), tokens], axis=0)


def _flatten(layer: Flatten, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    return writer.op("Flatten", inputs[:1], axis=1)


def _reshape(layer: Reshape, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    return writer.op("Reshape", [inputs[0], writer.constant(np.array([0, *layer.shape]), "shape")])


def _permute(layer: Permute, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    return writer.op("Transpose", inputs[:1], perm=[0, *layer.axes])


def _repeat_vector(
    layer: RepeatVector, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter
) -> str:
    row = writer.op("Unsqueeze", [inputs[0], writer.constant(np.array([1]), "axis")])
    if layer.times is not None:
        return writer.op("Tile", [row, writer.constant(np.array([1, layer.times, 1]), "times")])
    return stretched(row, inputs[1], 1, 3, writer)


def _concatenate(
    layer: Concatenate, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter
) -> str:
    return writer.op("Concat", list(inputs), axis=layer.axis)


def _channels_first(x: str, writer: OnnxGraphWriter) -> str:
    return writer.op("Transpose", [x], perm=[0, 2, 1])


def _pads(layer: Layer, kind: str, reach: int, writer: OnnxGraphWriter) -> dict[str, Any]:
    if kind == "same":
        return {"auto_pad": "SAME_UPPER"}
    return {"pads": [reach - 1 if kind == "causal" else 0, 0]}


def _conv1d(layer: Conv1D, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    taps = layer.W.shape[0]
    reach = (taps - 1) * layer.dilation + 1
    pads = _pads(layer, layer.padding, reach, writer)
    if layer.padding == "same" and layer.dilation > 1:
        if layer.stride > 1:
            refuse(
                writer.scope,
                layer,
                "it is dilated, strided and padded to the same length; write .npz, which holds it",
            )
        pads = {"pads": [(reach - 1) // 2, reach - 1 - (reach - 1) // 2]}
    arrays = [writer.constant(layer.W.transpose(2, 1, 0), "W")]
    if layer.b is not None:
        arrays.append(writer.constant(layer.b, "b"))
    y = writer.op(
        "Conv",
        [_channels_first(inputs[0], writer), *arrays],
        kernel_shape=[taps],
        strides=[layer.stride],
        dilations=[layer.dilation],
        group=layer.groups,
        **pads,
    )
    return _activated(layer, _channels_first(y, writer), layer.activation, writer)


def _pooling(layer: Pooling1D, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    more = {} if layer.kind == "max" else {"count_include_pad": 0}
    y = writer.op(
        "MaxPool" if layer.kind == "max" else "AveragePool",
        [_channels_first(inputs[0], writer)],
        kernel_shape=[layer.size],
        strides=[layer.stride],
        **_pads(layer, layer.padding, 1, writer),
        **more,
    )
    return _channels_first(y, writer)


def _global_pooling(
    layer: GlobalPooling1D, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter
) -> str:
    kind = "ReduceMax" if layer.kind == "max" else "ReduceMean"
    axes = writer.constant(np.array([1]), "axes")
    return writer.op(kind, [inputs[0], axes], keepdims=int(layer.keepdims))


def _prelu(layer: PReLU, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    return writer.op("PRelu", [inputs[0], writer.constant(layer.alpha, "alpha")])


def _mean(layer: Mean, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    axes = writer.constant(np.array(layer.axes), "axes")
    return writer.op("ReduceMean", [inputs[0], axes], keepdims=int(layer.keepdims))


def _index(layer: Index, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    place = writer.constant(np.array(layer.index), "index")
    return writer.op("Gather", [inputs[0], place], axis=layer.axis)


def _slice(layer: Slice | Flip, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    far = 2**63 - 1
    start, stop, step = None, None, -1
    if isinstance(layer, Slice):
        start, stop, step = layer.start, layer.stop, layer.step
    begin = start if start is not None else 0 if step > 0 else far
    end = stop if stop is not None else far if step > 0 else -far
    bounds = {"start": begin, "end": end, "axis": layer.axis, "step": step}
    places = [writer.constant(np.array([value]), name) for name, value in bounds.items()]
    return writer.op("Slice", [inputs[0], *places])


def _one_axis(
    layer: ExpandDims | Squeeze, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter
) -> str:
    kind = "Unsqueeze" if isinstance(layer, ExpandDims) else "Squeeze"
    return writer.op(kind, [inputs[0], writer.constant(np.array([layer.axis]), "axis")])


def _constant(layer: Constant, inputs: Inputs, shapes: Shapes, writer: OnnxGraphWriter) -> str:
    shape = writer.op("Shape", inputs[:1], start=0, end=1)
    ones = writer.constant(np.ones(layer.C.ndim, dtype=np.int64), "ones")
    wanted = writer.op("Concat", [shape, ones], axis=0)
    return writer.op("Expand", [writer.constant(layer.C[None], "C"), wanted])


#: Writers of layers by class.
MAKERS: Mapping[type, Callable[[Any, Inputs, Shapes, OnnxGraphWriter], str]] = {
    Dense: _dense,
    Activate: _activate,
    Identity: _same,
    Lengths: _same,
    Unmask: _same,
    BatchNormalization: _batch_normalization,
    LayerNormalization: _layer_normalization,
    Rescaling: _rescaling,
    Standardization: _standardization,
    Embedding: _embedding,
    Flatten: _flatten,
    Reshape: _reshape,
    Permute: _permute,
    RepeatVector: _repeat_vector,
    Concatenate: _concatenate,
    Conv1D: _conv1d,
    Pooling1D: _pooling,
    GlobalPooling1D: _global_pooling,
    PReLU: _prelu,
    Masking: _masking,
    Mean: _mean,
    Index: _index,
    Slice: _slice,
    Flip: _slice,
    ExpandDims: _one_axis,
    Squeeze: _one_axis,
    Constant: _constant,
    **BETWEEN,
}
