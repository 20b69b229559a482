"""A recurrent cell that has no name: a small graph of layers, run at every step."""

from __future__ import annotations

from dataclasses import dataclass

from rnnlens.network.cells import FloatArray
from rnnlens.network.layers.base import Layer

__all__ = ["CellNode", "DescribedGate", "DescribedRecurrent"]

#: What a node may take besides the outputs of other nodes.
RESERVED = frozenset({"input", "state"})


@dataclass(frozen=True, eq=False)
class CellNode:
    """One layer within a step.

    Parameters
    ----------
    name : str
        Unique in the cell.
    layer : Layer
        What it computes.
    inputs : tuple of (str, int)
        What it takes: ``("input", k)``, ``("state", k)``, or an output of a node of the cell.
    """

    name: str
    layer: Layer
    inputs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False)
class DescribedGate:
    """Where a gate's values stand within a step.

    Parameters
    ----------
    name : str
        By its part in the equations where it has one that is known (``"forget"``), or by its
        function and number (``"sigmoid_1"``).
    node : str
        The node of the cell whose activation it is.
    start, stop : int
        Which entries of it.
    """

    name: str
    node: str
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class DescribedRecurrent(Layer):
    """A cell described by its own graph, run over the steps.

    It takes the sequences, then what every step shares, then the states before the first step,
    which are zero where they are not given. It gives its first state after every step, then each
    state after the last, then each but the first after every step.

    Parameters
    ----------
    nodes : tuple of CellNode
        In an order in which each comes after those it takes from.
    after : tuple of (str, int)
        What each state is after a step; the first is the hidden state.
    sizes : tuple of int
        Length of each state.
    sequences, shared : int
        How many inputs have one row a step, and how many are the same at every step.
    gates : tuple of DescribedGate
        Those of the activations within a step that have one value a unit.
    go_backwards : bool
        Whether it reads the newest step first; its sequence then comes out newest first.
    """

    nodes: tuple[CellNode, ...]
    after: tuple[tuple[str, int], ...]
    sizes: tuple[int, ...]
    sequences: int
    shared: int
    gates: tuple[DescribedGate, ...] = ()
    go_backwards: bool = False

    def __post_init__(self) -> None:
        """Put references as pairs, and refuse a cell that takes what is not there."""
        known = {("input", k) for k in range(self.sequences + self.shared)}
        known |= {("state", k) for k in range(len(self.after))}
        names = {"input", "state"}
        for node in self.nodes:
            missing = [ref for ref in node.inputs if ref[0] not in names]
            unknown = [ref for ref in node.inputs if ref[0] in RESERVED and ref not in known]
            if missing or unknown or node.name in names or isinstance(node.layer, self.__class__):
                raise ValueError(f"the node {node.name!r} of a described cell is out of place")
            names.add(node.name)
        wanted = {gate.node for gate in self.gates} | {name for name, _ in self.after}
        if not wanted <= names or len(self.sizes) != len(self.after) or self.sequences < 1:
            raise ValueError("a described cell names what is not one of its nodes")

    @property
    def of(self) -> str:
        """The kind of the layer in the user's words."""
        return "described cell"

    def arrays(self) -> dict[str, FloatArray]:
        """Give the arrays of every node of the cell; a layer that is called twice has them once."""
        named: dict[str, FloatArray] = {}
        seen: set[int] = set()
        for node in self.nodes:
            if id(node.layer) not in seen:
                seen.add(id(node.layer))
                own = node.layer.arrays().items()
                named |= {f"{node.name}.{name}": values for name, values in own}
        return named
