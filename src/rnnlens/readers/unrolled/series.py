"""The nodes of a network over a series of calls, each value in the form that the next node takes.

Of the value that one node gives in one call, of shape S, three forms are of use over the series:

- ``last``: that of the last call, S;
- ``each``: those of all calls one before the other, (call, *S);
- ``long``: where S is (step, ...), the steps of all calls one behind the other, (call * step, ...).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from rnnlens.errors import UnsupportedModel
from rnnlens.network.axes import Constant, ExpandDims, Index, Repeat, Slice
from rnnlens.network.layers import (
    Activate,
    Bidirectional,
    Dense,
    Embedding,
    Identity,
    Input,
    Layer,
    LayerNormalization,
    Masking,
    Permute,
    Recurrent,
    Reshape,
    TimeDistributed,
)
from rnnlens.network.network import Network, Node, Ref, layer_kind, leading_to
from rnnlens.network.shapes import Shape, output_shapes
from rnnlens.network.steps.applied import applied_to_each
from rnnlens.network.unique import unique_name

__all__ = ["Series"]

Form = Literal["last", "each", "long"]


class Series:
    """A network over a series of calls, built node by node.

    Parameters
    ----------
    network : Network
        The network as it is called.
    carrying : tuple of str
        The recurrent layers that carry their states from call to call.
    axes : mapping of str to int
        The inputs that are new in each call, and the axis that counts their steps; 0 for none.
    call, calls : int
        Steps of a call, and calls of the series.
    """

    def __init__(
        self,
        network: Network,
        carrying: tuple[str, ...],
        axes: Mapping[str, int],
        call: int,
        calls: int,
    ) -> None:
        nodes = tuple(_of_a_call(node, axes.get(node.name, 0), call) for node in network.nodes)
        self.network = replace(network, nodes=nodes)
        self.carrying = carrying
        self.axes = axes
        self.call, self.calls = call, calls
        self.shapes = output_shapes(self.network)
        before = [node.inputs[0][0] for node in nodes if node.name in carrying]
        #: What is needed of every call, and what differs from call to call.
        self.of_each = leading_to(nodes, before)
        self.new = self._differing()
        self.nodes: list[Node] = []
        self.names = {node.name for node in nodes}
        self.forms: dict[Ref, dict[Form, Ref]] = {}

    def made(self) -> Network:
        """Build it."""
        for node in self.network.nodes:
            self._copy(node)
        outputs = tuple(self._form(ref, "last") for ref in self.network.outputs)
        kept = leading_to(self.nodes, [name for name, _ in outputs])
        nodes = tuple(
            node for node in self.nodes if node.name in kept or isinstance(node.layer, Input)
        )
        return replace(self.network, nodes=nodes, outputs=outputs)

    def _differing(self) -> set[str]:
        differing: set[str] = set()
        for node in self.network.nodes:
            # of its input a constant takes the number of samples alone
            taken = set() if isinstance(node.layer, Constant) else {n for n, _ in node.inputs}
            if node.name in self.axes or node.name in self.carrying or taken & differing:
                differing.add(node.name)
        return differing

    def _copy(self, node: Node) -> None:
        layer = node.layer
        if isinstance(layer, Input):
            self._entry(node, layer)
        elif node.name in self.carrying:
            assert isinstance(layer, Recurrent)
            self._carrying(node, layer)
        elif node.name in self.of_each and node.name in self.new:
            self._to_each(node)
        else:
            if isinstance(layer, Constant):
                inputs = tuple(next(iter(self.forms[ref].values())) for ref in node.inputs)
            else:
                inputs = tuple(self._form(ref, "last") for ref in node.inputs)
            self.nodes.append(replace(node, inputs=inputs))
            self.forms |= {
                (node.name, k): {"last": (node.name, k)} for k in range(len(self.shapes[node.name]))
            }

    def _entry(self, node: Node, layer: Input) -> None:
        """Lengthen an input of which a call takes new numbers."""
        ref = (node.name, 0)
        if node.name not in self.axes:
            self.nodes.append(node)
            self.forms[ref] = {"last": ref}
            return
        axis = self.axes[node.name]
        shape = list(layer.shape)
        if axis == 0:
            self.nodes.append(replace(node, layer=Input((self.calls, *shape))))
            self.forms[ref] = {"each": ref}
            return
        shape[axis - 1] = self.calls * self.call
        self.nodes.append(replace(node, layer=replace(layer, shape=tuple(shape))))
        if axis == 1:
            self.forms[ref] = {"long": ref}
            return
        others = [k for k in range(1, len(shape) + 1) if k != axis]
        turned = self._add(f"{node.name}_steps_first", Permute((axis, *others)), ref)
        split = self._split(f"{node.name}_calls", turned, self._shape(ref, axis))
        places = [axis, *others]
        back = Permute(tuple(places.index(k) + 1 for k in range(1, len(shape) + 1)))
        self.forms[ref] = {"each": self._add(node.name, TimeDistributed(back), split)}

    def _shape(self, ref: Ref, axis: int = 1) -> Shape:
        """Give a value's shape in one call, an axis first."""
        shape = self.shapes[ref[0]][ref[1]]
        return (shape[axis - 1], *shape[: axis - 1], *shape[axis:])

    def _carrying(self, node: Node, layer: Recurrent) -> None:
        """Run a layer that carries its states over all steps of all calls at once."""
        name, number = node.inputs[0]
        call = self.shapes[name][number][0] or 1  # a convolution may leave fewer of a call's steps
        if layer.go_backwards and call > 1:
            raise UnsupportedModel(
                f"layer {node.name!r} ({layer_kind(layer)}) carries its state from call to call "
                "and reads the newest step of each call first, so that its calls are no one "
                "series: leave unroll out"
            )
        starts = [ref for ref in node.inputs[1:] if ref[0] in self.new]
        if starts:
            raise UnsupportedModel(
                f"layer {node.name!r} ({layer_kind(layer)}) starts every call from what "
                f"{starts[0][0]!r} makes of that call, so that it carries nothing on: leave unroll "
                "out"
            )
        each = node.name in self.of_each
        sequence = each or (layer.return_sequences and call > 1)
        taken = [self._form(node.inputs[0], "long")]
        taken += [self._form(ref, "last") for ref in node.inputs[1:]]
        over = replace(layer, go_backwards=False, return_sequences=sequence)
        self.nodes.append(replace(node, layer=over, inputs=tuple(taken)))
        ref = (node.name, 0)
        for k in range(1, len(self.shapes[node.name])):
            self.forms[node.name, k] = {"last": (node.name, k)}
        if sequence and layer.return_sequences:
            self.forms[ref] = {"long": ref}
        elif sequence:
            ends = Slice(call - 1, None, call)
            self.forms[ref] = {
                "each": ref if call == 1 else self._add(f"{node.name}_ends", ends, ref)
            }
        elif layer.return_sequences:
            self.forms[ref] = {"last": self._add(f"{node.name}_step", ExpandDims(1), ref)}
        else:
            self.forms[ref] = {"last": ref}

    def _to_each(self, node: Node) -> None:
        """Apply a layer to the numbers of every call alone."""
        layer, ref = node.layer, (node.name, 0)
        _refuse_in_each(node)
        long = all("long" in self.forms[one] for one in node.inputs)
        if long and _by_step(layer):
            inputs = tuple(self._form(one, "long") for one in node.inputs)
            self.nodes.append(replace(node, inputs=inputs))
            self.forms[ref] = {"long": ref}
            return
        ranks = [len(self.shapes[name][number]) for name, number in node.inputs]
        applied = applied_to_each(layer, ranks)
        if applied is None:
            raise UnsupportedModel(
                f"layer {node.name!r} ({layer_kind(layer)}) joins values of different ranks before "
                "a layer that carries its state, which cannot be laid over a series of calls: "
                "leave unroll out"
            )
        inputs = tuple(self._form(one, "each") for one in node.inputs)
        self.nodes.append(replace(node, layer=applied, inputs=inputs))
        self.forms |= {
            (node.name, k): {"each": (node.name, k)} for k in range(len(self.shapes[node.name]))
        }

    def _form(self, ref: Ref, form: Form) -> Ref:
        """Give a value in a form, made of one that is at hand."""
        have = self.forms[ref]
        if form not in have:
            have[form] = self._made(ref, form, have)
        return have[form]

    def _made(self, ref: Ref, form: Form, have: Mapping[Form, Ref]) -> Ref:
        name, shape = ref[0], self.shapes[ref[0]][ref[1]]
        if form == "each" and "long" in have:
            return self._split(f"{name}_calls", have["long"], shape)
        if form == "each" and name not in self.new:
            # the same in every call
            spread = self._add(f"{name}_call", ExpandDims(1), have["last"])
            return self._add(f"{name}_calls", Repeat(1, self.calls), spread)
        if form == "each":
            raise UnsupportedModel(
                f"layer {name!r} hands a state within a call to a layer that carries its own, and "
                "the states of all calls are not at hand: leave unroll out"
            )
        if form == "long":
            steps = Reshape((self.calls * (shape[0] or 1), *map(_whole, shape[1:])))
            return self._add(f"{name}_steps", steps, self._form(ref, "each"))
        if "long" in have:
            newest = Slice(-(shape[0] or 1), None)
            return self._add(f"{name}_last", newest, have["long"])
        return self._add(f"{name}_last", Index(-1), have["each"])

    def _split(self, name: str, ref: Ref, shape: Shape) -> Ref:
        """Lay (call * step, ...) out as (call, step, ...)."""
        return self._add(name, Reshape((self.calls, *map(_whole, shape))), ref)

    def _add(self, wanted: str, layer: Layer, *inputs: Ref) -> Ref:
        name = unique_name(wanted, self.names)
        self.nodes.append(Node(name, layer, inputs))
        return (name, 0)


