"""Many lags are asked about at once: p-values corrected for that.

``holm``  the chance of one wrong verdict or more is held at alpha, whatever the dependence between
          lags (Holm 1979)
``by``    the expected share of wrong verdicts among those given is held at alpha, whatever the
          dependence (Benjamini and Yekutieli 2001)
``none``  each lag is judged by itself
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import InputError
from rnnlens.names import told

__all__ = ["CORRECTIONS", "adjusted", "check_correction"]

Array = NDArray[np.float64]

#: What each correction is called, in full.
CORRECTIONS = {
    "holm": told("Holm (family-wise error)"),
    "by": told("Benjamini-Yekutieli (false discovery rate)"),
    "none": told("none (each by itself)"),
}


def adjusted(p: Array, correction: str) -> Array:
    """Correct p-values for their number.

    Shapes: p (part,) -> (part,).

    Examples
    --------
    >>> import numpy as np
    >>> adjusted(np.array([0.01, np.nan, 0.04]), "holm")
    array([0.02,  nan, 0.04])
    """
    check_correction(correction)
    corrected = np.array(p, dtype=np.float64)
    tested = ~np.isnan(corrected)
    if correction != "none" and tested.sum() > 1:  # one is corrected for none
        corrected[tested] = (_holm if correction == "holm" else _by)(corrected[tested])
    return corrected


def _holm(p: Array) -> Array:
    """Step down: the smallest of n counts n times, the next n - 1 times, none less than before."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def _by(p: Array) -> Array:
    from scipy.stats import false_discovery_control

    return false_discovery_control(p, method="by")


def check_correction(correction: str) -> None:
    """Refuse a correction that is none."""
    if correction not in CORRECTIONS:
        raise InputError(
            f"the correction must be one of {', '.join(CORRECTIONS)}, but is {correction!r}"
        )
