"""A loop that is a known cell, put back as one recurrent layer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rnnlens.network.axes import Constant, ExpandDims, Index, Repeat, Slice
from rnnlens.network.cells import LSTM, Cell
from rnnlens.network.inventory import arrays_of
from rnnlens.network.layers import Concatenate, Layer, Permute, Recurrent
from rnnlens.network.network import Node, Ref, Source
from rnnlens.network.unique import unique_name
from rnnlens.readers.rerolled.cell_states import CELL_STATES, described_lstm
from rnnlens.readers.rerolled.cells import Match
from rnnlens.readers.rerolled.graph import Graph
from rnnlens.readers.rerolled.loops import Loop
from rnnlens.readers.rerolled.reading import StepReader

__all__ = [
    "Rebuilt",
    "as_layer",
    "handed_on",
    "in_order",
    "is_zero",
    "label",
    "numberless",
    "picked",
    "plainer",
    "sources_of",
    "take_steps",
    "used_inside",
    "walked",
]


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """Nodes that are new, and which outputs stand for which."""

    graph: Graph
    nodes: dict[str, Node] = field(default_factory=dict)
    instead: dict[Ref, Ref] = field(default_factory=dict)
    #: What each new node is to be called.
    wanted: dict[str, str] = field(default_factory=dict)

    def add(
        self, wanted: str, layer: Layer, *inputs: Ref, sources: dict[str, Source] | None = None
    ) -> Ref:
        """Add a node."""
        name = unique_name(wanted, {*self.graph.nodes, *self.nodes})
        self.nodes[name] = Node(name, layer, inputs, sources or {})
        self.wanted[name] = wanted
        return name, 0

    def finished(self) -> tuple[list[Node], list[Ref]]:
        """Give all nodes that are needed, in order, and the outputs."""

        def now(ref: Ref) -> Ref:
            while ref in self.instead:
                ref = self.instead[ref]
            return ref

        old = {
            name: replace(node, inputs=tuple(now(ref) for ref in node.inputs))
            for name, node in self.graph.nodes.items()
        }
        new = {
            name: replace(node, inputs=tuple(now(ref) for ref in node.inputs))
            for name, node in self.nodes.items()
        }
        outputs = [now(ref) for ref in self.graph.outputs]
        return self._renamed(in_order({**old, **new}, outputs), outputs)

    def _renamed(self, nodes: list[Node], outputs: list[Ref]) -> tuple[list[Node], list[Ref]]:
        """Give new nodes the names that they were meant to have, where old ones left them free."""
        taken = {node.name for node in nodes if node.name not in self.nodes}
        names = {
            node.name: unique_name(self.wanted[node.name], taken)
            for node in nodes
            if node.name in self.nodes
        }

        def now(ref: Ref) -> Ref:
            return names.get(ref[0], ref[0]), ref[1]

        renamed = [
            replace(
                node,
                name=names.get(node.name, node.name),
                inputs=tuple(now(ref) for ref in node.inputs),
            )
            for node in nodes
        ]
        return renamed, [now(ref) for ref in outputs]


def in_order(nodes: dict[str, Node], outputs: Sequence[Ref]) -> list[Node]:
    """Put nodes so that each comes after what it takes, and leave out what nothing needs."""
    done: dict[str, Node] = {name: node for name, node in nodes.items() if not node.inputs}
    open_ = [name for name, _ in reversed(outputs)]
    while open_:
        name = open_[-1]
        waiting = [one for one, _ in nodes[name].inputs if one not in done]
        if name in done or not waiting:
            done.setdefault(name, nodes[name])
            open_.pop()
        else:
            open_ += reversed(waiting)
    return list(done.values())


def as_layer(
    graph: Graph, loop: Loop, match: Match, read: StepReader, first: dict[Ref, Ref] | None
) -> Rebuilt | None:
    """Make one layer of a loop; None where the inside of a step is used, or inputs are missing."""
    steps = loop.steps if first is None else [first, *loop.steps]
    if used_inside(graph, loop):
        return None
    made = Rebuilt(graph)
    cell = plainer(match.cell, graph, loop)
    sequence = _input(made, loop, match, read, steps)
    if sequence is None:
        return None
    ref, backwards = sequence
    starts: list[Ref] = []
    if first is None:
        starts = [loop.starts[number] for number in match.states]
        if all(is_zero(graph, start) for start in starts):
            starts = []
    layer = Recurrent(cell, backwards, return_sequences=True, return_state=True)
    sources = sources_of(graph, loop, layer)
    name, _ = made.add(match.name or label(cell), layer, ref, *starts, sources=sources)
    take_steps(made, loop.states[match.states[0]][0], steps, (name, 0))
    for number, state in enumerate(match.states[1:], start=2):
        if handed_on(graph, loop, state) and isinstance(cell, LSTM):
            again = described_lstm(cell, go_backwards=backwards)
            states, _ = made.add(f"{name}_cells", again, ref, *starts)
            take_steps(made, loop.states[state][0], steps, (states, CELL_STATES))
        else:
            made.instead[steps[-1][loop.states[state][0]]] = (name, number)
    return made


def take_steps(made: Rebuilt, given: Ref, steps: Sequence[dict[Ref, Ref]], sequence: Ref) -> None:
    """Take a state after each step from the sequence of them."""
    for number, step in enumerate(steps):
        place = Index(-1 if number == len(steps) - 1 else number, 1)
        made.instead[step[given]] = made.add(f"{sequence[0]}_step", place, sequence)


def numberless(name: str) -> str:
    """Leave out the numbers by which calls of one name are told apart."""
    return re.sub(r"(_\d+)+$", "", name) or name


def label(cell: Cell) -> str:
    """Say what a node of a cell is to be called."""
    return {"LSTM": "lstm", "GRU": "gru"}.get(cell.kind, "rnn")


def used_inside(graph: Graph, loop: Loop) -> bool:
    """Say whether anything but the cell itself takes what is inside of a step.

    The states that a step gives are not inside.
    """
    given = {ref for ref, _ in loop.states}
    return any(_taken_outside(graph, loop, ref, loop.steps) for ref in loop.inside - given)


def handed_on(graph: Graph, loop: Loop, state: int) -> bool:
    """Say whether anything but the cell itself takes a state after a step before the last."""
    return _taken_outside(graph, loop, loop.states[state][0], loop.steps[:-1])


def _taken_outside(graph: Graph, loop: Loop, ref: Ref, steps: Sequence[Mapping[Ref, Ref]]) -> bool:
    within = {step[one][0] for step in loop.steps for one in loop.inside}
    mine = [step[ref] for step in steps]
    return any(one in graph.outputs for one in mine) or any(
        user not in within for one in mine for user in graph.users.get(one, ())
    )


def is_zero(graph: Graph, ref: Ref) -> bool:
    """Say whether an output is zero for every sample."""
    layer = graph.layer(ref)
    return isinstance(layer, Constant) and not layer.C.any()


def _input(
    made: Rebuilt, loop: Loop, match: Match, read: StepReader, steps: list[dict[Ref, Ref]]
) -> tuple[Ref, bool] | None:
    """Lay the inputs of all steps out as one sequence, and say whether it is read backwards."""
    numbers = walked(made.graph, loop, steps)
    if numbers is None:
        return None
    backwards = numbers[-1] < numbers[0]
    known = {value.alone(): ref for ref, value in reversed(read.values.items())}
    parts: list[Ref | None] = []
    shared: list[Ref] = []
    for term in match.inputs:
        if isinstance(term.name, tuple) and term.name[0] == "step":
            _, sequence, axis, offset = term.name
            parts.append(picked(made, sequence, axis, min(numbers) + offset, len(numbers)))
            continue
        ref = read.refs.get(term.name) if term.kind == "given" else known.get(term)
        if ref is None:
            return None
        if ref not in loop.steps[-1]:
            parts.append(None)
            shared.append(ref)
            continue
        refs = [step[ref] for step in steps if ref in step]
        if len(refs) < len(steps):
            return None
        each = [made.add("step", ExpandDims(1), one) for one in refs]
        parts.append(made.add("steps", Concatenate(1), *(each[::-1] if backwards else each)))
    like = next((part for part in parts if part is not None), None)
    if like is None:
        return None
    whole = [_repeated(made, shared.pop(0), like) if part is None else part for part in parts]
    return (whole[0] if len(whole) == 1 else made.add("inputs", Concatenate(-1), *whole)), backwards


def walked(graph: Graph, loop: Loop, steps: list[dict[Ref, Ref]]) -> list[int] | None:
    """Give the places along its sequences that a loop goes through, one after the other."""
    if not loop.places:
        return None
    first = next(iter(loop.places))
    numbers = [place.step for step in steps if (place := graph.step_of(step[first]))]
    way = -1 if numbers[-1] < numbers[0] else 1
    return numbers if numbers == [*range(numbers[0], numbers[-1], way), numbers[-1]] else None


def _repeated(made: Rebuilt, ref: Ref, like: Ref) -> Ref:
    """Set what all steps share beside every step of a sequence."""
    return made.add("repeated", Repeat(1), made.add("one_step", ExpandDims(1), ref), like)


def picked(made: Rebuilt, sequence: Ref, axis: int, start: int, count: int) -> Ref:
    """Give some steps of a sequence, in its own order."""
    length = made.graph.shape(sequence)[axis - 1]
    if axis == 2:
        sequence = made.add("turned", Permute((2, 1)), sequence)
    if start == 0 and count == length:
        return sequence
    stop = start + count
    return made.add("steps", Slice(start or None, None if stop == length else stop, 1, 1), sequence)


def plainer(cell: Cell, graph: Graph, loop: Loop) -> Cell:
    """Keep the arrays in float32 where all of the step's are and nothing is lost by it."""
    types = {
        array.values.dtype
        for ref in loop.body
        for array in arrays_of(graph.layer(ref))
        if array.values.ndim == 2
    }
    if types != {np.dtype("f4")}:
        return cell
    made = {}
    for name, gate in cell.gates.items():
        arrays = {kind: values.astype("f4") for kind, values in gate.arrays().items()}
        if any((arrays[kind] != values).any() for kind, values in gate.arrays().items()):
            return cell
        made[name] = replace(gate, **arrays)
    if isinstance(cell, LSTM) and cell.projection is not None:
        return replace(cell, projection=cell.projection.astype("f4"), **made)
    return replace(cell, **made)


