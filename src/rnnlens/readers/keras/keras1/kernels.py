"""The kernels of Keras 1's convolutions over one axis, laid out as Keras 2 does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rnnlens.readers.variables import Shelf, Stored

__all__ = ["OldKernels"]


class OldKernels(Shelf):
    """A convolution's arrays, its kernel laid out as Keras 2 does.

    Keras 1 convolves one axis as if it were two: kernels are (taps, 1, features, filters) from 1.2
    on and (filters, features, taps, 1) before (Keras 2.x, preprocess_weights_for_loading).

    Parameters
    ----------
    shelf : Shelf
        The arrays as they are.
    taps, filters : int
        What the layer's options state.
    """

    def __init__(self, shelf: Shelf, taps: int, filters: int) -> None:
        self.shelf = shelf
        self.taps = taps
        self.filters = filters

    def own(self, roles: Sequence[str], optional: int = 0) -> list[Stored]:
        """Give the layer's own variables, see `Shelf.own`."""
        found = self.shelf.own(roles, optional)
        return [self._laid_out(item) if item.role == "kernel" else item for item in found]

    def part(self, attribute: str) -> Shelf:
        """Give the shelf of a layer within, see `Shelf.part`."""
        return self.shelf.part(attribute)

    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, Shelf]:
        """Give the shelves of a model's layers, see `Shelf.layers`."""
        return self.shelf.layers(entries)

    def _laid_out(self, kernel: Stored) -> Stored:
        shape = kernel.shape
        if len(shape) != 4:
            return kernel
        if shape[:2] == (self.taps, 1) and shape[3] == self.filters:
            return replace(
                kernel,
                shape=(shape[0], *shape[2:]),
                values=lambda: np.asarray(kernel.values())[:, 0],
                text=f"{kernel.text}[:, 0]",
            )
        if shape[0] == self.filters and shape[2:] == (self.taps, 1):
            return replace(
                kernel,
                shape=(shape[2], shape[1], shape[0]),
                values=lambda: np.asarray(kernel.values())[..., 0].transpose(2, 1, 0),
                text=f"{kernel.text}[..., 0], axes turned round",
            )
        return kernel
