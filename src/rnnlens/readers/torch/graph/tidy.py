"""The canonical graph of an exported module made plain, without changing what it computes.

A loop over a cell becomes a layer over the sequence, a sequence of which only the last step is
used becomes that step, and what nothing uses goes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rnnlens.network.axes import ExpandDims, Index
from rnnlens.network.layers import Bidirectional, Concatenate, Input, Layer, Recurrent
from rnnlens.network.network import Node, Ref, leading_to

__all__ = ["GraphRewriter", "tidy"]


class GraphRewriter:
    """Nodes in order, and what uses what.

    Parameters
    ----------
    nodes : list of Node
        In order.
    outputs : list of Ref
        What the network gives.
    """

    def __init__(self, nodes: list[Node], outputs: list[Ref]) -> None:
        self.nodes = {node.name: node for node in nodes}
        self.outputs = outputs

    def users(self, ref: Ref) -> list[Node]:
        """Give the nodes that take an output."""
        return [node for node in self.nodes.values() if ref in node.inputs]

    def used(self, ref: Ref) -> bool:
        """Say whether anything takes an output."""
        return ref in self.outputs or bool(self.users(ref))

    def redirect(self, turn: Callable[[Ref], Ref]) -> None:
        """Take other outputs instead."""
        self.nodes = {
            name: replace(node, inputs=tuple(turn(ref) for ref in node.inputs))
            for name, node in self.nodes.items()
        }
        self.outputs = [turn(ref) for ref in self.outputs]

    def swap(self, old: Ref, new: Ref) -> None:
        """Take one output instead of another."""
        self.redirect(lambda ref: new if ref == old else ref)

    def prune(self) -> None:
        """Drop the nodes that nothing uses; inputs stay."""
        needed = leading_to(self.nodes.values(), (name for name, _ in self.outputs))
        self.nodes = {
            name: node
            for name, node in self.nodes.items()
            if name in needed or isinstance(node.layer, Input)
        }


def tidy(
    nodes: list[Node], outputs: list[Ref], steps: dict[Ref, int]
) -> tuple[list[Node], list[Ref]]:
    """Make a graph plain."""
    graph = GraphRewriter(nodes, outputs)
    graph.prune()
    while _fold_loop(graph, steps) or _join_steps(graph, steps):
        graph.prune()
    for name in list(graph.nodes):
        layer = graph.nodes[name].layer if name in graph.nodes else None
        if isinstance(layer, Bidirectional):
            _join_directions(graph, name, layer)
        elif isinstance(layer, Recurrent):
            _take_last(graph, name)
    graph.prune()
    # layers that several nodes share stay one object, so they change for all of them or for none
    for name, node in graph.nodes.items():
        graph.nodes[name] = replace(node, layer=_without_unused_outputs(graph, node))
    return list(graph.nodes.values()), graph.outputs


def _alone(graph: GraphRewriter, node: Node) -> bool:
    return sum(other.layer is node.layer for other in graph.nodes.values()) == 1


def _without_unused_outputs(graph: GraphRewriter, node: Node) -> Layer:
    """Drop the outputs that nothing uses."""
    layer = node.layer
    if not isinstance(layer, Recurrent | Bidirectional) or not _alone(graph, node):
        return layer
    one = layer.forward if isinstance(layer, Bidirectional) else layer
    count = len(one.cell.states) * (2 if isinstance(layer, Bidirectional) else 1)
    states = any(graph.used((node.name, k + 1)) for k in range(count))
    sequences = one.return_sequences and graph.used((node.name, 0))
    zeros = sequences and one.zero_output_for_mask
    changes = {
        "return_state": states,
        "return_sequences": sequences,
        "zero_output_for_mask": zeros,
    }
    if isinstance(layer, Recurrent):
        return replace(layer, **changes)
    return replace(
        layer,
        forward=replace(layer.forward, **changes),
        backward=replace(layer.backward, **changes),
    )


def _last_only(graph: GraphRewriter, name: str) -> list[Node] | None:
    """Give the nodes that take the last step of a sequence, where nothing takes another."""
    if (name, 0) in graph.outputs:
        return None
    users = graph.users((name, 0))
    if all(_is_last(node) for node in users):
        return users
    return None


def _is_last(node: Node) -> bool:
    return isinstance(node.layer, Index) and (node.layer.index, node.layer.axis) == (-1, 1)


def _take_last(graph: GraphRewriter, name: str) -> None:
    """Let a layer give its last step where nothing uses the others."""
    node = graph.nodes[name]
    layer = node.layer
    assert isinstance(layer, Recurrent)
    last = _last_only(graph, name) if layer.return_sequences else []
    if last is None or not _alone(graph, node):
        return
    graph.nodes[name] = replace(node, layer=replace(layer, return_sequences=False))
    for one in last:
        graph.swap((one.name, 0), (name, 0))
    graph.swap((name, 1), (name, 0))
    graph.prune()


def _join_directions(graph: GraphRewriter, name: str, layer: Bidirectional) -> None:
    """Take the last states of both directions, side by side, as the layer's own output."""
    node = graph.nodes[name]
    if graph.used((name, 0)) or not _alone(graph, node):
        return
    states = len(layer.forward.cell.states)
    wanted = ((name, 1), (name, 1 + states))
    graph.nodes[name] = replace(
        node,
        layer=replace(
            layer,
            forward=replace(layer.forward, return_sequences=False),
            backward=replace(layer.backward, return_sequences=False),
        ),
    )
    for user in graph.users(wanted[0]):
        joins = isinstance(user.layer, Concatenate) and user.layer.axis in {-1, 1}
        if joins and user.inputs == wanted:
            graph.swap((user.name, 0), (name, 0))
    graph.prune()


