"""From a Keras configuration to the canonical graph.

Nested models are laid flat (``outer.inner``), a layer that is called more than once becomes nodes
``name``, ``name_1``, ... that share one layer, and masks that Keras wrote into the graph are left
to the engine (`keras_masks`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.network.check import check
from rnnlens.network.layers import Bidirectional, Input, Layer, Permute, Recurrent
from rnnlens.network.network import Network, Node, Origin, Ref
from rnnlens.readers.keras_calls import Call, Key, TensorKey, calls_of, keys_in, tensor_keys
from rnnlens.readers.keras_layers import MANY_INPUTS, build
from rnnlens.readers.keras_masks import (
    MIXED,
    Expression,
    MaskValue,
    mask_after,
    mask_operation,
    needs_mask,
)
from rnnlens.readers.keras_options import Options, revive
from rnnlens.readers.keras_spec import Built, Dialect, class_of, spec_of
from rnnlens.readers.shelves import Shelf

__all__ = ["network_of"]

#: Classes of whole models.
MODELS = frozenset({"Sequential", "Functional", "Model"})

#: How deep models may be nested: no real one comes near, a hostile file may.
DEEPEST = 32

#: What a tensor of the source's graph is here: one output of a node, or a mask.
Value = Ref | MaskValue


def network_of(entry: Mapping[str, Any], shelf: Shelf, dialect: Dialect, origin: Origin) -> Network:
    """Turn a serialised Keras model into a network.

    Parameters
    ----------
    entry : mapping
        The model as Keras serialises it: class_name and config.
    shelf : Shelf
        Its variables.
    dialect : Dialect
        What the version means.
    origin : Origin
        Where it came from.

    Returns
    -------
    Network
        The network, checked.

    Raises
    ------
    UnreadableFile
        If the configuration is damaged or the weights do not belong to it.
    UnsupportedModel
        If a layer or an option is not implemented.
    """
    try:
        graph = _Graph(dialect)
        outputs = graph.model(entry, shelf, _Place(), None)
        name = entry["config"].get("name", "network") if _is_mapping(entry["config"]) else "network"
        refs = tuple(graph.tensor(value, "the model's output") for value in outputs)
        notes = (*origin.notes, *graph.notes)
        origin = Origin(origin.format, origin.version, origin.path, origin.digest, notes)
    except InputError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        # A configuration is a file's content: whatever is missing or misplaced in it ends here.
        raise UnreadableFile(
            f"the configuration within {origin.path or 'the model'} does not have the form that "
            f"Keras {dialect.version} writes ({type(error).__name__}: {error}); the file is damaged"
        ) from error
    return check(Network(tuple(graph.nodes), refs, origin, str(name)))


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


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
class _Graph:
    """The graph as it grows."""

    dialect: Dialect
    nodes: list[Node] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    masks: dict[Ref, Expression | None] = field(default_factory=dict)
    #: Tensors whose mask the engine does not carry, though the source does.
    strays: set[Ref] = field(default_factory=set)
    built: dict[str, Built] = field(default_factory=dict)
    reserved: set[str] = field(default_factory=set)

    # Models

    def model(
        self, entry: Mapping[str, Any], shelf: Shelf, place: _Place, given: list[Value] | None
    ) -> list[Value]:
        """Lay one model flat and give its outputs; ``given`` are its inputs where it is nested."""
        if place.depth > DEEPEST:
            raise UnreadableFile(f"models are nested more than {DEEPEST} deep; the file is damaged")
        kind, config = class_of(entry), entry["config"]
        listed = config if isinstance(config, list) else config.get("layers")
        if kind not in MODELS or listed is None:
            raise UnsupportedModel(
                f"the model is of the class {kind!r}, which keeps its graph in Python code; rnnlens "
                "reads Sequential and functional models: build the same layers that way and save it"
            )
        entries = [item for item in listed if class_of(item) != "InputLayer"]
        real = [item for item in entries if not is_operation(item)]
        names = [name_of(item) for item in listed]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UnreadableFile(f"two layers of the model are called {twice!r}")
        self.reserved |= {place.node(name) for name in names}
        pairs = [(class_of(item), name_of(item)) for item in real]
        inputs = [("InputLayer", name_of(item)) for item in listed if item not in entries]
        shelves = shelf.layers([*pairs, *inputs])
        if kind == "Sequential":
            return self._sequential(config, listed, shelves, place, given)
        return self._functional(config, listed, shelves, place, given)

    def _sequential(
        self,
        config: Any,
        listed: list[Mapping[str, Any]],
        shelves: Mapping[str, Shelf],
        place: _Place,
        given: list[Value] | None,
    ) -> list[Value]:
        values = given
        for item in listed:
            if class_of(item) == "InputLayer":
                values = values or [self._input(name_of(item), item["config"], place)]
                continue
            if values is None:
                values = [self._first_input(config, item, place)]
            values = self._apply(item, Taken(values), shelves[name_of(item)], place, 0)
        if values is None:
            raise UnreadableFile("the model has no layers")
        return values

    def _first_input(self, config: Any, first: Mapping[str, Any], place: _Place) -> Ref:
        """Make the entry that a Sequential model leaves unsaid."""
        inner = first["config"]
        while class_of(first) in MODELS:
            layers = inner if isinstance(inner, list) else inner["layers"]
            first, inner = layers[0], layers[0]["config"]
        shape = inner.get("batch_input_shape") or inner.get("batch_shape")
        if shape is None and isinstance(config, Mapping):
            shape = config.get("build_input_shape")
        if shape is None:
            raise UnreadableFile(
                "the Sequential model does not state the shape of its input; build it on data or "
                "with an Input layer and save it again"
            )
        return self._input(f"{name_of(first)}_input", {"batch_shape": shape}, place)

    def _functional(
        self,
        config: Mapping[str, Any],
        listed: list[Mapping[str, Any]],
        shelves: Mapping[str, Shelf],
        place: _Place,
        given: list[Value] | None,
    ) -> list[Value]:
        entries = {name_of(item): item for item in listed}
        calls = {name: calls_of(item) for name, item in entries.items()}
        leaving = keys_in(config["output_layers"])
        entering = [name for name, _, _ in keys_in(config["input_layers"])]
        if given is not None and len(given) != len(entering):
            raise UnreadableFile(f"the model {place.layers!r} is called with too many inputs")
        values: dict[str, dict[int, list[Value]]] = {name: {} for name in entries}
        for number, name in enumerate(entering):
            value = given[number] if given else self._input(name, entries[name]["config"], place)
            values[name][0] = [value]
        named = [*leaving, *(key for of in calls.values() for key in tensor_keys(of))]
        first = {name: first_call(name, entries, named) for name in entries}
        pending = [(name, number) for name, of in calls.items() for number in range(len(of))]
        while pending:
            waiting = []
            for name, number in pending:
                call = calls[name][number]
                if all(known(values, key) for key in call.needs):
                    taken = taken_by(call, values)
                    shelf = shelves.get(name)
                    made = self._apply(entries[name], taken, shelf, place, number)
                    values[name][number + first[name]] = made
                else:
                    waiting.append((name, number))
            if len(waiting) == len(pending):
                raise UnreadableFile(
                    f"the graph does not say where layer {waiting[0][0]!r} takes its input from; "
                    "the file is damaged"
                )
            pending = waiting
        return [values[name][call][output] for name, call, output in leaving]

    # Calls

    def _input(self, name: str, config: Mapping[str, Any], place: _Place) -> Ref:
        options = Options(f"{name!r} (InputLayer)", config)
        key = "batch_input_shape" if "batch_input_shape" in config else "batch_shape"
        shape = options.take(key)
        options.finish()
        if not isinstance(shape, list) or not all(
            side is None or (type(side) is int and side > 0) for side in shape
        ):
            raise options.wrong(key, "a shape")
        if shape[0] is not None:
            self.notes.append(
                f"The source takes {shape[0]} samples at a time; here any number may be given."
            )
        return self._add(Node(place.node(name), Input(tuple(shape[1:]))), [None], 1)

    def _apply(
        self,
        entry: Mapping[str, Any],
        taken: Taken,
        shelf: Shelf | None,
        place: _Place,
        number: int,
    ) -> list[Value]:
        """Make one call of one layer, operation or nested model."""
        name = name_of(entry)
        if is_operation(entry):
            return [operation(entry, taken)]
        kind = class_of(entry)
        node = self._free(place.node(name), number)
        if shelf is None:
            raise UnreadableFile(f"the file holds no weights for layer {name!r}")
        if kind in MODELS:
            self._check_masks(name, taken)
            inner = _Place(node, place.layer(name), place.depth + 1)
            return self.model(entry, shelf, inner, list(taken.inputs))
        full = place.layer(name)
        if full not in self.built:
            path = full.replace(".", "/")
            self.built[full] = build(
                spec_of(entry, name=full, path=path, shelf=shelf, dialect=self.dialect)
            )
        return self._call(node, kind, self.built[full], taken)

    def _call(self, node: str, kind: str, built: Built, taken: Taken) -> list[Value]:
        layer, sources = built
        refs = [self.tensor(value, f"layer {node!r}") for value in taken.inputs]
        states = [self.tensor(value, f"layer {node!r}") for value in taken.states]
        recurrent = isinstance(layer, (Recurrent, Bidirectional))
        if recurrent:
            refs, states = refs[:1], [*refs[1:], *states]
        check_arity(node, kind, layer, len(refs), len(states))
        self._check_masks(node, taken)
        masks = [self.masks[ref] for ref in refs]
        self._check_use(node, kind, layer, refs[0])
        newest = self.dialect.generation == "Keras 3"
        after = mask_after(layer, refs, masks, newest_rules=newest)
        stray = after is not None and bool(self.strays.intersection(refs))
        if newest and states and masks[0] is not None and not taken.masks:
            refs, stray = [self._unmasked(node, refs[0])], after is not None
        count = output_count(layer)
        pair = isinstance(layer, Bidirectional) and layer.merge_mode is None
        after_all = [after if k == 0 or (pair and k == 1) else None for k in range(count)]
        self._note(node, layer)
        self._add(Node(node, layer, (*refs, *states), sources), after_all, count)
        outputs: list[Value] = [(node, k) for k in range(count)]
        if stray:
            self.strays.update((node, k) for k in range(count) if after_all[k] is not None)
        return outputs

    def _unmasked(self, node: str, ref: Ref) -> Ref:
        """Leave the mask out where Keras 3 does.

        A recurrent layer that is given an initial state gets no mask unless one is passed to it
        (keras/src/layers/layer.py, ``__call__``, step 6: masks are filled in for layers with one
        tensor argument). Permuting no axis hands the values on and drops the mask.
        """
        self.notes.append(
            f"Layer {node} takes a masked sequence and an initial state: Keras 3 leaves the mask "
            "out there, and so does this network."
        )
        return self._add(Node(f"{node}.unmasked", Permute((1, 2)), (ref,)), [None], 1)

    def _check_use(self, node: str, kind: str, layer: Layer, ref: Ref) -> None:
        """Refuse the uses of a mask where the source and the engine would differ."""
        mask = self.masks[ref]
        if needs_mask(layer) and (mask == MIXED or ref in self.strays):
            raise UnsupportedModel(
                f"layer {node!r} ({kind}) takes a mask that versions of Keras make by different "
                "rules, after a merge of different masks or a masked decoder with an initial "
                "state; mask after that layer instead"
            )
        if mask is not None and kind == "Softmax":
            raise UnsupportedModel(
                f"layer {node!r} (Softmax) takes a masked sequence, and its masked form is not "
                "implemented; use Activation('softmax')"
            )

    def _check_masks(self, node: str, taken: Taken) -> None:
        """Refuse masks that are not those that the tensors carry."""
        for value, mask in zip(taken.inputs, taken.masks, strict=False):
            carried = None if isinstance(value, MaskValue) else self.masks[value]
            given = mask.expression if isinstance(mask, MaskValue) else mask
            if given is not None and given != carried:
                raise UnsupportedModel(
                    f"layer {node!r} is given a mask that does not follow from the Masking and "
                    "Embedding layers before it; rnnlens reads the masks that these layers make"
                )

    # Bookkeeping

    def tensor(self, value: Value, where: str) -> Ref:
        """Give a value that must be a tensor, not a mask."""
        if isinstance(value, MaskValue):
            raise UnsupportedModel(
                f"{where} takes the output of the operation {value.operation!r}, which is not a "
                "layer; replace the operation by a layer of Keras"
            )
        return value

    def _add(self, node: Node, masks: Sequence[Expression | None], count: int) -> Ref:
        self.nodes.append(node)
        self.masks |= {(node.name, k): masks[k] for k in range(count)}
        return (node.name, 0)

    def _free(self, wanted: str, number: int) -> str:
        """Give the first call the layer's name, the next ones a number that no layer has."""
        if number == 0:
            return wanted
        name = f"{wanted}_{number}"
        while name in self.reserved:
            number += 1
            name = f"{wanted}_{number}"
        self.reserved.add(name)
        return name

    def _note(self, node: str, layer: Layer) -> None:
        if isinstance(layer, Recurrent) and layer.stateful:
            self.notes.append(
                f"Layer {node} is stateful in the source; here its state starts at zero unless it "
                "is given."
            )
