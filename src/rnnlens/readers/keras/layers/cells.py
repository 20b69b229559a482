"""Keras's ``RNN`` around cells given apart: one cell, or a stack of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rnnlens.network.json_values import JsonObject
from rnnlens.readers.keras.layers.options import LayerOptions
from rnnlens.readers.keras.layers.spec import LayerSpec, class_of

__all__ = ["CELLS", "cell_spec", "is_stack", "stacked_specs"]

#: The layer whose cell each class is: its arrays lie in the same order.
CELLS = {"LSTMCell": "LSTM", "GRUCell": "GRU", "SimpleRNNCell": "SimpleRNN"}

#: Several cells, each of which reads what the one before gives.
STACK = "StackedRNNCells"


def is_stack(entry: JsonObject) -> bool:
    """Tell an ``RNN`` around a stack of cells."""
    cell = entry["config"].get("cell")
    stacked = isinstance(cell, list) or (isinstance(cell, Mapping) and class_of(cell) == STACK)
    return class_of(entry) == "RNN" and stacked


def cell_spec(spec: LayerSpec) -> LayerSpec:
    """Make the spec of the layer that computes what ``RNN`` around one cell does."""
    cell = spec.options.values.get("cell")
    if not isinstance(cell, Mapping):
        raise spec.options.wrong("cell", "a serialised cell")
    kind = class_of(cell)
    if kind not in CELLS:
        raise spec.refuse(
            f"it runs a cell of the class {kind!r}; rnnlens reads {', '.join(CELLS)} and stacks of "
            "them"
        )
    own = {key: value for key, value in spec.options.values.items() if key != "cell"}
    options = LayerOptions(f"{spec.name!r} ({kind})", {**cell["config"], **own})
    LayerOptions(options.layer, cell["config"]).check_weights()
    return replace(spec, kind=CELLS[kind], options=options)


def stacked_specs(spec: LayerSpec) -> list[LayerSpec]:
    """Make the specs of one ``RNN`` a cell, which together compute what the stack does."""
    options = spec.options
    stack = options.take("cell")
    cells = stack if isinstance(stack, list) else stack["config"].get("cells")
    if not isinstance(cells, list) or not cells:
        raise options.wrong("cell", "a stack of cells")
    if isinstance(stack, Mapping):
        settings = {key: value for key, value in stack["config"].items() if key != "cells"}
        LayerOptions(f"{spec.name!r} ({STACK})", settings).finish()
    names = [str(cell["config"].get("name")) for cell in cells]
    if len(set(names)) < len(names):
        raise spec.refuse("two cells of its stack have one name; give each cell its own")
    arrays = [3 if cell["config"].get("use_bias", True) else 2 for cell in cells]
    stores = spec.store.sublayer("cell").cells(
        [(class_of(cell), name) for cell, name in zip(cells, names, strict=True)], arrays
    )
    sequences = options.flag("return_sequences")
    made = []
    for number, (cell, name) in enumerate(zip(cells, names, strict=True)):
        last = number == len(cells) - 1
        # The cells share the steps, so each hands its sequence to the next, in the order in which
        # the first one read it.
        values = {
            **options.values,
            "cell": cell,
            "return_sequences": sequences or not last,
            "zero_output_for_mask": last and options.flag("zero_output_for_mask"),
            "go_backwards": number == 0 and options.flag("go_backwards"),
        }
        made.append(
            replace(
                spec,
                name=f"{spec.name}.{name}",
                path=f"{spec.path}/{name}",
                options=LayerOptions(f"{spec.name!r} (RNN)", values),
                store=stores[name],
                of_cell=True,
            )
        )
    return made
