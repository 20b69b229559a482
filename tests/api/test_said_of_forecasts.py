"""What a result says of its forecast is what the page of its check says, to the letter.

A result takes less trouble: forecasts that its method made are not made again, and no page is
labelled. Nothing has a tolerance here but forecasts that were scaled and unscaled (1e-12).
"""

import tracemalloc

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from rnnlens.api.shared.forecast import check as checking
from rnnlens.api.shared.forecast import kept
from rnnlens.checks.forecast import check as judging
from rnnlens.checks.forecast.data import ForecastData
from rnnlens.series.sidecar import Sidecar, Variable


def sidecar(window=7):
    variables = (
        Variable("rain", unit="mm", mean=2.0, scale=3.0),
        Variable("flow", unit="m3/s", mean=50.0, scale=12.0),
    )
    return Sidecar(variables, window=window, targets=variables)


def series(rng, rows=120, far=0.0):
    return {
        "rain": rng.gamma(1.0, 2.0, size=rows) + far,
        "flow": rng.normal(50, 12, size=rows),
    }


@pytest.mark.parametrize("far", [0.0, 400.0])
@pytest.mark.parametrize("known", [True, False])
def test_a_result_says_of_its_forecast_what_the_check_says(rng, far, known):
    network = forecaster("lstm", rng, steps=7, features=2)
    windows = rnnlens.windows(series(rng, far=far), sidecar())
    x = windows if known else windows.values
    target = "flow" if known else 1
    page = rnnlens.check(network, x, target=target)
    for method in ("secant", "gradient", "carry"):
        found = rnnlens.explain(network, x, target=target, method=method)
        for name in ("forecast_check", "caution"):
            assert found.attrs[name] == page.attrs[name]
        assert found.attrs["forecast_verdict"] == page.attrs["verdict"]
    assert bool(far) == bool(page.attrs["caution"])  # the case is one that there is much to say of


def test_of_several_targets_each_is_judged_on_its_own_forecasts(rng):
    network = forecaster("lstm", rng, steps=7, features=2)
    windows = rnnlens.windows(series(rng), sidecar())
    both = rnnlens.explain(network, windows, target="all", method="secant").attrs["forecast_check"]
    each = [rnnlens.check(network, windows, target=t).attrs["forecast_check"] for t in both_names()]
    assert both == "; ".join(
        f"{name}: {said}" for name, said in zip(both_names(), each, strict=True)
    )


def both_names():
    return ("rain", "flow")


def test_forecasts_that_a_method_made_are_not_made_again(rng, monkeypatch):
    network = forecaster("lstm", rng, steps=7, features=2)
    windows = rnnlens.windows(series(rng), sidecar())
    taken, honest = [], checking.kept_check

    def noted(data, *given, **named):
        taken.append(data)
        return honest(data, *given, **named)

    monkeypatch.setattr(checking, "kept_check", noted)
    rnnlens.explain(network, windows, target="flow", method="secant")
    (data,) = taken
    assert data.made is not None
    again = ForecastData.run(judging.replace(data, made=None))
    np.testing.assert_allclose(data.run(), again, rtol=0, atol=1e-12)


def test_windows_out_of_the_order_of_time_keep_their_own_forecasts(rng):
    network = forecaster("lstm", rng, steps=7, features=2)
    rows = 120
    times = np.datetime64("2020-01-01") + np.arange(rows) * np.timedelta64(1, "h")
    windows = rnnlens.windows({"time": times, **series(rng, rows)}, sidecar())
    mixed = windows.select(rng.permutation(len(windows)))
    page = rnnlens.check(network, mixed, target="flow")
    found = rnnlens.explain(network, mixed, target="flow", method="secant")
    assert found.attrs["forecast_check"] == page.attrs["forecast_check"]


def test_a_page_after_a_result_is_as_whole_as_one_before(rng):
    network = forecaster("lstm", rng, steps=7, features=2)
    windows = rnnlens.windows(series(rng), sidecar())
    before = rnnlens.check(network, windows, target="flow")
    kept._KEPT.clear()
    rnnlens.explain(network, windows, target="flow", method="gradient")
    after = rnnlens.check(network, windows, target="flow")
    for name in before.variables:
        if before[name].dtype.kind == "f":  # of forecasts that were scaled and unscaled
            np.testing.assert_allclose(after[name], before[name], rtol=1e-12)
        else:
            np.testing.assert_array_equal(after[name], before[name])
    assert after.sizes["layer"] == 1 and after.sizes["feature"] == 2


def test_a_background_is_named_and_taken_in_part_without_copies_of_it(rng, monkeypatch):
    network = forecaster("lstm", rng, steps=100, features=2)
    background = rnnlens.windows(series(rng, 3_000), sidecar(100))
    taken, honest = [], checking.kept_check

    def noted(data, *given, **named):
        taken.append(data)
        return honest(data, *given, **named)

    monkeypatch.setattr(checking, "kept_check", noted)
    one = background.select(np.array([7]))
    rnnlens.explain(network, one, target="flow", method="gradient", background=background)
    (data,) = taken
    assert len(data) == len(background)
    run = data.select(np.arange(5, 2_500))
    for name, array in run.inputs.items():
        assert np.shares_memory(array, data.inputs[name])
    assert np.shares_memory(run.original, data.original)
    np.testing.assert_array_equal(run.values, data.select(np.arange(2_499, 4, -1)).values[::-1])
    tracemalloc.start()
    kept._digest(data, numbers=True)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # inputs and original units are 4.6 MB each, of which a megabyte is handed on at once
    assert most < 0.5 * data.values.nbytes
