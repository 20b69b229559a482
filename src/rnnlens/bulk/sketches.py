"""What is kept of each block for a summary of all: sums and counts, which add up in any order.

Of the contributions of a group of windows their number, the sums of values and of absolute values
by lag and feature, and how often the total of each lag, and of each feature, fell into each of some
bins. Bins are those of float32 with a mantissa of four bits, sixteen for every doubling, so that a
quantile read off them is wrong by at most a thirty-second of its value, whatever the unit.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.bulk.sensitivity import Slopes
from rnnlens.errors import DataError
from rnnlens.series.clock import local_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.bulk.blocks import Block
    from rnnlens.bulk.windows import Cutter, Found

__all__ = [
    "ALL",
    "QUANTILE_ERROR",
    "Group",
    "Sketch",
    "checked_groupings",
    "content_of",
    "groups_of",
    "read_sketches",
]

#: A grouping, the label of a group of it, and the number of a target.
Group = tuple[str, str, int]
#: The grouping that puts all windows together.
ALL = "all"
SEASONS = np.array(["DJF", "MAM", "JJA", "SON"])
#: Groupings that need the time of each window.
BY_TIME = ("season", "month")
#: Numbers that are summed up at once: what is made of them stays in the cache.
TOGETHER = 1 << 17
#: Bits of float32 that a bin leaves out: of the mantissa's 23 the last 19.
DROPPED = 19
#: Bins of one sign.
BINS = 1 << (31 - DROPPED)
#: How far a quantile may be from the exact one, relative to it.
QUANTILE_ERROR = 1 / 32


@dataclass(frozen=True, eq=False)
class Sketch:
    """What is kept of the contributions of some windows.

    Parameters
    ----------
    windows : int
        How many.
    signed, absolute : array (lag, feature)
        Sums of contributions, and of their absolute values.
    totals : array (lag + feature,)
        Sums of the absolute totals of each lag, and of each feature.
    keys, counts : array (bin,)
        Bins that are not empty, ``column * 2 * BINS + bin``, in their order, and what is in them.
    slopes : Slopes, optional
        What is kept of the forecasts' derivatives, where they were asked for.
    """

    windows: int
    signed: NDArray[np.float64]
    absolute: NDArray[np.float64]
    totals: NDArray[np.float64]
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]
    slopes: Slopes | None = None

    @classmethod
    def of(cls, contribution: NDArray[Any], slopes: Slopes | None = None) -> Sketch:
        """Sketch contributions (sample, lag, feature), with what is kept of derivatives."""
        count, lags, features = contribution.shape
        columns = lags + features
        signed, absolute = np.zeros((2, lags, features))
        totals, bins = np.zeros(columns), np.empty((count, columns), np.int64)
        some = max(1, TOGETHER // (lags * features))
        for first in range(0, count, some):
            part = slice(first, first + some)
            *sums, bins[part] = _summed(contribution[part])
            signed, absolute, totals = (
                one + more for one, more in zip((signed, absolute, totals), sums, strict=True)
            )
        bins += np.arange(columns) * 2 * BINS
        full = np.bincount(bins.ravel(), minlength=2 * BINS * columns)
        keys = np.flatnonzero(full)
        return cls(
            count,
            signed,
            absolute,
            totals,
            keys.astype(np.int64),
            full[keys].astype(np.int64),
            slopes,
        )

    def __add__(self, other: Sketch) -> Sketch:
        """Sketch both together."""
        keys, where = np.unique(np.concatenate([self.keys, other.keys]), return_inverse=True)
        counts = np.zeros(len(keys), np.int64)
        np.add.at(counts, where, np.concatenate([self.counts, other.counts]))
        return Sketch(
            self.windows + other.windows,
            self.signed + other.signed,
            self.absolute + other.absolute,
            self.totals + other.totals,
            keys,
            counts,
            None if self.slopes is None or other.slopes is None else self.slopes + other.slopes,
        )

    def quantiles(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Read quantiles of each lag's and each feature's total off the bins.

        Shapes: gives (probability, lag + feature).
        """
        columns, bins = np.divmod(self.keys, 2 * BINS)
        found = np.empty((len(probabilities), len(self.totals)))
        for column in range(len(self.totals)):
            own = columns == column
            ends = np.cumsum(self.counts[own])
            wanted = np.ceil(probabilities * ends[-1]).clip(1)
            found[:, column] = _middles(bins[own])[np.searchsorted(ends, wanted)]
        return found


