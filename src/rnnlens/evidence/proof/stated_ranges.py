"""Ranges as a user states them: in the features' own units, or by what the data did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.errors import DataError, InputError
from rnnlens.evidence.proof.ranges import (
    Ends,
    Ranges,
    around,
    between_quantiles,
    checked_places,
    values_at,
)
from rnnlens.names import clauses, told

__all__ = ["FeatureScaling", "Span", "StatedRanges", "not_freed"]

Array = NDArray[np.float64]
#: The error of a sensor, or the ends of a range.
Span = float | tuple[float, float]


class FeatureScaling(Protocol):
    """The straight line between the features' own units and the network's."""

    @property
    def straight(self) -> bool:
        """Whether it is a line alone, without a curve before it."""
        ...

    @property
    def scale(self) -> Array:
        """What is one network unit of each feature."""
        ...

    def __getitem__(self, entries: list[int]) -> FeatureScaling:
        """Give the scaling of some features alone."""
        ...

    def apply(self, original: ArrayLike) -> Array:
        """Take values to network units: (..., feature)."""
        ...

    def undo(self, scaled: ArrayLike) -> Array:
        """Take values back from network units: (..., feature)."""
        ...


def not_freed(name: str) -> str:
    """Say that a feature has no range to run through."""
    return told("{name} never changes and was not freed", name=name)


@dataclass(frozen=True, eq=False, kw_only=True)
class StatedRanges:
    """What features run through, as it was stated.

    Parameters
    ----------
    features : tuple of str
        Names of all features.
    given : float, pair of float, or mapping of feature to either, optional
        In the feature's own unit: the error of a sensor, or the ends.
    quantiles : tuple of float
        Of the data, where nothing is given.
    data : array (sample, step, feature)
        In network units.
    units : tuple of str, optional
        The features' own, where they are known.
    scaling : FeatureScaling, optional
        From these to network units; none where they are the same.
    """

    features: tuple[str, ...]
    given: Span | Mapping[str, Span] | None
    quantiles: tuple[float, float]
    data: Array
    units: tuple[str, ...] | None = None
    scaling: FeatureScaling | None = None

    @property
    def text(self) -> str:
        """What a range is where none is given."""
        low, high = (f"{100 * share:g}" for share in self.quantiles)
        return told("{low} to {high} % of the data", low=low, high=high)

    def constant(self, x: Array, free: Sequence[int]) -> list[int]:
        """Give features that have no range: none is stated, and they never change.

        Shapes: x (sample, step, feature).
        """

        def still(feature: int) -> bool:
            first = x[:1, :1, feature]
            same = (x[:, :, feature] == first).all() and (self.data[:, :, feature] == first).all()
            return bool(same)

        return [feature for feature in free if self._given(feature) is None and still(feature)]

    def _given(self, feature: int) -> Span | None:
        """Give what was stated for a feature."""
        if isinstance(self.given, Mapping):
            return self.given.get(self.features[feature])
        return self.given

    def check_names(self, free: Sequence[int]) -> None:
        """Refuse ranges of features that are not free."""
        if not isinstance(self.given, Mapping):
            return
        names = [self.features[feature] for feature in free]
        for name in self.given:
            if name not in names:
                raise DataError(
                    f"a range is given for {name!r}, which is not free: free are {', '.join(names)}"
                )

    def of_these(self, x: Array, lags: Sequence[int], free: Sequence[int]) -> tuple[Ranges, str]:
        """Give the ranges of all features that are free; a name among them that is not is refused.

        Shapes: x (sample, step, feature).
        """
        checked_places((x.shape[1], x.shape[2]), lags, free)
        self.check_names(free)
        return self.ranges(x, lags, free)

    def ranges(self, x: Array, lags: Sequence[int], free: Sequence[int]) -> tuple[Ranges, str]:
        """Give the ranges in network units, and say what they are: x (sample, step, feature)."""
        own = values_at(x, lags, free)
        low, high, texts = np.empty_like(own), np.empty_like(own), []
        for k, feature in enumerate(free):
            part = slice(k, k + 1)
            (low[:, :, part], high[:, :, part]), text = self._range(feature, own[:, :, part], lags)
            texts.append(told("{name}: {fact}", name=self.features[feature], fact=text))
        return Ranges(lags, free, low, high), clauses(texts)

    def _range(self, feature: int, own: Array, lags: Sequence[int]) -> tuple[Ends, str]:
        """Give the range of one feature, (sample, lag, 1) each end, and say what it is."""
        name = self.features[feature]
        given = self._given(feature)
        if given is None:
            return between_quantiles(self.data, own, [feature], self.quantiles), self.text
        scaling = None if self.scaling is None else self.scaling[[feature]]
        known = "-" if self.units is None else self.units[feature]
        unit = "" if known in {"", "-"} else f" {known}"
        numbers = np.asarray(given, float)
        if numbers.ndim == 0:
            text = told("own value +- {error:g}{unit}", error=float(numbers), unit=unit)
            if scaling is not None and not scaling.straight:
                low, high = around(scaling.undo(own), numbers)
                return (scaling.apply(low), scaling.apply(high)), text
            error = numbers if scaling is None else numbers / scaling.scale
            return around(own, error), text
        if numbers.shape != (2,):
            raise InputError(
                f"a range is one number (the error of a sensor) or two (its ends), not {given!r}"
            )
        stated = _StatedEnds(name, unit, float(numbers[0]), float(numbers[1]))
        stated.check(own if scaling is None else scaling.undo(own), lags)
        ends = numbers[:, None] if scaling is None else scaling.apply(numbers[:, None])
        return (ends[0], ends[1]), stated.text


@dataclass(frozen=True)
class _StatedEnds:
    """The ends of one feature's range, in its own unit."""

    feature: str
    unit: str
    low: float
    high: float

    @property
    def text(self) -> str:
        return f"{self.low:g} to {self.high:g}{self.unit}"

    def check(self, own: Array, lags: Sequence[int]) -> None:
        """Refuse ends that are empty or do not hold a window's own value."""
        if not self.low < self.high:
            raise DataError(
                f"the range of {self.feature} is empty: it goes from {self.low:g} to "
                f"{self.high:g}{self.unit}"
            )
        outside = np.argwhere((own < self.low) | (own > self.high))
        if len(outside):
            n, k = int(outside[0][0]), int(outside[0][1])
            raise DataError(
                f"the range from {self.text} does not hold the own value "
                f"{own[n, k, 0]:.4g}{self.unit} of {self.feature} in window {n} at lag {lags[k]}: "
                "a certificate compares with it"
            )
