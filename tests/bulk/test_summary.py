"""The summary says of all blocks what their contributions say, read in one go."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import rnnlens
from rnnlens.bulk import Blocks, Part, Runner, summary
from rnnlens.bulk.sensitivity import Slopes
from rnnlens.bulk.sketches import QUANTILE_ERROR, Sketch
from rnnlens.errors import DataError, InputError
from rnnlens.views.tables.archive import archive_summary_view, lags_that_hold

GROUPINGS = ("station", "season", "month", "basin")


@pytest.fixture(scope="module")
def made(whole, tmp_path_factory):
    """The archive, and a folder for what these tests ask of it, which change nothing of it."""
    return replace(whole, folder=tmp_path_factory.mktemp("summaries"))


@pytest.fixture(scope="module")
def found(made):
    """The contributions as they were computed, and the summary that was kept beside them."""
    blocks = Blocks(windows=32, dtype="float64", by=GROUPINGS, memory=True)
    return made.explain(blocks=blocks).load()


def windows_of(data, found, by: str, label: str) -> np.ndarray:
    """Cut a group's windows (sample, step, feature) in a loop over every row."""
    cut = []
    for s, station in enumerate(data.station.values):
        values = np.stack([data.rain.values[s], data.flow.values[s]], axis=1)
        groups = {"all": "all", "station": station, "basin": data.basin.values[s]}
        for k in np.flatnonzero(np.isfinite(found.forecast.values[s])):
            month = pd.Timestamp(found.issued.values[k]).month
            groups["season"] = ["DJF", "MAM", "JJA", "SON"][month % 12 // 3]
            if groups[by] == label:
                cut.append(values[k - 4 : k + 1])
    return np.stack(cut)


@pytest.mark.parametrize("by", ["all", "station", "season"])
def test_the_derivative_by_group_is_what_memory_says_of_its_windows(made, found, by):
    summed = summary(made.folder / "out.zarr", by)
    assert {"station": 3, "season": 1, "all": 1}[by] == summed.sizes["group"]
    for label in summed.group.values:
        one = summed.sel(group=label)
        page = rnnlens.memory(made.net, windows_of(made.data, found, by, label), target=1,
                              histories=1)  # fmt: skip
        # sums over blocks, in another order
        np.testing.assert_allclose(one.sensitivity, page.sensitivity, rtol=1e-9)
        np.testing.assert_allclose(one.sensitivity_share, page.share, rtol=1e-9)
        beyond = 1 - page.cumulative_share
        np.testing.assert_allclose(one.sensitivity_share_beyond, beyond, rtol=0, atol=1e-12)
        measured = page.sel(measure="derivative")
        assert one.sensitivity_within_half == measured["within_half"]
        assert one.sensitivity_within_most == measured["within_most"]


def test_derivatives_of_parts_add_up_whatever_the_offset_and_constants_count_nothing(rng):
    slopes, values = rng.normal(size=(300, 4, 3)), 1e6 + rng.normal(size=(300, 5, 3))
    values[..., 2] = 7.0
    parts = [Slopes.of(slopes[a:b], values[a:b]) for a, b in ((0, 7), (7, 20), (20, 300))]
    sensitivity = (parts[0] + parts[1] + parts[2]).sensitivity
    expected = np.abs(slopes).mean(axis=0) * values.std(axis=(0, 1))
    # squares about means of their own: the offset of a million costs six digits of sixteen
    np.testing.assert_allclose(sensitivity, expected, rtol=1e-9)
    assert (sensitivity[:, 2] == 0).all()


def test_a_summary_is_shown_with_a_row_a_group_and_then_its_lags(made, found):
    assert found.sizes["lag"] == 5
    console = Console(width=120, file=io.StringIO())
    console.print(archive_summary_view(summary(made.folder / "out.zarr", "station")))
    text = console.file.getvalue()
    assert "half within" in text and "half of the derivative within" in text
    rows = [line.split() for line in text.splitlines()]
    assert [row[0] for row in rows if len(row) == 6] == ["north", "south", "east"]
    assert sum(row[:1] == ["1"] for row in rows) == 3


def rows_of(found, by: str) -> dict[str, np.ndarray]:
    """Group contributions (sample, lag, feature) in a loop over every row."""
    groups: dict[str, list[np.ndarray]] = {}
    for s, station in enumerate(found.station.values):
        for k, issued in enumerate(pd.DatetimeIndex(found.issued.values)):
            own = found.contribution.values[s, k]
            if np.isfinite(own).all():
                label = {
                    "all": "all",
                    "station": station,
                    "season": ["DJF", "MAM", "JJA", "SON"][issued.month % 12 // 3],
                    "month": f"{issued.month:02d}",
                    "basin": found.basin.values[s],
                }[by]
                groups.setdefault(str(label), []).append(own)
    return {label: np.stack(own) for label, own in groups.items()}


@pytest.mark.parametrize("by", ["all", *GROUPINGS])
def test_means_counts_and_quantiles_are_those_of_all_rows(made, found, by):
    summed, expected = summary(made.folder / "out.zarr", by), rows_of(found, by)
    assert sorted(summed.group.values) == sorted(expected)
    for label, own in expected.items():
        one = summed.sel(group=label)
        assert int(one.windows) == len(own)
        # sums in another order
        np.testing.assert_allclose(one["mean"], own.mean(axis=0), rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(one.mean_absolute, np.abs(own).mean(axis=0), rtol=1e-10)
        lags, features = own.sum(axis=2), own.sum(axis=1)
        sizes = np.abs(lags).mean(axis=0)
        np.testing.assert_allclose(one.lag_mean_absolute, sizes, rtol=1e-10)
        np.testing.assert_allclose(one.lag_share, sizes / sizes.sum(), rtol=1e-10)
        np.testing.assert_allclose(
            one.feature_mean_absolute, np.abs(features).mean(axis=0), rtol=1e-10
        )
        held = np.cumsum(sizes) / sizes.sum()
        np.testing.assert_allclose(one.lag_share_beyond, 1 - held, rtol=0, atol=1e-12)
        assert one.lag_within_half == 1 + (held < 0.5).sum()
        assert one.lag_within_most == 1 + (held < 0.95).sum()
        for kept, totals in ((one.lag_quantile, lags), (one.feature_quantile, features)):
            exact = np.quantile(totals, one["quantile"], axis=0, method="inverted_cdf")
            np.testing.assert_allclose(kept, exact, rtol=QUANTILE_ERROR, atol=0)


def test_quantiles_are_as_exact_as_they_say_whatever_the_unit(rng):
    probabilities = np.array([0.01, 0.05, 0.5, 0.95, 0.99])
    for scale in (1e-12, 1.0, 1e9):
        values = scale * rng.standard_t(2, size=(5000, 3, 2))
        halves = Sketch.of(values[:1234]) + Sketch.of(values[1234:])
        totals = np.concatenate([values.sum(axis=2), values.sum(axis=1)], axis=1)
        exact = np.quantile(totals, probabilities, axis=0, method="inverted_cdf")
        np.testing.assert_allclose(halves.quantiles(probabilities), exact, rtol=QUANTILE_ERROR)


def test_sketches_of_parts_add_up_to_that_of_the_whole(rng):
    values = rng.normal(size=(300, 4, 2))
    whole, parts = Sketch.of(values), Sketch.of(values[:7]) + Sketch.of(values[7:])
    assert whole.windows == parts.windows
    np.testing.assert_array_equal(whole.keys, parts.keys)
    np.testing.assert_array_equal(whole.counts, parts.counts)
    np.testing.assert_allclose(whole.absolute, parts.absolute, rtol=1e-13)


def test_a_feature_that_contributes_nothing_has_zero_everywhere(rng):
    values = rng.normal(size=(50, 4, 2))
    values[..., 1] = 0.0
    sketch = Sketch.of(values)
    assert (sketch.absolute[:, 1] == 0).all()
    np.testing.assert_array_equal(sketch.quantiles(np.array([0.05, 0.95]))[:, 5], 0.0)


def test_the_summary_is_the_same_bytes_however_blocks_were_done(made, files):
    blocks = Blocks(windows=32, by=GROUPINGS, memory=True)
    made.explain("one.zarr", blocks=blocks)
    for number in (2, 1):
        made.explain("two.zarr", blocks=blocks, runner=Runner(part=Part(number, 2)))
    assert files(made.folder / "one.zarr") == files(made.folder / "two.zarr")
    assert any(name.startswith("summary/") for name in files(made.folder / "one.zarr"))


def test_nearly_all_is_held_by_as_many_lags_as_it_takes(made, found):
    summed = summary(made.folder / "out.zarr", "station")
    for reach, shares in zip(lags_that_hold(summed), summed.lag_share.values, strict=True):
        assert shares[:reach].sum() >= 0.99 - 1e-9 and shares[: reach - 1].sum() < 0.99


def test_a_summary_is_asked_for_before_and_of_what_is_whole(made):
    with pytest.raises(DataError, match="cannot be grouped by 'country': give some of station"):
        made.explain(blocks=Blocks(by=("country",)))
    made.explain("begun.zarr", limit=1)
    with pytest.raises(InputError, match="is not complete, and a summary is of all its blocks"):
        summary(made.folder / "begun.zarr")
    made.explain("begun.zarr")
    with pytest.raises(InputError, match="not summed up by 'basin': give one of all, or explain"):
        summary(made.folder / "begun.zarr", "basin")
    made.explain("again.zarr", blocks=Blocks(windows=32, by=("basin",)))
    assert list(summary(made.folder / "again.zarr", "basin").group.values) == ["a", "b"]
