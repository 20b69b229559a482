"""The weights in Keras's HDF5 files: one group a layer, its arrays listed in their order.

The attribute ``layer_names`` of the root names the layers, ``weight_names`` of each layer's group
its arrays (keras/src/legacy/saving/legacy_h5_format.py). A whole model keeps all of it within the
group ``model_weights``; a file of weights alone keeps it at its root.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rnnlens.errors import UnreadableFile
from rnnlens.readers.hardening.hdf5 import Hdf5Object, attribute_list, child, stored
from rnnlens.readers.variables import StoredVariable, VariableStore, check_count

if TYPE_CHECKING:
    import h5py

__all__ = [
    "MODELS",
    "WHOLE",
    "WITH_ARRAYS",
    "LayerGroups",
    "NamedDataset",
    "WeightList",
    "base_name",
]

#: The group of a whole model's weights.
WHOLE = "model_weights"

#: Classes of whole models, whose layers' arrays lie in one list.
MODELS = frozenset({"Sequential", "Functional", "Model"})

#: Classes of layers that have arrays.
WITH_ARRAYS = MODELS | {
    "AdditiveAttention",
    "BatchNormalization",
    "BatchNormalizationV1",
    "BatchNormalizationV2",
    "Bidirectional",
    "Conv1D",
    "Convolution1D",
    "CuDNNGRU",
    "CuDNNLSTM",
    "Dense",
    "Embedding",
    "GRU",
    "LSTM",
    "LayerNormalization",
    "MultiHeadAttention",
    "Normalization",
    "PReLU",
    "RNN",
    "SimpleRNN",
    "TimeDistributed",
}


class NamedDataset(NamedTuple):
    """An array that a file lists: its name there, the dataset, unread, and its place."""

    name: str
    dataset: Hdf5Object
    place: str


class WeightList(VariableStore):
    """The arrays of one layer, in Keras's order, told apart by their names."""

    def __init__(self, weights: Sequence[NamedDataset], layer: str) -> None:
        self.weights = list(weights)
        self.layer = layer

    def variables(self, roles: Sequence[str], optional: int = 0) -> list[StoredVariable]:
        """Give the layer's own variables, see `VariableStore.variables`."""
        # The state that a stateful layer keeps is among its variables in Keras 3.
        kept = [item for item in self.weights if not base_name(item.name).startswith("rnn_state")]
        check_count(len(kept), roles, optional, f"layer {self.layer!r}")
        by_name = {base_name(item.name): item for item in kept}
        wanted = list(roles)[: len(kept)]
        if set(by_name) == set(wanted):
            return [self.described(role, by_name[role]) for role in wanted]
        known = set(by_name) & set(wanted)
        if known:
            raise UnreadableFile(
                f"layer {self.layer!r} holds the arrays {', '.join(by_name)} where its "
                f"configuration calls for {', '.join(wanted)}: the weights do not belong to it"
            )
        return [self.described(role, item) for role, item in zip(wanted, kept, strict=True)]

    def described(self, role: str, item: NamedDataset) -> StoredVariable:
        """Describe one of the arrays, unread."""
        return stored(role, item.dataset, item.place)

    def every(self) -> list[StoredVariable]:
        """Give all of the arrays, see `VariableStore.every`."""
        return [self.described(item.name, item) for item in self.weights]

    def again(self, weights: Sequence[NamedDataset], layer: str) -> WeightList:
        """Give some of the arrays as those of a part, or of a layer within."""
        return type(self)(weights, layer)

    def sublayer(self, attribute: str) -> VariableStore:
        """Give the store of a layer within, see `VariableStore.sublayer`."""
        if attribute not in {"forward_layer", "backward_layer"}:
            return self
        side = attribute.removesuffix("layer")
        named = [item for item in self.weights if _names(item.name, side)]
        if not named:
            half = len(self.weights) // 2
            named = self.weights[:half] if side == "forward_" else self.weights[half:]
        return self.again(named, f"{self.layer}.{side.rstrip('_')}")

    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, VariableStore]:
        """Give the stores of a model's layers, see `VariableStore.layers`."""
        # The arrays of a nested model lie in one list; its layers are told by their names.
        return {
            name: self.again(self.weights if kind in MODELS else self._of(name), name)
            for kind, name in entries
        }

    def part(self, attribute: str, name: str) -> VariableStore:
        """Give the store of a layer within, see `VariableStore.part`."""
        return type(self)(self._of(name), f"{self.layer}.{name}")

    def cells(
        self, entries: Sequence[tuple[str, str]], arrays: Sequence[int]
    ) -> dict[str, VariableStore]:
        """Give the stores of a stack's cells, see `VariableStore.cells`."""
        stores = self.layers(entries)
        if all(self._of(name) for _, name in entries) or len(self.weights) != sum(arrays):
            return stores
        # Multi-backend Keras 2 numbers the arrays of a stack and does not name its cells.
        ends = [sum(arrays[: number + 1]) for number in range(len(arrays))]
        return {
            name: type(self)(self.weights[end - count : end], f"{self.layer}.{name}")
            for (_, name), end, count in zip(entries, ends, arrays, strict=True)
        }

    def _of(self, layer: str) -> list[NamedDataset]:
        depths = {
            item.name: parts.index(layer)
            for item in self.weights
            if layer in (parts := item.name.split("/")[:-1])
        }
        first = min(depths.values(), default=0)
        return [item for item in self.weights if depths.get(item.name) == first]


