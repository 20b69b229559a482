"""The page of checks from the public door: what it holds, what it flags, what it refuses."""

import numpy as np
import pytest

import rnnlens
from checks_lines import delay_line, leaky
from networks import forecaster
from rnnlens.errors import DataError, InputError
from rnnlens.results.store import long_tables
from rnnlens.series.sidecar import Sidecar, Variable
from rnnlens.views.words.trust import trust_findings


def verdicts(page):
    return {finding.check: finding.verdict for finding in trust_findings(page)}


def test_exact_contributions_pass_and_the_page_is_labelled(rng):
    x = np.abs(rng.normal(size=(20, 9, 2))) * [1, -1]
    page = rnnlens.trust(leaky(9), x, baseline="zero")
    assert page.deletion.dims == ("removed",) and page.agreement.dims == (
        "by_method",
        "other_method",
    )
    assert page.layer.values.tolist() == ["dense", "recurrent"]
    assert float(page.infidelity) < 1e-6  # hidden windows are run in single precision
    said = verdicts(page)
    assert said["deletion"] == said["insertion"] == said["infidelity"] == "holds"
    assert said["agreement"] == said["secant against the tree"] == "holds"
    assert said["the forecast itself"] == "not known"
    assert page.attrs["samples"] == 20 and page.attrs["baseline"].startswith("zero")
    assert sum(len(table) for table in long_tables(page)) > 50


def test_a_delay_line_is_flagged_at_the_oldest_step_as_the_networks_own_doing(rng):
    page = rnnlens.trust(delay_line(6, 6), rng.normal(size=(10, 6, 2)))
    assert page.attrs["crowded"] == "oldest"
    (found,) = [each for each in trust_findings(page) if each.check == "spread over steps"]
    assert found.verdict == "in part" and "it is the network" in found.sentence


def test_the_error_is_in_the_targets_own_unit_and_y_is_that_of_the_windows(rng):
    network = forecaster("gru_after", rng, steps=7)
    variables = (
        Variable("rain", unit="mm", mean=2.0, scale=3.0),
        Variable("flow", unit="m3/s", mean=50.0, scale=12.0),
        Variable("season", unit="-", mean=0.0, scale=1.0, held=True),
    )
    series = {
        "rain": rng.gamma(1.0, 2.0, size=30),
        "flow": rng.normal(50, 12, size=30),
        "season": np.sin(np.arange(30) / 5),
    }
    windows = rnnlens.windows(series, Sidecar(variables, 7, 2, targets=variables[:2]))
    page = rnnlens.trust(network, windows, target="flow")
    own = rnnlens.predict(network, windows)[:, 1] * 12 + 50 - windows.actual[:, 1]
    np.testing.assert_allclose(page.rmse, np.sqrt(np.nanmean(own**2)), rtol=1e-12)
    assert page.rmse.attrs["units"] == "m3/s" and page.attrs["held"] == "season"
    given = rnnlens.trust(network, windows, windows.actual[:, 1], target="flow")
    assert float(given.rmse) == float(page.rmse)


def test_it_looks_at_as_many_windows_as_asked_and_is_the_same_every_time(rng):
    network, x = forecaster("lstm", rng, targets=1), rng.normal(size=(40, 7, 3))
    seen = []
    one = rnnlens.trust(network, x, windows=7, progress=lambda *done: seen.append(done))
    two = rnnlens.trust(network, x, windows=7)
    assert one.attrs["samples"] == 7 and len(seen) == 7  # six checks, and that of the forecast
    assert one.attrs["baseline"] == "mean (of 40 background windows)"
    other = rnnlens.trust(network, x, windows=7, background=x[:9] + 1)
    assert other.attrs["baseline"] == "mean (of 9 background windows)"
    assert float(other.scale) != float(one.scale)
    one.attrs["created"] = two.attrs["created"] = ""
    assert one.identical(two)
    assert not one.identical(rnnlens.trust(network, x, windows=7, seed=1))


def test_the_method_that_is_tested_is_the_one_that_was_asked_for(rng):
    network = forecaster("lstm", rng, scale=4.0, targets=1, steps=9)
    x = rng.normal(size=(12, 9, 3))
    figures = {
        method: float(rnnlens.trust(network, x, method=method).infidelity)
        for method in ("secant", "gradient_times_input", "occlusion")
    }
    assert figures["secant"] < figures["gradient_times_input"]
    assert len(set(figures.values())) == 3


REFUSED = [
    ({"method": "lime"}, InputError, "no method is called 'lime': give one of secant"),
    ({"windows": 0}, InputError, "windows must be a whole number from 1, not 0"),
    ({"noise": 0.0}, InputError, "noise must be a number above 0, not 0.0"),
    ({"y": np.zeros(3)}, DataError, r"one number for each of the 5 windows, but has shape \(3,\)"),
    ({"baseline": "median"}, DataError, "no baseline is called 'median'"),
    ({"target": "snow"}, DataError, "no target is called 'snow'"),
]


@pytest.mark.parametrize(("asked", "error", "words"), REFUSED)
def test_what_cannot_be_tested_is_refused_in_one_sentence(asked, error, words, rng):
    network = forecaster("lstm", rng, targets=1)
    with pytest.raises(error, match=words):
        rnnlens.trust(network, rng.normal(size=(5, 7, 3)), **asked)


def test_a_conditional_baseline_is_refused_and_the_advice_works(rng):
    network, x = forecaster("lstm", rng, targets=1), rng.normal(size=(40, 7, 3))
    with pytest.raises(InputError, match="give an interventional baseline, such as 'mean'"):
        rnnlens.trust(network, x, baseline="conditional", windows=5)
    page = rnnlens.trust(network, x, baseline="mean", windows=5)
    assert page.attrs["samples"] == 5 and page.attrs["baseline"].startswith("mean")


def test_a_baseline_that_moves_nothing_is_refused(rng):
    network = forecaster("lstm", rng, targets=1)
    with pytest.raises(DataError, match="the baseline moves no forecast"):
        rnnlens.trust(network, np.ones((5, 7, 3)))


@pytest.mark.parametrize("steps", [1, 2])
def test_the_shortest_windows_have_a_page_too(steps, rng):
    page = rnnlens.trust(leaky(steps), rng.normal(size=(4, steps, 2)), baseline="zero")
    assert page.attrs["crowded"] == ""
    assert verdicts(page)["agreement"] == "not known"
