"""Cells by their equations: which gate is which, whatever the code calls them.

A formula of the next state is held against the equations of `rnnlens.engine.step`. Sums of products
are expanded, so that ``n + z*(h - n)``, ``(1-z)*n + z*h`` and ``z*h + n - z*n`` are one; and since
``1 - sigmoid(a) = sigmoid(-a)``, a gate that is one minus another has the same arrays with the
other sign: coupled gates (``i = 1 - f``), a GRU of either convention and the minimal gated unit
(Zhou et al. 2016: a GRU whose reset gate is one minus its update gate) are ordinary cells.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.network.activations import Activation
from rnnlens.network.cells import GRU, LSTM, Cell, Gate, SimpleRNN
from rnnlens.readers.rerolled.values import Term, Value

__all__ = ["Match", "match_cell", "roles", "state_name"]

Array = NDArray[np.floating]

#: Functions for which f(-a) = 1 - f(a).
MIRRORED = frozenset({"sigmoid", "hard_sigmoid"})
#: Products of terms with a number each: what a sum of products is.
Polynomial = dict[frozenset[Term], float]


def state_name(number: int, *, after: bool = False) -> Hashable:
    """Name a state before the step, or after it."""
    return ("next" if after else "state", number)


@dataclass(frozen=True, eq=False)
class Match:
    """A cell, the numbers of its states in the order of its own, and what it takes as input."""

    cell: Cell
    states: tuple[int, ...]
    #: Side by side they are the cell's input.
    inputs: tuple[Term, ...]
    #: What the code calls it, where it does.
    name: str = ""


@dataclass(frozen=True, eq=False)
class _Signed:
    """A gate's activation, or one minus it."""

    term: Term
    flipped: bool = False

    @property
    def before(self) -> Value:
        """What goes into the activation, turned where the gate is one minus it."""
        value = self.term.arguments[0]
        if not self.flipped:
            return value
        return Value({term: -matrix for term, matrix in value.terms.items()}, -value.offset)


class _NoMatch(Exception):
    pass


def match_cell(after: Sequence[Value]) -> Match | None:
    """Find the cell whose equations give these states after a step."""
    try:
        if len(after) == 2:
            return _lstm(after)
        if len(after) == 1:
            return _simple_rnn(after[0]) or _gru(after[0])
    except _NoMatch:
        pass
    return None


def _lstm(after: Sequence[Value]) -> Match | None:
    for h, c in ((0, 1), (1, 0)):
        try:
            return _lstm_of(after, h, c)
        except _NoMatch:
            continue
    return None


def _lstm_of(after: Sequence[Value], h: int, c: int) -> Match:
    shown, P = _projected(after[h])
    if shown.kind != "product" or len(shown.factors) != 2:
        raise _NoMatch
    for o, out in (shown.factors, shown.factors[::-1]):
        phi = _of_state(out, state_name(c, after=True))
        if phi is not None and o.kind == "activation" and o.activation is not None:
            break
    else:
        raise _NoMatch
    sigma = o.activation
    forget, rest = _kept(after[c], state_name(c))
    i, g = _candidate(rest, phi)
    gates = {"input": i, "forget": forget, "output": _Signed(o)}
    if any(one.term.activation != sigma for one in gates.values()):
        raise _NoMatch
    befores = {name: one.before for name, one in gates.items()} | {"cell": g}
    peepholes = {"input": state_name(c), "forget": state_name(c)}
    peepholes["output"] = state_name(c, after=True)
    sizes = after[h].width, after[c].width
    made, inputs = _gates(befores, state_name(h), sizes, peepholes)
    cell = LSTM(**made, activation=phi, recurrent_activation=sigma, projection=P)
    return Match(cell, (h, c), inputs)


def roles(after: Sequence[Value]) -> dict[Term, str]:
    """Name the gates of a cell that has those of an LSTM or a GRU, whatever goes into them."""
    for number in range(len(after)):
        named = _roles(after, number)
        if named:
            return named
    return {}


