"""A way taken in panels: an integral of derivatives, finer where the forecast bends most.

Along a straight way the derivative by the way's length integrates to the change of the forecast
over every part of it, so that each panel says by itself whether it has enough nodes. One that has
not is halved; a steep gate, open within a thousandth of the way, takes ten halvings there and
nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["PER_PANEL", "by_panels"]

Array = NDArray[np.float64]
#: Nodes of each panel.
PER_PANEL = 16


def by_panels(
    integral: Callable[[float, float], Array],
    forecast: Callable[[float], float],
    allowed: float,
    most_nodes: int,
) -> tuple[Array, int] | None:
    """Integrate from 0 to 1 to a gap of at most ``allowed``; None where the nodes are spent.

    Parameters
    ----------
    integral : callable
        Gives the integral from one place of the way to another, with `PER_PANEL` nodes.
    forecast : callable
        Gives the forecast at a place.
    allowed : float
        Largest gap between the integral's sum and the change of the forecast.
    most_nodes : int
        Nodes that may be spent.

    Returns
    -------
    array (...), int
        The integral, and the nodes of the panels that it is made of.
    """
    total: Array | float = 0.0
    used = spent = 0
    known = {0.0: forecast(0.0), 1.0: forecast(1.0)}
    open_ = [(0.0, 1.0)]
    while open_:
        start, stop = open_.pop()
        spent += PER_PANEL
        if spent > most_nodes:
            return None
        part = integral(start, stop)
        gap = abs(known[stop] - known[start] - part.sum())
        if gap <= allowed * (stop - start):
            total, used = total + part, used + PER_PANEL
            continue
        middle = (start + stop) / 2
        known[middle] = forecast(middle)
        open_ += [(start, middle), (middle, stop)]
    return np.asarray(total), used
