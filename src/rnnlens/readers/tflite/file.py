"""TensorFlow Lite files: fused LSTMs and what stands around them, without TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.names import told
from rnnlens.network.arrays import ArrayGroup, Arrays
from rnnlens.network.check import check
from rnnlens.network.inventory import NamedArray, inventory
from rnnlens.network.layers import Input, Layer
from rnnlens.network.network import Network, Node, Origin, Ref, Source, layer_kind
from rnnlens.network.shapes import Shape, output_shapes
from rnnlens.readers.hardening.contents import digest_of
from rnnlens.readers.options import ReadOptions
from rnnlens.readers.tflite.layers import LAYERS, Call, Made
from rnnlens.readers.tflite.model import Model, Operator, match, model_in
from rnnlens.readers.tflite.recurrent import RECURRENT

__all__ = ["match", "partial", "read"]

#: Operators that are read.
OPERATORS = RECURRENT | LAYERS
NOTES = (
    told(
        "the interpreter of TensorFlow Lite goes on from the states of the call before, until "
        "interpreter.reset_all_variables() is called; here every window begins from states of zero"
    ),
)


def read(path: Path, _: ReadOptions | None = None) -> Network:
    """Read a file whose operators are all known."""
    model = model_in(path)
    if model.within_loops:
        raise UnsupportedModel(
            f"{path} holds a loop over the steps in place of a fused LSTM, which rnnlens does not "
            "read as a network: give the Keras model that it was converted from, saved with "
            "model.save('model.keras')"
        )
    try:
        return check(_Graph(model, path).network())
    except InputError:
        raise
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise UnreadableFile(
            f"{path} is a TensorFlow Lite model whose operators do not fit its tensors: it is "
            "damaged; copy or convert it again"
        ) from error


def partial(path: Path, refusal: UnsupportedModel) -> Arrays:
    """Name the arrays of the operators that are known, where one is not."""
    model = model_in(path)
    groups, used = [], set[int]()
    for number, operator in enumerate(model.operators):
        name = f"{operator.kind.lower()}_{number}"
        try:
            made = OPERATORS[operator.kind](Call(model, operator, path))
            node = Node(name, made.layers[0], (), made.sources)
            named = tuple(inventory(Network((node,), (), Origin(""))))
        except (InputError, ValueError, TypeError, LookupError):
            continue
        if named:
            groups.append(ArrayGroup(name, layer_kind(made.layers[0]), named, made.layers[0]))
            used |= set(operator.inputs)
    rest = tuple(_unused(model, used))
    if rest:
        groups.append(ArrayGroup("others", "", rest))
    note = told("It is not read as a network: {refusal}.", refusal=str(refusal))
    return Arrays(tuple(groups), replace(_origin(model, path), notes=(note,)))


def _unused(model: Model, used: set[int]) -> list[NamedArray]:
    """Give the arrays of numbers that no operator which is read takes."""
    listed = []
    for number, tensor in enumerate((*model.tensors, *model.within_loops)):
        if number in used or not tensor.fixed or tensor.kind == 2:
            continue
        try:
            values = np.array(tensor.values(), np.float64)
        except (ValueError, TypeError, IndexError):
            continue
        name = tensor.name or f"tensor {number}"
        listed.append(NamedArray("others", name, "", "", values, (), Source(name, str(number))))
    return listed


def _origin(model: Model, path: Path) -> Origin:
    return Origin("TensorFlow Lite", model.version, str(path), digest_of(path), NOTES)


@dataclass
class _Graph:
    """The nodes of a network as they come."""

    model: Model
    path: Path
    nodes: list[Node] = field(default_factory=list)
    refs: dict[int, Ref] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    #: Whether the interpreter rounds what layers take, as it does beside weights of 8 bits.
    rounds: bool = False

    def network(self) -> Network:
        for number in self.model.inputs:
            shape = self.model.tensors[number].shape
            self.refs[number] = self._add("input", Input(tuple(shape[1:])), ())
        for operator in self.model.operators:
            self._take(operator)
        missing = [number for number in self.model.outputs if number not in self.refs]
        if missing:
            raise ValueError(missing)
        origin = replace(
            _origin(self.model, self.path),
            left_out=tuple(dict.fromkeys(self.left_out)),
            rounds="int8" if self.rounds else "",
        )
        outputs = tuple(self.refs[number] for number in self.model.outputs)
        network = Network(tuple(self.nodes), outputs, origin, self.path.stem)
        self._compare(output_shapes(network))
        return network

    def _compare(self, shapes: Mapping[str, tuple[Shape, ...]]) -> None:
        """Require that every value has the shape that the file states for it."""
        for number, (name, output) in self.refs.items():
            stated, ours = self.model.tensors[number].shape[1:], shapes[name][output]
            pairs = zip(stated, ours, strict=True)
            if any(a is not None and b is not None and a != b for a, b in pairs):
                raise ValueError(f"{name} is of the shape {ours}, and {stated} is stated")

    def _take(self, operator: Operator) -> None:
        call = Call(self.model, operator, self.path)
        if operator.kind not in OPERATORS:
            raise call.refuse("its kind is none of " + ", ".join(OPERATORS))
        several = operator.kind == "CONCATENATION"
        taken = operator.inputs if several else operator.inputs[:1]
        made: Made = OPERATORS[operator.kind](call)
        refs = tuple(self.refs[number] for number in taken if number in self.refs)
        if len(refs) != len(taken):
            raise call.refuse("it takes fixed numbers as values")
        for layer in made.layers:
            name = re.sub(r"^(uni|bi)directional_sequence_", "", operator.kind.lower())
            refs = (self._add(name, layer, refs, made.sources),)
        self.refs[operator.outputs[0]] = refs[0]
        self.left_out += made.left_out
        self.rounds |= any(self.model.tensors[one].rounded for one in operator.inputs if one >= 0)

    def _add(
        self,
        name: str,
        layer: Layer,
        refs: tuple[Ref, ...],
        sources: dict[str, Source] | None = None,
    ) -> Ref:
        name = re.sub(r"_v2$", "", name)
        taken = sum(re.sub(r"_\d+$", "", node.name) == name for node in self.nodes)
        name = f"{name}_{taken}" if taken else name
        self.nodes.append(Node(name, layer, refs, sources or {}))
        return name, 0
