"""The losses of a forecast's error, by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import InputError
from rnnlens.names import told

__all__ = ["LOSSES", "LOSS_TEXTS", "check_loss"]

Array = NDArray[np.float64]

#: What each makes of the forecast's error.
LOSSES: dict[str, Callable[[Array], Array]] = {"squared": np.square, "absolute": np.abs}
#: What sentences call them.
LOSS_TEXTS = {"squared": told("squared"), "absolute": told("absolute")}


def check_loss(loss: str) -> None:
    """Refuse a loss that is none."""
    if loss not in LOSSES:
        raise InputError(f"the loss must be one of {', '.join(LOSSES)}, but is {loss!r}")
