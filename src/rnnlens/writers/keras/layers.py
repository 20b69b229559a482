"""Each layer as Keras 3 has it: its class, its options, and its arrays in Keras's order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rnnlens.names import told
from rnnlens.network.axes import Lengths
from rnnlens.network.cells import GRU, LSTM, FloatArray, SimpleRNN
from rnnlens.network.json_values import Json
from rnnlens.network.layers import (
    Activate,
    Add,
    Average,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    GlobalPooling1D,
    Identity,
    Layer,
    LayerNormalization,
    Masking,
    Multiply,
    Permute,
    Pooling1D,
    PReLU,
    Recurrent,
    RepeatVector,
    Rescaling,
    Reshape,
    Standardization,
    Subtract,
    TimeDistributed,
)
from rnnlens.network.shapes import Shape
from rnnlens.readers.layouts import KERAS
from rnnlens.writers.keras.functions import (
    HARD_SLOPE,
    activation_layer,
    function_of,
    on_keras_slope,
    serialized,
)
from rnnlens.writers.packing import has, packed, summed_bias
from rnnlens.writers.written import refuse

__all__ = ["KerasLayer", "LayerContext", "keras_layer_of"]

#: The smallest number by which a Normalization of Keras divides (its backend's epsilon).
SMALLEST = 1e-7


@dataclass(frozen=True)
class KerasLayer:
    """One layer of a Keras file."""

    kind: str
    #: Its options, without name and dtype.
    config: dict[str, Json] = field(default_factory=dict)
    #: Arrays by the place within the layer, ``"cell"`` or ``""``, in Keras's order.
    arrays: dict[str, list[FloatArray]] = field(default_factory=dict)


@dataclass
class LayerContext:
    """What a layer is written into."""

    #: The layer's name in the file.
    name: str
    #: The shape of a sample that it takes.
    shape: Shape
    #: The precision of the file.
    dtype: str
    #: Sentences so far.
    notes: list[str]

    def named(self, name: str, keras_layer: KerasLayer) -> dict[str, Json]:
        """Give a layer as the file states it."""
        config = {"name": name, "trainable": True, "dtype": self.dtype, **keras_layer.config}
        return serialized(keras_layer.kind, config)


def keras_layer_of(layer: Layer, context: LayerContext) -> KerasLayer:
    """Give a layer as Keras 3 has it."""
    maker = MAKERS.get(type(layer))
    others = ".onnx or .npz" if isinstance(layer, Lengths) else ".npz"
    if maker is None:
        refuse(
            context.name,
            layer,
            f"Keras 3 has no layer for it that rnnlens writes; write {others} instead",
        )
    return maker(layer, context)


def _recurrent(layer: Recurrent, context: LayerContext) -> KerasLayer:
    layer = on_keras_slope(context.name, layer, context.notes)
    cell = layer.cell
    if has(cell, "V"):
        refuse(context.name, layer, "Keras has no peepholes; write .onnx or .npz, which hold them")
    if isinstance(cell, LSTM) and cell.projection is not None:
        refuse(
            context.name, layer, "Keras does not project hidden states; write .npz, which holds it"
        )
    functions = ("activation", "recurrent_activation")
    config = {
        "units": cell.units,
        "use_bias": has(cell, "b") or has(cell, "b_r"),
        **{
            option: function_of(context.name, layer, getattr(cell, option))
            for option in functions
            if hasattr(cell, option)
        },
        "return_sequences": layer.return_sequences,
        "return_state": layer.return_state,
        "go_backwards": layer.go_backwards,
        "stateful": False,
        "unroll": False,
        "zero_output_for_mask": layer.zero_output_for_mask,
    }
    if layer.stateful:
        context.notes.append(
            told(
                "{layer}: it kept its state from batch to batch in the source; as written its "
                "state starts at zero",
                layer=context.name,
            )
        )
    order = KERAS[cell.kind].gates
    arrays = [packed(cell, order, "W"), packed(cell, order, "U")]
    if isinstance(cell, GRU):
        config["reset_after"] = cell.reset_after
    if config["use_bias"]:
        arrays.append(_bias(cell, order, context))
    return KerasLayer(cell.kind, config, {"cell": arrays})


def _bias(cell: LSTM | GRU | SimpleRNN | Any, order: tuple[str, ...], context: LayerContext) -> Any:
    if isinstance(cell, GRU) and cell.reset_after:
        return np.stack([packed(cell, order, "b"), packed(cell, order, "b_r")])
    if has(cell, "b") and has(cell, "b_r"):
        context.notes.append(
            told(
                "{layer}: the biases of the input and the recurrent side are added into one, for "
                "Keras keeps one; the function is the same",
                layer=context.name,
            )
        )
    return summed_bias(cell, order)


def _bidirectional(layer: Bidirectional, context: LayerContext) -> KerasLayer:
    sides = {}
    for side in ("forward", "backward"):
        own = replace(context, name=f"{context.name}.{side}")
        sides[side] = _recurrent(getattr(layer, side), own)
    stated = {
        side: context.named(f"{side}_{context.name}", keras_layer)
        for side, keras_layer in sides.items()
    }
    return KerasLayer(
        "Bidirectional",
        {
            "merge_mode": layer.merge_mode,
            "layer": stated["forward"],
            "backward_layer": stated["backward"],
        },
        {f"{side}_layer/cell": keras_layer.arrays["cell"] for side, keras_layer in sides.items()},
    )


def _time_distributed(layer: TimeDistributed, context: LayerContext) -> KerasLayer:
    inner = replace(context, name=f"{context.name}_each", shape=context.shape[1:])
    keras_layer = keras_layer_of(layer.layer, inner)
    arrays = {f"layer/{at}".rstrip("/"): values for at, values in keras_layer.arrays.items()}
    return KerasLayer("TimeDistributed", {"layer": context.named(inner.name, keras_layer)}, arrays)


def _on_slope(layer: Dense | Conv1D, context: LayerContext) -> Any:
    """Give kernel, bias and activation, the slope of a hard sigmoid made Keras's."""
    arrays = {"W": layer.W, "b": layer.b}
    activation = layer.activation
    if activation.name == "hard_sigmoid" and activation["slope"] != HARD_SLOPE:
        factor = activation["slope"] / HARD_SLOPE
        arrays = {
            key: None if value is None else (value.astype(np.float64) * factor).astype(value.dtype)
            for key, value in arrays.items()
        }
        activation = type(activation)("hard_sigmoid")
        context.notes.append(
            told(
                "{layer}: hard_sigmoid of the slope {slope:.4g} is written as Keras 3's, of the "
                "slope 1/6, with its arrays multiplied by {factor:.4g}: the function is the same",
                layer=context.name,
                slope=float(layer.activation["slope"]),
                factor=float(factor),
            )
        )
    return replace(layer, **arrays, activation=activation)


