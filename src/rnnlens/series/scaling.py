"""Between the user's units and the network's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.errors import DataError
from rnnlens.series.transform import Transform

__all__ = ["Scaling"]


@dataclass(frozen=True, eq=False)
class Scaling:
    """The line between original units and network units, behind a curve where one is given.

    ``network = (original - mean) / scale``, one mean and one scale for each entry of the last axis;
    with a transform ``(transform(original) - mean) / scale``.

    Parameters
    ----------
    mean : array (feature,)
        What becomes zero, in original units.
    scale : array (feature,)
        What becomes one unit, in original units; above zero.
    transforms : sequence of Transform or None, optional
        What bends each feature's values before; none where not given.

    Raises
    ------
    DataError
        If they differ in shape, or a value is not finite, or a scale is not above zero.

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
    transforms: tuple[Transform | None, ...]

    def __init__(
        self, mean: ArrayLike, scale: ArrayLike, transforms: Sequence[Transform | None] = ()
    ) -> None:
        for name, given in (("mean", mean), ("scale", scale)):
            values = np.array(given, dtype=np.float64, ndmin=1)
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        if self.mean.shape != self.scale.shape or self.mean.ndim != 1:
            raise DataError(
                f"a scaling needs one mean and one scale for each feature; it got means of shape "
                f"{self.mean.shape} and scales of shape {self.scale.shape}"
            )
        object.__setattr__(self, "transforms", tuple(transforms) or (None,) * len(self.mean))
        if len(self.transforms) != len(self.mean):
            raise DataError(
                f"a scaling of {len(self.mean)} features needs as many transforms, None where "
                f"there is none; it got {len(self.transforms)}"
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
        bent = np.array([*self.transforms, None], dtype=object)[:-1][entries]
        return Scaling(self.mean[entries], self.scale[entries], np.atleast_1d(bent).tolist())

    @property
    def line(self) -> Scaling:
        """The line alone: between the network's units and what the transforms give."""
        return Scaling(self.mean, self.scale)

    @property
    def straight(self) -> bool:
        """Whether no transform bends the values."""
        return all(transform is None for transform in self.transforms)

    def apply(self, original: ArrayLike) -> NDArray[np.float64]:
        """Take values from original units to network units.

        Shapes: original (..., feature) -> (..., feature).
        """
        bent = self._each(self._fitting(original), Transform.apply)
        return (bent - self.mean) / self.scale

    def undo(self, scaled: ArrayLike) -> NDArray[np.float64]:
        """Take values from network units back to original units.

        Shapes: scaled (..., feature) -> (..., feature).
        """
        straight = self._fitting(scaled) * self.scale
        straight += self.mean  # in place: windows in original units are one more array, not two
        return self._each(straight, Transform.undo)

    def undo_windows(self, scaled: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take windows back to original units, rows that they share once, and only to be read.

        Windows cut from a table lie over one another in it: laid out one by one they take as many
        times its memory as a window has steps.

        Shapes: scaled (sample, step, feature) -> (sample, step, feature).
        """
        samples, steps, features = scaled.shape
        row, _, number = scaled.strides
        if not scaled.size or samples == 1 or scaled.strides[1] != row:
            return self.undo(scaled)
        one = np.lib.stride_tricks.as_strided
        rows = one(scaled, (samples + steps - 1, features), (row, number), writeable=False)
        undone = np.ascontiguousarray(self.undo(rows))
        row, number = undone.strides
        return one(undone, scaled.shape, (row, row, number), writeable=False)

    def undo_change(self, change: ArrayLike) -> NDArray[np.float64]:
        """Take differences from network units back to original units: the mean cancels.

        Where a transform bends the values, differences are of what it gives: a difference of the
        values themselves depends on where it begins.

        Shapes: change (..., feature) -> (..., feature).
        """
        return self._fitting(change) * self.scale

    def _each(
        self,
        values: NDArray[np.float64],
        step: Callable[[Transform, NDArray[np.float64]], NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        """Bend the features that have a transform, or take them back."""
        if self.straight:
            return values
        bent = values.copy()
        for feature, transform in enumerate(self.transforms):
            if transform is not None:
                bent[..., feature] = step(transform, values[..., feature])
        return bent

    def _fitting(self, values: ArrayLike) -> NDArray[np.float64]:
        array = np.asarray(values, dtype=np.float64)
        if array.ndim == 0 or array.shape[-1] != len(self):
            raise DataError(
                f"an array of shape {array.shape} does not fit a scaling of {len(self)}: its last "
                f"axis must have length {len(self)}"
            )
        return array
