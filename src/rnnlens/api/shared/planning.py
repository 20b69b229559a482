"""What an explanation will take, before it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.api.shared.given.case import make_case
from rnnlens.attribution.baselines.baseline import BACKGROUNDS
from rnnlens.engine.schedule.plan import estimate
from rnnlens.engine.stepwise.walk import split_by_step
from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from rnnlens.engine.schedule.plan import Estimate
    from rnnlens.network.network import Network

__all__ = ["expected"]


def expected(
    net: Network,
    X: Windows | ArrayLike | Mapping[str, ArrayLike],
    *,
    method: str = "auto",
    baseline: str | ArrayLike | None = None,
    newest: int | None = None,
    background: Windows | ArrayLike | None = None,
    of: str | None = None,
) -> Estimate | None:
    """Say what `rnnlens.explain` will take.

    Examples
    --------
    >>> import numpy as np, rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> expected(net, np.zeros((5, 24, 10)), method="gradient").cells
    360
    """
    case = make_case(net, X, of)
    data = case.x if background is None else background
    if method == "auto":  # what it falls back on; exact values are taken only where they cost less
        method, baseline = "secant", "background" if baseline is None else baseline
    backgrounds, steps = (
        _backgrounds("mean" if baseline is None else baseline, data),
        case.x.shape[1],
    )
    newest = 12 if newest is None else newest
    if method == "gradient":
        forwards, backwards, runs, numbers = 1.0, 1, 2, case.x.size
    elif method == "secant":
        forwards, backwards, runs, numbers = 1.0 + backgrounds, backgrounds, 3, case.x.size
    elif method == "tree":
        # in units of one run of a window, which has a cell evaluation a step
        forwards = 1 + backgrounds * _tree_cells(case.network, case.of, steps, newest) / max(
            steps, 1
        )
        backwards, runs, numbers = 0, 1, len(case.x) * min(newest + 1, steps)
    else:
        return None
    result = numbers * case.x.itemsize
    return estimate(
        case.network, case.inputs, forwards=forwards, backwards=backwards, runs=runs, result=result
    )


def _backgrounds(baseline: str | ArrayLike, data: Windows | ArrayLike) -> int:
    if isinstance(baseline, str):
        count = len(data) if isinstance(data, Windows) else len(np.asarray(data))
        return min(BACKGROUNDS, count) if baseline == "background" else 1
    return len(np.asarray(baseline)) if np.ndim(baseline) == 3 else 1


def _tree_cells(net: Network, of: str, steps: int, newest: int) -> float:
    """Give the tree's cell evaluations for one window, baseline and recurrent layer."""
    if split_by_step(net, of) is None:
        return steps * 2.0 ** (min(newest + 1, steps))
    if newest >= steps:
        return 2.0 ** (steps + 1) - 2
    return 2 * (steps - newest) + 2.0 ** (newest + 2) - 4
