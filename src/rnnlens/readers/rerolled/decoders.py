"""Decoders: a cell that is fed its own forecast, each of its steps a horizon.

Such a cell cannot run over a sequence, since no sequence is there before it has run. Its equations
are put back as calls of one cell, a step each, and what it is fed stays between them.
"""

from __future__ import annotations

from dataclasses import replace

from rnnlens.network.axes import ExpandDims
from rnnlens.network.layers import Concatenate, Recurrent
from rnnlens.network.network import Ref
from rnnlens.readers.rerolled.cells import Match, match_cell, state_name
from rnnlens.readers.rerolled.graph import Graph
from rnnlens.readers.rerolled.loops import Loop, step_before
from rnnlens.readers.rerolled.reading import StepReader
from rnnlens.readers.rerolled.rebuild import Rebuilt, label, plainer, sources_of, used_inside
from rnnlens.readers.rerolled.values import Formulas, NoFormula, Value

__all__ = ["as_decoder"]


def as_decoder(graph: Graph, loop: Loop) -> Rebuilt | None:
    """Make calls of one cell of a loop that walks along no sequence."""
    if loop.places:
        return None
    for fed in _fed(graph, loop):
        cut = _without(graph, loop, fed)
        while (before := step_before(graph, cut)) is not None:
            cut.steps.insert(0, before)
        match = _match(graph, cut, fed) if len(cut.steps) > 1 else None
        if match is None or used_inside(graph, cut):
            continue
        refs = [term.name[1] for term in match.inputs if isinstance(term.name, tuple)]
        if len(refs) == len(match.inputs):
            return _calls(graph, cut, match, refs)
    return None


def _fed(graph: Graph, loop: Loop) -> list[Ref]:
    """Give what a step makes of the states before it and is used besides: the last forecast."""
    within = {ref[0] for step in loop.steps for ref in step.values()}
    given = {ref for ref, _ in loop.states}

    def outside(ref: Ref) -> bool:
        mine = [step[ref] for step in loop.steps]
        users = [user for one in mine for user in graph.users.get(one, ())]
        return any(one in graph.outputs for one in mine) or any(u not in within for u in users)

    return [ref for ref in loop.body if ref in loop.inside - given and outside(ref)]


def _without(graph: Graph, loop: Loop, fed: Ref) -> Loop:
    """Cut what a cell is fed off from its step."""
    stops = {fed, *(before for _, before in loop.states)}
    open_, seen = [given for given, _ in loop.states], set()
    while open_:
        ref = open_.pop()
        if ref not in seen and ref not in stops and ref in loop.body:
            seen.add(ref)
            open_ += graph.node(ref).inputs
    body = tuple(ref for ref in loop.body if ref in seen)
    here = {ref: ref for ref in (*body, *stops)}
    return replace(loop, body=body, inside=loop.inside & seen, steps=[here])


def _match(graph: Graph, loop: Loop, fed: Ref) -> Match | None:
    """Find the cell, what it is fed standing for itself."""
    formulas = Formulas()

    def width(ref: Ref) -> int:
        shape = graph.shape(ref)
        if len(shape) != 1 or shape[0] is None:
            raise NoFormula
        return shape[0]

    def after(number: int) -> Value:
        known = {fed: formulas.given(("shared", fed), width(fed))}
        for k, (given, before) in enumerate(loop.states):
            known[before] = formulas.given(state_name(k), width(before))
            if k != number:
                known[given] = formulas.given(state_name(k, after=True), width(given))
        return StepReader(graph, formulas, 0, known)(loop.states[number][0])

    try:
        return match_cell([after(number) for number in range(len(loop.states))])
    except NoFormula:
        return None


def _calls(graph: Graph, loop: Loop, match: Match, refs: list[Ref]) -> Rebuilt:
    made = Rebuilt(graph)
    layer = Recurrent(plainer(match.cell, graph, loop), return_state=True)
    sources = sources_of(graph, loop, layer)
    states = [loop.steps[0][loop.states[number][1]] for number in match.states]
    for step in loop.steps:
        taken = [step.get(ref, ref) for ref in refs]
        whole = taken[0] if len(taken) == 1 else made.add("inputs", Concatenate(-1), *taken)
        one = made.add("step", ExpandDims(1), whole)
        name, _ = made.add(label(match.cell), layer, one, *states, sources=sources)
        states = [(name, k) for k in range(1, len(states) + 1)]
        for number, state in zip(match.states, states, strict=True):
            made.instead[step[loop.states[number][0]]] = state
    return made
