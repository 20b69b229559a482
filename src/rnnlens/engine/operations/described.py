"""Cells that are described by their own graph: every layer's own rules, step after step.

Multipliers go back through the steps by the rules of the layers themselves, so that they sum
exactly as everywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnnlens.engine.operations.registry import Array, Mask, Multipliers, Tape, join, pull, run
from rnnlens.errors import UnsupportedModel
from rnnlens.network.layers import DescribedRecurrent

__all__ = ["DescribedRun", "gate_values"]

#: One output of one node of the cell, one of its inputs, or a state.
CellRef = tuple[str, int]


@dataclass(frozen=True, eq=False)
class DescribedRun:
    """Every layer of every step, in the order in which the steps were read."""

    steps: list[dict[str, Tape]]
    #: After each step its states: (sample, unit) each.
    states: list[tuple[Array, ...]]

    @property
    def hidden(self) -> list[Array]:
        """The first state after each step: (step, sample, unit)."""
        return [first for first, *_ in self.states]

    @property
    def cell(self) -> list[Array]:
        """The second one, or the first where it is the only one."""
        return [one[min(1, len(one) - 1)] for one in self.states]


def _order(layer: DescribedRecurrent, steps: int) -> range:
    return range(steps - 1, -1, -1) if layer.go_backwards else range(steps)


@run.register
def _(
    layer: DescribedRecurrent, inputs: tuple[Array, ...], masks: tuple[Mask, ...], forced: Mask
) -> Tape:
    if any(mask is not None for mask in masks):
        raise UnsupportedModel(
            "a described cell runs over every step and knows no masked ones: feed sequences "
            "without padding"
        )
    sequences = inputs[: layer.sequences]
    shared = inputs[layer.sequences : layer.sequences + layer.shared]
    samples = len(inputs[0])
    states: tuple[Array, ...] = inputs[layer.sequences + layer.shared :] or tuple(
        np.zeros((samples, size), inputs[0].dtype) for size in layer.sizes
    )
    steps: list[dict[str, Tape]] = []
    after: list[tuple[Array, ...]] = []
    for t in _order(layer, sequences[0].shape[1]):
        known: dict[CellRef, Array] = {("state", k): state for k, state in enumerate(states)}
        given = (*(one[:, t] for one in sequences), *shared)
        known |= {("input", k): one for k, one in enumerate(given)}
        tapes = _step(layer, known)
        states = tuple(known[ref] for ref in layer.after)
        steps.append(tapes)
        after.append(states)
    first, *others = (np.stack(one, axis=1) for one in zip(*after, strict=True))
    outputs = (first, *states, *others)
    return Tape(inputs, outputs, (None,) * len(outputs), DescribedRun(steps, after))


def _step(layer: DescribedRecurrent, known: dict[CellRef, Array]) -> dict[str, Tape]:
    tapes = {}
    for node in layer.nodes:
        taken = tuple(known[ref] for ref in node.inputs)
        tape = run(node.layer, taken, (None,) * len(taken), None)
        known |= {(node.name, k): one for k, one in enumerate(tape.outputs)}
        tapes[node.name] = tape
    return tapes


@pull.register
def _(layer: DescribedRecurrent, tape: Tape, tape0: Tape, m: Multipliers) -> Multipliers:
    sequences = [np.zeros_like(one) for one in tape.inputs[: layer.sequences]]
    shared: list[Array | None] = [None] * layer.shared
    count = len(layer.sizes)
    states: list[Array | None] = list(m[1 : count + 1])
    every = (m[0], *m[count + 1 :])
    order = _order(layer, sequences[0].shape[1])
    for number in range(len(order) - 1, -1, -1):
        for k, one in enumerate(every):
            if one is not None:
                states[k] = join(states[k], one[:, number])
        carried = _pull_step(layer, (tape.saved.steps[number], tape0.saved.steps[number]), states)
        for k, one in enumerate(sequences):
            part = carried.get(("input", k))
            if part is not None:
                one[:, order[number]] = part
        for k in range(layer.shared):
            shared[k] = join(shared[k], carried.get(("input", layer.sequences + k)))
        states = [carried.get(("state", k)) for k in range(count)]
    given = len(tape.inputs) > layer.sequences + layer.shared
    return (*sequences, *shared, *(states if given else ()))


def _pull_step(
    layer: DescribedRecurrent,
    tapes: tuple[Mapping[str, Tape], Mapping[str, Tape]],
    states: list[Array | None],
) -> dict[CellRef, Array]:
    """Carry multipliers of the states after a step back to what the step took."""
    carried: dict[CellRef, Array] = {}

    def add(ref: CellRef, part: Array | None) -> None:
        total = join(carried.get(ref), part)
        if total is not None:
            carried[ref] = total

    for ref, part in zip(layer.after, states, strict=True):
        add(ref, part)
    for node in reversed(layer.nodes):
        tape, tape0 = tapes[0][node.name], tapes[1][node.name]
        outer = tuple(carried.get((node.name, k)) for k in range(len(tape.outputs)))
        if any(part is not None for part in outer):
            for ref, part in zip(node.inputs, pull(node.layer, tape, tape0, outer), strict=False):
                add(ref, part)
    return carried


def gate_values(layer: DescribedRecurrent, saved: DescribedRun) -> tuple[Array, Array]:
    """Give what went into each gate's activation and came out, oldest step first.

    Shapes: gives two arrays (sample, step, gate, unit).
    """
    pairs = []
    for tapes in saved.steps:
        here = [
            (tapes[gate.node].inputs[0], tapes[gate.node].outputs[0], slice(gate.start, gate.stop))
            for gate in layer.gates
        ]
        pairs.append([(before[..., part], after[..., part]) for before, after, part in here])
    order = slice(None, None, -1 if layer.go_backwards else 1)
    samples, width = saved.hidden[0].shape
    if not layer.gates:
        empty = np.zeros((samples, len(pairs), 0, width))
        return empty, empty
    before, after = (
        np.stack([np.stack([gate[k] for gate in step], axis=1) for step in pairs], axis=1)
        for k in (0, 1)
    )
    return before[:, order], after[:, order]
