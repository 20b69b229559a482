"""The exact Shapley value of every lag, by a tree of shared prefixes.

Players are the newest K lags and, together, all older ones. The value of a coalition is the
forecast for the window whose other steps come from the baseline, and a lag's contribution is

    phi_k = sum over S without k of |S|! (P - |S| - 1)! / P!  (v(S + k) - v(S))

(Shapley 1953, "A value for n-person games"). Exact given the game. Cost in cell evaluations, for
each window, baseline and recurrent layer: ``2^(K+1) - 2`` where K covers the window, else
``2 (T - K) + 2^(K+2) - 4``; a network that must see whole sequences costs ``T 2^P``. Known
limit: the cost doubles with each lag.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import comb

import numpy as np

from rnnlens.attribution.baseline import Array, Baseline
from rnnlens.attribution.contribution import LagContribution, additive
from rnnlens.attribution.masks import real_steps
from rnnlens.attribution.target import Target
from rnnlens.engine.coalitions import CellCounter, Players, coalition_values, players
from rnnlens.engine.forward import Run, forward
from rnnlens.errors import DataError
from rnnlens.network.network import Network

__all__ = ["MOST_LAGS", "shapley_tree", "shapley_values"]

#: Lags that may be players: 2^21 values are 16 MB and take seconds a window.
MOST_LAGS = 20


def shapley_values(v: Array) -> Array:
    """Give the Shapley values of a game from the values of all its coalitions.

    Parameters
    ----------
    v : array (2 ** players,)
        Bit p of the index says whether player p takes part.

    Returns
    -------
    array (player,)
        They sum to ``v[-1] - v[0]``.

    Examples
    --------
    >>> import numpy as np
    >>> shapley_values(np.array([0.0, 1.0, 2.0, 5.0]))
    array([2., 3.])
    """
    count = len(v).bit_length() - 1
    sizes = np.bitwise_count(np.arange(len(v) // 2)).astype(int)
    weights = np.array([1 / (count * comb(count - 1, s)) for s in range(count)])[sizes]
    phi = np.empty(count)
    for p in range(count):
        without, taking = v.reshape(-1, 2, 1 << p).swapaxes(0, 1)
        phi[p] = weights @ (taking - without).ravel()
    return phi


def shapley_tree(
    network: Network,
    inputs: Mapping[str, Array],
    target: Target,
    baseline: Baseline,
    *,
    of: str,
    newest: int = 12,
    progress: Callable[[int, int], None] | None = None,
) -> LagContribution:
    """Split each forecast among lags by their exact Shapley values.

    Parameters
    ----------
    network : Network
        The network.
    inputs : mapping of str to array (sample, ...)
        From `rnnlens.engine.forward.entries`, in the network's own units.
    target : Target
        What is explained.
    baseline : Baseline
        What stands in for hidden lags.
    of : str
        The input whose lags are players; the others keep their values.
    newest : int
        K, the lags that are players of their own; the older ones are one player together.
    progress : callable, optional
        Called with windows done and windows in all.

    Returns
    -------
    LagContribution
        In the target's own unit.

    Raises
    ------
    DataError
        If K is below 1 or beyond `MOST_LAGS`.
    NotAdditive
        If the values do not sum, which rounding alone cannot bring about.
    """
    x = inputs[of]
    if not newest >= 1 or min(newest, x.shape[1]) > MOST_LAGS:
        raise DataError(
            f"the tree takes 1 to {MOST_LAGS} lags as players, but {newest} were asked for: the "
            "older lags count together; use method 'secant' for every lag by itself"
        )
    parts = players(x.shape[1], newest)
    counter = CellCounter()
    rows = []
    for k in range(len(x)):
        one = {name: array[k : k + 1] for name, array in inputs.items()}
        run = forward(network, one)
        v = _values(run, baseline.part(slice(k, k + 1)), of, parts, target, counter)
        rows.append((shapley_values(v)[::-1], target.pick(run.outputs)[0], v[0]))
        if progress is not None:
            progress(k + 1, len(x))
    contribution = np.array([row[0] for row in rows])
    forecast, baseline_forecast = np.array([row[1:] for row in rows]).T
    residual = additive(contribution.sum(axis=1), forecast, baseline_forecast, "tree")
    lag_from, lag_to = np.array(parts.lags).T
    return LagContribution(
        contribution=contribution,
        lag_from=lag_from,
        lag_to=lag_to,
        forecast=forecast,
        baseline_forecast=baseline_forecast,
        residual=residual,
        cells=counter.cells,
    )


def _values(
    run: Run, baseline: Baseline, of: str, parts: Players, target: Target, counter: CellCounter
) -> Array:
    """Give the values of all coalitions of one window, the mean over backgrounds."""
    shape = run.value((of, 0)).shape
    x = run.value((of, 0)).reshape(*shape[:2], -1)
    real = real_steps(run, of)
    v = np.zeros(1 << len(parts.blocks))
    for number in range(len(baseline.windows)):
        x0 = baseline.stand_in(x, real, number).reshape(shape)
        v += coalition_values(run, {of: x0}, of, parts, target.pick, counter)
    return v / len(baseline.windows)
