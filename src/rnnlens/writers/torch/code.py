"""The PyTorch class that takes a state dict, as Python code."""

from __future__ import annotations

from collections.abc import Collection

from rnnlens.network.layers import Bidirectional, Input, Recurrent
from rnnlens.network.network import Network, Node, Ref
from rnnlens.network.shapes import output_shapes
from rnnlens.writers.masks import wanted_masks
from rnnlens.writers.torch.graph import TorchClassWriter, is_straight
from rnnlens.writers.torch.layers import layer_lines
from rnnlens.writers.torch.masked import masked_lines
from rnnlens.writers.torch.recurrent import recurrent_lines, stacks

__all__ = ["class_of", "grouped", "text_of"]


def class_of(network: Network) -> TorchClassWriter:
    """Write the modules and the forward code of a network."""
    writer = TorchClassWriter(straight=is_straight(network))
    shapes = output_shapes(network)
    masks = wanted_masks(network)
    # a mask is made of a value that is gone where one name serves for all
    writer.straight = writer.straight and not masks
    values: dict[Ref, str] = {}
    entries = []
    for nodes in grouped(network, masks):
        node = nodes[-1]
        writer.scope = node.name
        if isinstance(node.layer, Input):
            alone = len(network.inputs) == 1
            name = "x" if alone else writer.fresh(node.name)
            values[node.name, 0] = name
            entries.append(name)
            continue
        taken = [values[ref] for ref in nodes[0].inputs]
        if node.name in masks:
            made = masked_lines(node, taken, masks[node.name], values, writer)
        elif isinstance(node.layer, Recurrent | Bidirectional):
            made = recurrent_lines(nodes, taken, writer)
        else:
            sides = [shapes[name][number] for name, number in node.inputs]
            made = layer_lines(node.layer, taken, sides, writer)
        values |= {(node.name, number): name for number, name in enumerate(made)}
    given = [values[ref] for ref in network.outputs]
    writer.line(f"return {', '.join(given)}")
    writer.entries = entries
    return writer


def text_of(writer: TorchClassWriter) -> str:
    """Lay the class out, whose ``load_state_dict`` takes the arrays."""
    lines = [
        "class Network(torch.nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        *(f"        {line}" for line in writer.constructors),
        "",
        f"    def forward(self, {', '.join(writer.entries)}):",
        *(f"        {line}" for line in writer.lines),
    ]
    return "\n".join(["import torch", "", "", *lines, ""])


def grouped(network: Network, masked: Collection[str] = ()) -> list[list[Node]]:
    """Put recurrent layers that follow one another as a stack of PyTorch together."""
    takers: dict[str, list[tuple[Node, Ref]]] = {}
    calls: dict[int, int] = {}
    for node in network.nodes:
        calls[id(node.layer)] = calls.get(id(node.layer), 0) + 1
        for ref in node.inputs:
            takers.setdefault(ref[0], []).append((node, ref))
    given = {name for name, _ in network.outputs}
    groups: list[list[Node]] = []
    of: dict[str, list[Node]] = {}
    for node in network.nodes:
        before = of.get(node.inputs[0][0]) if node.inputs else None
        if before is not None and len(node.inputs) == 1 and node.inputs[0][1] == 0:
            last = before[-1]
            alone = len(takers[last.name]) == 1 and last.name not in {*given, *masked}
            once = calls[id(last.layer)] == calls[id(node.layer)] == 1
            alone = alone and node.name not in masked
            if last.name == node.inputs[0][0] and alone and once and stacks(last, node):
                before.append(node)
                of[node.name] = before
                continue
        of[node.name] = [node]
        groups.append(of[node.name])
    return groups
