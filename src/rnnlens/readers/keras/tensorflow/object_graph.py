"""The object graph of a checkpoint: which object holds which variable, under which attribute.

It is a message in the checkpoint itself (tensorflow/core/protobuf/trackable_object_graph.proto).
A variable is told by the way to it (``layer_with_weights-0/cell/kernel``), and never by the name
that it was given when it was made: layers may have been renamed, nested or shared since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rnnlens.readers.hardening.protobuf import fields, texts

__all__ = ["ObjectGraph", "ObjectNode", "graph_of_names", "object_graph"]

#: No graph has more objects.
MOST_OBJECTS = 1_000_000

#: The attribute of an object that is a variable's value.
VALUE = b"VARIABLE_VALUE"


@dataclass(frozen=True)
class ObjectNode:
    """One object."""

    #: The objects that it holds, by attribute.
    children: dict[str, int] = field(default_factory=dict)
    #: The key of its value, where it is a variable, and the name that it was given when made.
    key: str = ""
    name: str = ""


@dataclass(frozen=True, eq=False)
class ObjectGraph:
    """The objects; the first is the one that was saved."""

    nodes: tuple[ObjectNode, ...]

    def child(self, node: int, attribute: str) -> int | None:
        """Give the object under an attribute."""
        return self.nodes[node].children.get(attribute)

    def variables(self, node: int) -> dict[str, ObjectNode]:
        """Give the variables that an object holds itself, by attribute, each once."""
        seen: set[int] = set()
        held = {}
        for attribute, number in self.nodes[node].children.items():
            # Keras 3 keeps some under a name with a line before it, Normalization under two names
            if self.nodes[number].key and number not in seen:
                seen.add(number)
                held[attribute.removeprefix("_")] = self.nodes[number]
        return held

    def items(self, node: int) -> Iterator[int]:
        """Give the objects of a list, in its order."""
        children = self.nodes[node].children
        numbers = sorted(int(name) for name in children if name.isdecimal())
        for number in numbers:
            yield children[str(number)]


def object_graph(message: bytes) -> ObjectGraph:
    """Take the message apart; ``ValueError`` where it is damaged."""
    nodes = []
    for held in texts(message, 1):
        if len(nodes) >= MOST_OBJECTS:
            raise ValueError("there are more objects than any model has")
        nodes.append(_node(held))
    if not nodes or any(
        number >= len(nodes) for node in nodes for number in node.children.values()
    ):
        raise ValueError("an object is not there")
    return ObjectGraph(tuple(nodes))


def _node(message: memoryview) -> ObjectNode:
    children: dict[str, int] = {}
    key = name = ""
    for number, held in fields(message):
        if not isinstance(held, memoryview):
            continue
        if number == 1:
            parts = dict(fields(held))
            label, target = parts.get(2, b""), parts.get(1, 0)
            if not isinstance(target, int) or isinstance(label, int):
                raise ValueError("an object's attribute has no name or no object")
            children[bytes(label).decode()] = target
        elif number == 2:
            parts = dict(fields(held))
            if bytes(_text(parts.get(1))) == VALUE:
                key, name = _text(parts.get(3)).decode(), _text(parts.get(2)).decode()
    return ObjectNode(children, key, name)


def _text(value: int | memoryview | None) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number stands where a text belongs")
    return b"" if value is None else bytes(value)


def graph_of_names(keys: Mapping[str, str]) -> ObjectGraph:
    """Lay variables out by their names, ``lstm/kernel``, where a checkpoint keeps no graph."""
    children: list[dict[str, int]] = [{}]
    values = {0: ("", "")}
    for name, key in keys.items():
        at = 0
        for part in name.split("/"):
            if part not in children[at]:
                children[at][part] = len(children)
                children.append({})
            at = children[at][part]
        values[at] = (key, name)
    return ObjectGraph(
        tuple(ObjectNode(own, *values.get(k, ("", ""))) for k, own in enumerate(children))
    )
