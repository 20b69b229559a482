"""How long neighbouring windows depend on each other, and the error of a mean that allows for it.

The dependence length of a series of sizes is

    L = 1 + 2 * sum over k = 1 .. n^(1/2) of r_k,    r_k the autocorrelation of the ranks,

so that n windows say about as much as n / L independent ones; 1 where the sum is within two
standard errors of none. Ranks, because sizes are skewed: one storm would hide all else. Sizes,
because a series without any correlation may still be calm for long and wild for long, and it is
that which makes the error of its mean uncertain.

The error of a mean is the mean square of the first v cosine coefficients (Lazarus, Lewis, Stock
and Watson 2018, "HAR inference: recommendations for practice"), with Student's t of v degrees of
freedom; v = 0.4 n^(2/3) / L: slow dependence shows in the slowest cosines alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST_COSINES", "LENGTHS", "cosine_count", "cosine_error", "dependence_length"]

Array = NDArray[np.float64]

#: Cosine coefficients that an error is estimated from at least.
FEWEST_COSINES = 4
#: Windows, in lengths of their dependence, from which an error of a mean is taken to be known.
LENGTHS = 40


def dependence_length(sizes: Array) -> float:
    """Give the windows over which neighbours depend: sizes (sample,).

    Examples
    --------
    >>> import numpy as np
    >>> calm_and_wild = np.repeat(np.random.default_rng(0).exponential(size=50), 20)
    >>> dependence_length(np.random.default_rng(1).exponential(size=1000))
    1.0
    >>> 15 < dependence_length(calm_and_wild) < 25
    True
    """
    from scipy.fft import irfft, next_fast_len, rfft
    from scipy.stats import rankdata

    n = len(sizes)
    if np.ptp(sizes) == 0:
        return 1.0
    ranks = rankdata(sizes) - (n + 1) / 2
    lags = int(n**0.5)
    room = next_fast_len(n + lags, real=True)  # so that the ends do not meet
    spectrum = np.asarray(rfft(ranks, room))
    products = np.asarray(irfft(np.abs(spectrum) ** 2, room))[: lags + 1]
    total = float(products[1:].sum() / products[0])
    return 1 + 2 * total if total > 2 * (lags / n) ** 0.5 else 1.0


def cosine_count(windows: int, length: float) -> int:
    """Give how many cosine coefficients estimate the error of a mean, for a dependence length."""
    return min(max(FEWEST_COSINES, int(0.4 * windows ** (2 / 3) / length)), windows - 1)


def cosine_error(d: Array, count: int) -> float:
    """Give the standard error of a mean from the first cosine coefficients: d (sample,)."""
    from scipy.fft import dct

    # numbers that are all the same have that as their mean, without rounding
    away = d - (d[0] if np.ptp(d) == 0 else d.mean())
    coefficients = np.asarray(dct(away, type=2, norm="ortho"))[1 : count + 1]
    return float(np.sqrt(np.mean(coefficients**2) / len(d)))
