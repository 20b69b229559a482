"""On how many windows the mean change of a loss rests.

Where the input is zero but in a few windows, such as rain or an alarm, the change of the loss is
carried by these alone, and a small sample of them has a small mean and a small error at once: two
one-sided t tests then call large changes small. So it is counted, for the changes d of the loss,

    (sum |d|)^2 / sum d^2 / L

which is n for changes of one size, the number of windows with a change where the others have none,
and fewer where some weigh more than others (the participation ratio); L is the length of the
dependence between windows (`rnnlens.attribution.dependence`). The same is counted for how far the
forecast moved, which depends on the inputs and on their draws but on no actual: draws show what
rare values do even where the windows tested hold few of them. The smaller of both counts.

From fewer than ``FEW`` windows nothing is called equivalent, unless no single window changed by as
much as the margin, and use is claimed at a fifth of the level only. ``docs/lag_tests.md`` says how
often the tests then err.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.dependence import dependence_length

__all__ = ["FEW", "FROM_FEW", "few_note", "resting_on"]

Array = NDArray[np.float64]

#: Windows that a change must rest on for a claim that it is small.
FEW = 30
#: From fewer, a p-value of use counts so many times: no t test is exact for so few.
FROM_FEW = 5


def resting_on(sizes: Array) -> float:
    """Give the number of windows that a mean rests on: sizes (sample,), NaN where all are zero.

    Examples
    --------
    >>> import numpy as np
    >>> resting_on(np.ones(50)), round(resting_on(np.eye(50)[7]), 12)
    (50.0, 1.0)
    """
    largest = float(np.max(sizes))
    if largest == 0:
        return float("nan")
    scaled = sizes / largest  # so that no square vanishes
    count = float(scaled.sum() ** 2 / (scaled**2).sum())
    return count / dependence_length(sizes)


def few_note(windows: float) -> str:
    """Say that a change rests on too few windows to be called small.

    Examples
    --------
    >>> few_note(7.6)
    'the change rests on about 8 windows, and is called small from 30 on'
    """
    count = max(1, round(windows))
    some = "1 window" if count == 1 else f"{count} windows"
    return f"the change rests on about {some}, and is called small from {FEW} on"
