"""The rows of a `TimeSeriesDataSet` in original units, and what scales its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rnnlens.adapters.cutting import GROUP
from rnnlens.adapters.pytorch_forecasting.categories import columns_of
from rnnlens.adapters.pytorch_forecasting.facts import Facts
from rnnlens.errors import DataError, UnsupportedModel

__all__ = ["MADE", "Rows", "line_of"]

#: Where a scaler is asked whether it draws a line, and how far it may be from one.
ASKED, TOLERANCE = np.array([0.0, 1.0, -3.0, 7.0]), 1e-6
#: Columns that pytorch-forecasting makes for each window: the same in all whole ones.
MADE = ("relative_time_idx", "encoder_length")


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a dataset.

    Parameters
    ----------
    table : DataFrame
        A row a step of a series; those before the dataset's first first, where lags reach back.
    times : dict of str to array
        The ``time_idx`` of each row of a series.
    names : array of str
        The series of each row of the dataset itself.
    """

    table: pd.DataFrame
    times: dict[str, NDArray[np.int64]]
    names: NDArray[np.str_]

    @classmethod
    def of(cls, facts: Facts, dataset: Any) -> Rows:
        """Lay them out."""
        names = np.array(_names(dataset))
        rows = _now(facts, dataset, pd.DataFrame({GROUP: names}))
        time = dataset.data["time"].numpy().astype(np.int64)
        times, parts = {}, []
        for name, places in rows.groupby(GROUP, sort=False).indices.items():
            own = time[places]
            if np.any(np.diff(own) != 1):
                row = int(np.flatnonzero(np.diff(own) != 1)[0])
                raise DataError(
                    f"series {name!r} has no row for {dataset.time_idx} {own[row] + 1}, which "
                    "pytorch-forecasting would fill in itself: give a frame with a row for each "
                    "step"
                )
            whole, before = rows.iloc[places], facts.before
            if before:
                whole = pd.concat([_before(facts, dataset, whole, places), whole])
                own = np.concatenate([own[0] - np.arange(before, 0, -1), own])
            times[str(name)] = own
            parts.append(whole)
        return cls(pd.concat(parts, ignore_index=True), times, names)

    def moments(self, rows: NDArray[Any], groups: NDArray[np.str_] | None) -> NDArray[Any]:
        """Turn row numbers within a series into its own ``time_idx``."""
        assert groups is not None
        own = zip(rows, groups, strict=True)
        return np.array([self.times[name][row] for row, name in own])


def _now(facts: Facts, dataset: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of what a row holds itself."""
    data = dataset.data
    reals = data["reals"].numpy().astype(np.float64)
    for name in (*facts.known, *facts.static):
        mean, scale = line_of(dataset, name)
        rows[name] = reals[:, dataset.reals.index(name)] * scale + mean
    for name, values in zip(facts.targets, data["target"], strict=True):
        rows[name] = values.numpy().astype(np.float64)
    for name in MADE:  # the dataset writes them when it gives a window
        if name in rows:
            rows[name] = 1.0
    return columns_of(facts, dataset, (*facts.known_categoricals, *facts.static_categoricals), rows)


def _before(facts: Facts, dataset: Any, rows: pd.DataFrame, places: Any) -> pd.DataFrame:
    """Give the steps before a series' first row, which its lags tell: the dataset cuts them off.

    What no lag tells is read by no window; it and all other columns are those of the rows beside.
    """
    back = facts.before
    made = pd.DataFrame(np.nan, index=range(back), columns=rows.columns)
    made[GROUP] = rows[GROUP].iloc[0]
    reals = dataset.data["reals"].numpy().astype(np.float64)[places]
    for column, (place, lag) in facts.lagged.items():
        center, scale = _scaled_by(facts, dataset, place, int(places[0]))
        start = max(0, lag - back)  # no window reads what the longest lag tells of its first step
        values = reals[start:lag, dataset.reals.index(column)] * scale + center
        first = back - lag + start
        made.iloc[first : first + len(values), rows.columns.get_loc(facts.targets[place])] = values
    return pd.concat([made, rows.iloc[:1]]).bfill().iloc[:back]


def _scaled_by(facts: Facts, dataset: Any, place: int, row: int) -> tuple[float, float]:
    """Give center and scale by which a dataset has scaled the lags of a target in a row."""
    normalizer = facts.normalizers[place]
    if any(kind.__name__ == "EncoderNormalizer" for kind in type(normalizer).__mro__):
        return 0.0, 1.0  # it scales windows when it gives them
    if getattr(normalizer, "groups", None):
        both = normalizer.get_parameters(dataset.data["groups"][row], dataset.group_ids)
        return float(both[0]), float(both[1])
    return facts.shared(place)


def _names(dataset: Any) -> list[str]:
    """Name the series of each row, by the values of the dataset's own ``group_ids``."""
    codes = dataset.data["groups"].numpy()
    parts = [
        dataset.transform_values(name, codes[:, k], inverse=True, group_id=True)
        for k, name in enumerate(dataset.group_ids)
    ]
    return [" / ".join(map(str, one)) for one in zip(*parts, strict=True)]


def line_of(dataset: Any, name: str) -> tuple[float, float]:
    """Give mean and scale of a column: ``network = (value - mean) / scale``; ask its scaler."""
    scaler = dataset.get_transformer(name)
    if name in MADE or scaler is None:
        return 0.0, 1.0
    kinds = {kind.__name__ for kind in type(scaler).__mro__}
    made = np.empty(0)
    if not kinds & {"EncoderNormalizer", "GroupNormalizer"}:
        made = np.asarray(scaler.transform(ASKED[:, None]), dtype=np.float64).reshape(-1)
    line = None if not len(made) else made[0] + (made[1] - made[0]) * ASKED
    if line is None or not np.allclose(line, made, rtol=TOLERANCE, atol=TOLERANCE):
        raise UnsupportedModel(
            f"column {name!r} is scaled by {type(scaler).__name__}, which bends it or differs from "
            "series to series, and rnnlens takes a shift and a stretch that all share: fit the "
            f"TimeSeriesDataSet with scalers={{{name!r}: StandardScaler()}}"
        )
    scale = 1.0 / (made[1] - made[0])
    return float(-made[0] * scale), float(scale)
