"""Whether inputs lie where a scaler puts them, and whether gates are saturated."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.engine.forward import forward
from rnnlens.engine.schedule.context import equations
from rnnlens.engine.trace import gate_names, layer_traces
from rnnlens.names import CANDIDATES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.checks.forecast.data import ForecastData

    Array = NDArray[np.float64]

__all__ = ["BEYOND", "NOWHERE", "InputRange", "input_range", "misplaced", "saturation"]

#: Network units beyond which a value is said to be far out.
BEYOND = 5.0
#: Share of values beyond that no scaler leaves, and median beyond which none puts a feature.
MANY = 0.2
#: A gate is saturated this near to 0 or to 1.
NEAR = 0.01
#: Windows that are traced for it.
TRACED = 16
#: Steps up to which they are traced by the equations: to compile the kernel takes a hundred times
#: as long.
SHORT = 32


@dataclass(frozen=True, eq=False)
class InputRange:
    """Where the inputs lie, in network units: arrays (feature,)."""

    mean: Array
    spread: Array
    low: Array
    high: Array
    beyond: Array


#: Of inputs that were not looked at.
NOWHERE = InputRange(*(np.zeros(0),) * 5)


def input_range(flat: Array) -> InputRange:
    """Say where the inputs lie: values (row, feature)."""
    return InputRange(
        mean=flat.mean(axis=0),
        spread=flat.std(axis=0),
        low=flat.min(axis=0),
        high=flat.max(axis=0),
        beyond=(np.abs(flat) > BEYOND).mean(axis=0),
    )


def misplaced(flat: Array, held: tuple[int, ...]) -> NDArray[np.int64]:
    """Name the features that lie where no usual scaler puts them: values (row, feature).

    A tail alone (rain, alarms) is no such case, and a held feature, such as a year or a marker, may
    be taken as it stands.
    """
    far = (np.abs(flat) > BEYOND).mean(axis=0) > MANY
    return np.array([k for k in np.flatnonzero(far) if k not in held], np.int64)


def saturation(data: ForecastData) -> tuple[tuple[str, ...], Array]:
    """Give the share of saturated gates by recurrent layer, at all real steps of some windows."""
    chosen = np.unique(np.linspace(0, len(data) - 1, TRACED).astype(int))
    some = data.select(chosen)
    names, shares = gate_names(data.network), {}
    run = forward(data.network, dict(some.inputs))
    steps = max((one.shape[1] for one in some.inputs.values() if one.ndim > 1), default=0)
    with equations() if steps <= SHORT else nullcontext():
        traces = layer_traces(run)
    for layer, trace in traces.items():
        # the candidate is no gate: its sign is its message
        gates = [k for k, name in enumerate(names[layer]) if name not in CANDIDATES]
        value = trace.gate_value[:, :, gates]
        real = value[np.isfinite(value)]
        if len(real):
            shares[layer] = float(((real < NEAR) | (real > 1 - NEAR)).mean())
    return tuple(shares), np.array(list(shares.values()))
