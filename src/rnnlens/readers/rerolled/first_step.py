"""The first step of a loop, which exporters shorten: what is multiplied by states of zero goes."""

from __future__ import annotations

import numpy as np

from rnnlens.network.network import Ref
from rnnlens.readers.rerolled.graph import Graph
from rnnlens.readers.rerolled.loops import Loop
from rnnlens.readers.rerolled.reading import StepReader
from rnnlens.readers.rerolled.values import Formulas, NoFormula, Term, Value

__all__ = ["shortened_first_step"]

#: Exporters multiply zeros and biases in the type of the weights, float32 mostly.
RELATIVE, ABSOLUTE = 1e-5, 1e-6


def shortened_first_step(graph: Graph, loop: Loop, formulas: Formulas) -> dict[Ref, Ref] | None:
    """Find the step before those that are known, if it is the same step from states of zero.

    Gives what that step has for each output that depends on no state, and the states it gives.
    """
    if not loop.places:
        return None
    here = _inputs_before(graph, loop)
    if here is None:
        return None
    try:
        same = _same_from_zero(graph, loop, formulas)
    except NoFormula:
        return None
    return here | {given: loop.steps[0][taken] for given, taken in loop.states} if same else None


def _same_from_zero(graph: Graph, loop: Loop, formulas: Formulas) -> bool:
    """Say whether the first known step takes what the step gives from states of zero."""
    move = next(iter(_moves(graph, loop).values()))
    base = next(iter(loop.places.values())).step
    zeros = {taken: formulas.constant(np.zeros(_width(graph, taken))) for _, taken in loop.states}
    template = StepReader(graph, formulas, base, zeros)
    actual = StepReader(graph, formulas, base - len(loop.steps) * move, {})
    return all(
        same_value(template(given), actual(loop.steps[0][taken])) for given, taken in loop.states
    )


def _width(graph: Graph, ref: Ref) -> int:
    shape = graph.shape(ref)
    if len(shape) != 1 or shape[0] is None:
        raise NoFormula
    return shape[0]


def _moves(graph: Graph, loop: Loop) -> dict[Ref, int]:
    moves = {}
    for ref, place in loop.places.items():
        before = graph.step_of(loop.steps[-2][ref])
        assert before is not None
        moves[ref] = place.step - before.step
    return moves


def _inputs_before(graph: Graph, loop: Loop) -> dict[Ref, Ref] | None:
    """Find in the step before what depends on no state: picked steps, and what is made of them."""
    known: dict[object, str] = {
        (graph.keys[name], node.inputs): name for name, node in graph.nodes.items()
    }
    picked = {
        (p.sequence, p.axis, p.step, p.kept): (name, 0)
        for name in graph.nodes
        if (p := graph.step_of((name, 0))) is not None
    }
    here: dict[Ref, Ref] = {}
    moves, number = _moves(graph, loop), len(loop.steps)
    for ref, p in loop.places.items():
        step = p.step - number * moves[ref]
        other = picked.get((p.sequence, p.axis, step, p.kept))
        if step < 0 or other is None:
            return None
        here[ref] = other
    for ref in reversed(loop.body):
        if ref in loop.inside:
            continue
        node = graph.node(ref)
        inputs = tuple(one if one in loop.shared else here.get(one) for one in node.inputs)
        name = known.get((graph.keys[node.name], inputs))
        if name is not None:
            here[ref] = name, ref[1]
    return here


def same_value(one: Value, other: Value) -> bool:
    """Say whether two formulas are the same, but for rounding in their numbers."""
    if one.width != other.width or not _close(one.offset, other.offset):
        return False
    left = dict(other.terms)
    for term, matrix in one.terms.items():
        match = next((t for t in left if _same_term(term, t)), None)
        if match is None:
            return False
        both = matrix, left.pop(match)
        if both[0].ndim != both[1].ndim:
            both = tuple(np.diag(m) if m.ndim == 1 else m for m in both)
        if not _close(*both):
            return False
    return not left


def _close(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.allclose(one, other, RELATIVE, ABSOLUTE)


def _same_term(one: Term, other: Term) -> bool:
    if one is other:
        return True
    if (one.kind, one.width, one.activation) != (other.kind, other.width, other.activation):
        return False
    if one.kind == "given" or one.of != other.of or one.name != other.name:
        return False
    if len(one.factors) != len(other.factors) or len(one.arguments) != len(other.arguments):
        return False
    rest = list(other.factors)
    for factor in one.factors:
        match = next((t for t in rest if _same_term(factor, t)), None)
        if match is None:
            return False
        rest.remove(match)
    return all(map(same_value, one.arguments, other.arguments))