# --- loops over a cell -----------------------------------------------------------------------


def _step_of(graph: GraphRewriter, ref: Ref) -> tuple[Ref, int] | None:
    """Say which step of which sequence ``ExpandDims(Index(sequence))`` is."""
    node = graph.nodes[ref[0]]
    if not isinstance(node.layer, ExpandDims) or node.layer.axis != 1:
        return None
    name, number = node.inputs[0]
    inner = graph.nodes[name]
    if isinstance(inner.layer, Recurrent) and inner.layer.return_sequences and number == 1:
        return (name, 0), -1  # the last hidden state is the last step of the sequence
    if not isinstance(inner.layer, Index) or inner.layer.axis != 1:
        return None
    return inner.inputs[0], inner.layer.index


def _fold_loop(graph: GraphRewriter, steps: dict[Ref, int]) -> bool:
    """Make one layer of the calls of one cell at all steps of a sequence, oldest step first."""
    for first in list(graph.nodes.values()):
        if not _starts_loop(graph, first):
            continue
        place = _step_of(graph, first.inputs[0])
        assert place is not None
        chain = _chain(graph, first, place[0], steps.get(place[0], 0))
        if chain is not None:
            _fold(graph, chain, place[0], steps)
            return True
    return False


def _starts_loop(graph: GraphRewriter, node: Node) -> bool:
    if not isinstance(node.layer, Recurrent) or not node.layer.return_state:
        return False
    place = _step_of(graph, node.inputs[0])
    return place is not None and place[1] == 0


def _chain(graph: GraphRewriter, first: Node, sequence: Ref, length: int) -> list[Node] | None:
    """Follow a cell from step to step; None where a step is missing or its inside is used."""
    assert isinstance(first.layer, Recurrent)
    states = range(1, len(first.layer.cell.states) + 1)
    chain = [first]
    while len(chain) < length:
        last, number = chain[-1], len(chain)
        place = (sequence, -1 if number == length - 1 else number)
        following = [
            node
            for node in graph.users((last.name, 1))
            if node.layer is first.layer
            and node.inputs[1:] == tuple((last.name, k) for k in states)
            and _step_of(graph, node.inputs[0]) == place
        ]
        others = [node for k in states[1:] for node in graph.users((last.name, k))]
        inside = any((last.name, k) in graph.outputs for k in states[1:])
        if len(following) != 1 or inside or any(node is not following[0] for node in others):
            return None
        chain.append(following[0])
    return chain if length > 1 else None


def _fold(graph: GraphRewriter, chain: list[Node], sequence: Ref, steps: dict[Ref, int]) -> None:
    first, last = chain[0], chain[-1]
    assert isinstance(first.layer, Recurrent)
    nodes: dict[str, Node] = {}
    count = len(chain)
    names = {node.name: number for number, node in enumerate(chain)}
    layer = replace(first.layer, return_sequences=True)
    picked = {node.name: f"{node.name}_hidden" for node in chain[:-1]}
    for name, node in graph.nodes.items():
        if name == first.name:
            nodes[name] = replace(node, layer=layer, inputs=(sequence, *node.inputs[1:]))
            for step in chain[:-1]:
                index = Index(names[step.name], 1)
                pick = picked[step.name]
                nodes[pick] = Node(pick, index, ((name, 0),))
        elif name not in names:
            nodes[name] = node
    graph.nodes = nodes
    steps[first.name, 0] = count

    def turn(ref: Ref) -> Ref:
        name, number = ref
        if name == last.name:
            return first.name, number
        return (picked[name], 0) if name in picked and number == 1 else ref

    whole = graph.nodes[first.name]
    graph.redirect(turn)
    graph.nodes[first.name] = whole
    graph.prune()


def _join_steps(graph: GraphRewriter, steps: dict[Ref, int]) -> bool:
    """Take a sequence itself where all its steps are set side by side again."""
    for node in graph.nodes.values():
        if not isinstance(node.layer, Concatenate) or node.layer.axis != 1:
            continue
        parts = [_step_of(graph, ref) for ref in node.inputs]
        if len(parts) < 2 or parts[0] is None:
            continue
        sequence, length = parts[0][0], len(parts)
        whole = [*((sequence, number) for number in range(length - 1)), (sequence, -1)]
        if parts == whole and steps.get(sequence) == length:
            graph.swap((node.name, 0), sequence)
            return True
    return False
