"""A network each layer of which goes through a stretch of steps at once, of many runs together.

What a step puts into the lowest layer is worked out once for all runs that read it. Networks that
need more than a stretch at a time (several inputs, masks, static vectors) are not for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.engine.device.choice import chosen
from rnnlens.engine.kernels.cells.packing import CellWeights
from rnnlens.engine.kernels.run import Products, packed, run_from_products, takes_pairs
from rnnlens.engine.operations.registry import Array, Tape, run
from rnnlens.engine.schedule.context import by_equations
from rnnlens.engine.stepwise.split import SplitNetwork, split_by_step
from rnnlens.engine.stepwise.states import State
from rnnlens.network.layers import Recurrent
from rnnlens.network.network import Network, Node, Ref

__all__ = [
    "AT_ONCE",
    "LENGTH",
    "Rows",
    "Stretches",
    "Value",
    "rows_of_a_table",
    "stretches",
]

Rows = NDArray[np.int64]
Value = Callable[[tuple[Array, ...]], Array]

#: Features from which on products that were made before are worth it: taking them from a table
#: costs as much as some thirty features do.
FEWEST_FEATURES = 64
#: Steps of a stretch: a run goes through half of one more than it needs, and no more calls are made
#: than that. Where products of the input are taken, a call does more beside its steps.
LENGTH, LENGTH_OF_PRODUCTS = 16, 24
#: Steps of windows that are one stretch: what a run reads and writes between two takes as long as
#: some four steps.
WHOLE = 24
#: Runs that a layer takes at once: what they hold within a stretch fits the cache.
AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class Stretches:
    """A network each layer of which goes through a stretch of steps at once.

    Parameters
    ----------
    network : Network
        The network.
    of : str
        Its only input.
    split : SplitNetwork
        What happens at each step, and after the last.
    lowest : Node, optional
        The layer that alone reads the input, where it takes the products of that.
    """

    network: Network
    of: str
    split: SplitNetwork
    lowest: Node | None = None

    def start(self, windows: int, dtype: np.dtype) -> State:
        """Give the states before the first step."""
        return {
            name: tuple(np.zeros((windows, size), dtype) for size in cell.cell.state_sizes)
            for name, cell in self.split.cells.items()
        }

    def length(self, steps: int) -> int:
        """Say how many steps a stretch of windows of so many has."""
        usual = LENGTH if self.lowest is None else LENGTH_OF_PRODUCTS
        return steps if steps <= WHOLE else usual

    def numbers(self, shape: tuple[int, ...]) -> int:
        """Count the numbers of all windows' own states: shape (sample, step, ...)."""
        sizes = sum(sum(cell.cell.state_sizes) for cell in self.split.cells.values())
        return shape[0] * -(-shape[1] // self.length(shape[1])) * sizes

    def rows(self, x: Array) -> Array:
        """Give what steps put into the lowest layer: (..., feature) -> (row, gate * unit).

        Of some steps of a window it is the same to the last bit, whichever windows stand beside it.
        """
        W = self._weights(x.dtype).W
        return np.matmul(x, W).reshape(-1, W.shape[1])

    def read(self, x: Array) -> Array | Products:
        """Give what windows read as it is, or its products, a row of their own at each step."""
        if self.lowest is None:
            return x
        which = np.arange(len(x) * x.shape[1]).reshape(x.shape[:2])
        return rows_of_a_table(self.rows(x), which)

    def _weights(self, dtype: np.dtype) -> CellWeights:
        assert self.lowest is not None
        assert isinstance(self.lowest.layer, Recurrent)
        weights = packed(self.lowest.layer.cell, dtype)
        assert weights is not None, "the layer was found to take products"
        return weights

    def advance(self, x: Array | Products, state: State) -> tuple[State, dict[Ref, Array]]:
        """Go through a stretch, and give the states after it and what each layer made of it.

        Shapes: x (run, step, ...), or the products of the lowest layer.
        """
        values: dict[Ref, Array] = {}
        after: State = {}
        if not isinstance(x, Products):
            values[self.of, 0] = x
        for node in self.split.each_step:
            if isinstance(x, Products) and node is self.lowest:
                after[node.name], values[node.name, 0] = self._from_products(node, x, state)
                continue
            taken = tuple(values[ref] for ref in node.inputs)
            if node.name in self.split.cells:
                taken = (*taken, *state[node.name])
            tape = _run(node, taken)
            if node.name in self.split.cells:
                after[node.name] = tape.saved.finals[: len(state[node.name])]
            values |= {(node.name, k): array for k, array in enumerate(tape.outputs)}
        return after, values

    def _from_products(
        self, node: Node, x: Products, state: State
    ) -> tuple[tuple[Array, ...], Array]:
        """Give the states of the lowest layer after a stretch, and what it gives."""
        assert isinstance(node.layer, Recurrent)
        before, sequences = state[node.name], node.layer.return_sequences
        weights = self._weights(x.rows.dtype)
        given, after = run_from_products(weights, x, before, sequences=sequences)
        return after[: len(before)], given if sequences else given[:, 0]

    def outputs(self, values: dict[Ref, Array]) -> tuple[Array, ...]:
        """Run the head on what the last stretch made: tuple of (run, ...)."""
        for node in self.split.head:
            tape = _run(node, tuple(values[ref] for ref in node.inputs))
            values |= {(node.name, k): array for k, array in enumerate(tape.outputs)}
        return tuple(values[ref] for ref in self.network.outputs)


def _run(node: Node, taken: tuple[Array, ...]) -> Tape:
    """Run a layer on what is real everywhere."""
    return run(node.layer, taken, (None,) * len(taken), None)


def stretches(
    network: Network, of: str, dtype: np.dtype, *, products: bool = False
) -> Stretches | None:
    """Say how a network goes through stretches; None where `Stretches` is not for it.

    With `products` those of the input are taken however few features it has.
    """
    split = split_by_step(network, of)
    if split is None or by_equations() or chosen() or len(network.inputs) > 1:
        return None
    if split.joined or split.static or split.picked or split.held - {of}:
        return None
    for node in split.each_step:
        layer = node.layer
        if isinstance(layer, Recurrent) and (len(node.inputs) > 1 or not packed(layer.cell, dtype)):
            return None
    if not split.cells:
        return None
    fewest = 0 if products else FEWEST_FEATURES
    return Stretches(network, of, split, _lowest(split, of, dtype, fewest))


def _lowest(split: SplitNetwork, of: str, dtype: np.dtype, fewest: int) -> Node | None:
    """Give the layer that takes the products of the input in its place; None where none does."""
    reading = [n for n in (*split.each_step, *split.head) if (of, 0) in n.inputs]
    layer = reading[0].layer if len(reading) == 1 else None
    if not isinstance(layer, Recurrent) or layer.return_state:
        return None
    weights = packed(layer.cell, dtype)
    if weights is None or not takes_pairs(weights):
        return None
    return reading[0] if weights.features >= fewest else None


def rows_of_a_table(
    rows: Array, which: Rows, columns: Rows | None = None, away: Array | None = None
) -> Products:
    """Say what runs read, each step a row of a table; and in which feature they differ, if any."""
    if columns is None or away is None:
        return Products(rows, which, np.zeros(0, np.int64), np.zeros((0, 0), rows.dtype))
    return Products(rows, which, columns, away)
