"""Files of weights alone: joined with an architecture, with stated layers, or named as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.names import told
from rnnlens.network.arrays import ArrayGroup, Arrays
from rnnlens.network.inventory import NamedArray, inventory
from rnnlens.network.network import Network, Node, Origin, Source
from rnnlens.readers.hardening.contents import digest_of
from rnnlens.readers.keras.graph.config import network_of
from rnnlens.readers.keras.hdf5_network import network_within
from rnnlens.readers.keras.layers.spec import KerasVersion, spec_of
from rnnlens.readers.keras.layers.table import build
from rnnlens.readers.keras.left_over import accounted
from rnnlens.readers.keras.text import Architecture, architecture_in
from rnnlens.readers.keras.weights import WITH_ARRAYS, LayerGroups
from rnnlens.readers.keras.weights_only.beside import Fitting, belonging, names_agree
from rnnlens.readers.keras.weights_only.groups import WeightsFile
from rnnlens.readers.keras.weights_only.layer_arrays import LayerArrays
from rnnlens.readers.keras.weights_only.stated import EXAMPLE, model_of
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.variables import NamedStores, load

__all__ = ["WEIGHTS_TAKE", "WeightsSource", "arrays_of", "network_of_weights"]

#: The options of `read` that weights without an architecture take.
WEIGHTS_TAKE = frozenset({"architecture", "layers", "same_as"})

#: How many files beside the weights are looked at, and how long one may be.
MOST_BESIDE, LONGEST_BESIDE = 32, 4 * 1024**2


@dataclass(frozen=True, eq=False)
class WeightsSource:
    """Where weights without an architecture are kept, whatever the container."""

    path: Path
    #: Lists the layers, given the version of Keras where something states it.
    weights: Callable[[str | None], WeightsFile]
    #: Gives the place of every array that serves the forecast.
    places: Callable[[], Iterable[str]]
    #: The file whose digest stands for all.
    main: Path
    #: What is missing, in words.
    lacks: str = "holds weights only: the architecture is missing"


def network_of_weights(source: WeightsSource, options: ReadOptions) -> Network:
    """Read a file of weights alone."""
    path = source.path
    if options.architecture is not None and options.layers is not None:
        raise InputError(f"{path}: architecture and layers were both given; give one of them")
    if options.architecture is not None:
        architecture = architecture_in(Path(options.architecture))
        return _joined(source, architecture, options.same_as)
    if options.layers is not None:
        return _stated(source, options.layers)
    fitting = belonging(_beside(source, options.same_as), source.weights(None), path)
    if len(fitting) == 1:
        network, file = fitting[0]
        note = told(
            "The architecture is that of {file}, the only one beside the weights that fits.",
            file=file.name,
        )
        origin = replace(network.origin, notes=(note, *network.origin.notes[1:]))
        return replace(network, origin=origin)
    fitting_words = f" ({len(fitting)} files beside it would fit)" if fitting else ""
    raise UnreadableFile(
        f"{path} {source.lacks}{fitting_words}; give it with architecture= (--architecture "
        f"model.json), or state the layers with layers= (--layers {EXAMPLE!r})"
    )


def _beside(source: WeightsSource, same_as: Mapping[str, str] | None) -> list[Fitting]:
    """Try every architecture beside the weights."""
    fitting = []
    for other in sorted(source.path.parent.glob("*.json"))[:MOST_BESIDE]:
        try:
            if other.is_file() and other.stat().st_size <= LONGEST_BESIDE:
                fitting.append((_joined(source, architecture_in(other), same_as), other))
        except (InputError, OSError):
            continue
    return fitting


def _joined(
    source: WeightsSource, architecture: Architecture, same_as: Mapping[str, str] | None
) -> Network:
    path, version = source.path, architecture.version
    # Keras 3 states no version in an architecture, Keras 2 and tf.keras do.
    if version is None and "module" in architecture.config:
        version = "3.0"
    weights = source.weights(version)
    keras_version = weights.keras_version
    own = source.weights(None).keras_version.generation
    if "Keras 1" in {own, keras_version.generation} and own != keras_version.generation:
        raise UnsupportedModel(
            f"{path} is of {own} and {architecture.path} of {keras_version.generation}; rnnlens "
            "joins weights and architecture of the same: save both again in one version"
        )
    notes = (told("The architecture is in {file}.", file=architecture.path.name),)
    stated = architecture.version or ""
    origin = Origin(weights.what, stated, str(path), digest_of(source.main), notes)
    if isinstance(weights.store, LayerGroups):
        network = network_within(architecture.config, weights.store, keras_version, origin, same_as)
    else:
        network = network_of(architecture.config, weights.store, keras_version, origin, same_as)
    if not names_agree(network, weights, numbers=False):
        held = ", ".join(layer.name for layer in weights.layers)
        note = told(
            "The arrays are those of layers with other names ({names}), which serve in their "
            "order.",
            names=held,
        )
        origin = replace(network.origin, notes=(*network.origin.notes, note))
        network = replace(network, origin=origin)
    return accounted(network, source.places())


def _stated(source: WeightsSource, text: str) -> Network:
    weights = source.weights(None)
    model, notes, stores = model_of(text, weights)
    stated = told("the layers, as stated: {layers}", layers=text.strip())
    origin = replace(_origin(weights, source, tuple(notes)), assumed=(stated,))
    network = network_of(model, NamedStores(stores), weights.keras_version, origin)
    return accounted(network, source.places())


def _origin(weights: WeightsFile, source: WeightsSource, notes: tuple[str, ...]) -> Origin:
    version = weights.keras_version.number if weights.keras_version.stated else ""
    return Origin(weights.what, version, str(source.path), digest_of(source.main), notes)


def arrays_of(source: WeightsSource) -> Arrays:
    """Name the arrays of a file of weights by their shapes alone."""
    weights = source.weights(None)
    groups = tuple(_group(layer_arrays, weights.keras_version) for layer_arrays in weights.layers)
    alone = told(
        "The file holds weights alone. Its arrays do not say which activations the layers use, "
        "whether a recurrent layer gives every step or its last, or where layers without arrays "
        "(Dropout, Masking, Flatten) stand; the order of the layers is not in the file."
    )
    if weights.ordered:
        alone = told(
            "The file holds weights alone. Its arrays do not say which activations the layers "
            "use, whether a recurrent layer gives every step or its last, or where layers without "
            "arrays (Dropout, Masking, Flatten) stand; the order of the layers is that of the "
            "file."
        )
    notes = (alone, told("To read it as a network, {advice}.", advice=_advice(weights)))
    return Arrays(groups, _origin(weights, source, notes))


def _advice(weights: WeightsFile) -> str:
    """Say how the file may be read as a network."""
    unknown = [
        each.name for each in weights.layers if not any(of in WITH_ARRAYS for of, _ in each.classes)
    ]
    if unknown:
        return (
            "give the architecture (--architecture model.json); layers cannot be stated, for the "
            f"arrays of {', '.join(unknown[:4])} are those of no class that rnnlens reads"
        )
    ambiguous = [
        bool(weights.candidates(kind, inner)[1:])
        for kind, inner in (each.classes[0] for each in weights.layers)
    ]
    examples = [
        _example(each, named=of_many)
        for each, of_many in zip(weights.layers, ambiguous, strict=True)
    ]
    how = f"state them in their order with --layers: {', '.join(examples)}"
    if weights.ordered:
        how = f"state the layers: --layers {' > '.join(examples)!r}"
    return f"give the architecture (--architecture model.json) or {how}"


#: How a layer may be stated.
EXAMPLES = {
    "LSTM": "LSTM(tanh, sigmoid)",
    "GRU": "GRU(tanh, sigmoid)",
    "SimpleRNN": "SimpleRNN(tanh)",
    "Dense": "Dense(linear)",
    "Conv1D": "Conv1D(relu)",
    "BatchNormalization": "BatchNormalization(epsilon=0.001)",
    "LayerNormalization": "LayerNormalization(epsilon=0.001)",
}


def _example(layer_arrays: LayerArrays, *, named: bool) -> str:
    """Write a layer as a caller may state it, with the most common activations."""
    outer, inner = layer_arrays.classes[0]
    within = EXAMPLES.get(inner or outer, inner or outer)
    written = f"{outer}({within})" if inner else within
    if not named:
        return written
    name = f"name={layer_arrays.name}"
    return f"{written[:-1]}, {name})" if written.endswith(")") else f"{written}({name})"


def _group(layer_arrays: LayerArrays, keras_version: KerasVersion) -> ArrayGroup:
    kinds = layer_arrays.kinds
    if len(layer_arrays.classes) != 1 or layer_arrays.classes[0][0] not in WITH_ARRAYS:
        return ArrayGroup(layer_arrays.name, " or ".join(kinds), _unnamed(layer_arrays))
    kind, inner = layer_arrays.classes[0]
    entry = layer_arrays.entry(kind, inner)
    assert entry is not None
    spec = spec_of(
        entry,
        name=layer_arrays.name,
        path=layer_arrays.name,
        store=layer_arrays.store,
        keras_version=keras_version,
    )
    layer, sources = build(spec)
    node = Node(layer_arrays.name, layer, (), sources)
    named = tuple(inventory(Network((node,), (), Origin(""))))
    return ArrayGroup(layer_arrays.name, kinds[0], named, layer)


def _unnamed(layer_arrays: LayerArrays) -> tuple[NamedArray, ...]:
    """Give arrays in the file's own names, where shapes leave open what they are."""
    return tuple(
        NamedArray(
            layer_arrays.name,
            array.role,
            "",
            "",
            load(array, (None,) * len(array.shape), layer_arrays.name),
            (),
            Source(array.text or array.stored_at, array.stored_at),
        )
        for array in layer_arrays.arrays
    )
