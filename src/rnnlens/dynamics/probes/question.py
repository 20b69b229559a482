"""What is asked of a network's states: a concept, over which windows, beside which controls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.probes.folds import Folds
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.recurrent_layers import LayerLocation
from rnnlens.network.network import Network

__all__ = ["ProbeQuestion"]


@dataclass(frozen=True, eq=False, kw_only=True)
class ProbeQuestion:
    """A network, its windows, and the concept that is looked for in its states.

    Parameters
    ----------
    network : Network
        The network.
    inputs : mapping of str to array (sample, ...)
        In the network's own units.
    concept : array (sample, step)
        One number of each of the steps that are asked about.
    steps : array of int (step,), optional
        These steps, counted from the oldest; the last that each layer reads where not given.
    wanted : sequence of layer and state
        Which states are read.
    value : callable
        Takes the forecast out of the network's outputs, in the target's own unit: (sample,).
    folds : Folds
        The blocks of time.
    clock : array (sample,) of int
        When each window was issued, in steps.
    groups : array (sample,), optional
        Which place each window is of.
    real : array (sample, step) of bool, optional
        Which steps of the windows are real.
    untrained : sequence of Network, optional
        Networks of the same shape before any training.
    draws, shifts, seed : int
        Untrained networks and random targets; shifts of the concept; of all that is drawn.
    """

    network: Network
    inputs: Mapping[str, Array]
    concept: Array
    steps: NDArray[np.int64] | None
    wanted: Sequence[tuple[LayerLocation, str]]
    value: Callable[[tuple[Array, ...]], Array]
    folds: Folds
    clock: NDArray[np.int64]
    groups: NDArray[np.str_] | None = None
    real: NDArray[np.bool_] | None = None
    untrained: Sequence[Network] | None = None
    draws: int = 5
    shifts: int = 99
    seed: int = 0

    def rng(self, place: int) -> np.random.Generator:
        """Give the random numbers of one part, apart from those of the others."""
        return np.random.default_rng([self.seed, place])

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which steps asked about are real: (sample, step)."""
        if self.real is None or self.steps is None:
            return np.ones(self.concept.shape, dtype=bool)
        return self.real[:, self.steps]

    @property
    def samples(self) -> NDArray[np.int64]:
        """The window of each row of a regression, (row,)."""
        return np.nonzero(self.kept)[0]

    def rows(self, array: Array) -> Array:
        """Lay out what is of windows and steps as rows: (sample, step, ...) -> (row, ...)."""
        return array[self.kept]

    def by_sample(self, values: Array) -> Array:
        """Add up what is of rows over the steps of each window: (row,) -> (sample,)."""
        return np.bincount(self.samples, values, len(self.concept)).astype(np.float64)
