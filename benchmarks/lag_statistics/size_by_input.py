"""How often the tests of lags are wrong on rain, alarms, volatile and seasonal inputs.

Run it from ``benchmarks``: ``python -m lag_statistics.size_by_input``. The truth lies at the edge
of what is claimed, and draws come from the true distribution, so that nothing but the test itself
can be at fault. Takes 4 minutes.
"""

from __future__ import annotations

from lag_statistics.inputs import (
    INPUTS,
    OLDER,
    THIRD,
    Bilinear,
    Input,
    losses_of,
    truth,
)

# isort: split

from math import sqrt

import numpy as np
from oracles.record import Oracle
from scipy.stats import t

from rnnlens.attribution.dependence import cosine_count, cosine_error
from rnnlens.evidence.statistics.criterion import Criterion
from rnnlens.evidence.statistics.equivalence import equivalence
from rnnlens.evidence.statistics.horizon import horizon
from rnnlens.evidence.statistics.losses import Losses

__all__ = ["shares"]

ALPHA, SETS = 0.05, 500
#: Windows and loss of each setting.
SETTINGS = [(200, "squared"), (1000, "squared"), (200, "absolute"), (1000, "absolute")]
#: Seed of the first set, and of further sets where the first 500 lie beyond the target.
FIRST, AGAIN = 0, 10_000
#: What is counted, and whether it is an error of a test.
COUNTED = {
    "plain t tests: equivalent at the margin": False,
    "equivalent at the margin": True,
    "rests on too few windows": False,
    "horizon too short": True,
    "used, without effect on the error": True,
    "equivalent, without effect": False,
}


def plain(losses: Losses, margin: float) -> bool:
    """Say whether two one-sided t tests, as they are usually made, call lag 3 equivalent."""
    d = losses.change(THIRD).change
    count = cosine_count(len(d), 1.0)
    error, mean = cosine_error(d, count), float(d.mean())
    if error == 0:
        return abs(mean) < margin
    return float(t.sf((margin - abs(mean)) / error, count)) <= ALPHA


def shares(
    given: Input, sets: int, windows: int, loss: str, first: int = FIRST
) -> dict[str, float]:
    """Give the shares of sets in which each test says what is counted.

    Parameters
    ----------
    given : Input
        What the windows are like.
    sets, windows : int
        How many.
    loss : {"squared", "absolute"}
        Of the forecast's error.
    first : int
        Seed of the first set.

    Returns
    -------
    dict of str to float
        By what is counted.
    """
    edge, older = (truth(given, given.effect, part, loss) for part in (THIRD, OLDER))
    at_edge = Criterion(margin=edge, alpha=ALPHA)
    found = np.full((sets, len(COUNTED)), np.nan)
    for place in range(sets):
        losses = losses_of(given, given.effect, first + place, windows, loss)
        one = equivalence(losses, [THIRD], at_edge)
        found[place, :3] = (
            plain(losses, edge),
            one.verdict[0] == "equivalent",
            one.p_equivalent[0] >= 1,
        )
        if loss != "squared":  # on no other loss is there a use that is for nothing
            continue
        far = horizon(losses, Criterion(margin=older, alpha=ALPHA))
        vain = losses_of(given, 0.0, first + SETS + place, windows)
        unused = equivalence(vain, [THIRD], at_edge)
        found[place, 3:] = (
            far.looks_back < 3,
            unused.p_used[0] <= ALPHA,
            unused.verdict[0] == "equivalent",
        )
    means = zip(COUNTED, found.mean(axis=0).tolist(), strict=True)
    return {name: share for name, share in means if not np.isnan(share)}


def main() -> None:
    """Simulate every setting."""
    oracle = Oracle(
        "lag_test_size_by_input",
        f"share of {SETS} simulated sets in which a 5 % test says so; f = x_t-1 + 0.3 x_t-3, "
        "errors of the forecast autoregressive (0.3), 5 draws from the input's true distribution "
        "given the rest of the window (bilinear: normal draws), seeds from 0 on; target: 5 % and "
        "three standard errors of the simulation",
    )
    sets = 50 if oracle.quick else SETS
    most = ALPHA + 3 * sqrt(ALPHA * (1 - ALPHA) / sets)
    settings = [(given, *one, FIRST) for one in SETTINGS for given in INPUTS]
    unlucky = [(given, n) for given in INPUTS if isinstance(given, Bilinear) for n in (200, 1000)]
    settings += [(given, n, "squared", AGAIN) for given, n in unlucky]
    for given, windows, loss, first in settings:
        where = f"{given.title}, n={windows}, {loss} error"
        where += f", seeds from {first:,} on" if first else ""
        for name, share in shares(given, sets, windows, loss, first).items():
            oracle.figure(f"{where}: {name}", share, most=most if COUNTED[name] else None)
    oracle.save()


if __name__ == "__main__":
    main()