def _dense(layer: Dense, context: LayerContext) -> KerasLayer:
    own = _on_slope(layer, context)
    config = {
        "units": own.W.shape[1],
        "activation": function_of(context.name, layer, own.activation),
        "use_bias": own.b is not None,
    }
    return KerasLayer(
        "Dense", config, {"": [array for array in (own.W, own.b) if array is not None]}
    )


def _conv1d(layer: Conv1D, context: LayerContext) -> KerasLayer:
    own = _on_slope(layer, context)
    config = {
        "filters": own.W.shape[2],
        "kernel_size": [own.W.shape[0]],
        "strides": [own.stride],
        "padding": own.padding,
        "data_format": "channels_last",
        "dilation_rate": [own.dilation],
        "groups": own.groups,
        "activation": function_of(context.name, layer, own.activation),
        "use_bias": own.b is not None,
    }
    return KerasLayer(
        "Conv1D", config, {"": [array for array in (own.W, own.b) if array is not None]}
    )


def _activate(layer: Activate, context: LayerContext) -> KerasLayer:
    usual = type(layer.activation)(layer.activation.name).parameters == layer.activation.parameters
    made = activation_layer(layer.activation)
    if made is not None and not usual:
        return KerasLayer(*made)
    return KerasLayer(
        "Activation", {"activation": function_of(context.name, layer, layer.activation)}
    )


def _embedding(layer: Embedding, context: LayerContext) -> KerasLayer:
    tokens, width = layer.E.shape
    config = {"input_dim": tokens, "output_dim": width, "mask_zero": layer.mask_zero}
    return KerasLayer("Embedding", config, {"": [layer.E]})


def _prelu(layer: PReLU, context: LayerContext) -> KerasLayer:
    rank = len(context.shape)
    alpha = layer.alpha.reshape((1,) * (rank - layer.alpha.ndim) + layer.alpha.shape)
    shared = [
        axis + 1
        for axis, (size, side) in enumerate(zip(alpha.shape, context.shape, strict=True))
        if size == 1 and side != 1
    ]
    return KerasLayer("PReLU", {"shared_axes": shared or None}, {"": [alpha]})


def _batch_normalization(layer: BatchNormalization, context: LayerContext) -> KerasLayer:
    config = {
        "axis": layer.axis,
        "epsilon": layer.epsilon,
        "center": layer.beta is not None,
        "scale": layer.gamma is not None,
    }
    arrays = [layer.gamma, layer.beta, layer.mean, layer.variance]
    return KerasLayer("BatchNormalization", config, {"": [a for a in arrays if a is not None]})


