"""Keras's other layers with arrays of their own: one builder a class."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnnlens.network.cells import FloatArray
from rnnlens.network.json_values import Json
from rnnlens.network.layers import (
    BatchNormalization,
    Conv1D,
    Dense,
    Embedding,
    LayerNormalization,
    PReLU,
    Rescaling,
    Standardization,
)
from rnnlens.network.network import Source
from rnnlens.readers.keras.keras1.kernels import Keras1Kernels
from rnnlens.readers.keras.layers.spec import BuiltLayer, LayerSpec, Variable
from rnnlens.readers.variables import Shape, load

__all__ = [
    "batch_normalization",
    "conv1d",
    "dense",
    "embedding",
    "layer_normalization",
    "normalization",
    "prelu",
    "rescaling",
]


def _named(
    variables: dict[str, Variable], names: dict[str, str]
) -> tuple[dict[str, FloatArray], dict[str, Source]]:
    """Rename variables from the source's roles to our names, arrays and places apart."""
    arrays = {names[role]: item.values for role, item in variables.items() if role in names}
    sources = {names[role]: item.source for role, item in variables.items() if role in names}
    return arrays, sources


def dense(spec: LayerSpec) -> BuiltLayer:
    """Build a Dense layer."""
    units = spec.options.size("units")
    shapes: dict[str, Shape] = {"kernel": (None, units)}
    if spec.options.flag("use_bias", True):
        shapes["bias"] = (units,)
    arrays, sources = _named(spec.variables(shapes), {"kernel": "W", "bias": "b"})
    layer = Dense(**arrays, activation=spec.activation())
    spec.options.finish(["input_dim"])
    return BuiltLayer(layer, sources)


def embedding(spec: LayerSpec) -> BuiltLayer:
    """Build an Embedding."""
    options = spec.options
    shape = (options.size("input_dim"), options.size("output_dim"))
    arrays, sources = _named(spec.variables({"embeddings": shape}), {"embeddings": "E"})
    layer = Embedding(**arrays, mask_zero=options.flag("mask_zero"))
    options.finish(["input_length", "sparse"])
    return BuiltLayer(layer, sources)


def conv1d(spec: LayerSpec) -> BuiltLayer:
    """Build a Conv1D layer."""
    options = spec.options
    options.choice("data_format", ["channels_last", None], None)
    filters, taps = options.size("filters"), options.size("kernel_size")
    groups = options.size("groups", 1)
    shapes: dict[str, Shape] = {"kernel": (taps, None, filters)}
    if options.flag("use_bias", True):
        shapes["bias"] = (filters,)
    if spec.keras_version.generation == "Keras 1":
        spec = replace(spec, store=Keras1Kernels(spec.store, taps, filters))
    arrays, sources = _named(spec.variables(shapes), {"kernel": "W", "bias": "b"})
    layer = Conv1D(
        **arrays,
        activation=spec.activation(),
        stride=options.size("strides", 1),
        dilation=options.size("dilation_rate", 1),
        groups=groups,
        padding=options.choice("padding", ["valid", "same", "causal"], "valid"),
    )
    options.finish(["input_dim", "input_length"])
    if spec.keras_version.theano:
        layer, sources = _of_theano(spec, layer, sources)
    if filters % groups:
        raise spec.refuse(f"its {filters} filters do not fall into {groups} groups")
    return BuiltLayer(layer, sources)


def _of_theano(
    spec: LayerSpec, layer: Conv1D, sources: dict[str, Source]
) -> tuple[Conv1D, dict[str, Source]]:
    """Turn a kernel round: Theano convolves where every other backend correlates."""
    # Keras 2.x engine/saving.py, _need_convert_kernel. Theano pads half a kernel on both sides,
    # which is what TensorFlow does for odd kernels that move step by step.
    if layer.padding == "same" and (layer.W.shape[0] % 2 == 0 or layer.stride > 1):
        raise spec.refuse(
            "Theano pads it otherwise than TensorFlow does (padding = 'same' with an even kernel "
            "or a stride); rnnlens implements TensorFlow's"
        )
    kernel = sources["W"]
    turned = replace(kernel, text=f"{kernel.text}[::-1]")
    return replace(layer, W=layer.W[::-1].copy()), {**sources, "W": turned}


def prelu(spec: LayerSpec) -> BuiltLayer:
    """Build a PReLU layer."""
    spec.options.take("shared_axes", None)
    (stored,) = spec.store.variables(["alpha"])
    arrays, sources = _named(spec.variables({"alpha": stored.shape}), {"alpha": "alpha"})
    spec.options.finish()
    return BuiltLayer(PReLU(**arrays), sources)


