"""Layers that are neither a layer nor one operation of Keras, in several that are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rnnlens.network.activations import Activation
from rnnlens.network.axes import Constant, ExpandDims, Flip, Index, Repeat, Slice, Unmask
from rnnlens.network.layers import (
    Activate,
    Add,
    Bidirectional,
    Binary,
    CumulativeSum,
    Einsum,
    Identity,
    Layer,
    Reduction,
    RepeatVector,
    Rescaling,
    Reshape,
    Where,
)
from rnnlens.network.network import Network, Node, Ref, layer_kind
from rnnlens.network.shapes import Shape, output_shapes
from rnnlens.readers.keras.graph.masks import Expression, needs_mask
from rnnlens.writers.keras.operations import is_operation
from rnnlens.writers.masks import masks_of
from rnnlens.writers.written import refuse

__all__ = ["in_keras_layers"]

ZERO, ONE = np.array(0.0), np.array(1.0)


@dataclass
class _Steps:
    """The nodes that one node becomes; the last one takes its name."""

    node: Node
    taken: tuple[Ref, ...]
    shapes: Sequence[Shape]
    made: list[Node] = field(default_factory=list)

    def add(self, layer: Layer, *inputs: Ref) -> Ref:
        """Add a node."""
        name = f"{self.node.name}_{len(self.made)}"
        self.made.append(Node(name, layer, inputs))
        return (name, 0)

    def chain(self, *layers: Layer) -> None:
        """Put layers behind the first input, one behind another."""
        ref = self.taken[0]
        for layer in layers:
            ref = self.add(layer, ref)

    def zeros(self, ref: Ref, shape: Shape, axes: int) -> Ref:
        """Add a zero for each sample of a value, of some axes of length one."""
        for _ in shape:
            ref = self.add(Index(0), ref)
        return self.add(Rescaling(ZERO, ZERO), self.add(Reshape((1,) * axes), ref))

    def named(self) -> list[Node]:
        """Give the nodes, the last with the name of the one that is written."""
        return [*self.made[:-1], replace(self.made[-1], name=self.node.name)]


def in_keras_layers(network: Network, dtype: np.dtype, notes: list[str]) -> Network:
    """Replace the layers that Keras does not have by some that it has."""
    shapes = output_shapes(network)
    masks = masks_of(network)
    moved: dict[Ref, Ref] = {}
    nodes: list[Node] = []
    for node in network.nodes:
        taken = tuple(moved.get(ref, ref) for ref in node.inputs)
        if isinstance(node.layer, Unmask) and masks[node.inputs[0]] is None:
            moved[node.name, 0] = taken[0]
            continue
        _check_masks(node, masks)
        steps = _Steps(node, taken, [shapes[name][number] for name, number in node.inputs])
        if isinstance(node.layer, Einsum) and dtype != np.float32:
            # layers of Keras give float32 where its setting says so, whatever they were given
            steps.add(node.layer, *(steps.add(Identity("Cast"), ref) for ref in taken))
        _lower(steps)
        if not steps.made:
            nodes.append(replace(node, inputs=taken))
            continue
        kinds = " and ".join(dict.fromkeys(layer_kind(one.layer) for one in steps.made))
        notes.append(
            f"{node.name} ({layer_kind(node.layer)}) is written as {kinds} that computes the same"
        )
        nodes += steps.named()
    outputs = tuple(moved.get(ref, ref) for ref in network.outputs)
    return replace(network, nodes=tuple(nodes), outputs=outputs)


def _check_masks(node: Node, masks: Mapping[Ref, Expression | None]) -> None:
    layer = node.layer
    if is_operation(layer) and masks[node.name, 0] is not None:
        refuse(
            node.name,
            layer,
            "it takes a masked sequence, and Keras hands no mask on through operations; write "
            ".npz, which holds it",
        )
    if not node.inputs or masks[node.inputs[0]] is None or not needs_mask(layer):
        return
    if len(node.inputs) > 1:
        refuse(
            node.name,
            layer,
            "it takes a masked sequence and states to start from, and Keras leaves the mask out "
            "there; write .npz, which holds it",
        )
    if isinstance(layer, Bidirectional) and any(
        side.zero_output_for_mask != side.return_sequences
        for side in (layer.forward, layer.backward)
    ):
        refuse(
            node.name,
            layer,
            "Keras 3 gives zero at masked steps of a Bidirectional, and it does not; write .npz, "
            "which holds it",
        )


def _lower(steps: _Steps) -> None:
    """Add what a node becomes; nothing where Keras has it."""
    layer = steps.node.layer
    if isinstance(layer, Binary | Where):
        _aligned(steps)
    elif isinstance(layer, Slice) and layer.step < 0:
        # Keras's backends do not all slice backwards
        start, stop = (None if end is None else -end - 1 for end in (layer.start, layer.stop))
        steps.chain(Flip(layer.axis), Slice(start, stop, -layer.step, layer.axis))
    elif isinstance(layer, CumulativeSum) and layer.reverse:
        steps.chain(Flip(layer.axis), CumulativeSum(layer.axis), Flip(layer.axis))
    elif isinstance(layer, Activate):
        _function(steps, layer.activation)
    elif isinstance(layer, Reduction) and layer.correction:
        _corrected(steps, layer)
    elif isinstance(layer, Constant):
        _constant(steps, layer)
    elif isinstance(layer, RepeatVector | Repeat) and layer.times is None:
        _as_often(steps, layer)


def _aligned(steps: _Steps) -> None:
    """Give every input as many axes, those that are missing after the samples."""
    rank = max(map(len, steps.shapes))
    if all(len(shape) == rank for shape in steps.shapes):
        return
    inputs = []
    for ref, shape in zip(steps.taken, steps.shapes, strict=True):
        wide = ref
        for _ in range(rank - len(shape)):
            wide = steps.add(ExpandDims(1), wide)
        inputs.append(wide)
    steps.add(steps.node.layer, *inputs)


def _function(steps: _Steps, activation: Activation) -> None:
    """Write the functions whose like in Keras gives truth values: by the sign, 1, 0 or -1."""
    turned, complement = Rescaling(-ONE, ZERO), Rescaling(-ONE, ONE)
    sign, positive = Activate(Activation("sign")), Activate(Activation("relu"))
    if activation.name == "is_zero":
        steps.chain(sign, Activate(Activation("abs")), complement)
    elif activation.name == "step" and activation["at_zero"]:
        steps.chain(turned, sign, positive, complement)
    elif activation.name == "step":
        steps.chain(sign, positive)


def _corrected(steps: _Steps, layer: Reduction) -> None:
    sizes = [(None, *steps.shapes[0])[axis] for axis in layer.axes]
    count = int(np.prod([size or 0 for size in sizes]))
    if count <= layer.correction:
        refuse(
            steps.node.name,
            layer,
            "its variance is divided by the count of steps less one, and that count is not stated; "
            "write .npz instead",
        )
    factor = np.array(count / (count - layer.correction))
    steps.chain(replace(layer, correction=0), Rescaling(factor, ZERO))


def _constant(steps: _Steps, layer: Constant) -> None:
    """Add fixed numbers to a zero for each sample."""
    steps.add(layer, steps.zeros(steps.taken[0], steps.shapes[0], layer.C.ndim))


def _as_often(steps: _Steps, layer: RepeatVector | Repeat) -> None:
    """Repeat as often as a sequence has steps: by adding a zero at each of them."""
    value, like = steps.taken
    axis = 1
    if isinstance(layer, RepeatVector):
        value = steps.add(ExpandDims(1), value)
    else:
        axis = layer.axis % (len(steps.shapes[0]) + 1)
    for other in range(1, len(steps.shapes[1]) + 1):
        if other != axis:
            like = steps.add(Slice(0, 1, 1, other), like)
    steps.add(Add(), value, steps.add(Rescaling(ZERO, ZERO), like))
