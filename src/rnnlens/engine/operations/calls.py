"""What operations that call kernels have in common: what is handed over, and who does the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from rnnlens.engine.kernels.lowlevel.compiling import announcing_compilation
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.context import round_of_work
from rnnlens.engine.schedule.threads import share
from rnnlens.network.layers import Layer

__all__ = ["KINDS", "OnceARound", "plain", "shared"]

L = TypeVar("L", bound=Layer)
T = TypeVar("T")

#: What the kernels compute in.
KINDS = (np.dtype("f4"), np.dtype("f8"))


def plain(array: Array, shape: tuple[int, ...], dtype: np.dtype[np.float64]) -> Array:
    """Give an array as the kernels were compiled for it: rows together, and not read-only."""
    flags = array.flags
    if array.dtype != dtype or not (flags.c_contiguous and flags.writeable):
        array = np.array(array, dtype, order="C")
    return array.reshape(shape)


class OnceARound(Generic[L, T]):
    """What layers are made into for the kernels, made once a round of work.

    Outside of any round it is made at every call, since arrays of a layer may have changed.

    Parameters
    ----------
    make : callable
        From a layer and its input, of which the type and the last axis alone count.
    """

    def __init__(self, make: Callable[[L, Array], T]) -> None:
        self.make = make
        self.known: WeakKeyDictionary[L, tuple[object, np.dtype[np.float64], int, T]] = (
            WeakKeyDictionary()
        )

    def __call__(self, layer: L, x: Array) -> T:
        """Give it for a layer: x (..., entry)."""
        here, known = round_of_work(), self.known.get(layer)
        seen = here, x.dtype, x.shape[-1]
        if known is not None and here is not None and known[:3] == seen:
            return known[3]
        made = self.make(layer, x)
        self.known[layer] = *seen, made
        return made


#: Kernels that have been called, and with what: they need not be announced any more.
_CALLED: set[tuple[int, str]] = set()


def shared(
    kernel: object,
    work: Callable[[int, int], None],
    count: int,
    block: int,
    like: Array,
    *,
    alone: bool,
) -> None:
    """Have a kernel do work on a range, by threads where it is worth while."""
    known, apiece = (id(kernel), like.dtype.char), max(1, count) if alone else block
    if known in _CALLED:
        share(work, count, apiece)
        return
    with announcing_compilation():
        share(work, count, apiece)
    _CALLED.add(known)