class LayerGroups(VariableStore):
    """The groups of a model: one a layer.

    Parameters
    ----------
    group : h5py.Group
        Where the layers' groups lie.
    prefix : str
        The path of that group in the file, empty for the root.
    """

    #: How the arrays of one layer are told apart.
    weight_list: ClassVar[type[WeightList]] = WeightList

    def __init__(self, group: h5py.Group, prefix: str = "", *, by_order: bool = False) -> None:
        self.group = group
        self.prefix = prefix
        #: Whether layers of other names may take the arrays in their order.
        self.by_order = by_order or prefix != WHOLE

    @property
    def filled(self) -> list[str]:
        """Names of the layers that have arrays, in the file's order."""
        listed = attribute_list(self.group, "layer_names")
        twice = _twice(listed)
        if twice is not None:
            raise UnreadableFile(
                f"the file lists two layers of the name {twice!r}, so the arrays of one are lost: "
                "save the model again"
            )
        return [name for name in listed if self.weights_of(name)]

    def variables(self, roles: Sequence[str], optional: int = 0) -> list[StoredVariable]:
        """Give the layer's own variables, see `VariableStore.variables`."""
        check_count(0, roles, optional, "the model")
        return []

    def sublayer(self, attribute: str) -> VariableStore:
        """Give the store of a layer within, see `VariableStore.sublayer`."""
        raise UnreadableFile(f"the file has no place for {attribute!r} of the model")

    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, VariableStore]:
        """Give the stores of a model's layers, see `VariableStore.layers`."""
        names = {name: name for _, name in entries}
        if self.by_order and not names.keys() >= set(self.filled):
            names |= self._in_order(entries)
        return {name: self.weight_list(self.weights_of(own), name) for name, own in names.items()}

    def _in_order(self, entries: Sequence[tuple[str, str]]) -> dict[str, str]:
        """Give each layer of an architecture the group in its place, as Keras's own loader does."""
        takers = [name for kind, name in entries if kind in WITH_ARRAYS]
        if len(takers) != len(self.filled):
            raise UnreadableFile(
                f"the architecture has {len(takers)} layers with arrays ({', '.join(takers)}) and "
                f"the file of weights {len(self.filled)} ({', '.join(self.filled)}): they do not "
                "belong together"
            )
        return dict(zip(takers, self.filled, strict=True))

    def weights_of(self, name: str) -> list[NamedDataset]:
        """Give the arrays of one layer."""
        group = child(self.group, name) if "/" not in name else None
        if group is None:
            return []
        listed = attribute_list(group, "weight_names")
        place = f"{self.prefix}/{name}" if self.prefix else name
        twice = _twice(listed)
        if twice is not None:
            raise UnreadableFile(
                f"{place} in the file lists {len(listed)} arrays and calls two of them {twice!r}, "
                "so one of them is lost, as when Keras 3.0 or 3.1 fails to save a Bidirectional as "
                "HDF5: save the model as model.save('model.keras'), or train it again if it is gone"
            )
        return [NamedDataset(name, child(group, name), f"{place}/{name}") for name in listed]


def base_name(name: str) -> str:
    """Give a variable's own name, without its layer and without numbers.

    Examples
    --------
    >>> base_name("lstm_1/kernel_2:0")
    'kernel'
    """
    return re.sub(r"_\d+$", "", name.rsplit("/", maxsplit=1)[-1].split(":", maxsplit=1)[0])


def _names(name: str, side: str) -> bool:
    return any(part.startswith(side) for part in name.split("/"))


def _twice(names: Sequence[str]) -> str | None:
    """Give the first name that repeats."""
    if len(set(names)) == len(names):
        return None
    return next(name for name in names if names.count(name) > 1)
