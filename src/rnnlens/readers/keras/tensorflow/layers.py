"""The layers that a checkpoint holds, before anybody says what they compute."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rnnlens.readers.keras.tensorflow.object_graph import ObjectNode
from rnnlens.readers.keras.tensorflow.store import BOOKKEEPING, ObjectStore, Saved, model_within
from rnnlens.readers.keras.weights_only.archive_layers import PARTS, fits
from rnnlens.readers.keras.weights_only.layer_arrays import (
    MOST_LAYERS,
    LayerArrays,
    told_apart,
)
from rnnlens.readers.keras.weights_only.shapes import CELLS, classes_of
from rnnlens.readers.variables import StoredVariable

__all__ = ["layers_within", "made_as"]

#: The order in which Keras lists the arrays of a layer.
ROLES = (
    "gamma",
    "beta",
    "kernel",
    "recurrent_kernel",
    "bias",
    "moving_mean",
    "moving_variance",
    "mean",
    "variance",
    "count",
)

#: What a cell is called within its layer, and a direction within a Bidirectional.
CELL = re.compile(r"(lstm|gru|simple_rnn)_cell(_\d+)?")
SIDES = ("forward_", "backward_")


def made_as(name: str) -> tuple[str, str]:
    """Take the name that a variable was given when it was made apart: its layer, the rest.

    Examples
    --------
    >>> made_as("model/bidirectional/forward_lstm/lstm_cell/kernel")
    ('bidirectional', 'forward_lstm/kernel')
    """
    *parts, role = re.sub(r":\d+$", "", name).split("/")
    if parts and CELL.fullmatch(parts[-1]):
        parts.pop()
    side = f"{parts.pop()}/" if len(parts) > 1 and parts[-1].startswith(SIDES) else ""
    return (parts[-1] if parts else ""), side + role


@dataclass
class _Walk:
    """A walk through the objects of a checkpoint."""

    saved: Saved
    #: What each object is called in the file, where it says so.
    names: Mapping[int, str]
    seen: set[int] = field(default_factory=set)

    def within(self, node: int, place: str, *, numbered: bool) -> Iterator[LayerArrays]:
        if node in self.seen or len(self.seen) > 4 * MOST_LAYERS:
            return
        self.seen.add(node)
        listed = self.saved.layers_of(node)
        for number, target in enumerate(listed):
            yield from self.within(target, f"{place}/{number}".lstrip("/"), numbered=numbered)
        graph = self.saved.graph
        parts = (
            {}
            if not place
            else {
                name: target
                for name, target in graph.nodes[node].children.items()
                if name in PARTS and target not in self.seen
            }
        )
        arrays = list(self._variables(node))
        for part in sorted(parts, key=PARTS.__getitem__):
            arrays += self._part(parts[part])
        if arrays:
            yield self._layer(node, place, arrays, set(parts), numbered=numbered)
        for name, target in graph.nodes[node].children.items():
            if name not in BOOKKEEPING and not graph.nodes[target].key:
                yield from self.within(target, f"{place}/{name}".lstrip("/"), numbered=False)

    def _part(self, node: int) -> list[tuple[str, ObjectNode]]:
        """Give the variables of a layer's own part: a cell, or a direction around its cell."""
        self.seen.add(node)
        held = list(self._variables(node))
        cell = self.saved.graph.child(node, "cell")
        if cell is not None and cell not in self.seen:
            self.seen.add(cell)
            held += self._variables(cell)
        return held

    def _variables(self, node: int) -> Iterator[tuple[str, ObjectNode]]:
        held = self.saved.graph.variables(node)
        order = {role: place for place, role in enumerate(ROLES)}
        for role in sorted(held, key=lambda role: order.get(role, len(order))):
            yield role, held[role]

    def _layer(
        self,
        node: int,
        place: str,
        held: list[tuple[str, ObjectNode]],
        parts: set[str],
        *,
        numbered: bool,
    ) -> LayerArrays:
        variable = self.saved.bundle.variable
        arrays: tuple[StoredVariable, ...] = tuple(
            variable(role, each.key, each.name or each.key) for role, each in held
        )
        classes = classes_of([array.shape for array in arrays], [array.role for array in arrays])
        if "layer" in parts and "forward_layer" not in parts:
            kept = tuple(("TimeDistributed", of) for of, _ in classes if of not in CELLS)
        else:
            kept = tuple(each for each in classes if fits(each[0], parts))
        name = self.names.get(node) or made_as(held[0][1].name)[0] or place.replace("/", ".")
        store = ObjectStore(self.saved, node, f"layer {name!r}")
        return LayerArrays(name, store, arrays, kept, place, numbered)


def layers_within(saved: Saved, names: Mapping[int, str]) -> list[LayerArrays]:
    """Give every layer of a checkpoint that holds arrays."""
    model = model_within(saved.graph)
    return told_apart(list(_Walk(saved, names).within(model, "", numbered=True)))
