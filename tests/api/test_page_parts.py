"""What a page gathers: old lags together, shares of few windows, names and hashes of the data."""

import hashlib

import numpy as np
import pytest
import xarray as xr

import rnnlens
from page_cases import page_case
from rnnlens.api.shared.page.grouped import LEAST, grouped, groups_of
from rnnlens.api.shared.page.remembering import FEWEST, remembering
from rnnlens.api.shared.page.shares import page_shares
from rnnlens.series.sidecar import Sidecar
from rnnlens.views.tables.summary import pick_window


def explained(rng, lags, samples=20, features=2):
    sizes = np.exp(-np.arange(lags) / 5.0)[:, None]
    return xr.Dataset(
        {"contribution": (("sample", "lag", "feature"),
                          rng.normal(size=(samples, lags, features)) * sizes)},
        coords={"lag": np.arange(1, lags + 1), "feature": [f"f{k}" for k in range(features)],
                "lag_to": ("lag", np.arange(1, lags + 1))},
        attrs={"unit": "F", "target": "temp", "method": "secant"},
    )  # fmt: skip


def test_lags_of_short_windows_stay_as_they_are(rng):
    given = explained(rng, 24)
    assert grouped(given) is given


@pytest.mark.parametrize("lags", [37, 168, 365])
def test_old_lags_are_summed_in_groups_and_nothing_is_lost(lags, rng):
    given = explained(rng, lags)
    made = grouped(given)
    first, last = made["lag"].values, made["lag_to"].values
    assert first[0] == 1
    assert last[-1] == lags
    np.testing.assert_array_equal(first[1:], last[:-1] + 1)
    for place, (a, b) in enumerate(zip(first, last, strict=True)):
        # sums of up to 365 numbers of size one, in another order
        np.testing.assert_allclose(
            made["contribution"].values[:, place],
            given["contribution"].sel(lag=slice(a, b)).sum("lag").values,
            atol=1e-12,
        )
    assert made.attrs["lags_together"] == (last - first + 1)[last > first].sum()


def test_groups_double_and_the_newest_lags_stand_alone():
    firsts = groups_of(np.exp(-np.arange(200.0) / 3))
    np.testing.assert_array_equal(firsts[:LEAST], np.arange(LEAST))
    np.testing.assert_array_equal(firsts[LEAST + 1 :], 2 * firsts[LEAST:-1])


def test_of_few_windows_shares_have_no_interval(rng):
    settings = rnnlens.Shares(draws=50)
    few, many = explained(rng, 6, samples=9), explained(rng, 6, samples=10)
    made = page_shares(few, settings)
    size = np.abs(few["contribution"].sum("feature")).mean("sample").values
    np.testing.assert_allclose(made["share"].values, size / size.sum(), atol=1e-15)
    assert np.isnan(made["share_low"].values).all()
    assert "confidence" not in made.attrs
    assert np.isfinite(page_shares(many, settings)["share_low"].values).all()


def test_where_nothing_moved_there_are_no_shares(rng):
    still = explained(rng, 6) * 0.0
    still.attrs = {"unit": "F"}
    assert np.isnan(page_shares(still, rnnlens.Shares())["share"].values).all()


def test_the_window_that_is_shown_is_one_whose_outcome_is_known():
    data = xr.Dataset({
        "forecast": ("sample", [0.0, 3.0, 9.0, 1.0]),
        "baseline_forecast": ("sample", [0.0, 0.0, 0.0, 0.0]),
    })
    assert pick_window(data)[0] == 2
    known = data.assign(actual=("sample", [1.0, 2.0, np.nan, np.nan]))
    assert pick_window(known)[0] == 1
    unknown = data.assign(actual=("sample", np.full(4, np.nan)))
    assert pick_window(unknown)[0] == 2


def test_windows_know_the_files_that_they_were_read_from(tmp_path, rng):
    path = tmp_path / "river.csv"
    path.write_text("rain,flow\n" + "\n".join(f"{k},{k % 3}" for k in range(12)))
    sidecar = Sidecar.plain(["rain", "flow"], window=3)
    windows = rnnlens.windows(path, sidecar)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert windows.files == (("river.csv", digest),)
    assert windows.newest(2).files == windows.files
    assert rnnlens.windows({"rain": [0, 1, 2, 3], "flow": [1, 2, 3, 4]}, sidecar).files == ()


def test_memory_of_too_few_windows_says_how_many_it_needs():
    network, windows = page_case(windows=12)
    said = remembering(network, windows, 100, target=0, of="x")
    assert isinstance(said, str)
    assert f"at least {FEWEST} windows" in said


@pytest.mark.usefixtures("undrawn")
def test_the_data_are_named_on_the_page_with_their_hashes(tmp_path):
    network, _ = page_case(features=2, steps=3)
    path = tmp_path / "river.csv"
    path.write_text("rain,flow\n" + "\n".join(f"{k % 5},{k % 3}" for k in range(16)))
    windows = rnnlens.windows(path, Sidecar.plain(["rain", "flow"], 3, targets=["rain"]))
    page = rnnlens.report(network, windows, tmp_path / "r.html", target="rain",
                          shares=rnnlens.Shares(draws=20))  # fmt: skip
    text = page.read_text(encoding="utf-8")
    assert "<dt>Data</dt><dd><code>river.csv</code>" in text
    assert hashlib.sha256(path.read_bytes()).hexdigest() in text
    assert "rnnlens.report(net, windows" in text
