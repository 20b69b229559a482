"""``RNN`` around a stack of cells, one way or both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnlens.errors import UnsupportedModel
from rnnlens.network.axes import Flip
from rnnlens.network.layers import Add, Average, Concatenate, Layer, Multiply
from rnnlens.readers.keras.graph.builder import CallInputs, KerasGraphBuilder, KerasValue
from rnnlens.readers.keras.graph.nodes import Nodes
from rnnlens.readers.keras.layers.cells import stacked_specs
from rnnlens.readers.keras.layers.recurrent import direction_specs, rnn
from rnnlens.readers.keras.layers.spec import BuiltLayer, LayerSpec

__all__ = ["both_ways", "stack"]


@dataclass(frozen=True)
class Stack:
    """Recurrent layers by the names of their cells, each of which reads the one before."""

    cells: tuple[tuple[str, BuiltLayer], ...]

    def call(self, builder: KerasGraphBuilder, node: str, taken: CallInputs) -> list[KerasValue]:
        """Add a recurrent layer a cell."""
        layers: list[Any] = [layer for _, (layer, _) in self.cells]
        # Keras 2 lists the initial states behind the sequence.
        inputs, states = taken.inputs[:1], [*taken.inputs[1:], *taken.states]
        if builder.masks[builder.tensor(inputs[0], f"layer {node!r}")] is not None and (
            layers[0].go_backwards or states
        ):
            raise UnsupportedModel(
                f"layer {node!r} (RNN) runs a stack of cells over masked steps, backwards or from "
                "given states, which rnnlens does not implement; mask nothing there"
            )
        wanted = sum(len(layer.cell.states) for layer in layers)
        if len(states) not in {0, wanted}:
            raise UnsupportedModel(
                f"layer {node!r} (RNN) is given {len(states)} initial states, and it has {wanted}: "
                "give all of them or none"
            )
        last: list[KerasValue] = []
        for (name, built), layer in zip(self.cells, layers, strict=True):
            count = len(layer.cell.states)
            own, states = states[:count], states[count:]
            made = builder.call(
                f"{node}.{name}", "RNN", built, CallInputs(inputs, own, taken.masks)
            )
            inputs, last = made[:1], [*last, *made[1:]]
        return [*inputs, *last]


def stack(spec: LayerSpec) -> Stack:
    """Build an ``RNN`` around a stack of cells."""
    specs = stacked_specs(spec)
    return Stack(tuple((one.name.rsplit(".", 1)[-1], rnn(one)) for one in specs))


MERGES: Mapping[str, Layer] = {
    "concat": Concatenate(-1),
    "sum": Add(),
    "mul": Multiply(),
    "ave": Average(),
}


@dataclass(frozen=True)
class TwoStacks:
    """A stack in the order of the steps and another against it, merged."""

    forward: Stack
    backward: Stack
    merge_mode: str | None

    def call(self, builder: KerasGraphBuilder, node: str, taken: CallInputs) -> list[KerasValue]:
        """Add both stacks and what merges them."""
        inputs, states = list(taken.inputs[:1]), [*taken.inputs[1:], *taken.states]
        ref = builder.tensor(inputs[0], f"layer {node!r}")
        if builder.masks[ref] is not None:
            raise UnsupportedModel(
                f"layer {node!r} (Bidirectional) runs stacks of cells over masked steps, which "
                "rnnlens does not implement; mask nothing there"
            )
        half = len(states) // 2
        outputs, given_back = [], []
        for side, part in (("forward", states[:half]), ("backward", states[half:])):
            one: Stack = getattr(self, side)
            output, *ends = one.call(builder, f"{node}.{side}", CallInputs(inputs, part))
            nodes = Nodes(builder, f"{node}.{side}")
            first: Any = one.cells[0][1].layer
            last: Any = one.cells[-1][1].layer
            if first.go_backwards and last.return_sequences:
                output = nodes.add(
                    Flip(1), builder.tensor(output, f"layer {node!r}"), named="turned"
                )
            outputs.append(output)
            given_back += ends
        if self.merge_mode is None:
            return [*outputs, *given_back]
        merged = Nodes(builder, node).add(MERGES[self.merge_mode], *outputs)
        return [merged, *given_back]


def both_ways(spec: LayerSpec) -> TwoStacks:
    """Build a Bidirectional around a stack of cells."""
    options = spec.options
    specs = direction_specs(spec)
    if len({one.options.flag("go_backwards") for one in specs.values()}) == 1:
        raise spec.refuse("both of its directions read the steps in the same order")
    sides = {side: stack(one) for side, one in specs.items()}
    merge_mode = options.choice("merge_mode", [*MERGES, None], "concat")
    options.finish()
    return TwoStacks(sides["forward"], sides["backward"], merge_mode)
