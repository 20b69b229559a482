"""Loops over a cell that the code calls as a whole, with something before it at every step."""

from __future__ import annotations

from dataclasses import replace

from rnnlens.network.axes import ExpandDims
from rnnlens.network.layers import Recurrent
from rnnlens.network.network import Node, Ref
from rnnlens.readers.rerolled.cells import Match
from rnnlens.readers.rerolled.graph import Graph
from rnnlens.readers.rerolled.loops import Loop
from rnnlens.readers.rerolled.reading import StepReader
from rnnlens.readers.rerolled.rebuild import Rebuilt, as_layer, numberless
from rnnlens.readers.rerolled.values import Formulas, Term

__all__ = ["as_called_cell"]


def as_called_cell(graph: Graph, loop: Loop) -> Rebuilt | None:
    """Make one layer of the calls of one cell; None where a step is none, or feeds the next."""
    found = _call(graph, loop)
    if found is None:
        return None
    node, order = found
    layer = node.layer
    assert isinstance(layer, Recurrent)
    taken = graph.node(node.inputs[0]).inputs[0]
    if taken in loop.inside or taken in dict(loop.states).values():
        return None
    read = StepReader(graph, Formulas(), 0, {})
    name = ("shared", taken)
    read.refs[name] = taken
    width = graph.shape(taken)[0] or 0
    match = Match(
        layer.cell, order, (Term("given", width, frozenset([name]), name),), numberless(node.name)
    )
    known = replace(loop, steps=[{taken: taken, **step} for step in loop.steps])
    return as_layer(graph, known, match, read, _first(graph, loop, node, taken))


def _call(graph: Graph, loop: Loop) -> tuple[Node, tuple[int, ...]] | None:
    """Find the one call that gives every state, and the order in which it takes them."""
    names = {given[0] for given, _ in loop.states}
    node = graph.nodes[names.pop()]
    layer = node.layer
    if names or not isinstance(layer, Recurrent) or not layer.return_state or not loop.places:
        return None
    if not isinstance(graph.layer(node.inputs[0]), ExpandDims):
        return None
    before = [taken for _, taken in loop.states]
    order = tuple(before.index(ref) for ref in node.inputs[1:] if ref in before)
    given = [loop.states[number][0] for number in order]
    whole = [(node.name, k) for k in range(1, len(layer.cell.states) + 1)]
    return (node, order) if given == whole == [ref for ref, _ in _in_order(loop)] else None


def _in_order(loop: Loop) -> list[tuple[Ref, Ref]]:
    """Give the states in the order in which one call gives them."""
    return sorted(loop.states, key=lambda pair: pair[0][1])


def _first(graph: Graph, loop: Loop, node: Node, taken: Ref) -> dict[Ref, Ref] | None:
    """Find the call before the first that is known, if it starts from zero and so takes none."""
    starts = {given: loop.steps[0][before] for given, before in loop.states}
    names = {ref[0] for ref in starts.values()}
    if len(names) != 1 or any(ref[1] != given[1] for given, ref in starts.items()):
        return None
    first = graph.nodes[names.pop()]
    alone = graph.keys[first.name] == graph.keys[node.name] and len(first.inputs) == 1
    if not alone or not isinstance(graph.layer(first.inputs[0]), ExpandDims):
        return None
    here = {**starts, taken: graph.node(first.inputs[0]).inputs[0]}
    for ref, place in loop.places.items():
        move = place.step - _step(graph, loop.steps[-2][ref])
        wanted = place.step - len(loop.steps) * move
        other = next(
            (
                (name, 0)
                for name in graph.nodes
                if (p := graph.step_of((name, 0))) and (p.along, p.step) == (place.along, wanted)
            ),
            None,
        )
        if other is None:
            return None
        here[ref] = other
    return here


def _step(graph: Graph, ref: Ref) -> int:
    place = graph.step_of(ref)
    assert place is not None
    return place.step