def _summed(values: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Sum up values, their sizes and those of each window's totals; give the totals' bins.

    Shapes: values (sample, lag, feature) -> (lag, feature), (lag, feature), (lag + feature,),
    (sample, lag + feature).
    """
    _, lags, features = values.shape
    # from the oldest lag on, as they mostly lie in memory: nothing is copied then
    flat = np.ascontiguousarray(values[:, ::-1], np.float64).reshape(-1, lags * features)
    # products with ones: several times as fast as sums over a short axis
    each = np.ones(len(flat))
    of_lags = (flat.reshape(-1, features) @ np.ones(features)).reshape(-1, lags)[:, ::-1]
    of_features = flat @ np.tile(np.eye(features), (lags, 1))
    totals = np.concatenate([of_lags, of_features], axis=1)
    signed, absolute = ((each @ one).reshape(lags, features)[::-1] for one in (flat, np.abs(flat)))
    return signed, absolute, each @ np.abs(totals), _bins(totals)


def _bins(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give the bin of each value, which rise with the values: 0 to 2 BINS - 1."""
    bits = values.astype(np.float32).view(np.int32)
    bins = (bits & 0x7FFFFFFF) >> DROPPED
    return np.where(bits < 0, BINS - 1 - bins, BINS + bins).astype(np.int64)


def _middles(bins: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the value in the middle of each bin; that of the smallest is zero."""
    size = np.where(bins >= BINS, bins - BINS, BINS - 1 - bins)
    low = (size << DROPPED).astype(np.int32).view(np.float32).astype(np.float64)
    high = ((size + 1) << DROPPED).astype(np.int32).view(np.float32).astype(np.float64)
    middle = np.where(size == 0, 0.0, (low + high) / 2)
    return np.where(bins >= BINS, middle, -middle)


def checked_groupings(cutter: Cutter, by: tuple[str, ...]) -> None:
    """Refuse groupings that the archive does not allow."""
    source = cutter.source
    allowed = [
        *(["station"] if source.stations is not None else []),
        *(BY_TIME if cutter.times is not None else ()),
        *source.of_stations,
    ]
    for name in by:
        if name not in allowed:
            raise DataError(
                f"the windows of {source.path} cannot be grouped by {name!r}: give some of "
                f"{', '.join(allowed) or 'nothing, for it has neither stations nor times'}"
            )


def groups_of(
    cutter: Cutter, block: Block, found: Found, by: tuple[str, ...]
) -> dict[tuple[str, str], slice | NDArray[np.bool_]]:
    """Give which windows of a block are of each group, by grouping and label."""
    made: dict[tuple[str, str], slice | NDArray[np.bool_]] = {(ALL, ALL): slice(None)}
    for name in by:
        labels = _labels(cutter, block, found, name)
        made |= {(name, str(label)): labels == label for label in np.unique(labels)}
    return made


def _labels(cutter: Cutter, block: Block, found: Found, name: str) -> NDArray[np.str_]:
    """Name the group of each window of a block."""
    stations = found.stations + block.stations[0]
    if name == "station":
        return np.array(cutter.source.stations)[stations]
    if name in BY_TIME:
        assert cutter.times is not None, "groupings by time are refused where there is none"
        issued = cutter.times[found.rows + block.rows[0]]
        clock = local_times(issued, cutter.sidecar.time_zone)
        month = clock.astype("datetime64[M]").astype(np.int64) % 12
        if name == "season":
            return SEASONS[(month + 1) % 12 // 3]
        return np.array([f"{k:02d}" for k in range(1, 13)])[month]
    return cutter.source.of_stations[name].astype(str)[stations]


def content_of(made: Mapping[Group, Sketch]) -> bytes:
    """Write the sketches of a block as the bytes of an ``.npz`` file."""
    kept: dict[str, Any] = {"groups": np.array(list(made), np.str_).reshape(-1, 3)}
    for number, one in enumerate(made.values()):
        kept[f"windows {number}"] = np.int64(one.windows)
        kept[f"signed {number}"], kept[f"absolute {number}"] = one.signed, one.absolute
        kept[f"totals {number}"] = one.totals
        kept[f"keys {number}"] = one.keys.astype(np.int32)
        kept[f"counts {number}"] = one.counts.astype(np.int32)
        kept |= {} if one.slopes is None else one.slopes.kept(number)
    buffer = io.BytesIO()
    np.savez(buffer, **kept)
    return buffer.getvalue()


def read_sketches(path: Path) -> Iterator[tuple[Group, Sketch]]:
    """Read the sketches of a block, in the order in which they were written."""
    with np.load(path, allow_pickle=False) as kept:
        for number, (name, label, target) in enumerate(kept["groups"]):
            windows = int(kept[f"windows {number}"])
            yield (
                (str(name), str(label), int(target)),
                Sketch(
                    windows,
                    kept[f"signed {number}"],
                    kept[f"absolute {number}"],
                    kept[f"totals {number}"],
                    kept[f"keys {number}"].astype(np.int64),
                    kept[f"counts {number}"].astype(np.int64),
                    Slopes.read(kept, number, windows),
                ),
            )
