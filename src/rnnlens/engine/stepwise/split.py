"""A network in parts: what is known before the first step, what happens at each, what after all.

What is hidden and shown step by step is one input, or several that were laid into one array
(`rnnlens.network.layers.joined.Unjoin`): static vectors in its first rows, then sequences, those
that are read together step by step in turns. What depends on none of them is *held*: it is taken
from the run of the windows as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from rnnlens.engine.cells import Ready, ready
from rnnlens.engine.stepwise.kinds import (
    keeps_steps_apart,
    picks_steps,
    repeats_a_step,
    takes_the_newest,
)
from rnnlens.network.axes import Constant
from rnnlens.network.layers import Input, Layer, Recurrent, RepeatVector
from rnnlens.network.layers.joined import Unjoin
from rnnlens.network.network import Network, Node, Ref
from rnnlens.network.shapes import Shape, output_shapes

__all__ = ["Row", "SplitNetwork", "read_together", "split_by_step"]


@dataclass(frozen=True)
class Row:
    """What a row of an array that holds several inputs is.

    Parameters
    ----------
    of : str
        The node that takes the input out of the array.
    step : int
        Which of its steps; 0 for a static vector.
    whole : bool
        Whether all inputs that are read together have their step once this row is there.
    ends : bool
        Whether anything comes of it at once: it is whole, or a static vector.
    """

    of: str
    step: int
    whole: bool
    ends: bool


@dataclass(frozen=True)
class SplitNetwork:
    """A network in parts: what happens at each step, and what happens after the last.

    Parameters
    ----------
    each_step : tuple of Node
        What happens at each step, in order.
    head : tuple of Node
        What happens once, after the last step.
    cells : mapping of str to Ready
        The cells of the recurrent layers among the first.
    static : tuple of Node
        What depends on static vectors alone.
    together : mapping of str to str
        By node of `each_step`, and by sequence, which sequences it is read with.
    joined : mapping of str to Unjoin
        The inputs that were laid into one array; empty where there is one.
    rows : tuple of Row
        What each row of that array is.
    held : frozenset of str
        Nodes that depend on nothing that is hidden.
    repeated : frozenset of str
        Nodes that make equal steps of what depends on static vectors alone.
    picked : frozenset of str
        Nodes that pick others of a sequence's steps than the newest alone.
    """

    each_step: tuple[Node, ...]
    head: tuple[Node, ...]
    cells: Mapping[str, Ready] = field(default_factory=dict)
    static: tuple[Node, ...] = ()
    together: Mapping[str, str] = field(default_factory=dict)
    joined: Mapping[str, Unjoin] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    held: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()
    picked: frozenset[str] = frozenset()

    @property
    def vectors(self) -> tuple[str, ...]:
        """The static vectors among the inputs of one array."""
        return tuple(name for name, layer in self.joined.items() if not layer.steps)


def _can_be_walked(layer: Layer) -> bool:
    """Say whether a recurrent layer reads forward, and gives one kind of value."""
    return (
        isinstance(layer, Recurrent)
        and not layer.go_backwards
        and not (layer.return_sequences and layer.return_state)
    )


class _Splitting:
    """What is known of each node while a network is gone through."""

    def __init__(self, network: Network, of: str) -> None:
        self.network, self.of = network, of
        self.shapes = output_shapes(network)
        self.kind: dict[str, str] = {}
        self.together: dict[str, str] = {}
        self.joined: dict[str, Unjoin] = {}
        self.each_step: list[Node] = []
        self.head: list[Node] = []
        self.static: list[Node] = []
        self.cells: dict[str, Ready] = {}
        self.picked: list[str] = []
        self.repeated: list[str] = []

    def goes(self, node: Node) -> bool:
        """Find out when a node's value is known; False where it is not walked."""
        layer, takes = node.layer, {self.kind[name] for name, _ in node.inputs}
        if node.inputs and repeats_a_step(layer, self._shape(node.inputs[0])):
            # of a second input only the number of steps is taken
            takes = {self.kind[node.inputs[0][0]]}
            if takes == {"static"}:
                return self._repeats(node)
        if isinstance(layer, Input):
            self.kind[node.name] = "sequence" if node.name == self.of else "held"
            self.together[node.name] = node.name
        elif isinstance(layer, Unjoin):
            self.joined[node.name] = layer
            self.kind[node.name] = "sequence" if layer.steps else "static"
            self.together[node.name] = node.name
        elif isinstance(layer, Constant) or takes <= {"held"}:
            self.kind[node.name] = "held"
        elif takes <= {"held", "static"}:
            self.kind[node.name] = "static"
            self.static.append(node)
        elif takes <= {"held", "static", "vector"}:
            self.kind[node.name] = "vector"
            self.head.append(node)
        else:
            return self._walked(node)
        return True

    def _repeats(self, node: Node) -> bool:
        """Note what is the same at every step, whose number a sequence may say."""
        whole = isinstance(node.layer, RepeatVector) and len(node.inputs) == 1
        self.kind[node.name] = "static" if whole else "repeated"
        self.static.append(node)
        self.repeated.append(node.name)
        return True

    def _walked(self, node: Node) -> bool:
        layer = node.layer
        kinds = [self.kind[name] for name, _ in node.inputs]
        if isinstance(layer, Recurrent):
            states = set(kinds[1:])
            if kinds[0] != "sequence" or not states <= {"held", "static"}:
                return False
            if not _can_be_walked(layer):
                return False
            self.kind[node.name] = "sequence" if layer.return_sequences else "vector"
            self.cells[node.name] = ready(layer.cell)
        elif kinds == ["sequence"] and picks_steps(layer):
            self.kind[node.name] = "vector"
            if not takes_the_newest(layer):
                self.picked.append(node.name)
        elif "vector" not in kinds and "sequence" in kinds and self._step_by_step(node, kinds):
            self.kind[node.name] = "sequence"
        else:
            return False
        self.each_step.append(node)
        return self._join(node)

    def _step_by_step(self, node: Node, kinds: list[str]) -> bool:
        """Say whether a layer does the same at each step, whatever it takes besides sequences."""
        main = next(ref for ref, kind in zip(node.inputs, kinds, strict=True) if kind == "sequence")
        shape = self._shape(main)
        if not keeps_steps_apart(node.layer, shape):
            return False
        others = [ref for ref, k in zip(node.inputs, kinds, strict=True) if k != "sequence"]
        return all(self._by_step(ref, shape) for ref in others)

    def _by_step(self, ref: Ref, sequence: Shape) -> bool:
        """Say whether what stands beside a sequence has a value for each of its steps."""
        shape = self._shape(ref)
        if len(shape) != len(sequence) or not shape:
            return False
        if self.kind[ref[0]] == "held":
            return shape[0] in {1, sequence[0]}
        return shape[0] == 1 or ref[0] in self.repeated

    def _join(self, node: Node) -> bool:
        """Note which sequences are read together: those of as many steps, that meet."""
        met = [self.together[n] for n, _ in node.inputs if self.kind[n] == "sequence"]
        if any(self._steps(one) != self._steps(met[0]) for one in met):
            return False
        self.together[node.name] = met[0]
        for name, one in self.together.items():
            if one in met:
                self.together[name] = met[0]
        return True

    def _steps(self, name: str) -> int | None:
        return self._shape((name, 0))[0]

    def _shape(self, ref: Ref) -> Shape:
        return self.shapes[ref[0]][ref[1]]