def _whole(side: int | None) -> int:
    return -1 if side is None else side


def _of_a_call(node: Node, axis: int, call: int) -> Node:
    """Give an input the steps of one call, where any number of them would serve."""
    if not isinstance(node.layer, Input) or not axis:
        return node
    shape = list(node.layer.shape)
    shape[axis - 1] = call
    return replace(node, layer=replace(node.layer, shape=tuple(shape)))


def _by_step(layer: Layer) -> bool:
    """Say whether a layer does the same to every step, and makes no mask of them."""
    if isinstance(layer, Activate):
        return int(layer.activation.parameters.get("axis", -1)) == -1
    if isinstance(layer, LayerNormalization):
        return layer.axes == (-1,)
    return isinstance(layer, Dense | Embedding | Identity | TimeDistributed)


def _refuse_in_each(node: Node) -> None:
    """Refuse what has no meaning over the calls of a series."""
    layer = node.layer
    if isinstance(layer, Masking) or (isinstance(layer, Embedding) and layer.mask_zero):
        raise UnsupportedModel(
            f"layer {node.name!r} ({layer_kind(layer)}) masks steps before a layer that carries "
            "its state, and what such a layer gives at a masked call is not what it gives at a "
            "masked step: leave unroll out"
        )
    if isinstance(layer, Bidirectional | Recurrent) and len(node.inputs) > 1:
        raise UnsupportedModel(
            f"layer {node.name!r} ({layer_kind(layer)}) takes states within a call, before a layer "
            "that carries its own, which cannot be laid over a series of calls: leave unroll out"
        )
