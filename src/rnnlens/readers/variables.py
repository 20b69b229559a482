"""Where a reader finds the arrays of a layer, whatever keeps them: an archive, HDF5, a live model.

A reader of a format supplies one kind of `VariableStore`; the builders of layers ask it for
variables by their role (``"kernel"``, ``"bias"``) and never see the file.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.cells import FloatArray

__all__ = [
    "LARGEST_ARRAY",
    "NamedStores",
    "StoredVariable",
    "VariableStore",
    "check_count",
    "load",
]

#: No array of more bytes than this is read: a file that declares one is damaged or hostile.
LARGEST_ARRAY = 4 * 1024**3

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class StoredVariable:
    """One variable of the source, not yet read."""

    #: The variable's own name in the source, such as ``"kernel"``.
    role: str
    #: The place in the file; empty for a live model.
    stored_at: str
    shape: tuple[int, ...]
    dtype: np.dtype
    #: Reads it.
    values: Callable[[], np.ndarray]
    #: Its place in the source's own words, where these are not the layer's path and its role.
    text: str = ""


class VariableStore(ABC):
    """The variables of one layer or one model."""

    @abstractmethod
    def variables(self, roles: Sequence[str], optional: int = 0) -> list[StoredVariable]:
        """Give the layer's own variables."""

    @abstractmethod
    def sublayer(self, attribute: str) -> VariableStore:
        """Give the store of a layer within the layer."""

    @abstractmethod
    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, VariableStore]:
        """Give the stores of a model's layers."""

    def every(self) -> list[StoredVariable]:
        """Give all variables below, under the file's own names, where the store can tell."""
        return []

    def part(self, attribute: str, name: str) -> VariableStore:
        """Give the store of a layer within, which goes by an attribute or by a name."""
        return self.sublayer(attribute)

    def cells(
        self, entries: Sequence[tuple[str, str]], arrays: Sequence[int]
    ) -> dict[str, VariableStore]:
        """Give the stores of a stack's cells, which have so many arrays each."""
        return self.layers(entries)


class NamedStores(VariableStore):
    """The stores of layers by the names that they were given; the other layers have no arrays."""

    def __init__(self, stores: Mapping[str, VariableStore]) -> None:
        self.stores = dict(stores)

    def variables(self, roles: Sequence[str], optional: int = 0) -> list[StoredVariable]:
        """Give the layer's own variables, see `VariableStore.variables`."""
        check_count(0, roles, optional, "a layer without arrays")
        return []

    def sublayer(self, attribute: str) -> VariableStore:
        """Give the store of a layer within, see `VariableStore.sublayer`."""
        return NamedStores({})

    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, VariableStore]:
        """Give the stores of a model's layers, see `VariableStore.layers`."""
        return {name: self.stores.get(name, NamedStores({})) for _, name in entries}


def check_count(count: int, roles: Sequence[str], optional: int, where: str) -> None:
    """Check that a layer has as many variables as its options say."""
    if not len(roles) - optional <= count <= len(roles):
        raise UnreadableFile(
            f"{where} holds {count} arrays where its configuration calls for {len(roles)} "
            f"({', '.join(roles) or 'none'}): the weights do not belong to this configuration, or "
            "the file is damaged; save the model again"
        )


def load(stored: StoredVariable, expected: Shape, where: str) -> FloatArray:
    """Read one variable into an array of our own, in the source's dtype."""
    fits = len(stored.shape) == len(expected) and all(
        want is None or have == want for have, want in zip(stored.shape, expected, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if want is None else str(want) for want in expected)
        raise UnreadableFile(
            f"layer {where!r}: array {stored.role!r} has shape {stored.shape}, but the layer's "
            f"options call for ({wanted}): the weights do not belong to this configuration"
        )
    if math.prod(stored.shape) * stored.dtype.itemsize > LARGEST_ARRAY:
        raise UnreadableFile(
            f"layer {where!r}: array {stored.role!r} declares shape {stored.shape}, more than "
            f"{LARGEST_ARRAY // 1024**3} GiB: the file is damaged or not what it seems"
        )
    if stored.dtype.kind != "f":
        raise UnsupportedModel(
            f"layer {where!r}: array {stored.role!r} is of type {stored.dtype}, and rnnlens reads "
            "float16, float32 and float64; convert the model's weights and save it again"
        )
    return np.array(stored.values(), order="C", copy=True)
