"""What a node of one step computes, as a formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from rnnlens.network.axes import Constant, ExpandDims, Slice, Squeeze
from rnnlens.network.layers import (
    Activate,
    Add,
    Concatenate,
    Dense,
    Identity,
    Input,
    LayerNormalization,
    Multiply,
    Recurrent,
    Rescaling,
    Subtract,
)
from rnnlens.network.network import Node, Ref
from rnnlens.readers.rerolled.graph import Graph, Place
from rnnlens.readers.rerolled.values import Formulas, NoFormula, Value

__all__ = ["StepReader"]

#: Nodes on the way to what one step gives; more would be no cell.
MOST_NODES = 600


class StepReader:
    """Formulas of the nodes of one step.

    Parameters
    ----------
    graph : Graph
        The whole.
    formulas : Formulas
        Where equal terms are one.
    step : int
        What counts as step 0 of a sequence, so that two steps give the same names.
    known : mapping of Ref to Value
        Formulas that are stated: the states before the step.
    """

    def __init__(
        self, graph: Graph, formulas: Formulas, step: int, known: Mapping[Ref, Value]
    ) -> None:
        self.graph, self.formulas, self.step = graph, formulas, step
        self.values: dict[Ref, Value] = dict(known)
        #: The output that a given vector stands for, by its name.
        self.refs: dict[object, Ref] = {}
        self.count = 0

    def __call__(self, ref: Ref) -> Value:
        """Give the formula of an output."""
        if ref not in self.values:
            self.count += 1
            if self.count > MOST_NODES:
                raise NoFormula
            self.values[ref] = self._read(ref)
        return self.values[ref]

    def given(self, ref: Ref) -> Value:
        """Take an output as a vector that the step is handed."""
        shape = self.graph.shape(ref)
        if len(shape) != 1 or shape[0] is None:
            raise NoFormula
        self.refs["shared", ref] = ref
        return self.formulas.given(("shared", ref), shape[0])

    def _step(self, place: Place) -> Value:
        """Give one step of a sequence; what was multiplied for all steps at once is followed."""
        node = self.graph.node(place.sequence)
        layer = node.layer
        flat = place.axis == 1 and len(self.graph.shape(place.sequence)) == 2
        if flat and isinstance(layer, Dense) and layer.activation.name == "linear":
            before = self._step(replace(place, sequence=node.inputs[0]))
            return self.formulas.mapped(before, layer.W, layer.b)
        shape = self.graph.shape(place.sequence)
        width = shape[2 - place.axis]
        if len(shape) != 2 or width is None:
            raise NoFormula
        name = ("step", place.sequence, place.axis, place.step - self.step)
        return self.formulas.given(name, width)

    def _read(self, ref: Ref) -> Value:
        place = self.graph.step_of(ref)
        if place is not None:
            return self._step(place)
        node = self.graph.node(ref)
        rule = RULES.get(type(node.layer))
        if rule is None or isinstance(node.layer, Input | Recurrent) or ref[1]:
            return self.given(ref)
        taken = () if isinstance(node.layer, Constant) else node.inputs
        if not all(map(self._flat, (ref, *taken))):
            return self.given(ref)
        try:
            return rule(self, node)
        except NoFormula:
            return self.given(ref)

    def _flat(self, ref: Ref) -> bool:
        """Say whether an output is one vector, perhaps with an axis of length one."""
        shape = self.graph.shape(ref)
        return None not in shape and sum(size != 1 for size in shape) <= 1 and len(shape) <= 2


def _dense(read: StepReader, node: Node) -> Value:
    layer = node.layer
    assert isinstance(layer, Dense)
    value = read.formulas.mapped(read(node.inputs[0]), layer.W, layer.b)
    return read.formulas.activated(value, layer.activation)


def _rescaled(read: StepReader, node: Node) -> Value:
    layer = node.layer
    assert isinstance(layer, Rescaling)
    return read.formulas.scaled(read(node.inputs[0]), layer.scale, layer.offset)


def _sum(read: StepReader, node: Node) -> Value:
    total, *others = (read(ref) for ref in node.inputs)
    for other in others:
        total = read.formulas.added(total, other, -1.0 if isinstance(node.layer, Subtract) else 1.0)
    return total


def _product(read: StepReader, node: Node) -> Value:
    total, *others = (read(ref) for ref in node.inputs)
    for other in others:
        total = read.formulas.multiplied(total, other)
    return total


def _activated(read: StepReader, node: Node) -> Value:
    layer = node.layer
    assert isinstance(layer, Activate)
    return read.formulas.activated(read(node.inputs[0]), layer.activation)


def _last_axis(read: StepReader, node: Node, axis: int) -> bool:
    return axis % (len(read.graph.shape(node.inputs[0])) + 1) == len(
        read.graph.shape(node.inputs[0])
    )


def _slice(read: StepReader, node: Node) -> Value:
    layer = node.layer
    assert isinstance(layer, Slice)
    if not _last_axis(read, node, layer.axis):
        raise NoFormula
    return read.formulas.taken(read(node.inputs[0]), slice(layer.start, layer.stop, layer.step))


def _concatenated(read: StepReader, node: Node) -> Value:
    layer = node.layer
    assert isinstance(layer, Concatenate)
    if not _last_axis(read, node, layer.axis):
        raise NoFormula
    return read.formulas.beside([read(ref) for ref in node.inputs])


def _passed(read: StepReader, node: Node) -> Value:
    return read(node.inputs[0])


def _constant(read: StepReader, node: Node) -> Value:
    layer = node.layer
    assert isinstance(layer, Constant)
    return read.formulas.constant(layer.C)


def _normalised(read: StepReader, node: Node) -> Value:
    layer = node.layer
    assert isinstance(layer, LayerNormalization)
    value = read(node.inputs[0])
    if value.terms:
        return read.formulas.made(layer, read.graph.keys[node.name], (value,), value.width)
    centred = value.offset - value.offset.mean() if layer.centred else value.offset
    made = centred / np.sqrt(value.offset.var() + layer.epsilon)
    made = made if layer.gamma is None else made * layer.gamma
    return read.formulas.constant(made if layer.beta is None else made + layer.beta)


RULES: dict[type, Callable[[StepReader, Node], Value]] = {
    Dense: _dense,
    Rescaling: _rescaled,
    Add: _sum,
    Subtract: _sum,
    Multiply: _product,
    Activate: _activated,
    Slice: _slice,
    Concatenate: _concatenated,
    Identity: _passed,
    ExpandDims: _passed,
    Squeeze: _passed,
    Constant: _constant,
    LayerNormalization: _normalised,
}
