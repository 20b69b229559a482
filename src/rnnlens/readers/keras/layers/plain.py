"""Keras's layers without arrays: one builder a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from rnnlens.network.layers import (
    Activate,
    Add,
    Average,
    Binary,
    Concatenate,
    Flatten,
    GlobalPooling1D,
    Identity,
    Layer,
    Masking,
    Multiply,
    Permute,
    Pooling1D,
    RepeatVector,
    Reshape,
    Subtract,
)
from rnnlens.readers.keras.layers.activations import activation_of_layer
from rnnlens.readers.keras.layers.spec import BuiltLayer, LayerSpec

__all__ = [
    "AT_REST",
    "MERGES",
    "activate",
    "at_rest",
    "concatenate",
    "flatten",
    "global_pooling",
    "masking",
    "merge",
    "permute",
    "pooling",
    "repeat_vector",
    "reshape",
]

#: Layers that act in training alone, and the options by which they do.
AT_REST: dict[str, tuple[str, ...]] = {
    "Dropout": ("rate", "noise_shape"),
    "SpatialDropout1D": ("rate", "noise_shape"),
    "GaussianNoise": ("stddev",),
    "GaussianDropout": ("rate",),
    "AlphaDropout": ("rate", "noise_shape"),
    "ActivityRegularization": ("l1", "l2"),
    "Identity": (),
}

#: Layers that merge their inputs entry by entry.
MERGES: dict[str, Callable[[], Layer]] = {
    "Add": Add,
    "Subtract": Subtract,
    "Multiply": Multiply,
    "Average": Average,
    "Maximum": lambda: Binary("maximum"),
    "Minimum": lambda: Binary("minimum"),
}


def at_rest(spec: LayerSpec) -> BuiltLayer:
    """Build a layer that changes nothing when the network predicts."""
    spec.options.finish(AT_REST[spec.kind])
    return BuiltLayer(Identity(spec.kind), {})


def activate(spec: LayerSpec) -> BuiltLayer:
    """Build an activation layer."""
    return BuiltLayer(
        Activate(activation_of_layer(spec.kind, spec.options, spec.keras_version.hard_slope)), {}
    )


def masking(spec: LayerSpec) -> BuiltLayer:
    """Build a Masking layer."""
    layer = Masking(spec.options.number("mask_value", 0.0))
    spec.options.finish()
    return BuiltLayer(layer, {})


def flatten(spec: LayerSpec) -> BuiltLayer:
    """Build a Flatten layer."""
    _channels_last(spec)
    spec.options.finish()
    return BuiltLayer(Flatten(), {})


def reshape(spec: LayerSpec) -> BuiltLayer:
    """Build a Reshape layer."""
    target = spec.options.integers("target_shape")
    spec.options.finish()
    if target.count(-1) > 1:
        raise spec.refuse(f"target_shape = {target} leaves more than one side open")
    return BuiltLayer(Reshape(target), {})


def permute(spec: LayerSpec) -> BuiltLayer:
    """Build a Permute layer."""
    axes = spec.options.integers("dims")
    spec.options.finish()
    if sorted(axes) != list(range(1, len(axes) + 1)):
        raise spec.refuse(f"dims = {axes} is not an order of the axes 1 to {len(axes)}")
    return BuiltLayer(Permute(axes), {})


def repeat_vector(spec: LayerSpec) -> BuiltLayer:
    """Build a RepeatVector layer."""
    layer = RepeatVector(spec.options.size("n"))
    spec.options.finish()
    return BuiltLayer(layer, {})


def concatenate(spec: LayerSpec) -> BuiltLayer:
    """Build a Concatenate layer."""
    axis = spec.options.integer("axis", -1)
    spec.options.finish()
    if axis == 0:
        raise spec.refuse("axis = 0 joins samples, which rnnlens keeps apart")
    return BuiltLayer(Concatenate(axis), {})


def merge(spec: LayerSpec) -> BuiltLayer:
    """Build a layer that merges its inputs entry by entry."""
    spec.options.finish()
    return BuiltLayer(MERGES[spec.kind](), {})


def pooling(spec: LayerSpec) -> BuiltLayer:
    """Build a MaxPooling1D or AveragePooling1D layer."""
    options = spec.options
    _channels_last(spec)
    size = options.size("pool_size", 2)
    stride = size if options.take("strides", None) is None else options.size("strides")
    padding = options.choice("padding", ["valid", "same"], "valid")
    options.finish()
    if padding == "same" and spec.keras_version.theano:
        raise spec.refuse(
            "Theano pads it with zeros (padding = 'same'), rnnlens as TensorFlow does"
        )
    return BuiltLayer(Pooling1D(_pooled(spec), size, stride, padding), {})


def global_pooling(spec: LayerSpec) -> BuiltLayer:
    """Build a GlobalMaxPooling1D or GlobalAveragePooling1D layer."""
    _channels_last(spec)
    layer = GlobalPooling1D(_pooled(spec), spec.options.flag("keepdims"))
    spec.options.finish()
    return BuiltLayer(layer, {})


def _channels_last(spec: LayerSpec) -> None:
    spec.options.choice("data_format", ["channels_last", None], None)


def _pooled(spec: LayerSpec) -> Literal["max", "average"]:
    return "max" if "Max" in spec.kind else "average"
