"""How often the tests of lags are wrong where the truth lies at the edge of what they deny.

Run it from ``benchmarks``: ``python -m lag_statistics.size``. Takes some minutes.
"""

from __future__ import annotations

from lag_statistics.simulate import OTHERS, linear_network, losses_of, simulate, true_change

# isort: split

from dataclasses import replace
from math import sqrt

import numpy as np
from oracles.record import Oracle

from rnnlens.evidence.statistics.criterion import Criterion
from rnnlens.evidence.statistics.equivalence import equivalence
from rnnlens.evidence.statistics.horizon import horizon
from rnnlens.evidence.statistics.parts import lag_parts

__all__ = ["shares"]

ALPHA, SETS = 0.05, 500
#: Coefficients of lags 1 to 4: lags 3 and 4 together are the margin of the horizon.
B = np.array([0.5, 0.3, 0.25, 0.1])
NETWORK = linear_network(B)
SECOND, THIRD = lag_parts((4, 1), lags=[2, 3])
#: Windows, correlation of neighbouring errors, their noise, how the error of a mean is estimated,
#: and the windows that the sampler is made from, in tested ones.
SETTINGS = [
    *((n, r, "normal", "cosine", OTHERS) for n in (300, 1000, 3000) for r in (0.0, 0.5, 0.9)),
    (1000, 0.5, "t", "cosine", OTHERS),
    (300, 0.5, "normal", "newey-west", OTHERS),
    (300, 0.5, "normal", "bootstrap", OTHERS),
    (300, 0.5, "normal", "cosine", 0),
    (1000, 0.5, "normal", "cosine", 0),
]


def shares(
    sets: int, windows: int, r: float, noise: str, errors: str, others: int
) -> dict[str, float]:
    """Give the shares of sets in which each test is wrong.

    Parameters
    ----------
    sets, windows : int
        How many.
    r : float
        Correlation of neighbouring errors.
    noise, errors : str
        Of the errors, and how the error of a mean is estimated.
    others : int
        Windows that the sampler is made from, in tested ones; 0 for the tested ones themselves.

    Returns
    -------
    dict of str to float
        By what is wrongly claimed; and how often the 90 % interval holds the truth.
    """
    edge = true_change(B, [2])
    wrong = np.zeros((sets, 4))
    for seed in range(sets):
        x, y = simulate(seed, windows, B, r, noise)
        losses = losses_of(NETWORK, x, y, seed, others=others)
        at_edge = Criterion(margin=edge, alpha=ALPHA, errors=errors)
        one = equivalence(losses, [SECOND], at_edge)
        vain = losses_of(NETWORK, x, y - B[2] * x[:, 1, 0], seed, others=others)
        other = equivalence(vain, [THIRD], Criterion(alpha=ALPHA, errors=errors))
        far = horizon(losses, replace(at_edge, margin=true_change(B, [3, 4])))
        held = one.change_low[0] <= edge <= one.change_high[0]
        wrong[seed] = (
            one.p_equivalent[0] <= ALPHA,
            other.p_used[0] <= ALPHA,
            far.looks_back < 3,
            held,
        )
    names = (
        "equivalent at the margin",
        "used, without effect on the error",
        "horizon too short",
        "90 % interval holds the truth",
    )
    return dict(zip(names, wrong.mean(axis=0).tolist(), strict=True))


def main() -> None:
    """Simulate every setting."""
    sets = 50 if (oracle := _oracle()).quick else SETS
    chance = 3 * sqrt(ALPHA * (1 - ALPHA) / sets)
    for windows, r, noise, errors, others in SETTINGS:
        found = shares(sets, windows, r, noise, errors, others)
        where = f"n={windows}, r={r}, {noise} noise, {errors}"
        where += "" if others else ", sampler of the tested windows"
        for name, share in found.items():
            level = "interval" not in name
            oracle.figure(
                f"{where}: {name}",
                share,
                most=ALPHA + chance if level and errors == "cosine" and others else None,
            )
    oracle.save()


def _oracle() -> Oracle:
    return Oracle(
        "lag_test_size",
        f"share of {SETS} simulated sets in which a test at 5 % is wrong; x autoregressive (0.5), "
        "errors of the forecast autoregressive (r), a linear network of four lags, Gaussian "
        f"replacement made from {OTHERS} times as many other windows, 5 draws, seeds 0 to 499; "
        "target: 5 % and three standard errors of the simulation, for the default errors",
    )


if __name__ == "__main__":
    main()
