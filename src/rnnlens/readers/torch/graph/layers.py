"""Operations of PyTorch that compute: linear maps, activations, norms, convolution, pools."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.layers import (
    Activate,
    BatchNormalization,
    Concatenate,
    Conv1D,
    Dense,
    Embedding,
    GlobalPooling1D,
    LayerNormalization,
    Pooling1D,
    PReLU,
)
from rnnlens.network.network import Ref, Source
from rnnlens.readers.torch.graph.call import TorchCall, operation
from rnnlens.readers.torch.graph.values import TorchValue

__all__ = ["dense"]

#: Activations without parameters.
PLAIN = {
    "relu": "relu",
    "relu_": "relu",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "silu": "silu",
    "mish": "mish",
    "selu": "selu",
    "exp": "exponential",
    "log_sigmoid": "log_sigmoid",
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_silu",
}

#: Activations with parameters: ours, and the name of each parameter in PyTorch's schema.
WITH = {
    "leaky_relu": ("relu", {"negative_slope": "negative_slope"}),
    "celu": ("celu", {"alpha": "alpha"}),
    "hardshrink": ("hard_shrink", {"threshold": "lambd"}),
    "softshrink": ("soft_shrink", {"threshold": "lambd"}),
    "threshold": ("threshold", {"threshold": "threshold", "value": "value"}),
}


@operation(*PLAIN)
def _without_parameters(call: TorchCall) -> TorchValue:
    return call.pointwise(call.value("self"), Activate(Activation(PLAIN[call.kind])))


@operation(*WITH)
def _with_parameters(call: TorchCall) -> TorchValue:
    name, parameters = WITH[call.kind]
    values = {ours: float(call[theirs]) for ours, theirs in parameters.items()}
    return call.pointwise(call.value("self"), Activate(Activation(name, values)))


@operation("elu")
def _elu(call: TorchCall) -> TorchValue:
    if (call["scale"], call["input_scale"]) != (1, 1):
        raise call.refuse("its scale is not 1")
    layer = Activate(Activation("elu", {"alpha": float(call["alpha"])}))
    return call.pointwise(call.value("self"), layer)


@operation("gelu")
def _gelu(call: TorchCall) -> TorchValue:
    approximate = 1.0 if call["approximate"] == "tanh" else 0.0
    return call.pointwise(
        call.value("self"), Activate(Activation("gelu", {"approximate": approximate}))
    )


@operation("softmax", "log_softmax", "_softmax", "_log_softmax", "glu")
def _along_an_axis(call: TorchCall) -> TorchValue:
    value = call.value("self")
    axis = float(call.axis(value, call["dim"]))
    axis = -1.0 if axis == len(value.shape) else axis
    name = call.kind.strip("_")
    ref = call.builder.add(call.label, Activate(Activation(name, {"axis": axis})), value.ref)
    shape = list(value.shape)
    if name == "glu":
        shape[int(axis) - (axis > 0)] //= 2
    return TorchValue(ref, tuple(shape), value.batch, value.fold)


@operation("prelu")
def _prelu(call: TorchCall) -> TorchValue:
    value, alpha = call.unfolded(call.value("self")), call.constant("weight")
    assert alpha is not None
    if alpha.size > 1:  # one slope a channel, and the channels are PyTorch's axis 1
        shape = [1] * len(value.shape)
        shape[call.axis(value, 1) - 1] = alpha.size
        alpha = alpha.reshape(shape)
    return call.pointwise(value, PReLU(alpha), {"alpha": call.source("weight")})


@operation("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
def _dropout(call: TorchCall) -> Any:
    if call["train"] and call["p"]:
        raise call.refuse("its code asks for dropout also where the model only predicts")
    return call.given("input")


@operation("linear")
def _linear(call: TorchCall) -> TorchValue:
    return dense(call, call.value("input"), "weight", "bias", turned=True)


@operation("addmm")
def _addmm(call: TorchCall) -> TorchValue:
    if (call["beta"], call["alpha"]) != (1, 1):
        raise call.refuse("its alpha or beta is not 1")
    return dense(call, call.value("mat1"), "mat2", "self", turned=False)


def dense(
    call: TorchCall, value: TorchValue, weight: str, bias: str | None, *, turned: bool
) -> TorchValue:
    """Add a layer ``x W + b`` on the last axis."""
    if value.batch == value.rank - 1:
        raise call.refuse("it works across the samples of a batch", wrong_axis=True)
    nodes = [call.raw[weight], call.raw.get(bias) if bias else None]

    def make() -> Dense:
        W = call.constant(weight)
        b = None if bias is None else call.constant(bias)
        assert W is not None
        if W.ndim != 2:
            raise call.refuse(f"its weight has shape {W.shape}, where a matrix is expected")
        return Dense(W.T.copy() if turned else W, b)

    layer = call.shared(["dense", *nodes, turned], make)
    sources = {"W": call.source(weight, " transposed" if turned else "")}
    if layer.b is not None and bias is not None:
        sources["b"] = call.source(bias)
    ref = call.builder.add(call.label, layer, value.ref, sources=sources)
    return TorchValue(ref, (*value.shape[:-1], layer.W.shape[1]), value.batch, value.fold)


@operation("embedding")
def _embedding(call: TorchCall) -> TorchValue:
    value = call.unfolded(call.value("indices"))

    def make() -> Embedding:
        table = call.constant("weight")
        assert table is not None
        return Embedding(table)

    layer = call.shared(["embedding", call.raw["weight"]], make)
    ref = call.builder.add(call.label, layer, value.ref, sources={"E": call.source("weight")})
    return TorchValue(ref, (*value.shape, layer.E.shape[1]), value.batch)


def _affine(call: TorchCall) -> tuple[np.ndarray | None, np.ndarray | None, dict[str, Source]]:
    gamma = call.constant("weight")
    beta = call.constant("bias") if "bias" in call.raw else None
    sources = {}
    if gamma is not None:
        sources["gamma"] = call.source("weight")
    if beta is not None:
        sources["beta"] = call.source("bias")
    return gamma, beta, sources


def _last_axes(call: TorchCall) -> tuple[TorchValue, tuple[int, ...]]:
    """Give what is normalised over its last axes, and these."""
    value, count = call.value("input"), len(call["normalized_shape"])
    if value.batch >= value.rank - count:
        raise call.refuse("it works across the samples of a batch", wrong_axis=True)
    return value, tuple(range(-count, 0))


@operation("layer_norm")
def _layer_norm(call: TorchCall) -> TorchValue:
    value, axes = _last_axes(call)
    gamma, beta, sources = _affine(call)
    return call.pointwise(value, LayerNormalization(gamma, beta, axes, call["eps"]), sources)


@operation("rms_norm")
def _rms_norm(call: TorchCall) -> TorchValue:
    import torch

    value, axes = _last_axes(call)
    gamma, _, sources = _affine(call)
    usual = torch.finfo(call.node.meta["val"].dtype).eps
    epsilon = usual if call["eps"] is None else call["eps"]
    layer = LayerNormalization(gamma, None, axes, epsilon, centred=False)
    return call.pointwise(value, layer, sources)


@operation("batch_norm", "_native_batch_norm_legit_no_training")
def _batch_norm(call: TorchCall) -> Any:
    value = call.unfolded(call.value("input"))
    mean, variance = call.constant("running_mean"), call.constant("running_var")
    if call.raw.get("training") or mean is None or variance is None:
        raise call.refuse("it takes moments over the batch; rnnlens reads stored moments alone")
    gamma, beta, sources = _affine(call)
    sources["mean"], sources["variance"] = call.source("running_mean"), call.source("running_var")
    axis = call.axis(value, 1)
    axis = -1 if axis == len(value.shape) else axis
    layer = BatchNormalization(mean, variance, gamma, beta, call["eps"], axis)
    made = call.pointwise(value, layer, sources)
    return (made, None, None) if call.kind.startswith("_native") else made


def _steps_first(call: TorchCall, name: str) -> tuple[TorchValue, Ref]:
    """Give a ``(sample, channel, step)`` tensor of PyTorch as ``(sample, step, channel)``."""
    value = call.unfolded(call.value(name))
    if value.rank != 3 or value.batch != 0:
        raise call.refuse("it takes (sample, channel, step), samples first", wrong_axis=True)
    return value, call.builder.permuted(f"{call.function}_steps", value.ref, (2, 1))


def _channels_first(call: TorchCall, ref: Ref) -> TorchValue:
    out = call.out
    turned = call.builder.permuted(f"{call.function}_channels", ref, (2, 1))
    return TorchValue(turned, (*out.before, *out.after), 0)


@operation("conv1d", "conv1d.padding")
def _conv1d(call: TorchCall) -> TorchValue:
    value, ref = _steps_first(call, "input")
    stride, dilation = call["stride"][0], call["dilation"][0]
    padding = call["padding"]
    weight = call.constant("weight")
    assert weight is not None
    reach = dilation * (weight.shape[2] - 1)
    if isinstance(padding, str):
        around = (reach // 2, reach - reach // 2) if padding == "same" else (0, 0)
    else:
        around = (padding[0], padding[0])
    same = stride == 1 and around == (reach // 2, reach - reach // 2) and reach > 0
    if not same:
        ref = _padded(call, ref, (value.shape[1], value.shape[0]), 1, around, 0.0)

    def make() -> Conv1D:
        return Conv1D(
            weight.transpose(2, 1, 0).copy(),
            call.constant("bias"),
            stride=stride,
            dilation=dilation,
            groups=call["groups"],
            padding="same" if same else "valid",
        )

    key = ["conv1d", call.raw["weight"], call.raw["bias"], stride, dilation, call["groups"], same]
    sources = {"W": call.source("weight", " transposed")}
    if call.raw["bias"] is not None:
        sources["b"] = call.source("bias")
    ref = call.builder.add(call.label, call.shared(key, make), ref, sources=sources)
    return _channels_first(call, ref)


def _padded(
    call: TorchCall,
    ref: Ref,
    shape: tuple[int, ...],
    axis: int,
    around: tuple[int, int],
    filling: float,
) -> Ref:
    """Set a constant before and after a canonical axis."""
    if not any(around):
        return ref
    parts = [ref]
    for side, count in enumerate(around):
        if count:
            size = (*shape[: axis - 1], count, *shape[axis:])
            blank = call.builder.constant(f"{call.function}_padding", np.full(size, filling))
            parts.insert(0 if side == 0 else len(parts), blank)
    return call.builder.add(f"{call.function}_padded", Concatenate(axis), *parts)


@operation("constant_pad_nd", "pad")
def _pad(call: TorchCall) -> TorchValue:
    if call.raw.get("mode", "constant") != "constant":
        raise call.refuse("rnnlens pads with a constant alone")
    value = call.unfolded(call.value("self"))
    pad, ref, shape = call["pad"], value.ref, list(value.shape)
    for number in range(len(pad) // 2):
        around = (pad[2 * number], pad[2 * number + 1])
        if min(around) < 0:
            raise call.refuse("its padding is negative")
        if any(around):
            axis = call.axis(value, -1 - number)
            ref = _padded(call, ref, tuple(shape), axis, around, float(call["value"] or 0))
            shape[axis - 1] += sum(around)
    return TorchValue(ref, tuple(shape), value.batch)


@operation("max_pool1d", "avg_pool1d")
def _pool(call: TorchCall) -> TorchValue:
    if any(call["padding"]) or call["ceil_mode"] or call.raw.get("dilation", [1]) not in ([1], 1):
        raise call.refuse("its padding, dilation or ceil_mode is not the usual one")
    _, ref = _steps_first(call, "self")
    size = call["kernel_size"][0]
    stride = (call["stride"] or [size])[0]
    kind = "max" if call.kind.startswith("max") else "average"
    return _channels_first(call, call.builder.add(call.label, Pooling1D(kind, size, stride), ref))


@operation("adaptive_max_pool1d", "adaptive_avg_pool1d")
def _global_pool(call: TorchCall) -> Any:
    size = call["output_size"]
    if (size if isinstance(size, int) else size[0]) != 1:
        raise call.refuse("rnnlens pools all steps into one, or neighbouring ones")
    value, ref = _steps_first(call, "self")
    largest = call.kind.startswith("adaptive_max")
    layer = GlobalPooling1D("max" if largest else "average", keepdims=True)
    ref = call.builder.add(call.label, layer, ref)
    turned = call.builder.permuted(f"{call.function}_channels", ref, (2, 1))
    result = TorchValue(turned, (value.shape[0], 1), 0)
    return (result, None) if largest else result
