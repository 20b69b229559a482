"""Curves that a value is bent by before it is scaled: ``log1p``, and powers as statistics has them.

Both powers are those of scikit-learn's ``PowerTransformer``: Box and Cox (1964) for values above
zero, Yeo and Johnson (2000) for all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.errors import ConfigError, DataError

__all__ = ["KINDS", "Transform"]

#: What a transform may be called.
KINDS = ("log1p", "yeo_johnson", "box_cox")
#: The value that a kind takes no number at or below.
_LEAST = {"log1p": -1.0, "box_cox": 0.0}
#: A power this close to one where the formula divides by zero counts as that one.
_NEAR = 1e-20


@dataclass(frozen=True)
class Transform:
    """A curve that a value is bent by before it is scaled: rising, and undone exactly.

    Parameters
    ----------
    kind : {"log1p", "yeo_johnson", "box_cox"}
        Which.
    power : float
        Its lambda; of no meaning for ``log1p``.
    of : str
        The column that it is for, for messages.

    Raises
    ------
    ConfigError
        If the kind is none of these or the power is no finite number.

    Examples
    --------
    >>> Transform("log1p").apply([0.0, 1.0]).round(3).tolist()
    [0.0, 0.693]
    >>> Transform("box_cox", 0.5).undo(Transform("box_cox", 0.5).apply([4.0])).tolist()
    [4.0]
    """

    kind: str
    power: float = 0.0
    of: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"a transform must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if not isfinite(self.power):
            raise ConfigError(f"{self.kind} must be a finite number and is {self.power}")

    @property
    def label(self) -> str:
        """What stands before the unit of a value that was bent, such as ``log1p``."""
        return self.kind if self.kind == "log1p" else f"{self.kind} {self.power:g}"

    def unit(self, unit: str) -> str:
        """Give the unit of the values that come out.

        Examples
        --------
        >>> Transform("log1p").unit("mm")
        'log1p(mm)'
        """
        return self.label if unit == "-" else f"{self.label}({unit})"

    def apply(self, values: ArrayLike) -> NDArray[np.float64]:
        """Bend values."""
        x = np.asarray(values, dtype=np.float64)
        least = _LEAST.get(self.kind, -np.inf)
        # A root is a power above zero, and zero has one.
        root = self.kind == "box_cox" and self.power > 0
        outside = x < least if root else x <= least
        if outside.any():
            column = f"column {self.of!r}" if self.of else "a column"
            raise DataError(
                f"{column} holds {float(x[outside].flat[0]):g}, and {self.label} takes numbers "
                f"{'from' if root else 'above'} {least:g} alone; state the transform that the "
                "network was trained with, or take these rows out"
            )
        if self.kind == "log1p":
            return np.log1p(x)
        if self.kind == "box_cox":
            with np.errstate(divide="ignore"):
                return _bent(np.log(x), self.power)
        return np.where(
            x >= 0,
            _bent(np.log1p(np.maximum(x, 0)), self.power),
            -_bent(np.log1p(-np.minimum(x, 0)), 2 - self.power),
        )

    def undo(self, bent: ArrayLike) -> NDArray[np.float64]:
        """Take values back; what no value is bent to becomes infinite on its side."""
        y = np.asarray(bent, dtype=np.float64)
        with np.errstate(over="ignore"):
            if self.kind == "log1p":
                return np.expm1(y)
            if self.kind == "box_cox":
                return np.exp(_straight(y, self.power))
            above = np.expm1(_straight(np.maximum(y, 0), self.power))
            below = -np.expm1(_straight(-np.minimum(y, 0), 2 - self.power))
        return np.where(y >= 0, above, below)


def _bent(logarithm: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """Give ``(v**power - 1) / power`` from the logarithm of v: its limit is the logarithm."""
    if abs(power) < _NEAR:
        return logarithm
    return np.expm1(power * logarithm) / power


def _straight(bent: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """Give the logarithm back; beyond the last value that `_bent` reaches it is infinite."""
    if abs(power) < _NEAR:
        return bent
    inside = power * bent
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(inside > -1, np.log1p(np.maximum(inside, -1)) / power, -np.inf / power)
