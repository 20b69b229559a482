"""A serialised model cut behind one of its layers: that layer's output becomes the model's.

What does not lead to the layer is left out of the configuration, so that nothing of it is read. The
arrays are still those of the whole: groups are numbered by all layers of their class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rnnlens.arguments import did_you_mean
from rnnlens.errors import InputError
from rnnlens.network.json_values import JsonObject
from rnnlens.readers.keras.graph.calls import keys_in
from rnnlens.readers.keras.graph.kinds import calls_in, is_bare
from rnnlens.readers.keras.weights import MODELS
from rnnlens.readers.variables import StoredVariable, VariableStore

__all__ = ["CutStore", "cut", "kind_of", "layers_listed", "name_of"]


def layers_listed(entry: JsonObject) -> list[JsonObject]:
    """Give the serialised layers of a serialised model, none where it lists none."""
    config = entry.get("config")
    listed = config.get("layers") if isinstance(config, Mapping) else config
    return (
        [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []
    )


def name_of(item: JsonObject) -> str:
    """Give the name of a serialised layer."""
    config = item.get("config")
    return str(item.get("name") or (config.get("name") if isinstance(config, Mapping) else ""))


def kind_of(item: JsonObject) -> str:
    """Give the class of a serialised layer, whoever made it."""
    return str(item.get("class_name"))


class CutStore(VariableStore):
    """The arrays of a model, of which a part is asked for."""

    def __init__(self, store: VariableStore, whole: JsonObject) -> None:
        self.store = store
        self.whole = whole

    def variables(self, roles: Sequence[str], optional: int = 0) -> list[StoredVariable]:
        """Give the layer's own variables, see `VariableStore.variables`."""
        return self.store.variables(roles, optional)

    def sublayer(self, attribute: str) -> VariableStore:
        """Give the store of a layer within, see `VariableStore.sublayer`."""
        return self.store.sublayer(attribute)

    def layers(self, entries: Sequence[tuple[str, str]]) -> dict[str, VariableStore]:
        """Give the stores of a model's layers, see `VariableStore.layers`."""
        wanted = {name for _, name in entries}
        listed = layers_listed(self.whole)
        every = [(kind_of(item), name_of(item)) for item in listed if not is_bare(item)]
        inner = {name_of(item): item for item in listed if kind_of(item) in MODELS}
        return {
            name: CutStore(store, inner[name]) if name in inner else store
            for name, store in self.store.layers(every).items()
            if name in wanted
        }


def cut(entry: JsonObject, name: str) -> tuple[JsonObject, list[str]]:
    """Cut a serialised model behind a layer; give it and the names of the layers left out.

    A layer of a model within is named by both, ``"encoder.lstm"``.
    """
    listed = layers_listed(entry)
    names = [name_of(item) for item in listed]
    outer, _, rest = name.partition(".")
    own = name if name in names else outer
    if own not in names:
        raise InputError(
            f"until = {name!r} is no layer of the model{did_you_mean(name, names)}; it has "
            f"{', '.join(names)}"
        )
    left: list[str] = []
    if rest and own != name:
        at = names.index(own)
        inner, left = cut(listed[at], rest)
        listed = [*listed[:at], {**listed[at], **inner}, *listed[at + 1 :]]
    if kind_of(entry) == "Sequential":
        kept = listed[: names.index(own) + 1]
    else:
        kept = _leading(listed, own)
    held = {name_of(item) for item in kept}
    left = [*(f"{own}.{each}" for each in left), *(each for each in names if each not in held)]
    return _with_layers(entry, kept, own), left


def _leading(listed: Sequence[JsonObject], last: str) -> list[JsonObject]:
    """Keep the layers that lead to one, each with the calls that do."""
    calls = {name_of(item): calls_in(item) for item in listed}
    needed = {last: 1}
    waiting = [last]
    while waiting:
        name = waiting.pop()
        for call in calls.get(name, [])[: needed[name]]:
            for key in call.needs:
                # a layer's calls are numbered, and the ones before one keep their numbers
                if needed.get(key[0], 0) < key[1] + 1:
                    needed[key[0]] = key[1] + 1
                    waiting.append(key[0])
    kept = []
    for item in listed:
        count = needed.get(name_of(item))
        if count is not None:
            nodes = item.get("inbound_nodes") or []
            kept.append({**item, "inbound_nodes": nodes[:count]} if nodes else item)
    return kept


def _with_layers(entry: JsonObject, kept: list[JsonObject], last: str) -> dict[str, Any]:
    config = entry["config"]
    if isinstance(config, list):
        return {**entry, "config": kept}
    changed = {**config, "layers": kept}
    if kind_of(entry) != "Sequential":
        held = {name_of(item) for item in kept}
        entering = [list(key) for key in keys_in(config["input_layers"]) if key[0] in held]
        changed |= {"input_layers": entering, "output_layers": [[last, 0, 0]]}
    return {**entry, "config": changed}
