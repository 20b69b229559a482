"""How long each unit keeps what it holds, and whether the forecast reads it.

The half-life of a unit is that of its carousel alone, ``ln 2 / -mean(ln f)``, with ``f`` the forget
gate of an LSTM or the update gate ``z`` of a GRU (whose share of the state before is ``z`` here):
the geometric mean of the gate over the data (Mahto et al. 2021, "Multi-timescale representation
learning in LSTM language models"). It is exact where nothing else feeds the state back, and
understates memory where units feed each other.

A unit's influence is the size of what reaches the forecast through its gates, to first order: the
mean over windows of ``|d forecast / d pre-activation| * sd of the pre-activation``, summed over
gates and steps. A unit that nothing reads has none, however long it remembers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnlens.dynamics.memory.cell_runs import LayerRun, chunks_of, layer_runs
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.engine import step
from rnnlens.engine.operations.recurrent import pull_cell
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.threads import each

__all__ = ["UnitMemory", "half_lives", "kept_gate", "unit_memories"]

#: A unit whose influence is less than this part of the largest of its layer is not read.
UNREAD = 0.01


@dataclass(frozen=True, eq=False)
class UnitMemory:
    """Half-lives (unit,), NaN where a cell has no such gate; influence on the forecast (unit,)."""

    half_life: Array
    influence: Array

    @property
    def read(self) -> np.ndarray:
        """Which units the forecast reads, (unit,) of bool."""
        return self.influence > UNREAD * self.influence.max(initial=0.0)


def half_lives(mean: Array) -> Array:
    """Give half-lives from mean logarithms of gates, infinite where nothing is let go: (unit,)."""
    with np.errstate(divide="ignore"):
        return np.where(mean < 0, np.log(2) / np.maximum(-mean, 0.0), np.inf)


def kept_gate(values: object) -> Array | None:
    """Give the gate that says how much of the state is kept: (sample, unit)."""
    if isinstance(values, step.LSTMStep):
        return values.f
    return values.z if isinstance(values, step.GRUStep) else None


class _Sums:
    """Sums over windows and real steps, of a layer of so many units."""

    def __init__(self, units: int) -> None:
        self.units, self.windows, self.count = units, 0, 0.0
        self.log_gate: Array | float = 0.0
        self.first: Array | float = 0.0
        self.second: Array | float = 0.0
        self.slope: Array | float = 0.0

    def add(self, one: LayerRun) -> None:
        """Add what some windows did in a layer."""
        run = one.run
        self.windows += len(run.final[0])
        for t, saved in enumerate(run.steps):
            real = np.ones(len(run.final[0]), bool) if run.mask is None else run.mask[t]
            self.count += float(real.sum())
            gate = kept_gate(saved.values)
            if gate is not None:
                with np.errstate(divide="ignore"):
                    self.log_gate = self.log_gate + np.log(np.abs(gate[real])).sum(axis=0)
            before = _preactivations(saved.values)[real]
            self.first = self.first + before.sum(axis=0)
            self.second = self.second + (before**2).sum(axis=0)
        if any(m is not None for m in one.multipliers):
            slopes, _ = pull_cell(one.layer, run, run, one.multipliers)
            self.slope = self.slope + np.abs(slopes).sum(axis=(0, 1))

    def join(self, other: _Sums) -> None:
        """Add the sums over other windows."""
        for name, value in vars(other).items():
            if name != "units":
                setattr(self, name, getattr(self, name) + value)

    def memory(self) -> UnitMemory:
        """Give what the sums say of each unit."""
        half = np.full(self.units, np.nan)
        if not isinstance(self.log_gate, float):
            half = half_lives(np.asarray(self.log_gate) / max(self.count, 1.0))
        mean, square = (np.asarray(s) / max(self.count, 1.0) for s in (self.first, self.second))
        spread = np.sqrt(np.maximum(square - mean**2, 0.0))
        sizes = np.broadcast_to(np.asarray(self.slope) / max(self.windows, 1), spread.shape)
        return UnitMemory(half, (sizes * spread).reshape(-1, self.units).sum(axis=0))


def _preactivations(values: object) -> Array:
    """Give what went into the gates, side by side: (sample, gate * unit)."""
    if isinstance(values, step.LSTMStep):
        return np.concatenate([values.a_i, values.a_f, values.a_g, values.a_o], axis=1)
    if isinstance(values, step.GRUStep):
        return np.concatenate([values.a_z, values.a_r, values.a_n], axis=1)
    assert isinstance(values, tuple)
    return values[0]


def unit_memories(question: MemoryQuestion) -> dict[str, UnitMemory]:
    """Go over all windows, and say of every unit of every layer and direction what it keeps."""
    chunks = chunks_of(question)
    found: list[dict[str, _Sums]] = [{} for _ in chunks]

    def part(number: int) -> None:
        for one in layer_runs(question, chunks[number]):
            found[number].setdefault(one.name, _Sums(one.layer.cell.units)).add(one)

    each(part, [(number,) for number in range(len(chunks))])
    # joined in the order of the windows, so that the sums are the same however threads took turns
    total, *others = found or [{}]
    for other in others:
        for name, sums in other.items():
            total[name].join(sums)
    return {name: sums.memory() for name, sums in total.items()}
