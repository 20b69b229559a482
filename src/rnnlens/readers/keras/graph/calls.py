"""The calls of a functional model's layers, from either form in which Keras writes them.

Keras 3 writes ``{"args": [...], "kwargs": {...}}`` with tensors as objects; Keras 2 writes lists of
``[layer, call, output, options]``. Both become `KerasCall`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnlens.errors import UnreadableFile, UnsupportedModel
from rnnlens.network.json_values import Json, JsonObject
from rnnlens.readers.keras.layers.options import revive

__all__ = ["KerasCall", "Key", "calls_of", "flat", "keys_in", "operation_calls", "tensor_keys"]

#: Layer name, number of its call, number of the call's output.
Key = tuple[str, int, int]

#: Arguments of calls that change nothing when the model predicts.
INERT_ARGUMENTS = frozenset({"training"})


@dataclass(frozen=True)
class TensorKey:
    """A tensor of the graph, by the layer that made it."""

    key: Key


@dataclass(frozen=True)
class KerasCall:
    """One call of one layer."""

    #: `TensorKey` and, for an operation, numbers, in order.
    inputs: tuple[Any, ...]
    #: Initial states, for a recurrent layer.
    states: tuple[Any, ...] = ()
    #: `TensorKey` or ``None``, where a mask was passed; else empty.
    masks: tuple[Any, ...] = ()
    #: What an operation is given, in order, with its lists and tuples as they are.
    arguments: tuple[Any, ...] = ()
    #: What an operation is given by name.
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @property
    def needs(self) -> Iterator[Key]:
        """The tensors that must be there before the call."""
        given = flat([self.arguments, self.keywords])
        for item in (*self.inputs, *self.states, *self.masks, *given):
            if isinstance(item, TensorKey):
                yield item.key


def calls_of(entry: JsonObject) -> list[KerasCall]:
    """Give the calls of one layer of a functional model."""
    name = str(entry.get("name") or entry["config"].get("name"))
    return [
        _new_form(name, node) if isinstance(node, Mapping) and "args" in node else _old(name, node)
        for node in entry.get("inbound_nodes", [])
    ]


def operation_calls(entry: JsonObject) -> list[KerasCall]:
    """Give the calls of one operation of a functional model."""
    return [_operation_call(node) for node in entry.get("inbound_nodes", [])]


def _operation_call(node: Json) -> KerasCall:
    if isinstance(node, Mapping) and "args" in node:
        arguments = tuple(_tensors(item) for item in node["args"])
        return KerasCall(tuple(flat(arguments)), (), (), arguments, _tensors_by_name(node))
    # tf.keras writes ``[layer, call, output, keywords]`` for the first argument, a list of these
    # where the first argument is a list, and ``["_CONSTANT_VALUE", -1, value, keywords]``.
    several = bool(node) and isinstance(node[0], list)
    items = node if several else [node]
    first = [item[2] if item[0] == "_CONSTANT_VALUE" else _tensors(item[:3]) for item in items]
    keywords = items[0][3] if items and len(items[0]) > 3 else {}
    return KerasCall(
        tuple(flat(first)),
        (),
        (),
        (first if several else first[0],),
        {key: _tensors(value) for key, value in keywords.items()},
    )


def _tensors_by_name(node: JsonObject) -> dict[str, Any]:
    return {key: _tensors(value) for key, value in node.get("kwargs", {}).items()}


def _new_form(name: str, node: JsonObject) -> KerasCall:
    args = [_tensors(item) for item in node["args"]]
    if not args:
        raise UnreadableFile(f"layer {name!r} is called without an input; the file is damaged")
    states: tuple[Any, ...] = ()
    if len(args) == 2 and isinstance(args[1], list):
        states = tuple(flat(args.pop()))
    return _call(name, args, states, node.get("kwargs", {}))


def _old(name: str, node: Json) -> KerasCall:
    if isinstance(node, Mapping):
        node = [node[key] for key in sorted(node)]
    if node and isinstance(node[0], str):
        node = [node]
    tensors, options = [], {}
    for item in node:
        if item[0] == "_CONSTANT_VALUE":
            raise UnsupportedModel(f"layer {name!r} takes a constant; rnnlens reads tensors only")
        tensors.append(TensorKey((str(item[0]), int(item[1]), int(item[2]))))
        if len(item) > 3:
            options |= item[3]
    return _call(name, [tensors], (), options)


def _call(name: str, args: list[Any], states: tuple[Any, ...], options: JsonObject) -> KerasCall:
    masks: tuple[Any, ...] = ()
    for key, value in options.items():
        given = _tensors(value)
        if key == "initial_state" and given is not None:
            states = tuple(flat(given))
        elif key == "mask" and given is not None:
            masks = tuple(flat(given))
        elif given is not None and key not in INERT_ARGUMENTS:
            raise UnsupportedModel(
                f"layer {name!r} is called with {key} = {str(value)[:60]}, which rnnlens does not "
                "implement"
            )
        elif key == "training" and given is True:
            raise UnsupportedModel(
                f"layer {name!r} is called with training=True: its output is random; rnnlens "
                "reads models that predict the same twice"
            )
    return KerasCall(tuple(flat(args)), states, masks)


def _tensors(value: Json) -> Json:
    """Replace serialised tensors by `TensorKey`, at any depth."""
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            layer, call, output = value["config"]["keras_history"]
            return TensorKey((str(layer), int(call), int(output)))
        if value.get("class_name") == "__tuple__":
            return [_tensors(item) for item in value["items"]]
        plain = revive(value)
        if not isinstance(plain, Mapping):
            return plain
        return {key: _tensors(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        is_key = (
            len(value) == 3 and isinstance(value[0], str) and all(type(n) is int for n in value[1:])
        )
        if is_key:
            return TensorKey((value[0], value[1], value[2]))
        return [_tensors(item) for item in value]
    return value


def flat(value: Json) -> Iterator[Any]:
    """Give the leaves of nested lists and mappings, mappings by sorted key as Keras does."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from flat(value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from flat(item)
    else:
        yield value


def keys_in(value: Json) -> list[Key]:
    """Give the tensors named by ``input_layers`` or ``output_layers``, in order."""
    leaves = list(flat(_tensors(value)))
    if not leaves or not all(isinstance(leaf, TensorKey) for leaf in leaves):
        raise UnreadableFile(
            "the model's configuration does not say which tensors go in and come out; the file is "
            "damaged or not a whole model"
        )
    return [leaf.key for leaf in leaves]


def tensor_keys(calls: Sequence[KerasCall]) -> Iterator[Key]:
    """Give every tensor that some calls take."""
    for call in calls:
        yield from call.needs
