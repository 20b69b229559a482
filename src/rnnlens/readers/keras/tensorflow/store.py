"""The arrays of a model in an object graph, layer by layer, by the attributes that lead to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rnnlens.errors import UnreadableFile
from rnnlens.readers.keras.tensorflow.bundle import Bundle
from rnnlens.readers.keras.tensorflow.object_graph import ObjectGraph
from rnnlens.readers.keras.weights import MODELS, WITH_ARRAYS
from rnnlens.readers.variables import NamedStores, StoredVariable, VariableStore, check_count

__all__ = ["BOOKKEEPING", "ObjectStore", "Saved", "model_within"]

#: Attributes under which Keras lists again what stands elsewhere, or keeps what trains a model.
BOOKKEEPING = frozenset({
    "__call__",
    "_all_variables",
    "_inbound_nodes",
    "_losses",
    "_metrics",
    "_misc_assets",
    "_optimizer",
    "_outbound_nodes",
    "_random_generator",
    "keras_api",
    "layer_metrics",
    "layers",
    "metrics",
    "non_trainable_variables",
    "optimizer",
    "regularization_losses",
    "save_counter",
    "seed_generator",
    "serve",
    "signatures",
    "state_spec",
    "states",
    "trainable_variables",
    "variables",
})

#: The attributes of a model's layers in their order: in tf.keras, in Keras 3.
NUMBERED, OPERATIONS = re.compile(r"layer-(\d+)"), "_operations"

#: How many models may lie around the one that was saved.
DEEPEST = 4


@dataclass(frozen=True, eq=False)
class Saved:
    """A checkpoint: its objects and its tensors."""

    graph: ObjectGraph
    bundle: Bundle

    def layers_of(self, node: int) -> list[int]:
        """Give the layers of a model in their order, where the graph keeps it."""
        children = self.graph.nodes[node].children
        operations = children.get(OPERATIONS)
        if operations is not None:
            return list(self.graph.items(operations))
        numbers = {
            int(match[1]): target
            for name, target in children.items()
            if (match := NUMBERED.fullmatch(name))
        }
        return [numbers[number] for number in sorted(numbers)]

    def filled(self, node: int) -> bool:
        """Tell whether an object or one below it holds variables."""
        waiting, seen = [node], {node}
        while waiting:
            at = waiting.pop()
            if self.graph.variables(at):
                return True
            below = self.graph.nodes[at].children.items()
            new = [target for name, target in below if name not in BOOKKEEPING | {"_tracked"}]
            waiting += [target for target in new if target not in seen]
            seen.update(new)
        return False


def model_within(graph: ObjectGraph) -> int:
    """Find the model in what was saved, such as ``tf.train.Checkpoint(model=model)``."""
    at = 0
    for _ in range(DEEPEST):
        children = graph.nodes[at].children
        if OPERATIONS in children or any(NUMBERED.fullmatch(name) for name in children):
            return at
        inner = {target for name, target in children.items() if name not in BOOKKEEPING}
        if "_functional" in children:
            at = children["_functional"]
        elif len(inner) == 1 and not graph.variables(at):
            at = inner.pop()
        else:
            return at
    return at


@dataclass(frozen=True, eq=False)
class ObjectStore(VariableStore):
    """The variables of one object."""

    saved: Saved
    node: int
    #: The way to it in words.
    place: str = field(default="the model")

    def variables(self, roles: Sequence[str], optional: int = 0) -> list[StoredVariable]:
        """Give the layer's own variables, see `VariableStore.variables`."""
        held = self.saved.graph.variables(self.node)
        check_count(len(held), roles, optional, self.place)
        if not held.keys() <= set(roles):
            raise UnreadableFile(
                f"{self.place} holds the arrays {', '.join(held)} where its configuration calls "
                f"for {', '.join(roles)}: the weights do not belong to it"
            )
        variables = self.saved.bundle.variable
        return [variables(role, held[role].key) for role in roles if role in held]

    def sublayer(self, attribute: str) -> VariableStore:
        """Give the store of a layer within, see `VariableStore.sublayer`."""
        inner = self.saved.graph.child(self.node, attribute)
        if inner is None and attribute == "cell":
            return self  # a layer of CuDNN is no layer around a cell
        if inner is None:
            raise UnreadableFile(
                f"{self.place} has no {attribute} in the file: the weights do not belong to this "
                "configuration, or the file is damaged; save the model again"
            )
        return ObjectStore(self.saved, inner, f"{self.place}/{attribute}")

    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, VariableStore]:
        """Give the stores of a model's layers, see `VariableStore.layers`."""
        saved, node = self.saved, self.node
        inner = saved.graph.child(node, "_functional")
        listed = saved.layers_of(node) or (saved.layers_of(inner) if inner is not None else [])
        # A Sequential model does not count its entry among its layers.
        for taken in (entries, [each for each in entries if each[0] != "InputLayer"]):
            fits = len(taken) == len(listed) and not any(
                kind == "InputLayer" and saved.filled(target)
                for (kind, _), target in zip(taken, listed, strict=True)
            )
            if fits:
                return self._stores(entries, taken, listed)
        filled = [target for target in listed if saved.filled(target)]
        takers = [each for each in entries if each[0] in WITH_ARRAYS]
        # a model within may have no arrays at all
        sure = [each for each in takers if each[0] not in MODELS]
        for taken in (takers, sure):
            if listed and len(taken) == len(filled):
                return self._stores(entries, taken, filled)
        named = [saved.graph.child(node, name) for _, name in takers]
        found = [target for target in named if target is not None]
        if len(found) == len(takers):
            return self._stores(entries, takers, found)
        raise UnreadableFile(
            f"{self.place} has {len(filled)} layers with arrays in the file and {len(takers)} in "
            f"the architecture ({', '.join(name for _, name in takers)}): they do not belong "
            "together"
        )

    def _stores(
        self,
        entries: Sequence[tuple[str, str]],
        taken: Sequence[tuple[str, str]],
        listed: Sequence[int],
    ) -> dict[str, VariableStore]:
        found = {
            name: ObjectStore(self.saved, target, f"layer {name!r}")
            for (_, name), target in zip(taken, listed, strict=True)
        }
        return NamedStores(found).layers(entries)

    def every(self) -> list[StoredVariable]:
        """Give all variables below, see `VariableStore.every`."""
        variables = []
        waiting, seen = [(self.node, "")], {self.node}
        while waiting:
            at, way = waiting.pop(0)
            for name, each in self.saved.graph.variables(at).items():
                variables.append(self.saved.bundle.variable(way + name, each.key))
            for name, target in self.saved.graph.nodes[at].children.items():
                if name not in BOOKKEEPING and target not in seen:
                    seen.add(target)
                    waiting.append((target, f"{way}{name}/"))
        return variables
