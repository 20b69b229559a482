"""The summary of a result: the sketches of all blocks, added up in the order of the blocks."""

from __future__ import annotations

import math
import shutil
import warnings
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from rnnlens.attribution.registry import METHODS
from rnnlens.bulk.arrays import zarr_here
from rnnlens.bulk.job import FOLDER
from rnnlens.bulk.methods import Words, variable_of, words_of
from rnnlens.bulk.records import sketch_of
from rnnlens.bulk.sketches import QUANTILE_ERROR, Group, Sketch, read_sketches
from rnnlens.dynamics.memory.jacobian_profile import lag_within

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rnnlens.bulk.job import Manifest

__all__ = ["PLACE", "write_summary"]

#: The group of a result that holds its summary, with a group for each grouping.
PLACE = "summary"
#: What its drafts begin with.
DRAFT = f".{PLACE}-"
PROBABILITIES = np.array([0.05, 0.25, 0.5, 0.75, 0.95])

#: What has no unit.
PURE_NUMBERS = {
    "windows",
    *(
        f"{of}_{what}"
        for of in ("lag", "sensitivity")
        for what in ("share", "share_beyond", "within_half", "within_most")
    ),
}


def write_summary(out: Path, manifest: Manifest) -> None:
    """Add the sketches of all blocks up, and put the summary in its place whole."""
    merged: dict[Group, Sketch] = {}
    for number in range(manifest.grid.count):
        for group, one in read_sketches(sketch_of(out, number)):
            merged[group] = merged[group] + one if group in merged else one
    draft = out / FOLDER / f"{DRAFT}{uuid4().hex}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that consolidated metadata are not in version 3
            _write(draft, out, manifest, merged)
        place = out / PLACE
        if _files(place) == _files(draft):
            return  # and whoever reads it is not disturbed
        if place.exists():
            shutil.rmtree(place)
        try:
            draft.rename(place)
        except OSError:
            if not place.exists():  # where it does, another job ended the same result
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _write(draft: Path, out: Path, manifest: Manifest, merged: dict[Group, Sketch]) -> None:
    whole = zarr_here().open_group(out, mode="r", use_consolidated=False)
    method = manifest.settings["method"]
    unit, words = whole[variable_of(method)].attrs["units"], words_of(method)
    target = whole.attrs["target"]
    lags = whole["lag"][...]
    root = zarr_here().create_group(draft, zarr_format=3)
    along = tuple(manifest.along)
    coords = [name for name in ("lead", "unit") if along and name in whole]
    beside = {"coordinates": " ".join(coords)} if along else {}
    for grouping in dict.fromkeys(name for name, *_ in merged):
        labels = list(dict.fromkeys(label for name, label, _ in merged if name == grouping))
        own = [merged[grouping, label, k] for label in labels for k in _targets(manifest)]
        group = root.create_group(grouping)
        group.attrs.update({
            "target": target,
            "kind": METHODS[method].kind,
            "grouped_by": grouping,
            "quantile_error": f"at most {QUANTILE_ERROR:.1%} of the quantile",
        })
        _put(group, "group", ("group",), np.array(labels, object), {"long_name": grouping})
        _put(group, "lag", ("lag",), lags, {"long_name": "lag (1 = newest step fed in)"})
        _put(group, "feature", ("feature",), whole["feature"][...], {})
        _put(group, "quantile", ("quantile",), PROBABILITIES, {})
        for axis in along:
            _put(group, axis, (axis,), whole[axis][...], {})
        for one in coords:
            _put(group, one, along, whole[one][...], dict(whole[one].attrs))
        for name, (axes, values, said) in _numbers(own, len(lags), words).items():
            units = {} if name in PURE_NUMBERS else {"units": unit}
            title = {"long_name": f"{said} {words.towards} {target}"} | units | beside
            _put(group, name, *_apart(manifest, name, axes, values), title)


def _targets(manifest: Manifest) -> range:
    return range(math.prod(map(len, manifest.along.values())))


def _apart(
    manifest: Manifest, name: str, axes: tuple[str, ...], values: NDArray[Any]
) -> tuple[tuple[str, ...], NDArray[Any]]:
    """Give the targets of each group, (group x target, ...), axes of their own."""
    sizes = tuple(map(len, manifest.along.values()))
    apart = values.reshape(-1, *sizes, *values.shape[1:])
    if name == "windows":  # the same for every target
        return axes, apart.reshape(len(apart), -1)[:, 0]
    return (axes[0], *manifest.along, *axes[1:]), apart


