"""Arrays of a state dict that are not loaded until they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rnnlens.readers.layouts import CellArray

__all__ = ["LazyArray"]


@dataclass(frozen=True, eq=False)
class LazyArray:
    """One array of a state dict, not yet loaded."""

    shape: tuple[int, ...]
    #: Gives its numbers and its name.
    load: Callable[[], CellArray]
