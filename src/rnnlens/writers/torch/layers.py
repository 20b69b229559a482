"""Layers that walk along no steps, as lines of PyTorch's forward code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.axes import Constant
from rnnlens.network.layers import (
    Activate,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Dense,
    DescribedRecurrent,
    Embedding,
    GlobalPooling1D,
    Layer,
    LayerNormalization,
    Masking,
    Pooling1D,
    PReLU,
    Recurrent,
    Rescaling,
    Standardization,
    TimeDistributed,
)
from rnnlens.network.network import Node
from rnnlens.network.shapes import Shape, shapes_after
from rnnlens.writers.torch.between import BETWEEN
from rnnlens.writers.torch.functions import function_of
from rnnlens.writers.torch.graph import TorchClassWriter, changes_nothing
from rnnlens.writers.torch.recurrent import recurrent_lines
from rnnlens.writers.written import refuse

__all__ = ["layer_lines"]

Inputs = Sequence[str]
Shapes = Sequence[Shape]


def layer_lines(
    layer: Layer, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter
) -> list[str]:
    """Write a layer, and name what it gives."""
    if changes_nothing(layer):
        return [inputs[0]]
    if isinstance(layer, TimeDistributed):
        return [_time_distributed(layer, inputs, shapes, writer)]
    if isinstance(layer, DescribedRecurrent):
        return _described(layer, inputs, shapes, writer)
    maker = MAKERS.get(type(layer))
    if maker is not None:
        return [maker(layer, inputs, shapes, writer)]
    expression = BETWEEN.get(type(layer))
    if expression is None:
        refuse(
            writer.scope,
            layer,
            "rnnlens writes no PyTorch module for it; .npz holds every network, .onnx and .keras "
            "hold many",
        )
    return [writer.assign(expression(layer, inputs, shapes))]


def _activated(layer: Layer, x: str, activation: Activation, writer: TorchClassWriter) -> str:
    function = function_of(activation)
    if function is None:
        refuse(
            writer.scope,
            layer,
            f"rnnlens writes no code for its activation {activation}; .npz holds every network, "
            ".onnx and .keras hold many",
        )
    return writer.assign(function.format(x)) if function else x


def _dense(layer: Dense, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter) -> str:
    bias = "" if layer.b is not None else ", bias=False"
    made = f"torch.nn.Linear({layer.W.shape[0]}, {layer.W.shape[1]}{bias})"
    called = writer.module(layer, "fc", made, {"weight": layer.W, "bias": layer.b}, "weight")
    return _activated(layer, writer.assign(f"{called}({inputs[0]})"), layer.activation, writer)


def _masking(layer: Masking, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter) -> str:
    x = inputs[0]
    return writer.assign(f"{x} * ({x} != {layer.value!r}).any(-1, keepdim=True)")


def _activate(layer: Activate, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter) -> str:
    return _activated(layer, inputs[0], layer.activation, writer)


def _embedding(layer: Embedding, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter) -> str:
    made = f"torch.nn.Embedding({layer.E.shape[0]}, {layer.E.shape[1]})"
    called = writer.module(layer, "embedding", made, {"weight": layer.E})
    return writer.assign(f"{called}({inputs[0]}.long())")


def _conv1d(layer: Conv1D, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter) -> str:
    taps, width, units = layer.W.shape
    options = {"stride": layer.stride, "dilation": layer.dilation, "groups": layer.groups}
    listed = "".join(f", {key}={value}" for key, value in options.items() if value != 1)
    listed += "" if layer.b is not None else ", bias=False"
    made = f"torch.nn.Conv1d({width * layer.groups}, {units}, {taps}{listed})"
    arrays = {"weight": layer.W, "bias": layer.b}
    called = writer.module(layer, "conv", made, arrays, "weight")
    reach = (taps - 1) * layer.dilation + 1
    x = f"{inputs[0]}.transpose(1, 2)"
    if layer.padding == "causal":
        x = f"torch.nn.functional.pad({x}, ({reach - 1}, 0))"
    elif layer.padding == "same":
        x = _padded(x, inputs[0], reach, layer.stride, "0.0", writer)
    y = writer.assign(f"{called}({x}).transpose(1, 2)")
    return _activated(layer, y, layer.activation, writer)


def _padded(
    x: str, source: str, reach: int, stride: int, value: str, writer: TorchClassWriter
) -> str:
    """Pad steps, which stand last, so that one is given for each stride; the end gets more."""
    if stride == 1:
        return f"torch.nn.functional.pad({x}, ({(reach - 1) // 2}, {reach // 2}), value={value})"
    pad = writer.fresh("pad")
    steps = f"{source}.shape[1]"
    writer.line(f"{pad} = max((-(-{steps} // {stride}) - 1) * {stride} + {reach} - {steps}, 0)")
    return f"torch.nn.functional.pad({x}, ({pad} // 2, {pad} - {pad} // 2), value={value})"


def _pooling(layer: Pooling1D, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter) -> str:
    largest = layer.kind == "max"
    pool = f"torch.nn.functional.{'max' if largest else 'avg'}_pool1d"
    ends = f", {layer.size}, {layer.stride})"
    x = f"{inputs[0]}.transpose(1, 2)"
    if layer.padding != "same":
        return writer.assign(f"{pool}({x}{ends}.transpose(1, 2)")
    value = "-torch.inf" if largest else "0.0"
    x = _padded(x, inputs[0], layer.size, layer.stride, value, writer)
    if largest:
        return writer.assign(f"{pool}({x}{ends}.transpose(1, 2)")
    # padded steps do not count: the mean of zeros and ones is the share that does
    share = x.replace(f"{inputs[0]}.transpose", f"torch.ones_like({inputs[0]}).transpose")
    return writer.assign(f"({pool}({x}{ends} / {pool}({share}{ends}).transpose(1, 2)")


def _global_pooling(
    layer: GlobalPooling1D, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter
) -> str:
    kind = "amax" if layer.kind == "max" else "mean"
    return writer.assign(f"{inputs[0]}.{kind}(1{', keepdim=True' if layer.keepdims else ''})")


def _batch_normalization(
    layer: BatchNormalization, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter
) -> str:
    plain = layer.gamma is None and layer.beta is None
    size = layer.mean.shape[0]
    made = f"torch.nn.BatchNorm1d({size}, eps={layer.epsilon!r}{', affine=False' if plain else ''})"
    # PyTorch has both or none: what is not there scales by one and adds nothing
    affine = (
        {} if plain else {"weight": np.ones_like(layer.mean), "bias": np.zeros_like(layer.mean)}
    )
    given = {"weight": layer.gamma, "bias": layer.beta}
    arrays = affine | {key: array for key, array in given.items() if array is not None}
    moments = {"running_mean": layer.mean, "running_var": layer.variance}
    called = writer.module(layer, "norm", made, arrays | moments)
    rank = len(shapes[0]) + 1
    axis = layer.axis % rank
    if rank == 2:
        return writer.assign(f"{called}({inputs[0]})")
    turned = f"{inputs[0]}.movedim({axis}, 1)"
    if rank == 3:
        return writer.assign(f"{called}({turned}).movedim(1, {axis})")
    flat = f"{called}({turned}.flatten(2)).view_as({turned})"
    return writer.assign(f"{flat}.movedim(1, {axis})")


def _layer_normalization(
    layer: LayerNormalization, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter
) -> str:
    rank = len(shapes[0]) + 1
    axes = [axis % rank for axis in layer.axes]
    arrays = layer.arrays()
    if layer.centred and axes == [rank - 1] and arrays:
        size = next(iter(arrays.values())).shape[0]
        bias = "" if layer.beta is not None else ", bias=False"
        gamma = np.ones(size, layer.beta.dtype) if layer.gamma is None else layer.gamma  # type: ignore[union-attr]
        made = f"torch.nn.LayerNorm({size}, eps={layer.epsilon!r}{bias})"
        called = writer.module(layer, "norm", made, {"weight": gamma, "bias": layer.beta})
        return writer.assign(f"{called}({inputs[0]})")
    x, over = inputs[0], f"{tuple(axes)}, keepdim=True"
    called = writer.numbers(layer, "norm", arrays) if arrays else ""
    centred = f"({x} - {x}.mean({over}))" if layer.centred else x
    spread = f"torch.sqrt({x}.var({over}, correction=0) + {layer.epsilon!r})"
    sides = ", ".join(str(shapes[0][k - 1] if k in axes else 1) for k in range(1, rank))
    gamma = f" * {called}['gamma'].reshape({sides})" if layer.gamma is not None else ""
    beta = f" + {called}['beta'].reshape({sides})" if layer.beta is not None else ""
    return writer.assign(f"{centred} / {spread}{gamma}{beta}")


def _rescaling(layer: Rescaling, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter) -> str:
    p = writer.numbers(layer, "rescaling", layer.arrays())
    return writer.assign(f"{inputs[0]} * {p}['scale'] + {p}['offset']")


def _standardization(
    layer: Standardization, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter
) -> str:
    p = writer.numbers(layer, "standardization", layer.arrays())
    divisor = f"torch.sqrt({p}['variance']).clamp(min={layer.epsilon!r})"
    if layer.invert:
        return writer.assign(f"{inputs[0]} * {divisor} + {p}['mean']")
    return writer.assign(f"({inputs[0]} - {p}['mean']) / {divisor}")


def _prelu(layer: PReLU, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter) -> str:
    p = writer.numbers(layer, "prelu", layer.arrays())
    return writer.assign(f"{inputs[0]}.clamp(min=0) + {p}['alpha'] * {inputs[0]}.clamp(max=0)")


def _constant(layer: Constant, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter) -> str:
    p = writer.numbers(layer, "constant", {"C": layer.C})
    return writer.assign(f"{p}['C'].expand({inputs[0]}.shape[0], *{p}['C'].shape)")


def _time_distributed(
    layer: TimeDistributed, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter
) -> str:
    """Write a layer of every step: on the last axis at once, or on samples and steps as one."""
    inner = layer.layer
    alone = isinstance(inner, Activate) and not inner.activation.axis_wise
    if isinstance(inner, Dense) or alone:
        return layer_lines(inner, inputs, shapes, writer)[0]
    if changes_nothing(inner):
        return inputs[0]
    straight, writer.straight = writer.straight, False
    each = writer.assign(f"{inputs[0]}.flatten(0, 1)", "each")
    (given,) = steps_lines(inner, [each], [shapes[0][1:]], writer)
    writer.straight = straight
    return writer.assign(f"{given}.reshape({inputs[0]}.shape[0], -1, *{given}.shape[1:])")


def steps_lines(
    layer: Layer, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter
) -> list[str]:
    """Write any layer within another, recurrent ones too."""
    if isinstance(layer, Recurrent | Bidirectional):
        return recurrent_lines([Node(writer.scope, layer)], inputs, writer)[:1]
    return layer_lines(layer, inputs, shapes, writer)[:1]


def _described(
    layer: DescribedRecurrent, inputs: Inputs, shapes: Shapes, writer: TorchClassWriter
) -> list[str]:
    """Write a described cell as a loop over the steps, each of its layers in turn."""
    sequences, shared = inputs[: layer.sequences], inputs[layer.sequences :][: layer.shared]
    given = inputs[layer.sequences + layer.shared :] or [""] * len(layer.sizes)
    straight, writer.straight = writer.straight, False
    states = [writer.fresh(f"state_{k}") for k in range(len(layer.sizes))]
    x = inputs[0]
    for state, size, start in zip(states, layer.sizes, given, strict=True):
        writer.line(f"{state} = {start or f'{x}.new_zeros({x}.shape[0], {size})'}")
    step = writer.fresh("step")
    kept = [writer.fresh(f"{writer.scope}_steps") for _ in states]
    for one in kept:
        writer.line(f"{one} = []")
    way = "reversed({})" if layer.go_backwards else "{}"
    writer.line(f"for {step} in {way.format(f'range({x}.shape[1])')}:")
    taken = [*(f"{one}[:, {step}]" for one in sequences), *shared]
    outer, writer.lines = writer.lines, []
    after = _step(layer, taken, states, shapes, writer)
    writer.line(f"{', '.join(states)} = {after}")
    for one, state in zip(kept, states, strict=True):
        writer.line(f"{one}.append({state})")
    writer.lines = [*outer, *(f"    {line}" for line in writer.lines)]
    writer.straight = straight
    first, *others = (writer.assign(f"torch.stack({one}, dim=1)") for one in kept)
    return [first, *states, *others]


def _step(
    layer: DescribedRecurrent,
    inputs: Inputs,
    states: list[str],
    shapes: Shapes,
    writer: TorchClassWriter,
) -> str:
    """Write one step of a described cell; give its states after it."""
    values = {("state", k): state for k, state in enumerate(states)}
    values |= {("input", k): one for k, one in enumerate(inputs)}
    known: dict[tuple[str, int], Shape] = {("state", k): (n,) for k, n in enumerate(layer.sizes)}
    known |= {
        ("input", k): shape[1:] if k < layer.sequences else shape for k, shape in enumerate(shapes)
    }
    scope = writer.scope
    for node in layer.nodes:
        writer.scope = f"{scope}_{node.name}"
        taken = [known[ref] for ref in node.inputs]
        made = layer_lines(node.layer, [values[ref] for ref in node.inputs], taken, writer)
        values |= {(node.name, k): name for k, name in enumerate(made)}
        known |= {(node.name, k): one for k, one in enumerate(shapes_after(node.layer, taken))}
    writer.scope = scope
    return ", ".join(values[ref] for ref in layer.after)


#: Writers of layers by class.
MAKERS: Mapping[type, Callable[[Any, Inputs, Shapes, TorchClassWriter], str]] = {
    Dense: _dense,
    Activate: _activate,
    Embedding: _embedding,
    Conv1D: _conv1d,
    Pooling1D: _pooling,
    GlobalPooling1D: _global_pooling,
    BatchNormalization: _batch_normalization,
    LayerNormalization: _layer_normalization,
    Rescaling: _rescaling,
    Standardization: _standardization,
    PReLU: _prelu,
    Constant: _constant,
    Masking: _masking,
}
