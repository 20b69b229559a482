"""Scalings written as plain numbers under names: in JSON, in an ``.npz``, in a dict."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rnnlens.series.scalers.inert import Refused, shown
from rnnlens.series.scalers.lines import (
    Columns,
    between,
    entries_of,
    numbers_of,
    straight,
    texts_of,
)

__all__ = ["columns_of_numbers", "is_scaling"]

MEANS = ("mean", "means", "mu", "center")
SCALES = ("std", "stds", "stdev", "sd", "sigma")
NAMES = ("feature_names_in_", "feature_names", "features", "columns", "names")
#: By which names a mapping is known to state a scaling.
TELLING = {
    *MEANS,
    *SCALES,
    *(f"{name}_" for name in ("mean", "center", "std", "scale", "var", "min", "max", "max_abs")),
    *("scale", "var", "min", "max", "max_abs", "data_min", "data_max", "data_min_", "data_max_"),
    "data_range_",
    "iqr",
}
EXAMPLE = 'as np.savez("scaler.npz", mean=..., scale=...) writes them'


def is_scaling(fields: Mapping[str, object]) -> bool:
    """Tell whether names state a scaling."""
    return any(name in TELLING for name in fields)


def columns_of_numbers(fields: Mapping[str, object]) -> Columns:
    """Read a scaling from its names.

    ``scale_`` multiplies beside ``min_``, as in a MinMaxScaler, and divides everywhere else.
    """
    given = _Numbers(fields)
    ways = [way for way in (_standard(given), _min_max(given)) if way is not None]
    if len(ways) == 2:
        raise Refused(
            "it states both a mean with its scale and a smallest with a largest value, and only "
            "one of both was used in training: leave that one alone in the file"
        )
    if not ways:
        named = ", ".join(shown(name) for name in list(fields)[:6])
        raise Refused(
            f"it names {named or 'nothing'}, which is no scaling: give a mean with a scale, std or "
            f"var, or a min with a max, {EXAMPLE}"
        )
    stated = (texts_of(fields[name]) for name in NAMES if name in fields)
    names = next((each for each in stated if each is not None), given.names)
    if names is not None and len(names) != len(ways[0]):
        raise Refused(f"it has {len(names)} names for {len(ways[0])} columns; give one for each")
    return Columns(ways[0].lines, names)


class _Numbers:
    """The numbers under each name, and the columns' names where they stand with them."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.fields = fields
        self.names: tuple[str, ...] | None = None

    def get(self, *names: str) -> NDArray[np.float64] | None:
        """Give the numbers under the first of these names that is there."""
        name = next((name for name in names if self.fields.get(name) is not None), None)
        if name is None:
            return None
        by_column = entries_of(self.fields[name])
        if by_column is None:
            return numbers_of(name, self.fields[name])
        # {"mean": {"temp": 54.5, "rain": 0.1}, ...}, as tables of pandas are written
        columns = tuple(by_column)
        if self.names is not None and self.names != columns:
            raise Refused("it names other columns under one number than under another")
        self.names = columns
        return numbers_of(name, list(by_column.values()))


def _alike(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give one number of each a column; a single one counts for all."""
    try:
        one, other = np.broadcast_arrays(first, second)
    except ValueError:
        raise Refused(
            f"it has {len(first)} numbers under one name and {len(second)} under another; give one "
            "of each a column"
        ) from None
    return one, other


def _standard(given: _Numbers) -> Columns | None:
    mean = given.get("mean_", "center_", *MEANS)
    if mean is None:
        return None
    scale = given.get(*SCALES, "std_", "iqr")
    if scale is None:
        scale = given.get("scale_", "scale")
    if scale is None:
        variance = given.get("var_", "var")
        if variance is None:
            return None
        scale = np.sqrt(np.where(variance == 0, 1.0, np.maximum(variance, 0)))
    return Columns(straight(*_alike(mean, scale)))


def _min_max(given: _Numbers) -> Columns | None:
    factor, shift = given.get("scale_"), given.get("min_")
    if factor is not None and shift is not None:
        factor, shift = _alike(factor, shift)
        with np.errstate(divide="ignore", invalid="ignore"):
            return Columns(straight(-shift / factor, 1 / factor))
    low = given.get("data_min_", "data_min", "min", "min_")
    high = given.get("data_max_", "data_max", "max", "max_")
    if low is None or high is None:
        return None
    low, high = _alike(low, high)
    to = given.get("feature_range", "to")
    ends = (0.0, 1.0) if to is None or to.shape != (2,) else (float(to[0]), float(to[1]))
    if not ends[0] < ends[1]:
        raise Refused("its feature_range must be two numbers that rise")
    straight(low, (high - low) / (ends[1] - ends[0]))  # refuses a range that is empty
    pairs = zip(low, high, strict=True)
    return Columns(tuple(between(float(a), float(b), ends) for a, b in pairs))
