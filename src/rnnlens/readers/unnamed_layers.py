"""Which layers a plain list of arrays holds: every way in which its shapes can be cut into layers.

``model.get_weights()`` gives arrays in the order of the layers and no names. The number of arrays
and their shapes say which are a cell's: Keras keeps a kernel (feature, gates x unit), a recurrent
kernel (unit, gates x unit) and a bias, Keras 1 three arrays a gate, PyTorch the transposed kernels
and two biases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["KERAS", "KERAS_1", "TORCH", "LayerShapes", "ways"]

#: Gates by kind of cell.
GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
#: Conventions, as they are called.
KERAS, KERAS_1, TORCH = "Keras 2 or 3", "Keras 1", "PyTorch"
#: Ways of cutting that are looked at: a list of so many small layers says nothing any more.
MOST = 200

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerShapes:
    """One layer among the arrays."""

    #: LSTM, GRU, SimpleRNN, or what a layer without steps is.
    kind: str
    #: Where its arrays begin and end.
    first: int
    end: int
    #: What it takes and hands on; zero where shapes leave that open.
    takes: int
    gives: int
    #: Directions: two for a bidirectional layer.
    directions: int = 1
    #: Whether few networks have such a layer: one without biases, say.
    rare: bool = False

    @property
    def text(self) -> str:
        """In words."""
        return f"Bidirectional {self.kind}" if self.directions == 2 else self.kind

    @property
    def recurrent(self) -> bool:
        """Whether it is a cell's."""
        return self.kind in GATES


def ways(shapes: Sequence[Shape], convention: str) -> list[list[LayerShapes]]:
    """Give every way to cut arrays into layers of one convention, a recurrent one among them.

    The best comes first: layers that take what the one before gives, and few of them.
    """
    found: list[list[LayerShapes]] = []

    def go_on(first: int, before: list[LayerShapes]) -> None:
        if len(found) >= MOST:
            return
        if first == len(shapes):
            if any(layer.recurrent for layer in before):
                found.append(before)
            return
        for layer in _layers_at(shapes, first, convention):
            go_on(layer.end, [*before, layer])

    go_on(0, [])
    return sorted(found, key=lambda layers: (misfits(layers), len(layers)))


def misfits(layers: Sequence[LayerShapes]) -> tuple[int, int]:
    """Count the layers that do not take what comes to them, and those that few networks have."""
    apart = sum(0 < a.gives != b.takes > 0 for a, b in pairwise(layers))
    return apart, sum(layer.rare for layer in layers)


def _layers_at(shapes: Sequence[Shape], first: int, convention: str) -> Iterator[LayerShapes]:
    """Give the layers whose arrays may begin at a place."""
    for kind in GATES:
        yield from _cells(kind, shapes, first, convention)
    shape, after = shapes[first], shapes[first + 1 : first + 2]
    if len(shape) == 2:
        takes, gives = shape[::-1] if convention == TORCH else shape
        if tuple(after) == ((gives,),):
            yield LayerShapes("Dense", first, first + 2, takes, gives)
        takes = takes if first else 0
        yield LayerShapes("Dense or Embedding", first, first + 1, takes, gives, rare=first > 0)
    same = [one == shape for one in shapes[first : first + 4]]
    if len(shape) == 1 and len(same) == 4 and all(same):
        yield LayerShapes("BatchNormalization", first, first + 4, shape[0], shape[0])
    if len(shape) == 1 and len(same) > 1 and all(same[:2]):
        yield LayerShapes("LayerNormalization", first, first + 2, shape[0], shape[0], rare=True)


def _cells(
    kind: str, shapes: Sequence[Shape], first: int, convention: str
) -> Iterator[LayerShapes]:
    """Give the cells of a kind that begin at a place, in one direction or two."""
    for count in _counts(kind, convention):
        one = _cell(kind, tuple(shapes[first : first + count]), count, convention)
        if one is None:
            continue
        (takes, units), rare = one, count == 2
        yield LayerShapes(kind, first, first + count, takes, units, rare=rare)
        again = tuple(shapes[first + count : first + 2 * count])
        if again == tuple(shapes[first : first + count]):
            # the two sides may be added, averaged or set side by side: the next layer says which
            for gives in (2 * units, units):
                yield LayerShapes(kind, first, first + 2 * count, takes, gives, 2, rare)


def _counts(kind: str, convention: str) -> tuple[int, ...]:
    """Give the numbers of arrays that a cell may have: with biases or without."""
    if convention == KERAS_1:
        return (3 * GATES[kind],) if kind != "SimpleRNN" else ()
    return (4, 2) if convention == TORCH else (3, 2)


def _cell(
    kind: str, shapes: tuple[Shape, ...], count: int, convention: str
) -> tuple[int, int] | None:
    """Give features and units if arrays have the shapes of a cell of a kind."""
    gates = GATES[kind]
    if len(shapes) != count or any(len(shape) != 2 for shape in shapes[:2]):
        return None
    kernel, recurrent, *biases = shapes
    if convention == KERAS_1:
        units = recurrent[0]
        fits = shapes == ((kernel[0], units), (units, units), (units,)) * gates
        return (kernel[0], units) if fits else None
    if convention == TORCH:
        kernel, recurrent = kernel[::-1], recurrent[::-1]
    units, width = recurrent[0], gates * recurrent[0]
    allowed = {(width,)}
    if convention == KERAS and kind == "GRU":
        allowed.add((2, width))
    fits = units > 0 and kernel[1] == width == recurrent[1] and set(biases) <= allowed
    return (kernel[0], units) if fits else None
