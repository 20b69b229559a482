"""What the page is told: windows as one series, the newest that fit, places and units."""

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from rnnlens.api.shared.page import explorer
from rnnlens.api.shared.page.explorer import new_steps, series_of
from rnnlens.errors import InputError


@pytest.mark.parametrize("gaps", [(), (4,), (1, 2, 7)])
def test_windows_are_found_again_in_the_series_and_no_step_stands_twice(gaps, rng):
    runs = np.split(np.arange(9), gaps)
    steps, windows = 4, []
    for run in runs:
        series = rng.normal(size=(len(run) + steps - 1, 2))
        windows += [series[k : k + steps] for k in range(len(run))]
    x = np.array(windows)
    series, starts = series_of(x, new_steps(x))
    assert len(series) == sum(len(run) + steps - 1 for run in runs)
    for window, start in zip(windows, starts, strict=True):
        np.testing.assert_array_equal(series[start : start + steps], window)


@pytest.mark.usefixtures("undrawn")
def test_of_too_many_windows_the_newest_are_carried(monkeypatch, tmp_path, rng):
    net, x = forecaster("lstm", rng, steps=4), rng.normal(size=(30, 4, 3))
    monkeypatch.setattr(explorer, "MOST_NUMBERS", 100)
    page = rnnlens.report(net, x, tmp_path / "r.html", target=0, shares=rnnlens.Shares(draws=10))
    text = page.read_text(encoding="utf-8")
    # 7 windows of 12 numbers and one step less fit 100
    assert '"times": ["sample 23"' in text.replace('"times":["', '"times": ["')
    assert "the newest 7 of 30 windows" in text


@pytest.mark.usefixtures("undrawn")
def test_a_page_that_cannot_run_the_network_says_why(tmp_path, rng):
    net, x = forecaster("lstm", rng, steps=4), rng.normal(size=(12, 4, 3))
    state = {"recurrent": [np.zeros((12, 5)), np.zeros((12, 5))]}
    page = rnnlens.report(
        net, x, tmp_path / "r.html", target=0, initial_state=state,
        shares=rnnlens.Shares(draws=10),
    )  # fmt: skip
    text = page.read_text(encoding="utf-8")
    assert "This page cannot run the network itself: it starts from states" in text
    assert "<script" not in text


@pytest.mark.parametrize("target", ["all", [0, 1], rnnlens.Target(0, horizon="all")])
def test_a_page_of_several_targets_is_refused_before_anything_is_run(target, tmp_path, rng):
    net, x = forecaster("lstm", rng, steps=4), rng.normal(size=(12, 4, 3))
    with pytest.raises(InputError, match="one target is asked about here"):
        rnnlens.report(net, x, tmp_path / "r.html", target=target)
