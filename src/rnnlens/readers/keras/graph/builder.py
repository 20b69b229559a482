"""The canonical graph as it grows: nodes, their names, and the masks that their outputs carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnlens.errors import UnsupportedModel
from rnnlens.network.axes import Unmask
from rnnlens.network.json_values import JsonObject
from rnnlens.network.layers import (
    Bidirectional,
    Input,
    Layer,
    Multiply,
    Recurrent,
    TimeDistributed,
)
from rnnlens.network.network import Node, Ref, layer_kind
from rnnlens.readers.keras.graph.masks import MIXED, Expression, MaskValue, mask_after, needs_mask
from rnnlens.readers.keras.layers.options import LayerOptions
from rnnlens.readers.keras.layers.spec import BuiltLayer, KerasVersion
from rnnlens.readers.keras.layers.table import MANY_INPUTS

__all__ = ["CallInputs", "KerasGraphBuilder", "KerasValue"]

#: What a tensor of the source's graph is here: one output of a node, or a mask.
KerasValue = Ref | MaskValue


@dataclass(frozen=True)
class CallInputs:
    """What one call takes, as values of the new graph."""

    #: Values and, for an operation, numbers.
    inputs: Sequence[Any]
    #: Initial states.
    states: Sequence[Any] = ()
    #: Masks that were passed to the call.
    masks: Sequence[Any] = ()


@dataclass
class KerasGraphBuilder:
    """Nodes in an order in which each comes after those it takes from."""

    #: What the version means.
    keras_version: KerasVersion
    #: The nodes so far, and what a reader must know of them.
    nodes: list[Node] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: The mask that each tensor carries in the source.
    masks: dict[Ref, Expression | None] = field(default_factory=dict)
    #: Tensors whose mask the engine does not carry, though the source does.
    strays: set[Ref] = field(default_factory=set)
    #: Names that no second call may take.
    reserved: set[str] = field(default_factory=set)

    def entry(self, node: str, config: JsonObject) -> Ref:
        """Add an entry of the network."""
        options = LayerOptions(f"{node!r} (InputLayer)", config)
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
        return self._add(Node(node, Input(tuple(shape[1:]))), [None])

    def call(self, node: str, kind: str, built: BuiltLayer, taken: CallInputs) -> list[KerasValue]:
        """Add one call of one layer."""
        layer, sources = built
        refs = [self.tensor(value, f"layer {node!r}") for value in taken.inputs]
        states = [self.tensor(value, f"layer {node!r}") for value in taken.states]
        if isinstance(layer, (Recurrent, Bidirectional)):
            # Keras 2 lists the initial states behind the sequence.
            refs, states = refs[:1], [*refs[1:], *states]
        _check_arity(node, kind, layer, len(refs), len(states))
        self.check_masks(node, taken)
        masks = [self.masks[ref] for ref in refs]
        self._check_use(node, kind, layer, refs)
        after = mask_after(layer, refs, masks, self.keras_version.merges_masks)
        stray = after is not None and bool(self.strays.intersection(refs))
        if (
            self.keras_version.generation == "Keras 3"
            and states
            and masks[0] is not None
            and not taken.masks
        ):
            refs, stray = [self._unmasked(node, refs[0])], after is not None
        every = _masks_of_outputs(layer, after)
        if isinstance(layer, Recurrent) and layer.stateful:
            self.notes.append(
                f"Layer {node} is stateful in the source; here its state starts at zero unless it "
                "is given."
            )
        self._add(Node(node, layer, (*refs, *states), sources), every)
        outputs: list[KerasValue] = [(node, k) for k in range(len(every))]
        if stray:
            self.strays.update((node, k) for k, mask in enumerate(every) if mask is not None)
        return outputs

    def tensor(self, value: KerasValue, where: str) -> Ref:
        """Give a value that must be a tensor, not a mask."""
        if isinstance(value, MaskValue):
            raise UnsupportedModel(
                f"{where} takes the output of the operation {value.operation!r}, which is not a "
                "layer; replace the operation by a layer of Keras"
            )
        if not isinstance(value, tuple):
            raise UnsupportedModel(
                f"{where} takes {str(value)[:40]!r}, which is not the output of a layer"
            )
        return value

    def name_of_call(self, wanted: str, number: int) -> str:
        """Name a call: the first takes the layer's name, the next ones a number after it."""
        if number == 0:
            return wanted
        name = f"{wanted}_{number}"
        while name in self.reserved:
            number += 1
            name = f"{wanted}_{number}"
        self.reserved.add(name)
        return name

    def check_masks(self, node: str, taken: CallInputs) -> None:
        """Refuse masks that are not those that the tensors carry."""
        for value, mask in zip(taken.inputs, taken.masks, strict=False):
            carried = None if isinstance(value, MaskValue) else self.masks[value]
            given = mask.expression if isinstance(mask, MaskValue) else mask
            if given is not None and given != carried:
                raise UnsupportedModel(
                    f"layer {node!r} is given a mask that does not follow from the Masking and "
                    "Embedding layers before it; rnnlens reads the masks that these layers make"
                )

    def _add(self, node: Node, masks: Sequence[Expression | None]) -> Ref:
        self.nodes.append(node)
        self.masks |= {(node.name, k): mask for k, mask in enumerate(masks)}
        return (node.name, 0)

    def _unmasked(self, node: str, ref: Ref) -> Ref:
        """Hand a sequence on without its mask."""
        # In Keras 3 a recurrent layer that is given an initial state gets no mask unless one is
        # passed to it (keras/src/layers/layer.py, __call__, step 6: masks are filled in for layers
        # with one tensor argument).
        self.notes.append(
            f"Layer {node} takes a masked sequence and an initial state: Keras 3 leaves the mask "
            "out there, and so does this network."
        )
        return self._add(Node(f"{node}.unmasked", Unmask(), (ref,)), [None])

    def _check_use(self, node: str, kind: str, layer: Layer, refs: list[Ref]) -> None:
        """Refuse the uses of a mask where the source and the engine would differ."""
        ref, mask = refs[0], self.masks[refs[0]]
        masked = [self.masks[one] is not None for one in refs]
        if (
            isinstance(layer, Multiply)
            and any(masked)
            and self.keras_version.merges_masks != "newest"
        ):
            raise UnsupportedModel(
                f"layer {node!r} ({kind}) multiplies masked sequences, and Keras before 3.4 gives "
                "other values at masked steps; save the model again with Keras 3.4 or newer"
            )
        if needs_mask(layer) and (mask == MIXED or ref in self.strays):
            raise UnsupportedModel(
                f"layer {node!r} ({kind}) takes a mask that versions of Keras make by different "
                "rules, after a merge of different masks or a masked decoder with an initial "
                "state; mask after that layer instead"
            )
        if mask is not None and isinstance(layer, TimeDistributed) and needs_mask(layer.layer):
            raise UnsupportedModel(
                f"layer {node!r} (TimeDistributed) applies {layer_kind(layer.layer)} to the steps "
                "of a masked sequence, and masks within steps are not implemented; mask nothing "
                "there"
            )
        if mask is not None and kind == "Softmax":
            raise UnsupportedModel(
                f"layer {node!r} (Softmax) takes a masked sequence, and its masked form is not "
                "implemented; use Activation('softmax')"
            )


