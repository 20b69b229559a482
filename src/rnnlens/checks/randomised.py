"""Whether contributions come from what was learned: the check by randomised weights.

Adebayo et al. 2018 ("Sanity checks for saliency maps"): weights are replaced by random ones, layer
after layer from the output down, each time keeping those replaced before, and the contributions are
compared with those of the trained network by rank correlation. Contributions that stay alike
describe the window or the architecture and not what was learned.

Every learned array is replaced by draws from a normal distribution with its own root mean square;
moments and scalers stay. The signed correlation is the one that matters. That of absolute values
may stay high for a good reason: any network that forgets gives recent steps more, and an input
that is far from its baseline counts for more under any weights. Of windows with more numbers than
`ENTRIES` so many are ranked, evenly taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.question import Question
from rnnlens.checks.attributions import Attribute, rank_correlation
from rnnlens.engine.random_weights import learned_layers, with_random_weights
from rnnlens.engine.schedule.plan import evenly
from rnnlens.errors import NotAdditive
from rnnlens.names import declared

__all__ = ["ENTRIES", "Randomised", "randomised"]

#: Lags and features of a window that are ranked: evenly taken where there are more.
ENTRIES = 8192


@dataclass(frozen=True, eq=False, kw_only=True)
class Randomised:
    """How alike contributions stay as weights become random, from the output down.

    Parameters
    ----------
    randomised : array (layer,)
        Mean rank correlation with the trained network's contributions by lag and feature, once
        this layer and all after it have random weights.
    randomised_size : array (layer,)
        The same of absolute values.
    randomised_layers : tuple of str
        The layers, from the output down.
    """

    randomised: Array = declared("layer", long_name="rank correlation with randomised weights")
    randomised_size: Array = declared(
        "layer", long_name="rank correlation of sizes with randomised weights"
    )
    randomised_layers: tuple[str, ...]


def randomised(
    question: Question,
    attribute: Attribute,
    contribution: Array,
    *,
    draws: int = 5,
    seed: int = 0,
) -> Randomised:
    """Compare contributions with those of networks with random weights.

    Shapes: contribution (sample, lag, feature).
    """
    layers = learned_layers(question.network)
    rows = contribution.reshape(len(contribution), -1)
    chosen = evenly(rows.shape[1], ENTRIES)
    rows = rows[:, chosen]
    signed, size = np.full((2, len(layers), draws), np.nan)
    for place in range(len(layers)):
        for draw in range(draws):
            changed = with_random_weights(question.network, layers[: place + 1], seed + draw)
            try:
                changed_rows = attribute(replace(question, network=changed))
            except NotAdditive:  # random weights may amplify rounding beyond any use
                continue
            other = changed_rows.reshape(len(rows), -1)[:, chosen]
            signed[place, draw] = _mean(rank_correlation(rows, other))
            size[place, draw] = _mean(rank_correlation(np.abs(rows), np.abs(other)))
    return Randomised(
        randomised=np.array([_mean(row) for row in signed]),
        randomised_size=np.array([_mean(row) for row in size]),
        randomised_layers=layers,
    )


def _mean(values: Array) -> float:
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else float("nan")
