"""The canonical graph as it grows: nodes, their names, and the masks that their outputs carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnlens.errors import UnsupportedModel
from rnnlens.names import told
from rnnlens.network.axes import Unmask
from rnnlens.network.json_values import JsonObject
from rnnlens.network.layers import (
    Bidirectional,
    Input,
    Layer,
    MaskValues,
    Multiply,
    Recurrent,
    TimeDistributed,
)
from rnnlens.network.network import Node, Ref, Rounding, Source, layer_kind
from rnnlens.network.shapes import Shape, shapes_after
from rnnlens.readers.keras.graph.mask_numbers import as_numbers
from rnnlens.readers.keras.graph.masks import MIXED, Expression, MaskValue, mask_after, needs_mask
from rnnlens.readers.keras.graph.nodes import Nodes
from rnnlens.readers.keras.graph.stepwise import Steps
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
    #: What an operation is given, in order and by name, with its lists as they are.
    arguments: Sequence[Any] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class KerasGraphBuilder:
    """Nodes in an order in which each comes after those it takes from."""

    #: What the version means.
    keras_version: KerasVersion
    #: The nodes so far, and what a reader must know of them.
    nodes: list[Node] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: What the source does not say and was taken to be so.
    assumed: list[str] = field(default_factory=list)
    #: What layers in half precision round to.
    rounds: Rounding = ""
    #: The mask that each tensor carries in the source.
    masks: dict[Ref, Expression | None] = field(default_factory=dict)
    #: Tensors whose mask the engine does not carry, though the source does.
    strays: set[Ref] = field(default_factory=set)
    #: Names that no second call may take.
    reserved: set[str] = field(default_factory=set)
    #: The steps that a model is applied to, where it is applied to each alone.
    steps: Steps = field(default_factory=Steps)
    #: Shapes of the outputs of the first nodes, as far as anything has asked for them.
    _shapes: dict[Ref, Shape] = field(default_factory=dict)
    _shaped: int = 0
    #: Masks that are taken as numbers, by what they compute.
    _numbers: dict[Expression, Ref] = field(default_factory=dict)

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
                told(
                    "The source takes {samples} samples at a time; here any number may be given.",
                    samples=shape[0],
                )
            )
        return self._add(Node(node, Input(tuple(shape[1:]))), [None])

    def call(self, node: str, kind: str, built: BuiltLayer, taken: CallInputs) -> list[KerasValue]:
        """Add one call of one layer."""
        own, sources = built
        refs = [self.tensor(value, f"layer {node!r}") for value in taken.inputs]
        states = [self.tensor(value, f"layer {node!r}") for value in taken.states]
        if isinstance(own, (Recurrent, Bidirectional)):
            # Keras 2 lists the initial states behind the sequence.
            refs, states = refs[:1], [*refs[1:], *states]
        _check_arity(node, kind, own, len(refs), len(states))
        layer = self._applied(node, kind, own, [*refs, *states])
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
            self.notes.append(
                told(
                    "Layer {layer} takes a masked sequence and an initial state: Keras 3 leaves "
                    "the mask out there, and so does this network.",
                    layer=node,
                )
            )
            # In Keras 3 a recurrent layer that is given an initial state gets no mask unless one
            # is passed to it (keras/src/layers/layer.py, __call__, step 6: masks are filled in for
            # layers with one tensor argument).
            refs, stray = [self.unmasked(f"{node}.unmasked", refs[0])], after is not None
        every = _masks_of_outputs(layer, after)
        if isinstance(layer, Recurrent) and layer.stateful:
            self.notes.append(
                told(
                    "Layer {layer} is stateful in the source; here its state starts at zero "
                    "unless it is given.",
                    layer=node,
                )
            )
        self._add(Node(node, layer, (*refs, *states), sources), every)
        outputs: list[KerasValue] = [(node, k) for k in range(len(every))]
        if stray:
            self.strays.update((node, k) for k, mask in enumerate(every) if mask is not None)
        return outputs

    def add(
        self, node: str, layer: Layer, refs: Sequence[Ref], sources: Mapping[str, Source]
    ) -> Ref:
        """Add a node of values without masks; its output has none."""
        layer = self._applied(node, layer_kind(layer), layer, refs)
        return self._add(Node(node, layer, tuple(refs), sources), [None])

    def unmasked(self, node: str, ref: Ref) -> Ref:
        """Hand a value on without its mask, where it has one."""
        if self.masks[ref] is None:
            return ref
        return self._add(Node(node, Unmask(), (ref,)), [None])

    def mask_values(self, node: str, ref: Ref) -> Ref:
        """Add the mask of a value as numbers, 1 where a step is real."""
        if self.steps.depth or self.masks[ref] == MIXED or ref in self.strays:
            raise UnsupportedModel(
                f"layer {node.rsplit('.', 1)[0]!r} takes a mask that rnnlens does not carry to it: "
                "one out of attention, of a merge of different masks, or within one step; mask "
                "right before it instead"
            )
        return self._add(Node(node, MaskValues(), (ref,)), [None])

    def carry_unseen(self, ref: Ref, mask: Expression | None) -> None:
        """Note that a value has a mask in the source which the engine does not carry."""
        self.masks[ref] = mask
        self.strays.add(ref)

    def shape(self, ref: Ref) -> Shape:
        """Give the shape of one sample of a value, within one step where steps are apart."""
        for node in self.nodes[self._shaped :]:
            made = shapes_after(node.layer, [self._shapes[one] for one in node.inputs])
            self._shapes |= {(node.name, k): shape for k, shape in enumerate(made)}
        self._shaped = len(self.nodes)
        return self._shapes[ref][self.steps.depth :]

    def numbers(self, mask: MaskValue) -> Ref:
        """Give the output of an operation on masks as numbers, 1 where it holds."""
        if mask.expression not in self._numbers:
            nodes = Nodes(self, self.name_of_call(mask.operation, 0))
            self._numbers[mask.expression] = as_numbers(mask, nodes)
        return self._numbers[mask.expression]

    def tensor(self, value: KerasValue, where: str) -> Ref:
        """Give a value as a tensor."""
        if isinstance(value, MaskValue):
            return self.numbers(value)
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

    def _applied(self, node: str, kind: str, layer: Layer, refs: Sequence[Ref]) -> Layer:
        if not self.steps.depth:
            return layer
        ranks = [len(self.shape(ref)) for ref in refs]
        masked = any(self.masks[ref] is not None for ref in refs)
        return self.steps.applied(node, kind, layer, ranks, masked)

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
                "rules, after a merge of different masks, or one that comes out of attention or of "
                "a masked decoder with an initial state; mask after that layer instead"
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