def _roles(after: Sequence[Value], number: int) -> dict[Term, str]:
    """Name the factors of one state: what keeps it, what lets in, and what is let in."""
    try:
        kept, rest = _kept(after[number], state_name(number))
        common = frozenset.intersection(*rest) if rest else frozenset()
    except _NoMatch:
        return {}
    named = {kept.term: "forget" if len(after) > 1 else "update"}
    candidate = "cell" if len(after) > 1 else "candidate"
    for term in common - {kept.term}:
        gate = term.activation is not None and term.activation.name in MIRRORED
        named[term] = "input" if gate and len(after) > 1 else candidate
    shown = [value.alone() for k, value in enumerate(after) if k != number]
    for term in shown:
        for factor in () if term is None else term.factors:
            if factor.activation is not None and factor.activation.name in MIRRORED:
                named.setdefault(factor, "output")
    return named


def _projected(value: Value) -> tuple[Term, Array | None]:
    """Give the one term of a hidden state, and the matrix that it is multiplied by."""
    if len(value.terms) != 1 or value.offset.any():
        raise _NoMatch
    ((term, matrix),) = value.terms.items()
    if matrix.ndim == 2:
        return term, matrix
    if not (matrix == 1).all():
        raise _NoMatch
    return term, None


def _of_state(term: Term, name: Hashable) -> Activation | None:
    """Say which function of a state a term is."""
    if term.kind == "given" and term.name == name:
        return Activation("linear")
    if term.kind != "activation":
        return None
    inner = term.arguments[0].alone()
    named = inner is not None and inner.kind == "given" and inner.name == name
    return term.activation if named else None


def _polynomial(value: Value) -> Polynomial:
    """Write a value as products of terms with one number each."""
    whole: Polynomial = {}
    parts = [(term, matrix) for term, matrix in value.terms.items()]
    for term, matrix in parts:
        if matrix.ndim == 2 or not (matrix == matrix[0]).all():
            raise _NoMatch
        factors = term.factors if term.kind == "product" else (term,)
        if len(set(factors)) != len(factors):
            raise _NoMatch
        whole[frozenset(factors)] = float(matrix[0])
    if value.offset.any():
        raise _NoMatch
    return whole


def _kept(value: Value, state: Hashable) -> tuple[_Signed, Polynomial]:
    """Give the gate that multiplies the state before, and the rest of the sum."""
    times: Polynomial = {}
    rest: Polynomial = {}
    for factors, number in _polynomial(value).items():
        mine = {one for one in factors if one.kind == "given" and one.name == state}
        (times if mine else rest)[factors - mine] = number
    return _signed(times), rest


def _signed(polynomial: Polynomial) -> _Signed:
    """Read ``a`` or ``1 - a`` for a gate ``a``."""
    terms = [factors for factors in polynomial if factors]
    if len(terms) != 1 or len(terms[0]) != 1:
        raise _NoMatch
    (term,) = terms[0]
    number, one = polynomial[terms[0]], polynomial.get(frozenset(), 0.0)
    if term.kind != "activation" or (number, one) not in {(1.0, 0.0), (-1.0, 1.0)}:
        raise _NoMatch
    if number < 0 and (term.activation is None or term.activation.name not in MIRRORED):
        raise _NoMatch
    return _Signed(term, number < 0)


def _candidate(rest: Polynomial, phi: Activation) -> tuple[_Signed, Value]:
    """Read ``i g`` or ``g - i g`` for a candidate ``g`` and a gate ``i``."""
    common = frozenset.intersection(*rest) if rest else frozenset()
    if phi.name == "linear":
        # the candidate is a sum, or a product by the state's own linear function
        return _linear_candidate(rest)
    for g in common:
        if g.kind == "activation" and g.activation == phi:
            try:
                gate = _signed({factors - {g}: number for factors, number in rest.items()})
            except _NoMatch:
                continue
            return gate, g.arguments[0]
    raise _NoMatch


def _linear_candidate(rest: Polynomial) -> tuple[_Signed, Value]:
    common = frozenset.intersection(*rest) if rest else frozenset()
    for g in common:
        if g.kind == "value":
            return _signed({f - {g}: number for f, number in rest.items()}), g.arguments[0]
    raise _NoMatch


