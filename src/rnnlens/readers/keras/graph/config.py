"""From a Keras configuration to the canonical network.

Nested models are laid flat (``outer.inner``), a layer that is called more than once becomes nodes
``name``, ``name_1``, ... that share one layer, and masks that Keras wrote into the graph are left
to the engine (`rnnlens.readers.keras.graph.masks`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.names import told
from rnnlens.network.check import check
from rnnlens.network.json_values import Json, JsonObject
from rnnlens.network.network import Network, Origin, Ref, Rounding
from rnnlens.readers.keras.composites.base import Composite
from rnnlens.readers.keras.composites.table import COMPOSITES, composite_of
from rnnlens.readers.keras.graph.builder import CallInputs, KerasGraphBuilder, KerasValue
from rnnlens.readers.keras.graph.calls import (
    KerasCall,
    Key,
    TensorKey,
    keys_in,
    tensor_keys,
)
from rnnlens.readers.keras.graph.kinds import calls_in, is_bare, is_operation, is_several
from rnnlens.readers.keras.graph.masks import MaskValue, mask_operation
from rnnlens.readers.keras.layers.options import BFLOAT16, HALF, LayerOptions
from rnnlens.readers.keras.layers.spec import BuiltLayer, KerasVersion, class_of, spec_of
from rnnlens.readers.keras.layers.table import BUILDERS, build
from rnnlens.readers.keras.operations.table import make_operation
from rnnlens.readers.keras.same_as import read_as, stored_class
from rnnlens.readers.keras.weights import MODELS
from rnnlens.readers.variables import VariableStore

__all__ = ["network_of"]

#: How deep models may be nested: no real one comes near, a hostile file may.
DEEPEST = 32

#: Outputs of the calls made so far, by layer and number of call.
Made = dict[str, dict[int, list[KerasValue]]]


def network_of(
    entry: JsonObject,
    store: VariableStore,
    keras_version: KerasVersion,
    origin: Origin,
    same_as: Mapping[str, str] | None = None,
) -> Network:
    """Turn a serialised Keras model into a network."""
    walk = _ModelWalk(KerasGraphBuilder(keras_version))
    if same_as:
        entry, assumed = read_as(entry, same_as, {*BUILDERS, *COMPOSITES, *MODELS})
        origin = replace(origin, assumed=(*origin.assumed, *assumed))
    try:
        outputs = walk.model(entry, store, _Place(), None)
        refs = tuple(walk.builder.tensor(value, "the model's output") for value in outputs)
        config = entry["config"]
        name = config.get("name", "network") if isinstance(config, Mapping) else "network"
    except InputError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        # A configuration is a file's content: whatever is missing or misplaced in it ends here.
        raise UnreadableFile(
            f"the configuration within {origin.path or 'the model'} does not have the form that "
            f"Keras {keras_version.number} writes ({type(error).__name__}: {error}); the file is "
            "damaged"
        ) from error
    origin = replace(
        origin,
        notes=(*origin.notes, *walk.builder.notes),
        assumed=(*origin.assumed, *walk.builder.assumed),
        rounds=walk.builder.rounds,
    )
    return check(Network(tuple(walk.builder.nodes), refs, origin, str(name)))


@dataclass(frozen=True)
class _Place:
    """Where in the nest of models: names of nodes, names of layers, depth."""

    nodes: str = ""
    layers: str = ""
    depth: int = 0

    def node(self, name: str) -> str:
        return f"{self.nodes}.{name}" if self.nodes else name

    def layer(self, name: str) -> str:
        return f"{self.layers}.{name}" if self.layers else name


@dataclass
class _ModelWalk:
    """A walk through a model and the models within it."""

    builder: KerasGraphBuilder
    built: dict[str, BuiltLayer | Composite] = field(default_factory=dict)

    def model(
        self, entry: JsonObject, store: VariableStore, place: _Place, given: list[KerasValue] | None
    ) -> list[KerasValue]:
        """Lay one model flat and give its outputs; ``given`` are its inputs where it is nested."""
        if place.depth > DEEPEST:
            raise UnreadableFile(f"models are nested more than {DEEPEST} deep; the file is damaged")
        kind, config = class_of(entry), entry["config"]
        listed = config if isinstance(config, list) else config.get("layers")
        if kind not in MODELS or listed is None:
            raise UnsupportedModel(
                f"the model is of the class {kind!r}, which keeps its graph in Python code; "
                "rnnlens reads Sequential and functional models: build the same layers that way "
                "and save it"
            )
        names = [_name(item) for item in listed]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UnreadableFile(
                f"two layers of the model are called {twice!r}; the file is damaged"
            )
        self.builder.reserved |= {place.node(name) for name in names}
        stores = store.layers([
            (_stored(item), _name(item)) for item in listed if not is_bare(item)
        ])
        settings = config if isinstance(config, Mapping) else {}
        lay_flat = self._sequential if kind == "Sequential" else self._functional
        return lay_flat(settings, listed, stores, place, given)

    def _sequential(
        self,
        config: JsonObject,
        listed: Sequence[JsonObject],
        stores: Mapping[str, VariableStore],
        place: _Place,
        given: list[KerasValue] | None,
    ) -> list[KerasValue]:
        values = given
        for item in listed:
            name = _name(item)
            if class_of(item) == "InputLayer":
                values = values or [self.builder.entry(place.node(name), item["config"])]
                continue
            if values is None:
                values = [self._unsaid_entry(config, item, place)]
            values = self._call(item, CallInputs(values), stores[name], place, 0)
        if values is None:
            raise UnreadableFile("the model has no layers; add some and save it again")
        return values

    def _unsaid_entry(self, config: JsonObject, first: JsonObject, place: _Place) -> Ref:
        """Make the entry that a Sequential model leaves unsaid."""
        while class_of(first) in MODELS:
            inner = first["config"]
            first = (inner if isinstance(inner, list) else inner["layers"])[0]
        options = first["config"]
        shape = options.get("batch_input_shape") or options.get("batch_shape")
        shape = shape or config.get("build_input_shape")
        if shape is None:
            raise UnreadableFile(
                "the Sequential model does not state the shape of its input; build it on data or "
                "with an Input layer and save it again"
            )
        return self.builder.entry(place.node(f"{_name(first)}_input"), {"batch_shape": shape})

    def _functional(
        self,
        config: JsonObject,
        listed: Sequence[JsonObject],
        stores: Mapping[str, VariableStore],
        place: _Place,
        given: list[KerasValue] | None,
    ) -> list[KerasValue]:
        entries = {_name(item): item for item in listed}
        calls = {name: calls_in(item) for name, item in entries.items()}
        leaving, entering = keys_in(config["output_layers"]), keys_in(config["input_layers"])
        if given is not None and len(given) != len(entering):
            raise UnreadableFile(
                f"the model {place.layers!r} has {len(entering)} inputs and is called on "
                f"{len(given)}; the file is damaged"
            )
        made: Made = {name: {} for name in entries}
        for number, (name, _, _) in enumerate(entering):
            own = entries[name]["config"]
            made[name][0] = [given[number] if given else self.builder.entry(place.node(name), own)]
        used = [*leaving, *(key for of in calls.values() for key in tensor_keys(of))]
        first = {name: _first_call(entry, name, used) for name, entry in entries.items()}
        pending = [(name, number) for name, of in calls.items() for number in range(len(of))]
        while pending:
            waiting = []
            for name, number in pending:
                call = calls[name][number]
                if not all(key[1] in made[key[0]] for key in call.needs):
                    waiting.append((name, number))
                    continue
                outputs = self._call(
                    entries[name], _call_inputs(call, made), stores.get(name), place, number
                )
                made[name][number + first[name]] = outputs
            if len(waiting) == len(pending):
                raise UnreadableFile(
                    f"the graph does not say where layer {waiting[0][0]!r} takes its input from; "
                    "the file is damaged"
                )
            pending = waiting
        return [made[name][call][output] for name, call, output in leaving]

    def _call(
        self,
        entry: JsonObject,
        taken: CallInputs,
        store: VariableStore | None,
        place: _Place,
        number: int,
    ) -> list[KerasValue]:
        """Make one call of one layer, operation or nested model."""
        name = _name(entry)
        if is_operation(entry):
            return self._operation(entry, taken, place)
        if store is None:
            raise UnreadableFile(f"the model has no layer {name!r} beside its configuration")
        kind, full = class_of(entry), place.layer(name)
        node = self.builder.name_of_call(place.node(name), number)
        if kind in MODELS:
            self.builder.check_masks(node, taken)
            inner = _Place(node, full, place.depth + 1)
            return self.model(entry, store, inner, list(taken.inputs))
        if kind == "TimeDistributed" and is_several(entry["config"].get("layer")):
            return self._each_step(entry, taken, store, place, number)
        make = composite_of(entry)
        if full not in self.built:
            path = full.replace(".", "/")
            spec = spec_of(
                entry, name=full, path=path, store=store, keras_version=self.builder.keras_version
            )
            self.built[full] = (make or build)(spec)
            if spec.options.precision in HALF:
                coarse: Rounding = "bfloat16" if spec.options.precision in BFLOAT16 else "float16"
                if self.builder.rounds != "bfloat16":  # the coarser of the two
                    self.builder.rounds = coarse
                self.builder.notes.append(
                    told(
                        "Layer {layer} computes in {precision} in the source; here it computes in "
                        "double precision, so outputs agree to about three digits.",
                        layer=full,
                        precision=spec.options.precision,
                    )
                )
        built = self.built[full]
        if isinstance(built, BuiltLayer):
            return self.builder.call(node, kind, built, taken)
        return built.call(self.builder, node, taken)

    def _each_step(
        self,
        entry: JsonObject,
        taken: CallInputs,
        store: VariableStore,
        place: _Place,
        number: int,
    ) -> list[KerasValue]:
        """Make one call of a model, or of what is several layers here, on every step alone."""
        name, inner = _name(entry), entry["config"]["layer"]
        full, node = place.layer(name), self.builder.name_of_call(place.node(name), number)
        options = LayerOptions(f"{full!r} (TimeDistributed)", entry["config"])
        options.take("layer")
        options.finish()
        self.builder.check_masks(node, taken)
        within = _Place(node, full, place.depth + 1)
        named = {**inner, "name": inner.get("name") or inner["config"].get("name")}
        with self.builder.steps.each():
            given = CallInputs(taken.inputs)
            return self._call(named, given, store.sublayer("layer"), within, 0)

    def _operation(self, entry: JsonObject, taken: CallInputs, place: _Place) -> list[KerasValue]:
        """Make one call of an operation: on masks, which the engine makes anew, or on values."""
        kind, node = str(entry["class_name"]), place.node(_name(entry))
        mask = mask_operation(kind, entry["config"], taken.inputs)
        if mask is not None:
            return [MaskValue(mask, node)]
        return list(make_operation(kind, node, entry["config"], taken, self.builder))


def _name(entry: JsonObject) -> str:
    config = entry["config"]
    name = entry.get("name") or (config.get("name") if isinstance(config, Mapping) else None)
    if not name:
        raise UnreadableFile(
            f"a layer of the class {entry.get('class_name')!r} has no name; the file is damaged"
        )
    return str(name)


def _stored(entry: JsonObject) -> str:
    class_of(entry)  # refuses a class that is not Keras's own
    return stored_class(entry)


def _call_inputs(call: KerasCall, made: Made) -> CallInputs:
    """Look up what a call takes."""

    def value(item: Json) -> Any:
        if not isinstance(item, TensorKey):
            return item
        name, number, output = item.key
        return made[name][number][output]

    def values(item: Json) -> Any:
        if isinstance(item, list | tuple):
            return [values(one) for one in item]
        if isinstance(item, Mapping):
            return {key: values(one) for key, one in item.items()}
        return value(item)

    return CallInputs(
        [value(item) for item in call.inputs],
        [value(item) for item in call.states],
        [value(item) for item in call.masks],
        values(call.arguments),
        values(call.keywords),
    )


def _first_call(entry: JsonObject, name: str, used: Sequence[Key]) -> int:
    """Give the number by which the graph names a layer's first call."""
    # A model that was built on Inputs has a call of its own before the graph's, and versions of
    # Keras differ in which models count it; every call is used, so the lowest used is the first.
    if class_of(entry) not in MODELS:
        return 0
    return min((call for layer, call, _ in used if layer == name), default=0)
