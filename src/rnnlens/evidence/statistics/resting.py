"""On how many windows the mean change of a loss rests.

Where the input is zero but in a few windows, such as rain or an alarm, the change of the loss is
carried by these alone, and a small sample of them has a small mean and a small error at once: two
one-sided t tests then call large changes small. So it is counted, for the changes d of the loss,

    (sum |d|)^2 / sum d^2 / L

which is n for changes of one size, the number of windows with a change where the others have none,
and fewer where some weigh more than others (the participation ratio). The same is counted for how
far the forecast moved, which depends on the inputs and on their draws but on no actual: draws show
what rare values do even where the windows tested hold few of them. The smaller of both counts. L is
the length of the dependence between windows, of how far the forecast moved
(`rnnlens.attribution.dependence`).

From fewer than ``FEW`` windows nothing is called equivalent, unless no single window changed by as
much as the margin, and use is claimed at a fifth of the level only.

Where moves have heavy tails a sample lacks the largest, and its mean and error are too small
together, however many windows there are. How uneven the moves are is known better than how uneven
the changes are: among the windows that moved, the number of them by the number that carries them,

    u = #{m > mean(m) / 20} sum m^2 / (sum m)^2,

is 1 for moves of one size, about 1.8 for the squared moves that normal inputs make, and 2 to 8 for
bilinear ones. Beyond 1.9 the tails are heavy, by h = u / 1.9: then ``FEW`` is multiplied by h^4, up
to ``ENOUGH``, and the error of the mean by 1 + (h - 1) ``ENOUGH`` / (windows that carry it), at
most h: with many windows the tails are in the sample. ``docs/lag_tests.md`` says how often the
tests then err.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.names import counted

__all__ = [
    "FEW",
    "FROM_FEW",
    "few_note",
    "heavy_tails",
    "stretched",
    "windows_carrying",
    "windows_needed",
]

Array = NDArray[np.float64]

#: Windows that a change must rest on for a claim that it is small.
FEW = 30
#: From fewer, a p-value of use counts so many times: no t test is exact for so few.
FROM_FEW = 5
#: From so many, tails are known well enough.
ENOUGH = 100
#: How uneven the moves are that normal inputs make.
USUAL = 1.9
#: Moves below this share of their mean count as none.
NO_MOVE = 0.05


def windows_carrying(sizes: Array) -> float:
    """Give how many windows carry a mean: sizes (sample,), NaN where all are zero.

    Examples
    --------
    >>> import numpy as np
    >>> windows_carrying(np.ones(50)), round(windows_carrying(np.eye(50)[7]), 12)
    (50.0, 1.0)
    """
    largest = float(np.max(sizes))
    if largest == 0:
        return float("nan")
    scaled = sizes / largest  # so that no square vanishes
    return float(scaled.sum() ** 2 / (scaled**2).sum())


def heavy_tails(moved: Array) -> float:
    """Give how much more uneven moves are than those of normal inputs, at least 1: moved (sample,).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> heavy_tails(np.ones(50)), heavy_tails(rng.normal(size=500) ** 2 + 1)
    (1.0, 1.0)
    >>> heavy_tails(rng.pareto(2, size=500) ** 2) > 3
    True
    """
    moves = int((moved > NO_MOVE * moved.mean()).sum())
    return max(1.0, moves / windows_carrying(moved) / USUAL) if moves else 1.0


def windows_needed(heaviness: float) -> int:
    """Give the windows that a change must rest on for a claim that it is small.

    Examples
    --------
    >>> windows_needed(1.0), windows_needed(1.2), windows_needed(2.0)
    (30, 63, 100)
    """
    return int(np.ceil(min(FEW * min(heaviness, 2.0) ** 4, ENOUGH)))


def stretched(heaviness: float, windows: float) -> float:
    """Give what the error of a mean is multiplied by, for the windows that carry it.

    Examples
    --------
    >>> stretched(1.0, 500), stretched(2.0, 80), stretched(2.0, 400)
    (1.0, 2.0, 1.25)
    """
    return 1 + (heaviness - 1) * min(1.0, ENOUGH / windows)


def few_note(windows: float, needed: int = FEW) -> str:
    """Say that a change rests on too few windows to be called small.

    Examples
    --------
    >>> few_note(7.6)
    'the change rests on about 8 windows, and is called small from 30 on'
    """
    count = max(1, round(windows))
    return counted(
        count,
        "the change rests on about {count} window, and is called small from {needed} on",
        "the change rests on about {count} windows, and is called small from {needed} on",
        needed=needed,
    )