def sources_of(graph: Graph, loop: Loop, layer: Recurrent) -> dict[str, Source]:
    """Say where each array of the cell stands in the code's own arrays."""
    pieces = []
    for ref in loop.body:
        node = graph.node(ref)
        for array in arrays_of(node.layer):
            source = node.sources.get(array.local_name)
            if source is not None:
                pieces.append((array.values, source.text))
    named = {}
    for array in arrays_of(layer):
        for values, text in pieces:
            where = _where(array.values, values)
            if where is not None and array.values.any():
                named[array.local_name] = Source(text + where)
                break
    return named


def _where(part: np.ndarray, whole: np.ndarray) -> str | None:
    """Say which columns or rows of an array another one is."""
    if part.shape == whole.shape:
        return "" if np.array_equal(part, whole) else None
    if part.ndim != whole.ndim:
        return None
    axis = part.ndim - 1 if part.shape[:-1] == whole.shape[:-1] else 0
    if part.ndim == 2 and part.shape[1 - axis] != whole.shape[1 - axis]:
        return None
    # gates stand at multiples of their width; inputs and state follow one another
    size, length = part.shape[axis], whole.shape[axis]
    for start in range(0, length - size + 1, size if axis == part.ndim - 1 else 1):
        place = slice(start, start + size)
        if np.array_equal(part, whole[:, place] if axis else whole[place]):
            told = f"{start}:{start + size}"
            return f"[{told}]" if part.ndim == 1 else f"[:, {told}]" if axis else f"[{told}, :]"
    return None
