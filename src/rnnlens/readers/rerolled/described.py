"""A loop whose cell has no name, put back as a cell that is described by its own graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rnnlens.network.layers import Activate, CellNode, DescribedGate, DescribedRecurrent
from rnnlens.network.network import Ref
from rnnlens.network.unique import unique_name
from rnnlens.readers.rerolled.cells import roles
from rnnlens.readers.rerolled.graph import Graph
from rnnlens.readers.rerolled.loops import Loop
from rnnlens.readers.rerolled.reading import StepReader
from rnnlens.readers.rerolled.rebuild import (
    Rebuilt,
    handed_on,
    is_zero,
    numberless,
    picked,
    take_steps,
    used_inside,
    walked,
)
from rnnlens.readers.rerolled.values import NoFormula, Term, Value

__all__ = ["as_described"]


def as_described(
    graph: Graph,
    loop: Loop,
    reading: tuple[StepReader, Sequence[Value]] | None,
    first: dict[Ref, Ref] | None,
) -> Rebuilt | None:
    """Make one layer of a loop; None where the inside of a step is used, or no sequence walked."""
    steps = loop.steps if first is None else [first, *loop.steps]
    numbers = walked(graph, loop, steps)
    order = _states_in_order(graph, loop)
    if numbers is None or order is None or any(place.kept for place in loop.places.values()):
        return None
    sizes = [graph.shape(loop.states[number][0]) for number in order]
    if any(len(size) != 1 or size[0] is None for size in sizes):
        return None
    made = Rebuilt(graph)
    sequences = [
        picked(
            made, place.sequence, place.axis, min(numbers) + place.step - numbers[-1], len(numbers)
        )
        for place in loop.places.values()
    ]
    known: dict[Ref, Ref] = {ref: ("input", k) for k, ref in enumerate(loop.places)}
    shared = sorted(loop.shared, key=lambda ref: (graph.place[ref[0]], ref[1]))
    known |= {ref: ("input", len(sequences) + k) for k, ref in enumerate(shared)}
    known |= {loop.states[number][1]: ("state", k) for k, number in enumerate(order)}
    nodes = _nodes(graph, loop, known)
    layer = DescribedRecurrent(
        nodes,
        tuple(known[loop.states[number][0]] for number in order),
        tuple(size[0] or 0 for size in sizes),
        len(sequences),
        len(shared),
        _gates(graph, loop, known, (sizes[0][0] or 0, reading)),
        go_backwards=numbers[-1] < numbers[0],
    )
    starts = [] if first is not None else [loop.starts[number] for number in order]
    if all(is_zero(graph, start) for start in starts):
        starts = []
    sources = {
        f"{known[ref][0]}.{name}": source
        for ref in loop.body
        for name, source in graph.node(ref).sources.items()
    }
    name, _ = made.add("cell", layer, *sequences, *shared, *starts, sources=sources)
    _hand_on(made, loop, (name, order), steps)
    return made


def _hand_on(
    made: Rebuilt, loop: Loop, layer: tuple[str, list[int]], steps: list[dict[Ref, Ref]]
) -> None:
    """Take the layer's steps and last states where those of the loop were taken."""
    name, order = layer
    take_steps(made, loop.states[order[0]][0], steps, (name, 0))
    for k, state in enumerate(order[1:], start=1):
        given = loop.states[state][0]
        if handed_on(made.graph, loop, state):
            take_steps(made, given, steps, (name, len(order) + k))
        else:
            made.instead[steps[-1][given]] = (name, k + 1)


def _states_in_order(graph: Graph, loop: Loop) -> list[int] | None:
    """Put the state first that is handed on at every step; None where more is used of a step."""
    if used_inside(graph, loop):
        return None
    numbers = range(len(loop.states))
    # of several, the last to be computed: the hidden state is made of the cell state
    first = next((number for number in numbers if handed_on(graph, loop, number)), 0)
    return [first, *(number for number in numbers if number != first)]


def _nodes(graph: Graph, loop: Loop, known: dict[Ref, Ref]) -> tuple[CellNode, ...]:
    """Give the nodes of a step, by names that are the same at every length of the loop."""
    nodes: list[CellNode] = []
    names: dict[str, str] = {}
    taken: set[str] = {"input", "state"}
    for ref in sorted(loop.body, key=lambda ref: graph.place[ref[0]]):
        node = graph.node(ref)
        if node.name not in names:
            names[node.name] = unique_name(numberless(node.name), taken)
            inputs = tuple(known[one] for one in node.inputs)
            nodes.append(CellNode(names[node.name], node.layer, inputs))
        known[ref] = names[node.name], ref[1]
    return tuple(nodes)


def _term(read: StepReader, ref: Ref, start: int, stop: int) -> Term | None:
    try:
        return read.formulas.taken(read(ref), slice(start, stop)).alone()
    except NoFormula:
        return None


def _gates(
    graph: Graph,
    loop: Loop,
    known: Mapping[Ref, Ref],
    about: tuple[int, tuple[StepReader, Sequence[Value]] | None],
) -> tuple[DescribedGate, ...]:
    """Name the activations of a step that have one value a unit, or several side by side."""
    units, reading = about
    named: dict[Term | None, str] = {}
    named |= {} if reading is None else roles(reading[1])
    counts: dict[str, int] = {}
    gates = []
    for ref in sorted(loop.body, key=lambda ref: graph.place[ref[0]]):
        layer, width = graph.layer(ref), graph.shape(ref)
        if not isinstance(layer, Activate) or len(width) != 1 or (width[0] or 0) % units:
            continue
        for start in range(0, width[0] or 0, units):
            part = start, start + units
            role = None if reading is None else named.get(_term(reading[0], ref, *part))
            # what depends on no state is a gate where its part in the equations says so
            if role is None and ref not in loop.inside:
                continue
            function = layer.activation.name
            counts[function] = counts.get(function, 0) + 1
            name = role or f"{function}_{counts[function]}"
            gates.append(DescribedGate(name, known[ref][0], *part))
    return tuple(gates)
