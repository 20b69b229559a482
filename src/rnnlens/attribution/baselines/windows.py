"""Windows that something is made from, and which of their steps are data: padding never is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnlens.errors import DataError

__all__ = ["RealWindows"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RealWindows:
    """Windows, and which of their steps are data.

    Parameters
    ----------
    values : array (window, step, feature)
        The windows.
    real : array (window, step) of bool, optional
        Which steps are data; all of them where not given.
    """

    values: Array
    real: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, given: Array | RealWindows) -> RealWindows:
        """Take windows as they are, all of their steps data where nothing else is said."""
        return given if isinstance(given, RealWindows) else cls(given)

    @property
    def padded(self) -> bool:
        """Whether any step is padding."""
        return self.real is not None and not self.real.all()

    @property
    def steps(self) -> Array:
        """All steps that are data: as one window (1, row, feature) where some are padding."""
        return self.values[self.real][None] if self.padded else self.values

    @property
    def whole(self) -> Array:
        """The windows without padding: (window, step, feature)."""
        if self.real is None or not self.padded:
            return self.values
        whole = self.values[self.real.all(axis=1)]
        if not len(whole):
            raise DataError(
                "every background window holds padding, which is no data: give windows of "
                f"{self.values.shape[1]} real steps"
            )
        return whole
