"""What a vector of one step is, as an exact formula: an affine map of terms with names.

A value is ``sum_k t_k M_k + b``. A term is a vector that a step is handed (a state, an input), an
activation of a value, a product of terms entry by entry, or what another layer made of values. The
same formula gives the same object, however the code came to it: gates side by side in one product
or apart, one product for the input and another for the state or one for both.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rnnlens.network.activations import Activation
from rnnlens.network.layers import Layer

__all__ = ["Formulas", "NoFormula", "Term", "Value"]

Array = NDArray[np.floating]

#: Monomials of one product of two sums; more would be no gate of a cell.
MOST_MONOMIALS = 16


class NoFormula(Exception):
    """What a node computes is no formula of this kind."""


@dataclass(frozen=True, eq=False)
class Term:
    """One vector that values are made of; equal formulas are one object."""

    kind: Literal["given", "activation", "product", "value", "layer"]
    width: int
    #: Names of the given vectors that it depends on.
    of: frozenset[Hashable]
    #: What is given, or which layer it is.
    name: Hashable = None
    activation: Activation | None = None
    factors: tuple[Term, ...] = ()
    arguments: tuple[Value, ...] = ()
    layer: Layer | None = None


@dataclass(frozen=True, eq=False)
class Value:
    """An affine map: a matrix (entry, width) for each term, or a diagonal (width,), and ``b``."""

    terms: Mapping[Term, Array]
    offset: Array

    @property
    def width(self) -> int:
        """Number of entries."""
        return len(self.offset)

    @property
    def of(self) -> frozenset[Hashable]:
        """Names of the given vectors that it depends on."""
        return frozenset().union(*(term.of for term in self.terms))

    def alone(self) -> Term | None:
        """Give the term that the value is, and nothing else."""
        if len(self.terms) != 1 or self.offset.any():
            return None
        ((term, matrix),) = self.terms.items()
        return term if matrix.ndim == 1 and (matrix == 1).all() else None


def _turned(matrix: Array) -> Array:
    return np.diag(matrix) if matrix.ndim == 1 else matrix


class Formulas:
    """The terms that there are, each once, and what can be done with values."""

    def __init__(self) -> None:
        self._terms: dict[Hashable, Term] = {}

    def given(self, name: Hashable, width: int) -> Value:
        """Give a vector that a step is handed."""
        term = self._term(("given", name), Term("given", width, frozenset([name]), name))
        return self._whole(term)

    def constant(self, numbers: Array) -> Value:
        """Give the same numbers at every step."""
        return Value({}, np.asarray(numbers, float).reshape(-1))

    def scaled(self, value: Value, scale: Array, offset: Array) -> Value:
        """Give ``value * scale + offset``, entry by entry."""
        scale, offset = np.asarray(scale, float).reshape(-1), np.asarray(offset, float).reshape(-1)
        width = max(value.width, len(scale), len(offset))
        value = self._widened(value, width)
        if {len(scale), len(offset)} - {1, width}:
            raise NoFormula
        terms = {term: matrix * scale for term, matrix in value.terms.items()}
        kept = {term: matrix for term, matrix in terms.items() if matrix.any()}
        return Value(kept, value.offset * scale + offset)

    def added(self, left: Value, right: Value, sign: float = 1.0) -> Value:
        """Give the sum, or the difference."""
        width = max(left.width, right.width)
        left, right = self._widened(left, width), self._widened(right, width)
        terms = dict(left.terms)
        for term, matrix in right.terms.items():
            if term not in terms:
                terms[term] = sign * matrix
                continue
            mine = terms.pop(term)
            alike = mine.ndim == matrix.ndim
            total = mine + sign * matrix if alike else _turned(mine) + sign * _turned(matrix)
            if total.any():
                terms[term] = total
        return Value(terms, left.offset + sign * right.offset)

    def mapped(self, value: Value, W: Array, b: Array | None) -> Value:
        """Give ``value W + b``."""
        W = np.asarray(W, float)
        if W.ndim != 2 or len(W) != value.width:
            raise NoFormula
        terms = {
            term: matrix[:, None] * W if matrix.ndim == 1 else matrix @ W
            for term, matrix in value.terms.items()
        }
        offset = value.offset @ W
        return Value(terms, offset if b is None else offset + np.asarray(b, float))

    def taken(self, value: Value, places: slice) -> Value:
        """Give some entries; what acts entry by entry is taken apart with them."""
        if [*range(value.width)[places]] == [*range(value.width)]:
            return value
        terms: dict[Term, Array] = {}
        for term, matrix in value.terms.items():
            if matrix.ndim == 2:
                terms[term] = matrix[:, places]
                continue
            part = self._part(term, places)
            if part is None:
                terms[term] = np.diag(matrix)[:, places]
            else:
                terms[part] = matrix[places]
        kept = {term: matrix for term, matrix in terms.items() if matrix.any()}
        return Value(kept, value.offset[places])

    def beside(self, values: Sequence[Value]) -> Value:
        """Give values side by side."""
        width, start = sum(value.width for value in values), 0
        total = Value({}, np.zeros(width))
        for value in values:
            stop = start + value.width
            offset = np.zeros(width)
            offset[start:stop] = value.offset
            terms = {}
            for term, matrix in value.terms.items():
                terms[term] = np.zeros((term.width, width))
                terms[term][:, start:stop] = _turned(matrix)
            total, start = self.added(total, Value(terms, offset)), stop
        return total

    def activated(self, value: Value, activation: Activation) -> Value:
        """Give an activation of each entry."""
        if activation.name == "linear":
            return value
        if activation.axis_wise:
            raise NoFormula
        key = ("activation", str(activation), tuple(activation.parameters.items()))
        made = Term("activation", value.width, value.of, activation=activation, arguments=(value,))
        return self._whole(self._term((*key, self._key(value)), made))

    def made(
        self, layer: Layer, layer_key: Hashable, values: tuple[Value, ...], width: int
    ) -> Value:
        """Give what a layer makes of values, whatever that is."""
        of = frozenset().union(*(value.of for value in values))
        term = Term("layer", width, of, layer_key, layer=layer, arguments=values)
        return self._whole(self._term(("layer", layer_key, *map(self._key, values)), term))

    def multiplied(self, left: Value, right: Value) -> Value:
        """Give the product, entry by entry, as a sum of products of terms."""
        width = max(left.width, right.width)
        if not left.terms or not right.terms:
            value, constant = (right, left) if not left.terms else (left, right)
            return self.scaled(value, constant.offset, np.zeros(1))
        if left.width != right.width:
            raise NoFormula
        mine, theirs = self._monomials(left), self._monomials(right)
        if len(mine) * len(theirs) > MOST_MONOMIALS:
            raise NoFormula
        total = Value({}, np.zeros(width))
        for factors, scale in mine:
            for others, other in theirs:
                total = self.added(total, self._product((*factors, *others), scale * other))
        return total

    def _product(self, factors: tuple[Term, ...], scale: Array) -> Value:
        if not factors:
            return Value({}, scale)
        if not scale.any():
            return Value({}, np.zeros_like(scale))
        if len(factors) == 1:
            return Value({factors[0]: scale}, np.zeros_like(scale))
        ordered = tuple(sorted(factors, key=id))
        of = frozenset().union(*(term.of for term in ordered))
        term = Term("product", len(scale), of, factors=ordered)
        key = ("product", *(id(factor) for factor in ordered))
        return Value({self._term(key, term): scale}, np.zeros_like(scale))

    def _monomials(self, value: Value) -> list[tuple[tuple[Term, ...], Array]]:
        """Take a sum apart into products with their scales; a matrix product is one factor."""
        if any(matrix.ndim == 2 for matrix in value.terms.values()):
            term = Term("value", value.width, value.of, arguments=(value,))
            whole = self._term(("value", self._key(value)), term)
            return [((whole,), np.ones(value.width))]
        parts = [
            (term.factors if term.kind == "product" else (term,), matrix)
            for term, matrix in value.terms.items()
        ]
        return [*parts, ((), value.offset)] if value.offset.any() else parts

    def _widened(self, value: Value, width: int) -> Value:
        if value.width == width:
            return value
        if value.width != 1:
            raise NoFormula
        return self.mapped(value, np.ones((1, width)), None)

    def _part(self, term: Term, places: slice) -> Term | None:
        """Give some entries of a term that acts entry by entry."""
        if term.kind == "activation":
            assert term.activation is not None
            part = self.activated(self.taken(term.arguments[0], places), term.activation)
            return next(iter(part.terms))
        if term.kind == "value":
            value = self.taken(term.arguments[0], places)
            made = Term("value", value.width, value.of, arguments=(value,))
            return self._term(("value", self._key(value)), made)
        if term.kind != "product":
            return None
        factors = [self._part(factor, places) for factor in term.factors]
        if any(factor is None for factor in factors):
            return None
        ones = np.ones(len(range(*places.indices(term.width))))
        product = self._product(tuple(factor for factor in factors if factor), ones)
        return next(iter(product.terms))

    def _whole(self, term: Term) -> Value:
        return Value({term: np.ones(term.width)}, np.zeros(term.width))

    def _term(self, key: Hashable, term: Term) -> Term:
        return self._terms.setdefault(key, term)

    @staticmethod
    def _key(value: Value) -> Hashable:
        parts = sorted((id(t), m.shape, m.tobytes()) for t, m in value.terms.items())
        return value.offset.tobytes(), *parts