def _numbers(
    own: list[Sketch], lags: int, words: Words
) -> dict[str, tuple[tuple[str, ...], NDArray[Any], str]]:
    """Give the numbers of a grouping, each group's targets in turn: axes, values, what they are."""
    windows = np.array([one.windows for one in own], np.int64)
    each = windows[:, None, None]
    totals = np.stack([one.totals for one in own]) / windows[:, None]
    quantiles = np.stack([one.quantiles(PROBABILITIES) for one in own])
    of_lags, of_features = totals[:, :lags], totals[:, lags:]
    both, by_lag = ("group", "lag", "feature"), ("group", "lag")
    return {
        "windows": (("group",), windows, f"windows with {words.several}"),
        "mean": (both, np.stack([one.signed for one in own]) / each, f"mean {words.one}"),
        "mean_absolute": (
            both,
            np.stack([one.absolute for one in own]) / each,
            f"mean absolute {words.one}",
        ),
        "lag_mean_absolute": (by_lag, of_lags, f"mean absolute {words.one} of the lag"),
        **_by_lag("lag", of_lags, f"absolute {words.several}"),
        "feature_mean_absolute": (
            ("group", "feature"),
            of_features,
            f"mean absolute {words.one} of the feature",
        ),
        "lag_quantile": (
            ("group", "quantile", "lag"),
            quantiles[..., :lags],
            f"quantile of the lag's {words.one}",
        ),
        "feature_quantile": (
            ("group", "quantile", "feature"),
            quantiles[..., lags:],
            f"quantile of the feature's {words.one}",
        ),
        **_memory(own),
    }


def _memory(own: list[Sketch]) -> dict[str, tuple[tuple[str, ...], NDArray[Any], str]]:
    """Give how the derivative is spread over lags, where it was asked for."""
    found = [one.slopes.sensitivity for one in own if one.slopes is not None]
    if len(found) < len(own):
        return {}
    both = np.stack(found)
    said = "mean size of what a standard deviation of the input adds to first order"
    return {
        "sensitivity": (("group", "lag", "feature"), both, said),
        **_by_lag("sensitivity", both.sum(axis=2), "what small changes of the input add"),
    }


def _by_lag(
    of: str, totals: NDArray[np.float64], what: str
) -> dict[str, tuple[tuple[str, ...], NDArray[Any], str]]:
    """Give how totals (group, lag) are spread over lags."""
    shares, by_lag = _shares(totals), ("group", "lag")
    beyond = np.clip(1 - np.cumsum(shares, axis=1), 0, None)
    beyond = np.where(shares.any(axis=1, keepdims=True), beyond, 0.0)
    half, most = (_within(shares, part) for part in (0.5, 0.95))
    return {
        f"{of}_share": (by_lag, shares, f"the lag's share of {what}"),
        f"{of}_share_beyond": (by_lag, beyond, f"the share beyond the lag of {what}"),
        f"{of}_within_half": (("group",), half, f"the newest lags that hold half of {what}"),
        f"{of}_within_most": (("group",), most, f"the newest lags that hold 95 % of {what}"),
    }


def _within(shares: NDArray[np.float64], part: float) -> NDArray[np.float64]:
    """Give the newest lags that hold a part; none where nothing is to be held."""
    return np.where(shares.any(axis=1), lag_within(shares, part), 0.0)


def _shares(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    whole = totals.sum(axis=1, keepdims=True)
    return np.divide(totals, whole, out=np.zeros_like(totals), where=whole > 0)


def _put(
    group: Any, name: str, axes: tuple[str, ...], values: NDArray[Any], said: dict[str, str]
) -> None:
    from zarr.codecs import Crc32cCodec

    text = values.dtype.kind in "OUT"
    array = group.create_array(
        name,
        shape=values.shape,
        chunks=values.shape,
        dtype=str if text else values.dtype,
        dimension_names=axes,
        filters="auto" if text else None,
        compressors=(Crc32cCodec(),),
        attributes=said,
    )
    array[...] = values.astype(object) if text else values
