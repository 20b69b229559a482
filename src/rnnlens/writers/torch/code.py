"""The PyTorch class that takes a state dict, as Python code."""

from __future__ import annotations

from rnnlens.network.axes import Index
from rnnlens.network.cells import LSTM, SimpleRNN
from rnnlens.network.layers import (
    Activate,
    BatchNormalization,
    Bidirectional,
    Dense,
    Embedding,
    Flatten,
    LayerNormalization,
    Recurrent,
    TimeDistributed,
)
from rnnlens.writers.packing import has
from rnnlens.writers.torch.chain import CLASSES, TorchModule, function_of, sides

__all__ = ["class_code"]


def class_code(modules: list[TorchModule]) -> str:
    """Write the class whose ``load_state_dict`` takes the arrays of a chain."""
    made = [_constructor(module) for module in modules]
    lines = [
        "class Network(torch.nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        *(f"        {line}" for line in made if line),
        "",
        "    def forward(self, x):",
        *(f"        {line}" for module in modules for line in _forward(module)),
        "        return x",
    ]
    return "\n".join(["import torch", "", "", *lines, ""])


def _constructor(module: TorchModule) -> str:
    layer, name = module.layer, f"self.{module.name} = torch.nn."
    inner = layer.layer if isinstance(layer, TimeDistributed) else layer
    if isinstance(inner, Recurrent | Bidirectional):
        return f"{name}{_recurrent(module)}"
    if isinstance(inner, Dense):
        bias = "" if inner.b is not None else ", bias=False"
        return f"{name}Linear({inner.W.shape[0]}, {inner.W.shape[1]}{bias})"
    if isinstance(inner, Embedding):
        return f"{name}Embedding({inner.E.shape[0]}, {inner.E.shape[1]})"
    if isinstance(inner, LayerNormalization):
        array = inner.gamma if inner.gamma is not None else inner.beta
        affine = "" if array is not None else ", elementwise_affine=False"
        size = "x" if array is None else array.shape[0]
        bias = ", bias=False" if array is not None and inner.beta is None else ""
        return f"{name}LayerNorm({size}, eps={inner.epsilon!r}{affine}{bias})"
    if isinstance(inner, BatchNormalization):
        affine = "" if inner.gamma is not None else ", affine=False"
        return f"{name}BatchNorm1d({inner.mean.shape[0]}, eps={inner.epsilon!r}{affine})"
    return ""


def _recurrent(module: TorchModule) -> str:
    cell = sides(module.nodes[0].layer)[0].cell
    options = []
    if len(module.nodes) > 1:
        options.append(f"num_layers={len(module.nodes)}")
    if isinstance(cell, SimpleRNN) and cell.activation.name == "relu":
        options.append('nonlinearity="relu"')
    if not (has(cell, "b") or has(cell, "b_r")):
        options.append("bias=False")
    if isinstance(module.layer, Bidirectional):
        options.append("bidirectional=True")
    if isinstance(cell, LSTM) and cell.projection is not None:
        options.append(f"proj_size={cell.state_sizes[0]}")
    listed = ", ".join([str(cell.features), str(cell.units), "batch_first=True", *options])
    return f"{CLASSES[cell.kind]}({listed})"


def _forward(module: TorchModule) -> list[str]:
    layer = module.layer
    call = f"self.{module.name}(x)"
    if isinstance(layer, Recurrent | Bidirectional):
        return _recurrent_forward(module, call)
    if isinstance(layer, Index):
        return [f"x = x[:, {layer.index}]"]
    if isinstance(layer, Flatten):
        return ["x = x.flatten(1)"]
    if isinstance(layer, Embedding):
        return [f"x = self.{module.name}(x.long())"]
    inner = layer.layer if isinstance(layer, TimeDistributed) else layer
    lines = [] if isinstance(inner, Activate) else [f"x = {call}"]
    if isinstance(inner, Dense | Activate):
        function = function_of(inner.activation)
        lines += [f"x = {function.format('x')}"] if function else []
    return lines


def _recurrent_forward(module: TorchModule, call: str) -> list[str]:
    first, *_ = sides(module.layer)
    turned = ["x = x.flip(1)"] if first.go_backwards else []
    if first.return_sequences:
        return [*turned, f"x, _ = {call}"]
    states = "(h, _)" if isinstance(first.cell, LSTM) else "h"
    both = isinstance(module.layer, Bidirectional)
    last = "torch.cat([h[-2], h[-1]], dim=1)" if both else "h[-1]"
    return [*turned, f"_, {states} = {call}", f"x = {last}"]
