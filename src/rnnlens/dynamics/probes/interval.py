"""What is left of a reading beyond its best control, and how sure that is.

*Selectivity* (after Hewitt and Liang 2019, "Designing and interpreting probes with control tasks")
is R2 less the best control's, both at least 0. Windows are drawn in blocks, and each control has an
interval of its own; that of the selectivity has the smallest of their lower and of their upper
ends, so that it lies above 0 only where the state beats every single control.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rnnlens.dynamics.memory.blocks import block_length, block_weights
from rnnlens.engine.operations.registry import Array

__all__ = ["DRAWS", "TAILS", "selectivity"]

#: Draws of blocks, and the quantiles that an interval lies between.
DRAWS, TAILS = 1000, (0.025, 0.975)


def selectivity(
    missed: Array,
    spread: Array,
    controls: Mapping[str, Array],
    rng: np.random.Generator,
    least: int,
) -> tuple[float, float, float]:
    """Give the selectivity and the ends of its interval.

    A control is the squared errors that it makes.

    Shapes: missed, spread (sample,) in the order of time, controls mapping of str to (sample,);
    least is the shortest block.
    """
    found = max(block_length(other - missed) for other in controls.values())
    length = max(min(least, len(missed) // 4), found)
    weights = block_weights(len(missed), length, DRAWS, rng)
    every = np.concatenate([weights, np.full((1, len(missed)), 1 / len(missed))])
    total = every @ spread

    def positive(errors: Array) -> Array:
        return np.maximum(1 - every @ errors / total, 0)

    own, ends = positive(missed), []
    for other in controls.values():
        # all draws, and the windows as they are
        *drawn, point = own - positive(other)
        ends.append([point, *np.quantile(drawn, TAILS)])
    point, low, high = np.min(ends, axis=0)
    return float(point), float(low), float(high)
