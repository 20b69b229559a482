"""What `rnnlens.fixed_points` asks of the engine: windows to search from, forecasts at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.given.target import one_target
from rnnlens.engine.forward import forward, inputs_of
from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.api.shared.settling.held_input import HeldInput
    from rnnlens.attribution.options import Target
    from rnnlens.dynamics.fixed_points.recurrence import Recurrence

    Array = NDArray[np.float64]

__all__ = ["forecasts_at_rest", "some_windows"]

#: Windows whose states a search begins with, evenly spaced.
WINDOWS = 64


def some_windows(case: Case) -> dict[str, Array]:
    """Give the windows whose states a search begins with."""
    count = len(case.inputs[case.of])
    places = np.unique(np.linspace(0, count - 1, min(count, WINDOWS)).astype(int))
    return inputs_of(case.inputs, places)


def forecasts_at_rest(
    case: Case,
    stack: Recurrence,
    held: HeldInput,
    points: Array,
    target: Target | str | int | None,
) -> tuple[Array | None, NamedTarget | None]:
    """Forecast from every point, the newest step fed being that of each phase: (point, phase).

    None where one layer alone is looked at, or where no target of several is named.
    """
    try:
        told = one_target(case, target)
    except (DataError, InputError):
        if target is not None:
            raise
        return None, None
    if not stack.whole or any(len(place.node.inputs) > 1 for place in stack.places):
        return None, told
    count, length, _ = points.shape
    if not count:
        return np.zeros((0, length)), told
    steps, period = case.x.shape[1], held.period
    # a state is that before its phase's step: after the window's last step it is the next phase's
    begun = (np.arange(length) - (steps - 1)) % length
    fed = held.values[(np.arange(length)[:, None] - np.arange(steps)[::-1]) % period]
    inputs = {name: np.tile(a[:1], (count * length, *[1] * (a.ndim - 1)))
              for name, a in held.inputs.items()}  # fmt: skip
    inputs[case.of] = np.tile(fed, (count, 1, 1)).reshape(inputs[case.of].shape)
    state = points[:, begun].reshape(count * length, -1)
    begin, states = 0, {}
    for place in stack.places:
        own = []
        for size in place.layer.cell.state_sizes:
            own.append(state[:, begin : begin + size])
            begin += size
        states[place.name] = own
    outputs = forward(case.network, inputs, initial_state=states).outputs
    return told.resolved.pick(outputs).reshape(count, length), told
