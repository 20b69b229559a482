"""How long a network remembers, measured on so few windows that it is cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import RnnlensError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.attribution.options import Target
    from rnnlens.network.network import Network
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["remembering"]

#: Windows that it is measured on, at most and at least; histories that stand in for what is older.
MOST, FEWEST, HISTORIES = 300, 60, 16
#: Windows times steps times parameters that may be spent on it.
BUDGET = 400_000_000


def remembering(
    net: Network,
    data: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    parameters: int,
    *,
    target: Target | str | int | None,
    of: str,
) -> xr.DataTree | str:
    """Measure memory on the newest windows, or say why it is not."""
    from rnnlens.api.inside.memory import memory
    from rnnlens.series.windows import Windows
    from rnnlens.views.words.language import say

    values = data.values if isinstance(data, Windows) else data
    if not isinstance(values, np.ndarray):  # several inputs
        return say("How long it remembers was not measured here; rnnlens.memory measures it.")
    windows = min(MOST, BUDGET // max(1, parameters * values.shape[1]), len(values))
    if windows < FEWEST:
        return (
            say("How long it remembers needs at least {fewest} windows to measure.", fewest=FEWEST)
            if len(values) < FEWEST
            else say(
                "How long it remembers was not measured here, for it would take long; "
                "rnnlens.memory measures it."
            )
        )
    try:
        newest = data.newest(windows) if isinstance(data, Windows) else values[-windows:]
        return memory(net, newest, target=target, of=of, histories=HISTORIES)
    except RnnlensError as reason:
        return say("How long it remembers was not measured: {reason}.", reason=reason)
