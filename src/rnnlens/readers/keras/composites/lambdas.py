"""``Lambda`` layers whose code is a slice, a sum, or arithmetic: told from it, and never run."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from rnnlens.errors import UnsupportedModel
from rnnlens.network.network import Ref
from rnnlens.readers.keras.graph.builder import CallInputs, KerasGraphBuilder, KerasValue
from rnnlens.readers.keras.graph.nodes import Nodes
from rnnlens.readers.keras.lambdas.bytecode import (
    Argument,
    Attribute,
    Call,
    Expression,
    Item,
    Name,
    Operator,
    expression_of,
)
from rnnlens.readers.keras.lambdas.marshalled import code_within
from rnnlens.readers.keras.layers.spec import LayerSpec
from rnnlens.readers.keras.operations.call import OPERATIONS, OperationCall
from rnnlens.readers.keras.operations.names import named_operation
from rnnlens.readers.keras.operations.slices import Places, pick

__all__ = ["lambda_layer"]

#: The operation of each operator.
OPERATORS = {"+": "Add", "-": "Subtract", "*": "Multiply", "/": "TrueDivide", "**": "Power"}

#: Options that say what Keras works out, or where the code was written.
INERT = (
    "function_type",
    "module",
    "output_shape",
    "output_shape_type",
    "output_shape_module",
)


@dataclass(frozen=True)
class Lambda:
    """The expression that a function of one argument gives."""

    expression: Expression

    def call(self, builder: KerasGraphBuilder, node: str, taken: CallInputs) -> list[KerasValue]:
        """Add the nodes of the expression."""
        where = f"layer {node!r} (Lambda)"
        refs = [builder.tensor(value, where) for value in taken.inputs]
        reading = _Reading(builder, where, Nodes(builder, node), refs)
        made = reading.value(self.expression)
        if not isinstance(made, tuple):
            reading.stop()
        for root in sorted(reading.roots):
            builder.assumed.append(
                f"the name {root} in the code of the layer {node} stands for {_library(root)}"
            )
        return [made]


def _library(root: str) -> str:
    return {"tf": "TensorFlow", "ops": "the operations of Keras 3"}.get(root, "Keras's own library")


def lambda_layer(spec: LayerSpec) -> Lambda:
    """Build a Lambda layer."""
    options = spec.options
    function = options.values.get("function")
    options.take("function", None)
    if options.take("arguments", {}) or options.take("mask", None) is not None:
        raise spec.refuse("it is given arguments or a mask of its own, which rnnlens does not read")
    options.finish(INERT)
    if isinstance(function, Mapping) and function.get("class_name") == "__lambda__":
        held = function.get("config", {})
        function = [held.get(key) for key in ("code", "defaults", "closure")]
    try:
        if not isinstance(function, list) or len(function) != 3 or any(function[1:]):
            raise ValueError("no function of one argument alone")
        code = base64.b64decode("".join(str(function[0]).split()), validate=True)
        return Lambda(expression_of(code_within(code)))
    except (ValueError, binascii.Error) as error:
        raise spec.refuse(NOT_READ) from error


NOT_READ = (
    "it holds Python code, which rnnlens never runs, and what the code says is no slice, sum or "
    "arithmetic with numbers, which rnnlens tells without running it; replace it by a layer of "
    "Keras"
)


@dataclass
class _Reading:
    """One reading of an expression into nodes."""

    builder: KerasGraphBuilder
    where: str
    nodes: Nodes
    refs: list[Ref]

    def __post_init__(self) -> None:
        #: Names that the code takes from where it was written.
        self.roots: set[str] = set()

    def stop(self) -> NoReturn:
        """Refuse what is no operation that is read."""
        raise UnsupportedModel(f"{self.where}: {NOT_READ}")

    def value(self, item: Expression) -> Any:
        """Give a value of the network, a number, or a list of them."""
        if isinstance(item, Argument):
            return self.refs[0] if len(self.refs) == 1 else list(self.refs)
        if isinstance(item, Item):
            return self.item(self.value(item.of), item.key)
        if isinstance(item, Operator):
            sides = [self.value(item.left), self.value(item.right)]
            return self.operate(OPERATORS[item.kind], sides, {})
        if isinstance(item, Call):
            return self.called(item)
        if isinstance(item, list | tuple):
            return [self.value(one) for one in item]
        if isinstance(item, Attribute):
            return item.text  # a type, such as tf.float32
        if item is None or isinstance(item, bool | int | float | str):
            return item
        self.stop()

    def item(self, of: Any, key: Expression) -> Any:
        """Give ``of[key]``."""
        if isinstance(of, list) and type(key) is int and -len(of) <= key < len(of):
            return of[key]
        if not isinstance(of, tuple):
            self.stop()
        keys = key if isinstance(key, tuple) else (key,)
        places = [
            Places(one.start, one.stop, one.step) if isinstance(one, slice) else one for one in keys
        ]
        return pick(self.operation("GetItem", [], {}), of, places)

    def called(self, call: Call) -> Any:
        """Give what a function of a library gives."""
        path, of = [], call.function
        while isinstance(of, Attribute):
            path, of = [of.text, *path], of.of
        if not isinstance(of, Name):
            self.stop()
        arguments = [self.value(one) for one in call.arguments]
        keywords = {key: self.value(one) for key, one in call.keywords.items()}
        named = named_operation((of.text, *path), arguments, keywords)
        if named is None:
            self.stop()
        self.roots.add(of.text)
        return self.operate(named.kind, list(named.arguments), named.keywords)

    def operation(self, kind: str, arguments: list, keywords: Mapping[str, Any]) -> OperationCall:
        """Make a call of an operation."""
        words = f"{kind} in the {self.where}"
        return OperationCall(kind, words, self.nodes, lambda value: value, arguments, keywords)

    def operate(self, kind: str, arguments: list, keywords: Mapping[str, Any]) -> Any:
        """Give what an operation gives."""
        if not any(isinstance(item, tuple) for item in _flat([*arguments, *keywords.values()])):
            self.stop()
        call = self.operation(kind, arguments, keywords)
        made = OPERATIONS[kind](call)
        call.finish()
        return made


def _flat(items: list) -> list:
    return [one for item in items for one in (_flat(item) if isinstance(item, list) else [item])]
