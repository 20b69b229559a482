"""What is recorded of a network while it is trained: cheap measures on a few windows.

One way forward, one with every gate kept, and one back. The half-life of a unit is that of
`rnnlens.dynamics.memory.units`; the lags within which half and 95 % of the forecast's derivative
lie are those of `rnnlens.dynamics.memory.jacobian_profile`, without intervals.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnnlens.dynamics.memory.jacobian_profile import lag_within
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.dynamics.memory.units import half_lives
from rnnlens.dynamics.weights.activity import GateCounts, traced
from rnnlens.engine.backward import backward
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.threads import one_blas_thread
from rnnlens.engine.trace import LayerTrace, gate_names
from rnnlens.names import CANDIDATES
from rnnlens.network.network import Network

__all__ = ["recorded"]

#: The gate that says how much of the state is kept.
KEPT = {"forget", "update"}


@one_blas_thread()
def recorded(question: MemoryQuestion, network: Network) -> dict[str, float]:
    """Measure a network by names such as ``lstm/forget/open``: its numbers are those of now."""
    run = forward(network, dict(question.inputs))
    measured: dict[str, float] = {}
    names = gate_names(network)
    for name, trace in traced(run).items():
        measured |= {f"{name}/{key}": value for key, value in _gates(trace, names[name]).items()}
    return {**measured, **_lags(replace(question, network=network), run)}


def _gates(trace: LayerTrace, names: tuple[str, ...]) -> dict[str, float]:
    counts = GateCounts(names)
    counts.add(trace.gate_value)
    occupancy = counts.occupancy()
    measured: dict[str, float] = {}
    for place, gate in enumerate(names):
        measured[f"{gate}/mean"] = float(occupancy.mean[place].mean())
        if gate not in CANDIDATES:
            measured[f"{gate}/closed"] = float(occupancy.closed[place].mean())
            measured[f"{gate}/open"] = float(occupancy.open[place].mean())
        measured[f"{gate}/saturated"] = float(occupancy.saturated[place].mean())
        if gate in KEPT:
            value = trace.gate_value[:, :, place]
            real = value[np.isfinite(value[..., 0])]
            with np.errstate(divide="ignore"):
                half = half_lives(np.log(np.abs(real)).mean(axis=0))
            measured["half_life/median"] = float(np.median(half))
            measured["half_life/longest"] = float(half.max())
    return measured


def _lags(question: MemoryQuestion, run: Run) -> dict[str, float]:
    """Give the lags within which half and 95 % of the derivative lie; NaN where there is none."""
    lags: dict[str, float] = {"k50": np.nan, "k95": np.nan}
    if question.tokens:
        return lags
    slope = backward(run, question.weight(run)).get((question.of, 0))
    if slope is None:
        return lags
    shares: Array = np.abs(slope).reshape(*slope.shape[:2], -1) * question.spread
    by_lag = shares.mean(axis=0).sum(axis=1)[::-1]
    if not by_lag.sum() > 0:
        return lags
    return {"k50": float(lag_within(by_lag, 0.5)), "k95": float(lag_within(by_lag, 0.95))}
