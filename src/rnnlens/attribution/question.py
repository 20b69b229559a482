"""What is asked of a network: which number, of which windows, against what.

A question is made once, where a verb has checked what it was given, and handed down as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from rnnlens.attribution.baselines.baseline import Array, Baseline
from rnnlens.attribution.baselines.conditional import GaussianConditional
from rnnlens.attribution.games.players import PlayerGroups
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import States
from rnnlens.network.network import Network

__all__ = ["Question"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Question:
    """What is explained, and against what.

    Parameters
    ----------
    network : Network
        The network.
    inputs : mapping of str to array (sample, ...)
        From `rnnlens.engine.forward.entries`, in the network's own units.
    of : str
        The input that is explained; the others keep their values.
    target : ResolvedTarget
        Which number of the output is explained, and in what unit.
    baseline : Baseline or GaussianConditional, optional
        What stands in for hidden inputs; none for methods that hide nothing.
    groups : PlayerGroups, optional
        Lags and features that stand together.
    newest : int, optional
        Lags that are players of their own; the method's own number where not given.
    initial_state : mapping of str to sequence of array (sample, unit), optional
        States carried into the windows, by recurrent layer: a player of their own.
    """

    network: Network
    inputs: Mapping[str, Array]
    of: str
    target: ResolvedTarget
    baseline: Baseline | GaussianConditional | None = None
    groups: PlayerGroups | None = None
    newest: int | None = None
    initial_state: States | None = None

    @property
    def x(self) -> Array:
        """The windows as (sample, step, feature)."""
        array = self.inputs[self.of]
        return array.reshape(*array.shape[:2], -1)

    @property
    def windows(self) -> int:
        """How many windows there are."""
        return len(self.inputs[self.of])

    @property
    def carried(self) -> bool:
        """Whether a state is carried into the windows."""
        return self.initial_state is not None

    def states(self, samples: slice = slice(None)) -> dict[str, list[Array]]:
        """Give the carried states of some samples, in float64: (sample, unit) each."""
        return {
            name: [np.asarray(state, np.float64)[samples] for state in states]
            for name, states in (self.initial_state or {}).items()
        }

    def inputs_of(self, samples: slice) -> dict[str, Array]:
        """Cut some samples out of every input: (sample, ...) each."""
        return {name: array[samples] for name, array in self.inputs.items()}

    def against(self, baseline: Baseline | GaussianConditional | None) -> Question:
        """Ask the same against another baseline."""
        return replace(self, baseline=baseline)
