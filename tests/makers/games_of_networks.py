"""Games that networks make with windows and baselines, by whole windows, for brute force."""

import numpy as np

from naive_games import subsets  # noqa: F401
from rnnlens.engine.forward import predict


def network_game(network, x, backgrounds, cells_of, *, state=None):
    """A game of a network: ``cells_of[player]`` lists (step, feature) or is ``"state"``."""
    cache = {}

    def value(chosen):
        if chosen not in cache:
            total = 0.0
            for x0 in backgrounds:
                mixed = x0.copy()
                shown = state is not None and "state" not in cells_of.values()
                for player in chosen:
                    if cells_of[player] == "state":
                        shown = True
                        continue
                    for t, f in cells_of[player]:
                        mixed[t, f] = x[t, f]
                given = None
                if state is not None:
                    given = {
                        name: [np.asarray(s) if shown else np.zeros_like(s) for s in states]
                        for name, states in state.items()
                    }
                total += float(predict(network, mixed[None], initial_state=given)[0, 0])
            cache[chosen] = total / len(backgrounds)
        return cache[chosen]

    return value


def lag_cells(steps, features, lags):
    """The (step, feature) pairs of some lags and features."""
    return [(steps - lag, f) for lag in lags for f in features]
