"""What Keras 3's ``model.export`` keeps: variables in the model's order, each with its name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rnnlens.errors import UnreadableFile
from rnnlens.readers.hardening.hdf5 import Hdf5Object
from rnnlens.readers.keras.tensorflow.bundle import Bundle
from rnnlens.readers.keras.tensorflow.layers import made_as
from rnnlens.readers.keras.tensorflow.object_graph import ObjectGraph, ObjectNode
from rnnlens.readers.keras.weights import MODELS, WITH_ARRAYS, NamedDataset, WeightList
from rnnlens.readers.keras.weights_only.layer_arrays import LayerArrays
from rnnlens.readers.keras.weights_only.shapes import classes_of
from rnnlens.readers.variables import NamedStores, StoredVariable, VariableStore, check_count

__all__ = ["exported", "is_exported"]

#: Where the variables are listed, and listed again.
LISTED, AGAIN = "variables", "_all_variables"


def is_exported(graph: ObjectGraph) -> bool:
    """Tell an export by its root, which lists variables and no layers."""
    return {LISTED, AGAIN} <= graph.nodes[0].children.keys()


class _Named(WeightList):
    """The variables of one layer, told apart by their names."""

    def __init__(self, weights: Sequence[NamedDataset], layer: str, bundle: Bundle) -> None:
        super().__init__(weights, layer)
        self.bundle = bundle

    def described(self, role: str, item: NamedDataset) -> StoredVariable:
        """Describe one of the arrays, unread."""
        return self.bundle.variable(role, item.place)

    def again(self, weights: Sequence[NamedDataset], layer: str) -> WeightList:
        """Give some of the arrays as those of a part."""
        return _Named(weights, layer, self.bundle)


class _Listed(VariableStore):
    """The layers of an export, in their order."""

    def __init__(self, stores: dict[str, _Named]) -> None:
        self.stores = stores

    def variables(self, roles: Sequence[str], optional: int = 0) -> list[StoredVariable]:
        """Give the layer's own variables, see `VariableStore.variables`."""
        check_count(0, roles, optional, "the model")
        return []

    def sublayer(self, attribute: str) -> VariableStore:
        """Give the store of a layer within, see `VariableStore.sublayer`."""
        raise UnreadableFile(f"the export has no place for {attribute!r} of the model")

    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, VariableStore]:
        """Give the stores of a model's layers, see `VariableStore.layers`."""
        takers = [name for kind, name in entries if kind in WITH_ARRAYS]
        nested = any(kind in MODELS for kind, _ in entries)
        if set(self.stores) == set(takers):
            return NamedStores(self.stores).layers(entries)
        if nested or len(takers) != len(self.stores):
            raise UnreadableFile(
                f"the architecture has {len(takers)} layers with arrays ({', '.join(takers)}) and "
                f"the export {len(self.stores)} ({', '.join(self.stores)}): they do not belong "
                "together, or models lie within the model, whose layers an export keeps in one list"
            )
        in_order = dict(zip(takers, self.stores.values(), strict=True))
        return NamedStores(in_order).layers(entries)


def exported(
    graph: ObjectGraph, bundle: Bundle
) -> tuple[VariableStore, list[LayerArrays], list[str]]:
    """Give the store of an export's layers, the layers, and the keys of what is there twice."""
    listed = [graph.nodes[at] for at in graph.items(graph.nodes[0].children[LISTED])]
    again = [graph.nodes[at].key for at in graph.items(graph.nodes[0].children[AGAIN])]
    kept = [node for node in listed if node.key and not node.name.endswith("seed_generator_state")]
    stores: dict[str, _Named] = {}
    layers = []
    for name, nodes in groupby(kept, lambda node: made_as(node.name)[0]):
        label = name if name not in stores else f"{name}_{len(stores)}"
        own = list(nodes)
        stores[label] = _Named([_item(node) for node in own], label, bundle)
        arrays = tuple(_array(node, bundle) for node in own)
        classes = classes_of([array.shape for array in arrays], [array.role for array in arrays])
        layers.append(LayerArrays(label, stores[label], arrays, tuple(classes), name))
    listed_keys = {node.key for node in kept}
    seeds = [node.key for node in listed if node.key not in listed_keys]
    return _Listed(stores), layers, [*seeds, *(key for key in again if key not in listed_keys)]


def _item(node: ObjectNode) -> NamedDataset:
    dataset: Hdf5Object = None
    return NamedDataset(made_as(node.name)[1], dataset, node.key)


def _array(node: ObjectNode, bundle: Bundle) -> StoredVariable:
    return bundle.variable(made_as(node.name)[1].rpartition("/")[2], node.key, node.name)
