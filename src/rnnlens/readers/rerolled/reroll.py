"""Every loop of a graph that is a known cell, made a recurrent layer."""

from __future__ import annotations

from rnnlens.network.network import Node, Ref
from rnnlens.readers.rerolled.cells import match_cell, state_name
from rnnlens.readers.rerolled.first_step import shortened_first_step
from rnnlens.readers.rerolled.graph import Graph
from rnnlens.readers.rerolled.loops import Loop, find_loops
from rnnlens.readers.rerolled.over_steps import over_steps
from rnnlens.readers.rerolled.reading import StepReader
from rnnlens.readers.rerolled.rebuild import Rebuilt, as_layer
from rnnlens.readers.rerolled.values import Formulas, NoFormula, Value

__all__ = ["reroll"]

#: Nodes from which a loop over a cell may be there at all.
FEWEST_NODES = 8


def reroll(nodes: list[Node], outputs: list[Ref]) -> tuple[list[Node], list[Ref]]:
    """Make recurrent layers of the loops, and layers over the steps of what follows at each."""
    while len(nodes) >= FEWEST_NODES:
        graph = Graph(nodes, outputs)
        tried = (_layer(graph, loop) for loop in find_loops(graph))
        made = next((one for one in tried if one is not None), None)
        if made is None:
            break
        nodes, outputs = over_steps(*made.finished())
    return nodes, outputs


def _layer(graph: Graph, loop: Loop) -> Rebuilt | None:
    formulas = Formulas()
    try:
        read = _reader(graph, loop, formulas)
        after = [_after(graph, loop, formulas, number) for number in range(len(loop.states))]
    except NoFormula:
        return None
    match = match_cell(after)
    if match is None:
        return None
    for given, _ in loop.states:
        read(given)
    return as_layer(graph, loop, match, read, shortened_first_step(graph, loop, formulas))


def _base(loop: Loop) -> int:
    return next((place.step for place in loop.places.values()), 0)


def _states(graph: Graph, loop: Loop, formulas: Formulas) -> dict[Ref, Value]:
    known = {}
    for number, (_, taken) in enumerate(loop.states):
        shape = graph.shape(taken)
        if len(shape) != 1 or shape[0] is None:
            raise NoFormula
        known[taken] = formulas.given(state_name(number), shape[0])
    return known


def _reader(graph: Graph, loop: Loop, formulas: Formulas) -> StepReader:
    return StepReader(graph, formulas, _base(loop), _states(graph, loop, formulas))


def _after(graph: Graph, loop: Loop, formulas: Formulas, number: int) -> Value:
    """Give what one state becomes, the others after the step standing for themselves."""
    known = _states(graph, loop, formulas)
    for other, (given, _) in enumerate(loop.states):
        if other != number:
            shape = graph.shape(given)
            assert shape[0] is not None
            known[given] = formulas.given(state_name(other, after=True), shape[0])
    return StepReader(graph, formulas, _base(loop), known)(loop.states[number][0])
