"""Several inputs in one array, and how each is taken out of it again."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from rnnlens.network.layers.base import Layer

__all__ = ["Unjoin"]


@dataclass(frozen=True, eq=False)
class Unjoin(Layer):
    """One input out of an array that several were laid into, row by row.

    Parameters
    ----------
    rows : tuple of int
        The rows of the array that hold it: one a step, or one for a static vector.
    shape : tuple of int
        Of one sample of the input: its numbers stand at the front of its rows.
    steps : bool
        Whether the first axis is one of steps.
    """

    rows: tuple[int, ...]
    shape: tuple[int, ...]
    steps: bool

    @property
    def width(self) -> int:
        """Numbers of each of its rows."""
        return prod(self.shape) // len(self.rows)

    @property
    def places(self) -> slice | list[int]:
        """Its rows, to be taken out of the array: one stretch where they are one."""
        first, last = self.rows[0], self.rows[-1] + 1
        return slice(first, last) if last - first == len(self.rows) else list(self.rows)
