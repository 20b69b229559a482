"""What tests lose where a long question is thinned: one draw a window, and some of the windows.

Tables of long windows keep one draw in the place of five, and then test windows that lie evenly
spaced among all of them. Beside everything stand one draw in all windows, and one in every fourth.

Run it from ``benchmarks``: ``python -m lag_statistics.thinned``. Takes some minutes.
"""

from __future__ import annotations

from lag_statistics.simulate import linear_network, losses_of, simulate, true_change

# isort: split

import numpy as np
from oracles.record import Oracle

from rnnlens.evidence.statistics.criterion import Criterion
from rnnlens.evidence.statistics.equivalence import equivalence
from rnnlens.evidence.statistics.parts import lag_parts

SETS, ALPHA, MARGIN, R, WINDOWS = 200, 0.05, 0.05, 0.3, 2000
#: True change of the error, in margins.
PLACES = (0.0, 0.5, 1.0, 1.5, 2.0)
PART = lag_parts((4, 1), lags=[2])
#: Draws a window, and which windows are tested.
WAYS = {
    "five draws, all windows": (5, 1),
    "one draw, all windows": (1, 1),
    "one draw, every fourth window": (1, 4),
}


def main() -> None:
    """Simulate every way of thinning at every place."""
    oracle = Oracle(
        "lag_test_thinned",
        f"share of {SETS} simulated sets of {WINDOWS} windows in which lag 2 is found equivalent, "
        f"or used, at 5 %; margin {MARGIN} of the error's variance of 1, errors autoregressive "
        f"({R}), seeds 0 to {SETS - 1}",
    )
    sets = SETS // 10 if oracle.quick else SETS
    for place in PLACES:
        for way, (draws, every) in WAYS.items():
            equivalent, used = _shares(sets, place, draws, every)
            for verdict, value, wrong in (
                ("equivalent", equivalent, place >= 1),
                ("used", used, place == 0),
            ):
                oracle.figure(
                    f"true change {place:g} margins, {way}: found {verdict}",
                    value,
                    most=0.08 if wrong else None,
                )
    oracle.save()


def _shares(sets: int, place: float, draws: int, every: int) -> tuple[float, float]:
    """Give the share of sets found equivalent, and found used."""
    unit = np.array([0.4, 1.0, 0.0, 0.2])
    unit[1] = np.sqrt(place * MARGIN / true_change(unit, [2]))
    given = unit.copy()
    if not place:  # the network uses it all the same, as at a quarter of the margin: for nothing
        given[1] = np.sqrt(MARGIN / 4 / true_change(np.array([0.0, 1.0, 0.0, 0.0]), [2]))
    network, found = linear_network(given), np.zeros((sets, 2))
    for seed in range(sets):
        x, y = simulate(seed, WINDOWS, unit, R)
        losses = losses_of(network, x[::every], y[::every], seed, draws=draws)
        one = equivalence(losses, PART, Criterion(margin=MARGIN))
        found[seed] = one.p_equivalent[0] <= ALPHA, one.p_used[0] <= ALPHA
    equivalent, used = found.mean(axis=0)
    return float(equivalent), float(used)


if __name__ == "__main__":
    main()
