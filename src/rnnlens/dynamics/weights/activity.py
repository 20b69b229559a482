"""What gates and hidden states do over data: how open, how saturated, which units go together.

One way forward over all windows. A valve is closed below 0.1 and open above 0.9; a candidate is
saturated where its size is above 0.9. Steps that are padding count for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.dynamics.memory.cell_runs import chunks_of
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.engine.forward import Run, forward, inputs_of
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.trace import LayerTrace, gate_names, layer_traces
from rnnlens.names import CANDIDATES

__all__ = [
    "Activity",
    "GateCounts",
    "Occupancy",
    "activities",
    "correlations",
    "hidden_states",
    "traced",
]

#: A valve is closed below the first and open above the second, as is the size of a candidate.
CLOSED, OPEN = 0.1, 0.9
#: Part of the layer's largest hidden state within which a unit is the same in all windows.
STILL = 1e-6


@dataclass(frozen=True, eq=False)
class Occupancy:
    """Means and shares over real steps: each (gate, unit), NaN where a candidate has none."""

    mean: Array
    closed: Array
    open: Array
    saturated: Array


@dataclass(frozen=True, eq=False)
class Activity:
    """What a layer's gates and hidden states do over all windows.

    ``spread`` (unit,) and ``constant`` (unit,) are None where there is one window; ``correlation``
    (unit, unit) is NaN where a state does not move at all.
    """

    gates: Occupancy
    spread: Array | None
    constant: np.ndarray | None
    correlation: Array


def hidden_states(question: MemoryQuestion) -> dict[str, Array]:
    """Give the hidden states of every layer and direction: (sample, step, unit)."""
    parts: dict[str, list[Array]] = {}
    for chunk in chunks_of(question):
        for name, trace in _traces(question, chunk).items():
            parts.setdefault(name, []).append(trace.hidden)
    return {name: np.concatenate(part) for name, part in parts.items()}


def activities(question: MemoryQuestion) -> dict[str, Activity]:
    """Look at every recurrent layer and direction over all windows."""
    counts: dict[str, GateCounts] = {}
    states: dict[str, list[Array]] = {}
    names = gate_names(question.network)
    for chunk in chunks_of(question):
        for name, trace in _traces(question, chunk).items():
            counts.setdefault(name, GateCounts(names[name])).add(trace.gate_value)
            states.setdefault(name, []).append(trace.hidden)
    return {name: _activity(counts[name], np.concatenate(states[name])) for name in counts}


def _traces(question: MemoryQuestion, chunk: slice) -> dict[str, LayerTrace]:
    return traced(forward(question.network, inputs_of(question.inputs, chunk)))


def traced(run: Run) -> dict[str, LayerTrace]:
    """Give the traces of the layers whose cells have a name."""
    known = {name for name, _ in run.network.recurrent()}
    return {name: trace for name, trace in layer_traces(run).items() if name in known}


class GateCounts:
    """Sums over windows and real steps."""

    def __init__(self, gates: tuple[str, ...]) -> None:
        self.valve = np.array([gate not in CANDIDATES for gate in gates])[:, None]
        self.steps = 0.0
        self.sums = np.zeros(1)

    def add(self, value: Array) -> None:
        """Add the gates of some windows: (sample, step, gate, unit), NaN where not real."""
        real = np.isfinite(value[..., :1, :1])
        size = np.abs(value)
        counted = (np.nan_to_num(value), size < CLOSED, size > OPEN)
        self.steps = self.steps + float(real.sum())
        sums = np.stack([np.where(real, one, 0.0).sum(axis=(0, 1)) for one in counted])
        self.sums = sums if self.sums.ndim == 1 else self.sums + sums

    def occupancy(self) -> Occupancy:
        """Give what the sums say."""
        mean, closed, open_ = self.sums / max(self.steps, 1.0)
        saturated = np.where(self.valve, closed + open_, open_)
        only = [np.where(self.valve, share, np.nan) for share in (closed, open_)]
        return Occupancy(mean, only[0], only[1], saturated)


def _activity(counts: GateCounts, hidden: Array) -> Activity:
    spread = constant = None
    if len(hidden) > 1:
        spread = hidden.std(axis=0).max(axis=0)
        constant = np.ptp(hidden, axis=0).max(axis=0) <= STILL * np.abs(hidden).max(initial=0.0)
    return Activity(counts.occupancy(), spread, constant, correlations(hidden, hidden))


def correlations(ones: Array, others: Array) -> Array:
    """Correlate hidden states over windows and steps: (sample, step, unit) -> (unit, unit)."""
    a, b = (_standardised(each.reshape(-1, each.shape[-1])) for each in (ones, others))
    return np.clip(a.T @ b, -1.0, 1.0)


def _standardised(values: Array) -> Array:
    """Give columns without their means, of length one, NaN where a column does not move."""
    centred = values - values.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    still = length <= STILL * np.sqrt(len(values)) * np.abs(values).max(initial=0.0)
    return centred / np.where(still, np.nan, length)
