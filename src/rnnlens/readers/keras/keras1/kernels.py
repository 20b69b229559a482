"""The kernels of Keras 1's convolutions over one axis, laid out as Keras 2 does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rnnlens.readers.variables import StoredVariable, VariableStore

__all__ = ["Keras1Kernels"]


class Keras1Kernels(VariableStore):
    """A convolution's arrays, its kernel laid out as Keras 2 does.

    Keras 1 convolves one axis as if it were two: kernels are (taps, 1, features, filters) from 1.2
    on and (filters, features, taps, 1) before (Keras 2.x, preprocess_weights_for_loading).

    Parameters
    ----------
    store : VariableStore
        The arrays as they are.
    taps, filters : int
        What the layer's options state.
    """

    def __init__(self, store: VariableStore, taps: int, filters: int) -> None:
        self.store = store
        self.taps = taps
        self.filters = filters

    def variables(self, roles: Sequence[str], optional: int = 0) -> list[StoredVariable]:
        """Give the layer's own variables, see `VariableStore.variables`."""
        variables = self.store.variables(roles, optional)
        return [self._laid_out(item) if item.role == "kernel" else item for item in variables]

    def sublayer(self, attribute: str) -> VariableStore:
        """Give the store of a layer within, see `VariableStore.sublayer`."""
        return self.store.sublayer(attribute)

    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, VariableStore]:
        """Give the stores of a model's layers, see `VariableStore.layers`."""
        return self.store.layers(entries)

    def _laid_out(self, kernel: StoredVariable) -> StoredVariable:
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
