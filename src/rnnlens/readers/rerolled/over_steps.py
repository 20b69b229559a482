"""What is done to every step alone and set side by side, made a layer over the sequence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rnnlens.network.axes import ExpandDims, Index, Slice, Squeeze
from rnnlens.network.layers import (
    Activate,
    Add,
    Concatenate,
    Dense,
    DescribedRecurrent,
    Flatten,
    Identity,
    Layer,
    LayerNormalization,
    Multiply,
    Recurrent,
    Rescaling,
    Subtract,
)
from rnnlens.network.network import Node, Ref
from rnnlens.readers.rerolled.graph import Graph
from rnnlens.readers.rerolled.rebuild import Rebuilt

__all__ = ["over_steps"]

#: Nodes that may stand between a step and where it is set beside the others.
MOST_NODES = 60


def over_steps(nodes: list[Node], outputs: list[Ref]) -> tuple[list[Node], list[Ref]]:
    """Take whole sequences wherever all their steps are treated alike and joined again."""
    while True:
        graph = Graph(nodes, outputs)
        made = next(filter(None, (_joined(graph, node) for node in graph.nodes.values())), None)
        if made is None:
            break
        nodes, outputs = made.finished()
    return _plain_layers(nodes, outputs)


def _joined(graph: Graph, node: Node) -> Rebuilt | None:
    """Give the sequence that a node makes by setting its steps side by side."""
    layer = node.layer
    if not isinstance(layer, Concatenate) or len(node.inputs) < 2:
        return None
    rank = len(graph.shape((node.name, 0)))
    stacked = all(
        isinstance(one := graph.layer(ref), ExpandDims) and one.axis == 1 for ref in node.inputs
    )
    made = Rebuilt(graph)
    if layer.axis == 1 and stacked and rank <= 2:
        parts = [graph.node(ref).inputs[0] for ref in node.inputs]
        lifted = _lifted(graph, made, parts)
    elif rank == 1:
        # vectors one after the other: the sequence laid flat
        lifted = _lifted(graph, made, list(node.inputs))
        if lifted is not None:
            width = graph.shape(node.inputs[0])[0]
            lifted = made.add(node.name, Squeeze(2) if width == 1 else Flatten(), lifted)
    else:
        return None
    if lifted is None:
        return None
    made.instead[node.name, 0] = lifted
    return made


def _lifted(graph: Graph, made: Rebuilt, parts: list[Ref]) -> Ref | None:
    """Apply to a sequence what is applied to each of its steps."""
    known: dict[Ref, Ref | None] = {}
    count = [0]

    def lift(refs: list[Ref]) -> Ref | None:
        """Give the sequence of these outputs, or None."""
        if refs[0] not in known:
            known[refs[0]] = found(refs)
        return known[refs[0]]

    def found(refs: list[Ref]) -> Ref | None:
        count[0] += 1
        places = [graph.step_of(ref) for ref in refs]
        first = places[0]
        if first is not None:
            whole = all(
                p is not None
                and (p.sequence, p.axis, p.kept, p.step) == (first.sequence, 1, False, number)
                for number, p in enumerate(places)
            )
            length = graph.shape(first.sequence)[0]
            return first.sequence if whole and length == len(refs) else None
        nodes = [graph.node(ref) for ref in refs]
        key = graph.keys[nodes[0].name]
        alike = all(
            graph.keys[node.name] == key and len(node.inputs) == len(nodes[0].inputs)
            for node in nodes
        )
        layer = nodes[0].layer
        rule = LIFTED.get(type(layer))
        if not alike or rule is None or count[0] > MOST_NODES or any(ref[1] for ref in refs):
            return None
        taken = []
        for inputs in zip(*(node.inputs for node in nodes), strict=True):
            same = len(set(inputs)) == 1
            if same and isinstance(layer, Add | Subtract | Multiply):
                shape = graph.shape(inputs[0])
                taken.append(inputs[0] if len(shape) == 1 else None)
            else:
                taken.append(None if same else lift(list(inputs)))
        raised = rule(layer, len(graph.shape(nodes[0].inputs[0])) if nodes[0].inputs else 0)
        if raised is None or any(one is None for one in taken):
            return None
        sources = dict(nodes[0].sources)
        return made.add(nodes[0].name, raised, *(one for one in taken if one), sources=sources)

    if len(set(parts)) != len(parts):
        return None
    return lift(parts)


def _same(layer: Layer, rank: int) -> Layer | None:
    return layer


def _activate(layer: Layer, rank: int) -> Layer | None:
    assert isinstance(layer, Activate)
    axis = layer.activation.parameters.get("axis", -1)
    return layer if int(axis) == -1 else None


def _rescaled(layer: Layer, rank: int) -> Layer | None:
    assert isinstance(layer, Rescaling)
    return layer if max(layer.scale.ndim, layer.offset.ndim) <= rank else None


def _normalised(layer: Layer, rank: int) -> Layer | None:
    assert isinstance(layer, LayerNormalization)
    return layer if layer.axes == (-1,) else None


def _slice(layer: Layer, rank: int) -> Layer | None:
    assert isinstance(layer, Slice | Index | Squeeze | ExpandDims | Concatenate)
    return replace(layer, axis=layer.axis + 1 if layer.axis > 0 else layer.axis)


LIFTED: dict[type, Callable[[Layer, int], Layer | None]] = {
    Dense: _same,
    Add: _same,
    Subtract: _same,
    Multiply: _same,
    Identity: _same,
    Activate: _activate,
    Rescaling: _rescaled,
    LayerNormalization: _normalised,
    Slice: _slice,
    Index: _slice,
    Squeeze: _slice,
    ExpandDims: _slice,
    Concatenate: _slice,
}


def _plain_layers(nodes: list[Node], outputs: list[Ref]) -> tuple[list[Node], list[Ref]]:
    """Let a recurrent layer give what is used of it: its last step alone, no states."""
    graph = Graph(nodes, outputs)
    shared = [id(node.layer) for node in graph.nodes.values()]
    made = Rebuilt(graph)
    for name, node in graph.nodes.items():
        layer = node.layer
        users = graph.users.get((name, 0), [])
        last = [user for user in users if _is_last(graph, user)]
        only_last = (name, 0) not in graph.outputs and len(last) == len(users)
        if isinstance(layer, DescribedRecurrent) and only_last:
            # its first state after the last step is its last step
            made.instead.update({(user, 0): (name, 1) for user in last})
        if not isinstance(layer, Recurrent) or shared.count(id(layer)) > 1:
            continue
        if layer.return_sequences and only_last:
            layer = replace(layer, return_sequences=False)
            made.instead.update({(user, 0): (name, 0) for user in last})
            if (name, 1) in graph.users or (name, 1) in graph.outputs:
                made.instead[name, 1] = (name, 0)
        count = range(2 if (name, 1) in made.instead else 1, len(layer.cell.states) + 1)
        if not any((name, k) in graph.users or (name, k) in graph.outputs for k in count):
            layer = replace(layer, return_state=False)
        graph.nodes[name] = replace(node, layer=layer)
    return made.finished()


def _is_last(graph: Graph, name: str) -> bool:
    layer = graph.nodes[name].layer
    return isinstance(layer, Index) and (layer.index, layer.axis) == (-1, 1)