def _gru(value: Value) -> Match:
    update, rest = _kept(value, state_name(0))
    sigma = update.term.activation
    common = frozenset.intersection(*rest) if rest else frozenset()
    for n in common:
        if n.kind != "activation" or n.activation is None or n is update.term:
            continue
        try:
            other = _signed({factors - {n}: number for factors, number in rest.items()})
        except _NoMatch:
            continue
        if other.term is update.term and other.flipped != update.flipped:
            break
    else:
        raise _NoMatch
    assert sigma is not None
    before = n.arguments[0]
    reset, U, b_r, W = _reset(before, sigma)
    befores = {"update": update.before, "reset": reset.before, "candidate": W}
    made, inputs = _gates(befores, state_name(0), (value.width, value.width), {})
    candidate = Gate(made["candidate"].W, U, made["candidate"].b, b_r)
    cell = GRU(made["update"], made["reset"], candidate, b_r is not None, n.activation, sigma)
    return Match(cell, (0,), inputs)


def _reset(before: Value, sigma: Activation) -> tuple[_Signed, Array, Array | None, Value]:
    """Find ``(r*h) U`` or ``r*(h U + b)`` in a candidate, and give what is left of it."""
    products = [
        (term, matrix)
        for term, matrix in before.terms.items()
        if term.kind == "product" and state_name(0) in term.of
    ]
    if len(products) != 1 or len(products[0][0].factors) != 2:
        raise _NoMatch
    ((term, matrix),) = products
    left = {one: m for one, m in before.terms.items() if one is not term}
    W = Value(left, before.offset)
    for r, q in (term.factors, term.factors[::-1]):
        if r.kind != "activation" or r.activation != sigma:
            continue
        if q.kind == "given" and q.name == state_name(0):
            return _Signed(r), _square(matrix), None, W
        inner = q.arguments[0] if q.kind == "value" else None
        if inner is not None and matrix.ndim == 1 and (matrix == 1).all():
            alone = list(inner.terms.items())
            if len(alone) == 1 and alone[0][0].name == state_name(0):
                return _Signed(r), _square(alone[0][1]), inner.offset, W
    raise _NoMatch


def _simple_rnn(value: Value) -> Match | None:
    term = value.alone()
    if term is not None and term.kind == "activation" and term.activation is not None:
        before, phi = term.arguments[0], term.activation
    else:
        before, phi = value, Activation("linear")
    try:
        sizes = value.width, value.width
        made, inputs = _gates({"hidden": before}, state_name(0), sizes, {})
    except _NoMatch:
        return None
    if not made["hidden"].U.any() or not inputs:
        return None
    return Match(SimpleRNN(made["hidden"], phi), (0,), inputs)


def _square(matrix: Array) -> Array:
    return np.diag(matrix) if matrix.ndim == 1 else matrix


def _gates(
    befores: Mapping[str, Value],
    hidden: Hashable,
    sizes: tuple[int, int],
    peepholes: Mapping[str, Hashable],
) -> tuple[dict[str, Gate], tuple[Term, ...]]:
    """Read the arrays of gates from what goes into their activations.

    ``sizes`` are those of the hidden state as it is handed on, and of a gate.
    """
    given: dict[Term, None] = {}
    for value in befores.values():
        if value.width != sizes[1]:
            raise _NoMatch
        for term in value.terms:
            if not any(
                isinstance(name, tuple) and name[0] in {"state", "next"} for name in term.of
            ):
                given[term] = None
    inputs = tuple(sorted(given, key=_rank))
    if not inputs:
        raise _NoMatch
    made = {}
    for name, value in befores.items():
        W = [_square(value.terms[t]) if t in value.terms else _none(t, sizes[1]) for t in inputs]
        U, V = np.zeros(sizes), None
        for term, matrix in value.terms.items():
            if term in given:
                continue
            if term.kind == "given" and term.name == hidden:
                U = _square(matrix)
            elif term.kind == "given" and term.name == peepholes.get(name) and matrix.ndim == 1:
                V = matrix
            else:
                raise _NoMatch
        b = value.offset if value.offset.any() else None
        made[name] = Gate(np.concatenate(W), U, b, None, V)
    if all(gate.b is None for gate in made.values()):
        return made, inputs
    zero = np.zeros(sizes[1])
    filled = {
        name: gate if gate.b is not None else Gate(gate.W, gate.U, zero, None, gate.V)
        for name, gate in made.items()
    }
    return filled, inputs


def _rank(term: Term) -> int:
    """Put what differs from step to step before what all steps share."""
    return 0 if isinstance(term.name, tuple) and term.name[0] == "step" else 1


def _none(term: Term, units: int) -> Array:
    return np.zeros((term.width, units))
