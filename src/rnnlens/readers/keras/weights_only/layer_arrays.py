"""The arrays of one layer in a file of weights, before anybody says what they compute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rnnlens.network.json_values import JsonObject
from rnnlens.readers.keras.weights_only.shapes import sizes
from rnnlens.readers.variables import StoredVariable, VariableStore

__all__ = ["MOST_LAYERS", "LayerArrays", "told_apart"]

#: More layers than this are in no model.
MOST_LAYERS = 10_000


@dataclass(frozen=True, eq=False)
class LayerArrays:
    """One layer's arrays."""

    #: The layer's name, or that of its group.
    name: str
    #: Its arrays, for a builder of layers.
    store: VariableStore
    #: The same one by one, unread, in the file's order; roles are their own names.
    arrays: tuple[StoredVariable, ...]
    #: The classes that have such arrays, each with the class within a wrapper.
    classes: tuple[tuple[str, str], ...]
    #: The place of its group in the file.
    place: str = ""
    #: Whether the file says where it stands among the layers of its class.
    numbered: bool = True

    @property
    def kinds(self) -> list[str]:
        """The classes in words: ``"LSTM"``, ``"Bidirectional LSTM"``."""
        return [f"{kind} {inner}".strip() for kind, inner in self.classes]

    def entry(self, kind: str, inner: str = "", stated: JsonObject | None = None) -> dict | None:
        """Write the layer as Keras would, its sizes taken from the arrays."""
        stated = stated or {}
        implied = sizes(kind, [array.shape for array in self.arrays], inner)
        if implied is None:
            return None
        if not inner:
            return {"class_name": kind, "config": {"name": self.name, **implied, **stated}}
        within = {"name": inner.lower(), **implied, **stated.get("layer", {})}
        outer = {key: value for key, value in stated.items() if key != "layer"}
        layer = {"class_name": inner, "config": within}
        return {"class_name": kind, "config": {"name": self.name, "layer": layer, **outer}}


def told_apart(layers: Sequence[LayerArrays]) -> list[LayerArrays]:
    """Name layers of one name, such as those of models within a model, by their places."""
    times = Counter(layer.name for layer in layers)
    return [
        layer
        if times[layer.name] == 1
        else replace(layer, name=layer.place.replace("/", ".") or layer.name)
        for layer in layers[:MOST_LAYERS]
    ]