def split_by_step(network: Network, of: str) -> SplitNetwork | None:
    """Split a network into what happens at each step and a head; None where that cannot be."""
    made = _Splitting(network, of)
    if not all(made.goes(node) for node in network.nodes):
        return None
    if any(made.kind[name] in {"sequence", "repeated"} for name, _ in network.outputs):
        return None
    rows = _rows(made)
    if rows is None:
        return None
    return SplitNetwork(
        tuple(made.each_step),
        tuple(made.head),
        made.cells,
        tuple(made.static),
        made.together,
        made.joined,
        rows,
        frozenset(name for name, kind in made.kind.items() if kind == "held"),
        frozenset(made.repeated),
        frozenset(made.picked),
    )


def _rows(made: _Splitting) -> tuple[Row, ...] | None:
    """Say what each row is; None where the rows are not in an order in which they can be read."""
    lists: dict[str, list[Unjoin]] = {}
    for name, layer in made.joined.items():
        if layer.steps:
            lists.setdefault(made.together[name], []).append(layer)
    read_at = {
        one: list(zip(*(a.rows for a in those), strict=True)) for one, those in lists.items()
    }
    for steps in read_at.values():
        if any(max(now) > min(then) for now, then in pairwise(steps)):
            return None
    first = min((min(steps[0]) for steps in read_at.values()), default=None)
    rows = {}
    for name, layer in made.joined.items():
        for step, row in enumerate(layer.rows):
            if not layer.steps and first is not None and row > first:
                return None
            whole = layer.steps and row == max(read_at[made.together[name]][step])
            rows[row] = Row(name, step, bool(whole), bool(whole) or not layer.steps)
    return tuple(rows[row] for row in sorted(rows))


def read_together(network: Network, names: list[str]) -> list[list[str]]:
    """List sequences, those together that are read step by step in turns.

    The network is one whose inputs are in one array, in any order of its rows.
    """
    of = next(iter(network.inputs))
    made = _Splitting(network, of)
    whole = all(made.goes(node) for node in network.nodes)
    lists: dict[str, list[str]] = {}
    for name in names:
        lists.setdefault(made.together[name] if whole else name, []).append(name)
    return list(lists.values())
