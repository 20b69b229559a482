"""A network as a chain of PyTorch's modules: their names, their arguments, their arrays.

A state dict holds arrays by the names of modules and nothing else, so what is written is a chain
whose forward code follows from it, and that code is written too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.network.activations import Activation
from rnnlens.network.axes import Index
from rnnlens.network.cells import GRU, LSTM, Cell, FloatArray
from rnnlens.network.layers import (
    Activate,
    BatchNormalization,
    Bidirectional,
    Dense,
    Embedding,
    Flatten,
    Identity,
    Input,
    Layer,
    LayerNormalization,
    Recurrent,
    TimeDistributed,
)
from rnnlens.network.network import Network, Node
from rnnlens.network.shapes import Shape, output_shapes
from rnnlens.readers.layouts import TORCH
from rnnlens.writers.packing import has, packed
from rnnlens.writers.written import refuse

__all__ = ["TorchModule", "arrays_of_module", "chain_of", "function_of", "sides"]

#: Modules by kind of cell.
CLASSES = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}

#: Functions of PyTorch with no parameters but their usual ones.
FUNCTIONS = {
    "tanh": "torch.tanh({})",
    "sigmoid": "torch.sigmoid({})",
    "relu": "torch.relu({})",
    "selu": "torch.nn.functional.selu({})",
    "softplus": "torch.logaddexp({0}, torch.zeros_like({0}))",
    "softsign": "torch.nn.functional.softsign({})",
    "silu": "torch.nn.functional.silu({})",
    "mish": "torch.nn.functional.mish({})",
    "exponential": "torch.exp({})",
    "log_sigmoid": "torch.nn.functional.logsigmoid({})",
    "hard_tanh": "torch.nn.functional.hardtanh({})",
    "hard_silu": "torch.nn.functional.hardswish({})",
    "tanh_shrink": "torch.nn.functional.tanhshrink({})",
    "gelu": "torch.nn.functional.gelu({})",
}


@dataclass(frozen=True, eq=False)
class TorchModule:
    """One module of the chain and the layers that it stands for."""

    #: Its name, before the names of its arrays.
    name: str
    #: One, or the layers of a stack.
    nodes: tuple[Node, ...]

    @property
    def layer(self) -> Layer:
        """The last layer."""
        return self.nodes[-1].layer


def chain_of(network: Network) -> list[TorchModule]:
    """Lay a network out as a chain of modules."""
    modules: list[TorchModule] = []
    counts: dict[str, int] = {}
    shapes = output_shapes(network)
    before: Node | None = None
    for node in _line(network):
        layer = node.layer
        linear = isinstance(layer, Activate) and layer.activation.name == "linear"
        if linear or isinstance(layer, Identity | Input):
            continue
        _check(node, shapes[node.inputs[0][0]][0])
        if modules and before is not None and _stacks(modules[-1].nodes, node):
            modules[-1] = TorchModule(modules[-1].name, (*modules[-1].nodes, node))
        else:
            stem = _stem(layer)
            number = counts[stem] = counts.get(stem, -1) + 1
            modules.append(TorchModule(f"{stem}_{number}" if number else stem, (node,)))
        before = node
    return modules


def _line(network: Network) -> list[Node]:
    """Give the nodes if each takes the first output of the one before it, else refuse."""
    nodes = list(network.nodes)
    straight = len(network.outputs) == 1 and network.outputs[0] == (nodes[-1].name, 0)
    for before, node in pairwise(nodes):
        straight = straight and node.inputs == ((before.name, 0),)
    if not straight or len({id(node.layer) for node in nodes}) < len(nodes):
        raise UnsupportedModel(
            "the network is not a chain of layers, each taking from the one before it, and a "
            "PyTorch state dict holds no graph: write .onnx, .keras or .npz, which do"
        )
    return nodes


def _stem(layer: Layer) -> str:
    if isinstance(layer, Recurrent | Bidirectional):
        return CLASSES[sides(layer)[0].cell.kind].lower()
    if isinstance(layer, Dense | TimeDistributed):
        return "fc"
    return {Embedding: "embedding", LayerNormalization: "norm", BatchNormalization: "norm"}.get(
        type(layer), "function"
    )


def sides(layer: Layer) -> tuple[Recurrent, ...]:
    """Give the directions of a recurrent layer."""
    if isinstance(layer, Bidirectional):
        return layer.forward, layer.backward
    return (layer,) if isinstance(layer, Recurrent) else ()


def _stacks(nodes: tuple[Node, ...], node: Node) -> bool:
    """Tell whether a layer may be the next one of a stack: the same but for its input."""
    last, own = sides(nodes[-1].layer), sides(node.layer)
    if len(last) != len(own) or not own or any(side.go_backwards for side in (last[0], own[0])):
        return False
    alike = all(
        (a.cell.kind, a.cell.state_sizes, _functions(a.cell), _biased(a.cell))
        == (b.cell.kind, b.cell.state_sizes, _functions(b.cell), _biased(b.cell))
        for a, b in zip(last, own, strict=True)
    )
    width = sum(side.cell.state_sizes[0] for side in last)
    return alike and last[0].return_sequences and own[0].cell.features == width


def _functions(cell: Cell) -> tuple[str, ...]:
    options = ("activation", "recurrent_activation")
    return tuple(str(getattr(cell, name)) for name in options if hasattr(cell, name))


def _biased(cell: Cell) -> bool:
    return has(cell, "b") or has(cell, "b_r")


def _check(node: Node, shape: Shape) -> None:
    """Refuse what PyTorch has no module for."""
    layer = node.layer
    why = None
    if isinstance(layer, Recurrent | Bidirectional):
        why = _why_not_recurrent(layer)
    elif isinstance(layer, TimeDistributed):
        inner = layer.layer
        if not isinstance(inner, Dense):
            why = "rnnlens writes a TimeDistributed around a Dense alone"
        elif function_of(inner.activation) is None:
            why = f"rnnlens writes no code for its activation {inner.activation}"
    elif isinstance(layer, Dense | Activate):
        if function_of(layer.activation) is None:
            why = f"rnnlens writes no code for its activation {layer.activation}"
    elif isinstance(layer, Embedding):
        why = "its mask of token 0 has no place in PyTorch's modules" if layer.mask_zero else None
    elif isinstance(layer, LayerNormalization):
        plain = layer.centred and len(layer.axes) == 1 and layer.axes[0] in {-1, len(shape)}
        why = None if plain else "nn.LayerNorm takes the moments over the last axes, centred"
    elif isinstance(layer, BatchNormalization):
        plain = len(shape) == 1 and layer.axis in {1, -1}
        why = None if plain else "rnnlens writes a BatchNormalization of vectors alone"
    elif isinstance(layer, Index):
        why = None if layer.axis == 1 else "rnnlens writes the picking of a step alone"
    elif not isinstance(layer, Flatten):
        why = "rnnlens writes no PyTorch module for it"
    if why is not None:
        refuse(node.name, layer, f"{why}; .npz holds every network, .onnx and .keras hold many")


def _why_not_recurrent(layer: Recurrent | Bidirectional) -> str | None:
    why = None
    for side in sides(layer):
        cell = side.cell
        functions = _functions(cell)
        if has(cell, "V"):
            why = "PyTorch has no peepholes"
        elif isinstance(cell, GRU) and not cell.reset_after:
            why = (
                "its reset gate acts before the recurrent product (reset_after=False), and "
                "PyTorch's acts after it"
            )
        elif isinstance(cell, LSTM | GRU) and functions != ("tanh", "sigmoid"):
            why = f"its activations are {' and '.join(functions)}, and PyTorch's tanh and sigmoid"
        elif not isinstance(cell, LSTM | GRU) and functions[0] not in {"tanh", "relu"}:
            why = f"its activation is {functions[0]}, and PyTorch's are tanh and relu"
    if isinstance(layer, Bidirectional):
        first, second = sides(layer)
        if layer.merge_mode != "concat" or first.go_backwards:
            why = why or "PyTorch puts the two directions side by side, forward first"
        elif (first.cell.kind, first.cell.state_sizes, _biased(first.cell)) != (
            second.cell.kind,
            second.cell.state_sizes,
            _biased(second.cell),
        ) or _functions(first.cell) != _functions(second.cell):
            why = why or "its two directions differ, and PyTorch's are alike"
    return why


def function_of(activation: Activation) -> str | None:
    """Give an activation as Python code of PyTorch."""
    name = activation.name
    if name == "linear":
        return ""
    if name in {"softmax", "log_softmax"}:
        return f"torch.{name}({{}}, dim={int(activation['axis'])})"
    if name == "elu":
        return f"torch.nn.functional.elu({{}}, alpha={activation['alpha']!r})"
    if name == "hard_sigmoid":
        return f"torch.clamp({activation['slope']!r} * {{}} + 0.5, 0, 1)"
    if name == "relu" and activation["threshold"] == 0 and activation["max_value"] == float("inf"):
        slope = activation["negative_slope"]
        return FUNCTIONS[name] if not slope else f"torch.nn.functional.leaky_relu({{}}, {slope!r})"
    usual = activation.parameters == Activation(name).parameters
    return FUNCTIONS.get(name) if usual and name != "relu" else None


def arrays_of_module(module: TorchModule) -> dict[str, FloatArray]:
    """Give the arrays of a module by their names in the state dict."""
    arrays: dict[str, FloatArray | None] = {}
    layer = module.layer
    inner = layer.layer if isinstance(layer, TimeDistributed) else layer
    if isinstance(inner, Dense):
        arrays = {"weight": inner.W.T, "bias": inner.b}
    elif isinstance(inner, Embedding):
        arrays = {"weight": inner.E}
    elif isinstance(inner, LayerNormalization):
        arrays = {"weight": inner.gamma, "bias": inner.beta}
    elif isinstance(inner, BatchNormalization):
        arrays = {
            "weight": inner.gamma,
            "bias": inner.beta,
            "running_mean": inner.mean,
            "running_var": inner.variance,
        }
    for number, node in enumerate(module.nodes):
        for side, way in zip(sides(node.layer), ("", "_reverse"), strict=False):
            roles = _roles(side.cell)
            arrays |= {f"{role}_l{number}{way}": values for role, values in roles.items()}
    return {
        f"{module.name}.{role}": np.ascontiguousarray(values)
        for role, values in arrays.items()
        if values is not None
    }


def _roles(cell: Cell) -> Mapping[str, FloatArray]:
    order = TORCH[cell.kind].gates
    roles = {"weight_ih": packed(cell, order, "W").T, "weight_hh": packed(cell, order, "U").T}
    if _biased(cell):
        roles |= {"bias_ih": packed(cell, order, "b"), "bias_hh": packed(cell, order, "b_r")}
    if isinstance(cell, LSTM) and cell.projection is not None:
        roles["weight_hr"] = cell.projection.T
    return roles
