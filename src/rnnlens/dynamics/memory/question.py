"""What is asked of a network's memory: which forecast, over which windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.memory.blocks import block_length, block_weights
from rnnlens.engine.forward import Run
from rnnlens.engine.operations.registry import Array
from rnnlens.network.layers import Embedding
from rnnlens.network.network import Network, Ref

__all__ = ["MemoryQuestion"]


@dataclass(frozen=True, eq=False, kw_only=True)
class MemoryQuestion:
    """A network, its windows, and which number it forecasts.

    Parameters
    ----------
    network : Network
        The network.
    inputs : mapping of str to array (sample, ...)
        In the network's own units.
    of : str
        The input whose steps are meant; the others keep their values.
    value : callable
        Takes the forecast out of the network's outputs, in the target's own unit: (sample,).
    weight : callable
        Gives the multiplier that picks the forecast in a run.
    histories : array of int (history,)
        The windows whose older steps stand in for those of others.
    kept : array of int (kept,)
        How many newest steps are kept, rising.
    alpha : float
        One minus the confidence of intervals and bounds.
    block : int, optional
        Windows of a block; found from the data where not given.
    seed : int
        Of the bootstrap.
    """

    network: Network
    inputs: Mapping[str, Array]
    of: str
    value: Callable[[tuple[Array, ...]], Array]
    weight: Callable[[Run], dict[Ref, Array]]
    histories: NDArray[np.int64]
    kept: NDArray[np.int64]
    alpha: float = 0.05
    block: int | None = None
    seed: int = 0

    @property
    def x(self) -> Array:
        """The windows, (sample, step, ...)."""
        return self.inputs[self.of]

    @property
    def tokens(self) -> bool:
        """Whether the input holds tokens, which are looked up."""
        takers = (node.layer for node in self.network.nodes if (self.of, 0) in node.inputs)
        return any(isinstance(layer, Embedding) for layer in takers)

    @property
    def spread(self) -> Array:
        """The standard deviation of each feature over windows and steps, (feature,)."""
        return self.x.reshape(*self.x.shape[:2], -1).std(axis=(0, 1))

    @property
    def steps(self) -> int:
        """How many steps a window has."""
        return self.x.shape[1]

    @property
    def tails(self) -> tuple[float, float]:
        """The quantiles that an interval lies between."""
        return self.alpha / 2, 1 - self.alpha / 2

    def drawn_blocks(self, values: Array, draws: int, place: int) -> Array:
        """Give weights of samples in draws of blocks, as long as values (sample,) depend."""
        length = self.block or block_length(values)
        return block_weights(len(values), length, draws, self.rng(place))

    def rng(self, place: int) -> np.random.Generator:
        """Give the random numbers of one measure, apart from those of the others."""
        return np.random.default_rng([self.seed, place])