def _layer_normalization(layer: LayerNormalization, context: LayerContext) -> KerasLayer:
    if not layer.centred and (layer.gamma is None or layer.beta is not None):
        refuse(
            context.name,
            layer,
            "Keras 3 leaves the mean in only with a scale and without offset; write .npz, which "
            "holds it",
        )
    config = {
        "axis": list(layer.axes),
        "epsilon": layer.epsilon,
        "center": layer.beta is not None,
        "scale": layer.gamma is not None,
        **({} if layer.centred else {"rms_scaling": True}),
    }
    arrays = [array for array in (layer.gamma, layer.beta) if array is not None]
    return KerasLayer("LayerNormalization", config, {"": arrays})


def _rescaling(layer: Rescaling, context: LayerContext) -> KerasLayer:
    config = {"scale": layer.scale.tolist(), "offset": layer.offset.tolist()}
    return KerasLayer("Rescaling", config)


def _standardization(layer: Standardization, context: LayerContext) -> KerasLayer:
    # Keras divides by max(sqrt(variance), 1e-7); a larger smallest divisor goes into the variance.
    floor = layer.epsilon**2 if layer.epsilon > SMALLEST else 0.0
    variance = np.maximum(layer.variance, floor)
    mean, variance = np.broadcast_arrays(layer.mean, variance)
    if layer.epsilon < SMALLEST and np.sqrt(variance).min(initial=1.0) < SMALLEST:
        refuse(
            context.name,
            layer,
            "Keras divides by no less than 1e-7, and it does; write .npz, which holds it",
        )
    batched = (None, *context.shape)
    sides = (None,) * (len(batched) - mean.ndim) + mean.shape
    axes = [axis for axis, size in enumerate(sides) if axis and size is not None and size > 1]
    axis: Any = axes or None
    if mean.ndim == 1 and mean.size == context.shape[-1]:
        axis = -1
    elif any(sides[axis] != batched[axis] for axis in axes):
        refuse(
            context.name,
            layer,
            f"its moments of shape {mean.shape} fit no axis of Keras; write .npz, which holds it",
        )
    shape = () if axis is None else mean.shape if axis == -1 else [sides[k] or 1 for k in axes]
    moments = [np.reshape(value, shape) for value in (mean, variance)]
    config = {"axis": axis, "invert": layer.invert}
    config |= {
        key: value.tolist() for key, value in zip(("mean", "variance"), moments, strict=True)
    }
    return KerasLayer("Normalization", config)


def _pooling(layer: Pooling1D, context: LayerContext) -> KerasLayer:
    kind = "MaxPooling1D" if layer.kind == "max" else "AveragePooling1D"
    config = {"pool_size": [layer.size], "strides": [layer.stride], "padding": layer.padding}
    return KerasLayer(kind, config)


def _global_pooling(layer: GlobalPooling1D, context: LayerContext) -> KerasLayer:
    kind = "GlobalMaxPooling1D" if layer.kind == "max" else "GlobalAveragePooling1D"
    return KerasLayer(kind, {"keepdims": layer.keepdims})


#: Makers of pieces by class.
MAKERS: Mapping[type, Callable[[Any, LayerContext], KerasLayer]] = {
    Recurrent: _recurrent,
    Bidirectional: _bidirectional,
    TimeDistributed: _time_distributed,
    Dense: _dense,
    Conv1D: _conv1d,
    Activate: _activate,
    Embedding: _embedding,
    PReLU: _prelu,
    BatchNormalization: _batch_normalization,
    LayerNormalization: _layer_normalization,
    Rescaling: _rescaling,
    Standardization: _standardization,
    Pooling1D: _pooling,
    GlobalPooling1D: _global_pooling,
    Identity: lambda layer, context: KerasLayer("Identity"),
    Masking: lambda layer, context: KerasLayer("Masking", {"mask_value": layer.value}),
    Flatten: lambda layer, context: KerasLayer("Flatten"),
    Reshape: lambda layer, context: KerasLayer("Reshape", {"target_shape": list(layer.shape)}),
    Permute: lambda layer, context: KerasLayer("Permute", {"dims": list(layer.axes)}),
    RepeatVector: lambda layer, context: KerasLayer("RepeatVector", {"n": layer.times}),
    Concatenate: lambda layer, context: KerasLayer("Concatenate", {"axis": layer.axis}),
    Add: lambda layer, context: KerasLayer("Add"),
    Subtract: lambda layer, context: KerasLayer("Subtract"),
    Multiply: lambda layer, context: KerasLayer("Multiply"),
    Average: lambda layer, context: KerasLayer("Average"),
}
