"""Every operation that rnnlens reads, and how one of a file is made into nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnlens.errors import UnsupportedModel
from rnnlens.network.network import Ref
from rnnlens.readers.keras.graph.builder import CallInputs, KerasGraphBuilder
from rnnlens.readers.keras.graph.nodes import Nodes
from rnnlens.readers.keras.operations import arithmetic, arrangement, functions, reductions, slices
from rnnlens.readers.keras.operations.call import OPERATIONS, OperationCall
from rnnlens.readers.keras.operations.tf_keras import (
    FUNCTIONS,
    NODE_CLASS,
    TF_CLASSES,
    Translated,
    translated,
)
from rnnlens.readers.keras.operations.tf_nodes import NODES, SPECIAL, translated_node

__all__ = ["READ", "make_operation"]

#: Modules whose operations are entered by importing them.
MODULES = (arithmetic, arrangement, functions, reductions, slices)

#: What is read by the name that a file has for it: operations of Keras 3, functions and nodes of
#: TensorFlow.
READ: Mapping[str, list[str]] = {
    "Keras 3": sorted(OPERATIONS),
    "tf.keras": [f"tf.{name}" for name in sorted(FUNCTIONS)],
    "tf.keras 2.2 and 2.3": sorted({*NODES, *SPECIAL}),
}


def make_operation(
    kind: str,
    node: str,
    options: Mapping[str, Any],
    taken: CallInputs,
    builder: KerasGraphBuilder,
) -> list[Ref]:
    """Make the nodes of one operation, given as Keras 3 names it and its arguments."""
    words = f"{node!r} ({kind})"
    own = {key: value for key, value in options.items() if key != "name"}
    call_of = Translated(kind, taken.arguments, {**own, **taken.keywords})
    if kind == NODE_CLASS:
        call_of = translated_node(words, options, taken.inputs)
    elif kind in TF_CLASSES:
        call_of = translated(words, str(options["function"]), taken.arguments, taken.keywords)
    if call_of.kind not in OPERATIONS:
        raise UnsupportedModel(
            f"the operation {words} is not one that rnnlens reads; use operations of the table in "
            "docs/support.md, or a layer of Keras"
        )
    call = OperationCall(
        call_of.kind,
        words,
        Nodes(builder, node),
        lambda value: builder.tensor(value, f"the operation {words}"),
        call_of.arguments,
        call_of.keywords,
    )
    made = OPERATIONS[call_of.kind](call)
    call.finish()
    return made if isinstance(made, list) else [made]
