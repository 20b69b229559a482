"""What a tensor of an ONNX graph is while the graph is read: numbers, or a value of the network.

ONNX leaves the batch axis anywhere: sequences are (step, batch, feature) by default. The canonical
network is batch-first, so every value carries where its batch axis stands in the file, and the
other axes keep their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.readers.refusals import WrongSampleAxis

__all__ = [
    "APART",
    "BATCH",
    "Dim",
    "FixedArray",
    "Length",
    "OnnxTensor",
    "OnnxValue",
    "constant_in",
    "fresh",
    "product",
    "quotient",
]

_numbers = count()


#: How a sentence ends that says that a node mixes samples, or takes them apart.
APART = "; rnnlens reads networks that keep the batch axis apart"


@dataclass(frozen=True)
class Dim:
    """A length that is not known before data come: a whole number times named lengths."""

    #: Sorted; each is the length of some axis of some input.
    names: tuple[str, ...]
    #: The whole number.
    factor: int = 1

    def __mul__(self, other: object) -> Length:
        return product([self, other]) if isinstance(other, int | np.integer | Dim) else fresh()

    __rmul__ = __mul__

    def __floordiv__(self, other: object) -> Length:
        if isinstance(other, int | np.integer | Dim):
            length = quotient(self, other if isinstance(other, Dim) else int(other))
            return fresh() if length is None else length
        return fresh()

    __truediv__ = __floordiv__

    def __rfloordiv__(self, other: object) -> Length:
        return fresh()

    __rtruediv__ = __rfloordiv__

    def __add__(self, other: object) -> Length:
        return self if isinstance(other, int | np.integer) and other == 0 else fresh()

    __radd__ = __add__
    __sub__ = __add__

    def __rsub__(self, other: object) -> Length:
        return fresh()


Length = int | Dim
#: The length of the batch axis, whatever the file says it is.
BATCH = Dim(("batch",))


def fresh() -> Dim:
    """Give a length that equals no other."""
    return Dim((f"?{next(_numbers)}",))


def product(lengths: Iterable[Length | np.integer]) -> Length:
    """Multiply lengths.

    Examples
    --------
    >>> product([2, BATCH, 3])
    Dim(names=('batch',), factor=6)
    """
    factor = 1
    names: list[str] = []
    for length in lengths:
        if isinstance(length, Dim):
            factor *= length.factor
            names += length.names
        else:
            factor *= int(length)
    return Dim(tuple(sorted(names)), factor) if names and factor else factor


def quotient(whole: Length, part: Length) -> Length | None:
    """Divide a length by another.

    Examples
    --------
    >>> quotient(Dim(("batch",), 6), 3)
    Dim(names=('batch',), factor=2)
    """
    w = whole if isinstance(whole, Dim) else Dim((), whole)
    p = part if isinstance(part, Dim) else Dim((), part)
    have, taken = Counter(w.names), Counter(p.names)
    if not p.factor or w.factor % p.factor or taken - have:
        return None
    return product([w.factor // p.factor, *(Dim((name,)) for name in (have - taken).elements())])


@dataclass(frozen=True, eq=False)
class FixedArray:
    """Numbers that the file fixes."""

    #: The numbers; of type object where a shape holds a `Dim`.
    values: np.ndarray
    #: Where they came from: an initialiser's name where they are one.
    text: str = ""
    #: An axis of length one that stands for as many equal rows as there are samples.
    batch: int | None = None

    @property
    def shape(self) -> tuple[Length, ...]:
        """The shape in the file."""
        return tuple(
            BATCH if axis == self.batch else length for axis, length in enumerate(self.values.shape)
        )


@dataclass(frozen=True)
class OnnxTensor:
    """A value that the network computes."""

    #: Number of the built node, and of its output.
    ref: tuple[int, int]
    #: The shape in the file.
    shape: tuple[Length, ...]
    #: The axis of the samples in the file.
    batch: int
    #: Whether the file has whole numbers here.
    integer: bool = False
    #: Where the file has samples and steps in one axis, (sample x step, feature): the shape with
    #: them apart. The value in the network is the one with them apart.
    apart: tuple[Length, ...] = ()
    #: How many heads of attention the file has beside each sample in the axis of the samples; 0
    #: where none. In the network they are an axis of their own, next to that of the samples.
    heads: int = 0

    def folded(self) -> OnnxTensor:
        """Give the same value with all axes but the last in one."""
        shape = (product(self.shape[:-1]), self.shape[-1])
        return OnnxTensor(self.ref, shape, self.batch, self.integer, self.shape)

    def opened(self) -> OnnxTensor:
        """Undo `folded`."""
        return OnnxTensor(self.ref, self.apart, self.batch, self.integer) if self.apart else self

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def axis(self, axis: int) -> int:
        """Give the canonical number of an axis of the file."""
        if axis == self.batch:
            return 0
        return axis + 1 if axis < self.batch or self.heads else axis

    def laid(self, ref: tuple[int, int], shape: Sequence[Length], batch: int) -> OnnxTensor:
        """Give the same numbers laid out anew."""
        return OnnxTensor(ref, tuple(shape), batch, self.integer)

    @property
    def sample(self) -> tuple[Length, ...]:
        """The shape of one sample."""
        heads = (self.heads,) if self.heads else ()
        return self.shape[: self.batch] + heads + self.shape[self.batch + 1 :]


OnnxValue = FixedArray | OnnxTensor


def constant_in(known: FixedArray, rank: int, batch: int, where: str) -> np.ndarray:
    """Give fixed numbers as they meet one sample, the batch axis taken out."""
    values = known.values
    if values.dtype == object:
        raise UnsupportedModel(f"node {where} computes with a length that only the data will tell")
    if values.ndim > rank:
        raise UnsupportedModel(
            f"node {where} widens a value of {rank} axes to {values.ndim}, which rnnlens does not "
            "read"
        )
    place = batch - (rank - values.ndim)
    if known.batch not in {None, place}:
        raise WrongSampleAxis(
            f"node {where} stretches fixed numbers along another axis than the samples"
        )
    if place >= 0:
        if values.shape[place] != 1 and (values != values.take([0], axis=place)).any():
            raise UnsupportedModel(
                f"node {where} holds numbers that differ from sample to sample (shape "
                f"{values.shape}); rnnlens reads networks that treat every sample alike"
            )
        values = values.take(0, axis=place)
    while values.ndim and values.shape[0] == 1:
        values = values[0]
    return values
