"""The arrays of a model of which one layer is not read: by gate where they can be, and the refusal.

Every layer is built alone. The layers that are not read keep their arrays under the file's own
names, and the notes say why, and up to which layer the model can be read as a network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.network.arrays import ArrayGroup, Arrays
from rnnlens.network.inventory import NamedArray, inventory
from rnnlens.network.json_values import JsonObject
from rnnlens.network.network import Network, Node, Origin, Source, layer_kind
from rnnlens.readers.keras.composites.table import COMPOSITES, composite_of
from rnnlens.readers.keras.layers.spec import KerasVersion, spec_of
from rnnlens.readers.keras.layers.table import build
from rnnlens.readers.keras.partial.cut import kind_of, layers_listed, name_of
from rnnlens.readers.keras.partial.whole import WholeModel
from rnnlens.readers.keras.weights import MODELS
from rnnlens.readers.variables import NamedStores, StoredVariable, VariableStore, load

__all__ = ["deepest", "partly"]

#: How many layers are tried as the last one that can be read.
MOST_TRIED = 64


def deepest(model: WholeModel) -> tuple[str, Network] | None:
    """Find the last layer up to which a model can be read as a network."""
    names = [name_of(item) for item in layers_listed(model.entry)]
    for name in names[::-1][:MOST_TRIED]:
        try:
            network = model.until(name)
        except InputError:
            continue
        if any(True for _ in network.recurrent()):
            return name, network
    return None


def partly(model: WholeModel, refusal: UnsupportedModel) -> Arrays:
    """Name the arrays of every layer that can be read alone."""
    groups = tuple(_groups(model.entry, model.store, "", model.keras_version))
    found = deepest(model)
    notes = [f"It is not read as a network: {refusal}."]
    if found is not None:
        notes.append(
            f"Up to {found[0]} it is: --until {found[0]}, or until={found[0]!r} in rnnlens.read."
        )
    notes.append(
        "Another architecture, or other layers, may be stated over the file's own: --architecture "
        "or --layers."
    )
    origin = replace(model.origin, notes=(*model.origin.notes, *notes))
    return Arrays(groups, origin, found[0] if found is not None else "")


def _groups(
    entry: JsonObject, store: VariableStore, within: str, version: KerasVersion
) -> Iterator[ArrayGroup]:
    items = layers_listed(entry)
    stores = store.layers([(kind_of(item), name_of(item)) for item in items])
    for item in items:
        name = name_of(item)
        full = f"{within}.{name}" if within else name
        own = stores.get(name, NamedStores({}))
        if kind_of(item) in MODELS:
            yield from _groups(item, own, full, version)
        elif kind_of(item) != "InputLayer":
            yield _group(item, own, full, version)


def _group(item: JsonObject, store: VariableStore, name: str, version: KerasVersion) -> ArrayGroup:
    kind = kind_of(item)
    unnamed = tuple(_unnamed(name, array) for array in store.every())
    try:
        spec = spec_of(item, name=name, path=name, store=store, keras_version=version)
        make = composite_of(item)
        if make is not None or _holds_several(item):
            # several layers here, whose arrays keep the file's own names
            if make is not None:
                make(spec)
            return ArrayGroup(name, kind, unnamed)
        layer, sources = build(spec)
    except (InputError, KeyError, TypeError, ValueError, AttributeError, IndexError):
        return ArrayGroup(name, f"{kind}, not read", unnamed)
    node = Node(name, layer, (), sources)
    named = tuple(inventory(Network((node,), (), Origin(""))))
    return ArrayGroup(name, layer_kind(layer), named, layer if named else None)


def _holds_several(item: JsonObject) -> bool:
    """Tell a TimeDistributed around a model, or around what is several layers here."""
    inner = item["config"].get("layer")
    return kind_of(item) == "TimeDistributed" and kind_of(inner) in {*MODELS, *COMPOSITES}


def _unnamed(name: str, array: StoredVariable) -> NamedArray:
    values = load(array, (None,) * len(array.shape), name)
    source = Source(array.text or array.stored_at, array.stored_at)
    return NamedArray(name, array.role, "", "", values, (), source)