def _masks_of_outputs(layer: Layer, after: Expression | None) -> list[Expression | None]:
    """Give the mask of every output: sequences carry it, states do not."""
    if isinstance(layer, Recurrent):
        return [after, *([None] * len(layer.cell.states) * layer.return_state)]
    if isinstance(layer, Bidirectional):
        merged = [after, after] if layer.merge_mode is None else [after]
        states = 2 * len(layer.forward.cell.states) * layer.forward.return_state
        return [*merged, *([None] * states)]
    return [after]


def _check_arity(node: str, kind: str, layer: Layer, inputs: int, states: int) -> None:
    wanted = 0
    if isinstance(layer, Recurrent):
        wanted = len(layer.cell.states)
    elif isinstance(layer, Bidirectional):
        wanted = len(layer.forward.cell.states) + len(layer.backward.cell.states)
    if states not in {0, wanted}:
        raise UnsupportedModel(
            f"layer {node!r} ({kind}) is given {states} initial states, and it has {wanted}: "
            "give all of them or none"
        )
    if inputs != 1 and kind not in MANY_INPUTS:
        raise UnsupportedModel(f"layer {node!r} ({kind}) is called on {inputs} inputs, not one")
    if inputs < 2 and kind in MANY_INPUTS:
        raise UnsupportedModel(f"layer {node!r} ({kind}) is called on one input: it merges several")
