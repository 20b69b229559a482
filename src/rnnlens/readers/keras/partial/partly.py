"""The arrays of a model of which one layer is not read: by gate where they can be, and the refusal.

Every layer is built alone. The layers that are not read keep their arrays under the file's own
names, and the notes say why, and up to which layer the model can be read as a network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.names import told
from rnnlens.network.arrays import ArrayGroup, Arrays
from rnnlens.network.inventory import NamedArray, inventory
from rnnlens.network.json_values import JsonObject
from rnnlens.network.network import Network, Node, Origin, Source, layer_kind
from rnnlens.readers.keras.composites.table import COMPOSITES
from rnnlens.readers.keras.layers.spec import spec_of
from rnnlens.readers.keras.layers.table import build
from rnnlens.readers.keras.partial.cut import cut, kind_of, layers_listed, name_of
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
    groups = tuple(_groups(model, model.entry, model.store, ""))
    found = deepest(model)
    notes = [told("It is not read as a network: {refusal}.", refusal=str(refusal))]
    if found is not None:
        notes.append(
            told(
                "Up to {layer} it is: --until {layer}, or until={quoted} in rnnlens.read.",
                layer=found[0],
                quoted=repr(found[0]),
            )
        )
    notes.append(
        told(
            "Another architecture, or other layers, may be stated over the file's own: "
            "--architecture or --layers."
        )
    )
    origin = replace(model.origin, notes=(*model.origin.notes, *notes))
    return Arrays(groups, origin, found[0] if found is not None else "")


def _groups(
    model: WholeModel, entry: JsonObject, store: VariableStore, within: str
) -> Iterator[ArrayGroup]:
    items = layers_listed(entry)
    stores = store.layers([(kind_of(item), name_of(item)) for item in items])
    for item in items:
        name = name_of(item)
        full = f"{within}.{name}" if within else name
        own = stores.get(name, NamedStores({}))
        if kind_of(item) in MODELS:
            yield from _groups(model, item, own, full)
        elif kind_of(item) != "InputLayer":
            yield _group(model, item, own, full)


def _group(model: WholeModel, item: JsonObject, store: VariableStore, name: str) -> ArrayGroup:
    kind = kind_of(item)
    several = kind in COMPOSITES or _holds_several(item)
    refused = ArrayGroup(
        name, f"{kind}, not read", tuple(_unnamed(name, array) for array in store.every())
    )
    if several:  # here, whose arrays keep the file's own names
        return replace(refused, kind=kind) if _reads(model, name) else refused
    version = model.keras_version
    try:
        spec = spec_of(item, name=name, path=name, store=store, keras_version=version)
        layer, sources = build(spec)
    except (InputError, KeyError, TypeError, ValueError, AttributeError, IndexError):
        return refused
    node = Node(name, layer, (), sources)
    named = tuple(inventory(Network((node,), (), Origin(""))))
    return ArrayGroup(name, layer_kind(layer), named, layer if named else None)


def _reads(model: WholeModel, name: str) -> bool:
    """Tell whether a model can be read up to a layer, or not even to those before it."""
    before = _before(model.entry, name)
    return _until(model, name) or not all(_until(model, each) for each in before)


def _before(entry: JsonObject, name: str) -> list[str]:
    """Give the layers that lead to a layer of the outermost model, those with steps alone."""
    if name not in {name_of(item) for item in layers_listed(entry)}:
        return []
    led = layers_listed(cut(entry, name)[0])
    return [
        name_of(item)
        for item in led
        if name_of(item) != name and kind_of(item) not in {"InputLayer", *MODELS}
    ]


def _until(model: WholeModel, name: str) -> bool:
    try:
        model.until(name)
    except InputError:
        return False
    return True


def _holds_several(item: JsonObject) -> bool:
    """Tell a TimeDistributed around a model, or around what is several layers here."""
    config = item.get("config")
    inner = config.get("layer") if isinstance(config, Mapping) else None
    held = kind_of(inner) if isinstance(inner, Mapping) else ""
    return kind_of(item) == "TimeDistributed" and held in {*MODELS, *COMPOSITES}


def _unnamed(name: str, array: StoredVariable) -> NamedArray:
    values = load(array, (None,) * len(array.shape), name)
    source = Source(array.text or array.stored_at, array.stored_at)
    return NamedArray(name, array.role, "", "", values, (), source)
