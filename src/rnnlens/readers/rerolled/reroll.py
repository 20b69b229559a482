"""Every loop of a graph that is a known cell, made a recurrent layer."""

from __future__ import annotations

from rnnlens.network.layers import Recurrent
from rnnlens.network.network import Node, Ref
from rnnlens.readers.rerolled.calls import as_called_cell
from rnnlens.readers.rerolled.cells import match_cell, state_name
from rnnlens.readers.rerolled.decoders import as_decoder
from rnnlens.readers.rerolled.described import as_described
from rnnlens.readers.rerolled.first_step import shortened_first_step
from rnnlens.readers.rerolled.flat_states import flat_states
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
    if len(nodes) >= FEWEST_NODES:
        nodes, outputs = flat_states(nodes, outputs)
    while len(nodes) >= FEWEST_NODES:
        graph = Graph(nodes, outputs)
        loops = list(find_loops(graph))
        tried = (make(graph, loop) for make in MAKERS for loop in loops)
        made = next((one for one in tried if one is not None), None)
        if made is None:
            break
        nodes, outputs = over_steps(*made.finished())
    return nodes, outputs


def _known(graph: Graph, loop: Loop) -> Rebuilt | None:
    """Make a layer of a loop whose equations are those of a cell that has a name."""
    formulas = Formulas()
    reading = _reading(graph, loop, formulas)
    match = None if reading is None else match_cell(reading[1])
    if match is None or reading is None:
        return None
    first = shortened_first_step(graph, loop, formulas)
    return as_layer(graph, loop, match, reading[0], first)


def _described(graph: Graph, loop: Loop) -> Rebuilt | None:
    """Make a layer of a loop by the graph of its step."""
    if any(isinstance(graph.layer(ref), Recurrent) for ref in loop.inside):
        return None  # the calls of a cell, which have gates of their own
    formulas = Formulas()
    reading = _reading(graph, loop, formulas)
    return as_described(graph, loop, reading, shortened_first_step(graph, loop, formulas))


#: What a loop may be made, the plainest first.
MAKERS = (as_called_cell, _known, as_decoder, _described)


def _reading(graph: Graph, loop: Loop, formulas: Formulas) -> tuple[StepReader, list[Value]] | None:
    """Give the formulas of a step's nodes, and what each state becomes."""
    try:
        read = StepReader(graph, formulas, _base(loop), _states(graph, loop, formulas))
        after = [_after(graph, loop, formulas, number) for number in range(len(loop.states))]
        for given, _ in loop.states:
            read(given)
    except NoFormula:
        return None
    return read, after


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


def _after(graph: Graph, loop: Loop, formulas: Formulas, number: int) -> Value:
    """Give what one state becomes, the others after the step standing for themselves."""
    known = _states(graph, loop, formulas)
    for other, (given, _) in enumerate(loop.states):
        if other != number:
            shape = graph.shape(given)
            assert shape[0] is not None
            known[given] = formulas.given(state_name(other, after=True), shape[0])
    return StepReader(graph, formulas, _base(loop), known)(loop.states[number][0])
