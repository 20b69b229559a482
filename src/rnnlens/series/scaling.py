"""Between the user's units and the network's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.errors import DataError

__all__ = ["Scaling"]


@dataclass(frozen=True, eq=False)
class Scaling:
    """The straight line between original units and network units.

    ``network = (original - mean) / scale``, one mean and one scale for each entry of the last axis.

    Parameters
    ----------
    mean : array (feature,)
        What becomes zero, in original units.
    scale : array (feature,)
        What becomes one unit, in original units; above zero.

    Raises
    ------
    DataError
        If the two differ in shape, or a value is not finite, or a scale is not above zero.

    Examples
    --------
    >>> fahrenheit = Scaling([50.0], [20.0])
    >>> fahrenheit.apply([[70.0]])
    array([[1.]])
    >>> fahrenheit.undo([[1.0]]), fahrenheit.undo_change([[1.0]])
    (array([[70.]]), array([[20.]]))
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    def __init__(self, mean: ArrayLike, scale: ArrayLike) -> None:
        for name, given in (("mean", mean), ("scale", scale)):
            values = np.array(given, dtype=np.float64, ndmin=1)
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        if self.mean.shape != self.scale.shape or self.mean.ndim != 1:
            raise DataError(
                f"a scaling needs one mean and one scale for each feature; it got means of shape "
                f"{self.mean.shape} and scales of shape {self.scale.shape}"
            )
        sound = np.isfinite(self.mean) & np.isfinite(self.scale) & (self.scale > 0)
        if not sound.all():
            at = int(np.flatnonzero(~sound)[0])
            raise DataError(
                f"a scaling needs finite means and scales above 0; entry {at} has mean "
                f"{self.mean[at]} and scale {self.scale[at]}"
            )

    def __len__(self) -> int:
        """Give the number of features."""
        return len(self.mean)

    def __getitem__(self, entries: int | slice | list[int]) -> Scaling:
        """Give the scaling of some entries alone."""
        return Scaling(self.mean[entries], self.scale[entries])

    def apply(self, original: ArrayLike) -> NDArray[np.float64]:
        """Take values from original units to network units.

        Shapes: original (..., feature) -> (..., feature).
        """
        return (self._fitting(original) - self.mean) / self.scale

    def undo(self, scaled: ArrayLike) -> NDArray[np.float64]:
        """Take values from network units back to original units.

        Shapes: scaled (..., feature) -> (..., feature).
        """
        return self._fitting(scaled) * self.scale + self.mean

    def undo_change(self, change: ArrayLike) -> NDArray[np.float64]:
        """Take differences from network units back to original units: the mean cancels.

        Shapes: change (..., feature) -> (..., feature).
        """
        return self._fitting(change) * self.scale

    def _fitting(self, values: ArrayLike) -> NDArray[np.float64]:
        array = np.asarray(values, dtype=np.float64)
        if array.ndim == 0 or array.shape[-1] != len(self):
            raise DataError(
                f"an array of shape {array.shape} does not fit a scaling of {len(self)}: its last "
                f"axis must have length {len(self)}"
            )
        return array