def batch_normalization(spec: LayerSpec) -> BuiltLayer:
    """Build a BatchNormalization layer, which predicts with its stored moments."""
    options = spec.options
    axes = options.integers("axis") if "axis" in options else (-1,)
    if len(axes) != 1:
        raise spec.refuse(f"axis = {list(axes)} names several axes; rnnlens reads one")
    roles = {"gamma": options.flag("scale", True), "beta": options.flag("center", True)}
    names = [role for role, there in roles.items() if there] + ["moving_mean", "moving_variance"]
    arrays, sources = _named(
        spec.variables(dict.fromkeys(names, (None,))),
        {"gamma": "gamma", "beta": "beta", "moving_mean": "mean", "moving_variance": "variance"},
    )
    layer = BatchNormalization(**arrays, epsilon=options.number("epsilon", 1e-3), axis=axes[0])
    options.finish(["momentum", "synchronized", "fused", "renorm_clipping", "renorm_momentum"])
    return BuiltLayer(layer, sources)


def layer_normalization(spec: LayerSpec) -> BuiltLayer:
    """Build a LayerNormalization layer."""
    options = spec.options
    axes = tuple(sorted(options.integers("axis"))) if "axis" in options else (-1,)
    if len({axis < 0 for axis in axes}) > 1:
        raise spec.refuse(f"axis = {list(axes)} mixes axes counted from both ends")
    root_mean_square = options.flag("rms_scaling")
    shape = (None,) * len(axes)
    shapes: dict[str, Shape] = {}
    # keras/src/layers/normalization/layer_normalization.py, build: rms_scaling keeps gamma alone.
    if options.flag("scale", True) or root_mean_square:
        shapes["gamma"] = shape
    if options.flag("center", True) and not root_mean_square:
        shapes["beta"] = shape
    arrays, sources = _named(spec.variables(shapes), {"gamma": "gamma", "beta": "beta"})
    layer = LayerNormalization(
        **arrays,
        axes=axes,
        epsilon=options.number("epsilon", 1e-3),
        centred=not root_mean_square,
    )
    options.finish()
    return BuiltLayer(layer, sources)


def rescaling(spec: LayerSpec) -> BuiltLayer:
    """Build a Rescaling layer."""
    arrays = {}
    for name, default in (("scale", ...), ("offset", 0.0)):
        arrays[name] = _numbers(spec, name, spec.options.take(name, default))
    spec.options.finish()
    return BuiltLayer(Rescaling(**arrays), {name: Source(f"{spec.path}/{name}") for name in arrays})


def normalization(spec: LayerSpec) -> BuiltLayer:
    """Build a Normalization layer, with the moments it was given or adapted to."""
    options = spec.options
    given = {name: options.take(name, None) for name in ("mean", "variance")}
    axis = options.take("axis", -1)
    axes = axis if isinstance(axis, list) else [] if axis is None else [axis]
    if any(value is None for value in given.values()):
        shape = (None,) * len(axes)
        roles: dict[str, object] = {"mean": shape, "variance": shape, "count": None}
        stored_moments = {item.role: item for item in spec.store.variables(list(roles), 1)}
        moments = {name: load(stored_moments[name], shape, spec.name) for name in given}
        # the count of the values seen is known, though nothing is computed with it
        places = {name: item.stored_at for name, item in stored_moments.items()}
    else:
        moments = {name: _numbers(spec, name, value) for name, value in given.items()}
        places = dict.fromkeys(given, "")
    laid_out = {name: _over_sample(spec, values, axes) for name, values in moments.items()}
    layer = Standardization(laid_out["mean"], laid_out["variance"], invert=options.flag("invert"))
    options.finish()
    return BuiltLayer(
        layer, {name: Source(f"{spec.path}/{name}", at) for name, at in places.items()}
    )


def _numbers(spec: LayerSpec, option: str, value: Json) -> np.ndarray:
    """Turn an option that holds numbers into an array."""
    try:
        numbers = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise spec.options.wrong(option, "a number or an array of numbers") from error
    return numbers


def _over_sample(spec: LayerSpec, moments: np.ndarray, axes: list[int]) -> np.ndarray:
    """Lay moments out so that they broadcast over a sample, which has no batch axis."""
    if moments.ndim == 0 or (axes == [-1] and moments.ndim == 1):
        return moments
    if spec.build_shape is None:
        raise spec.refuse(
            f"axis = {axes} cannot be told without the shape it was built for, which the file does "
            "not state; use axis=-1"
        )
    rank = len(spec.build_shape)
    kept = sorted(axis % rank for axis in axes)
    if 0 in kept:
        raise spec.refuse("it normalises along the batch axis")
    if moments.ndim > len(kept):
        raise spec.refuse(f"its moments have {moments.ndim} axes, more than axis = {axes} names")
    shape = [1] * rank
    # keras/src/layers/preprocessing/normalization.py, build: aligned from the right.
    for axis, size in zip(reversed(kept), reversed(moments.shape), strict=False):
        shape[axis] = size
    return moments.reshape(shape[1:])
