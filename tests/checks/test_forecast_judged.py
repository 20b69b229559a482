"""What is compared and what counts as a remedy: sparse targets, leads of their own, shrinking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.checks.forecast.check import check_forecast
from rnnlens.checks.forecast.data import ForecastData, Places
from rnnlens.checks.forecast.noise import lopsided
from rnnlens.checks.forecast.remedies import Remedy, tries
from rnnlens.checks.forecast.search import Fit, search
from rnnlens.checks.forecast.verdict import Errors, judge
from rnnlens.series.sidecar import Column, Sidecar, Variable

# ------------------------------------------------------------------------------- sparse targets


def test_absolute_errors_are_compared_but_where_they_reward_a_forecast_that_never_moves(rng):
    rain = np.where(rng.random(400) < 0.2, rng.exponential(4, 400), 0.0)
    assert lopsided(rain) and lopsided(np.append(rain, np.nan)) and lopsided(rain > 0)
    assert not lopsided(rng.normal(size=400)) and not lopsided(rng.exponential(size=400))
    assert not lopsided(np.zeros(400)) and not lopsided(rain[:19])  # too few to say


def of_rain(rng, count=200):
    """Windows of a network whose target is dry in most of them."""
    network = forecaster("lstm", rng, steps=3, features=2, units=2)
    of = next(iter(network.inputs))
    x = rng.normal(size=(count, 3, 2))
    rain = np.where(rng.random(count) < 0.2, rng.exponential(4, count), 0.0)
    return ForecastData(
        network=network, inputs={of: x}, of=of, target=ResolvedTarget((0,)), original=x,
        mean=np.zeros(2), scale=np.ones(2), held=(), own=None, actual=rain,
        places=Places(np.arange(count), np.arange(count) + 2),
    )  # fmt: skip


def test_the_errors_of_a_sparse_target_are_compared_in_squares(rng):
    data = of_rain(rng)
    check = check_forecast(data)
    assert check.squared and not check_forecast(
        replace(data, actual=rng.normal(size=len(data)))
    ).squared  # fmt: skip
    made = data.run()
    both = np.isfinite(data.actual)
    both[:2] = False  # nothing had happened yet that persistence could take
    squares = (made - data.actual)[both] ** 2
    mean = (data.actual.mean() - data.actual)[both] ** 2
    from rnnlens.checks.forecast.noise import beyond_noise

    # the same sums in another order
    np.testing.assert_allclose(check.rmse[0], np.sqrt(squares.mean()), rtol=1e-12)
    np.testing.assert_allclose(check.better[2], beyond_noise(mean - squares), rtol=1e-9)


def test_the_line_and_the_finding_of_trust_name_the_error_that_was_compared(rng):
    data = of_rain(rng)
    X = data.inputs[data.of]
    page = rnnlens.check(data.network, X, data.actual, target=0)
    assert page.attrs["measure"] == "RMSE"
    assert page.attrs["forecast_check"].startswith(f"RMSE {float(page.rmse[0]):.3g}")
    plain = rnnlens.check(data.network, X, rng.normal(size=len(X)), target=0)
    assert plain.attrs["forecast_check"].startswith(f"MAE {float(plain.error[0]):.3g}")


def test_trust_names_the_error_that_was_compared(rng):
    from rnnlens.views.words.trust import trust_findings

    data = of_rain(rng)
    asked = {"target": 0, "windows": 4, "method": "occlusion", "baseline": "zero"}
    page = rnnlens.trust(data.network, data.inputs[data.of], data.actual, **asked)
    said = {one.check: one.sentence for one in trust_findings(page)}["the forecast itself"]
    own = float(page["reference_rmse"].sel(reference="forecast"))
    assert said.startswith(f"The forecast's root mean square error is {own:.3g} against")


# ----------------------------------------------------------------------- what counts as a remedy


def errors(forecast, persistence, mean, beyond=-9.0):
    sizes = np.array([forecast, persistence, mean, np.nan, mean])
    better = np.array([np.nan, beyond, beyond, np.nan, beyond])
    return Errors(sizes, sizes.copy(), better, 300, 1.0, misplaced=False)


def fit(error, stated):
    return Fit(Remedy("scaling", "twice"), error, stated, error / stated, 0.5, 9.0)


@pytest.mark.parametrize(
    ("error", "named"),
    [(1.7, False), (1.6, False), (1.5, True), (1.0, True)],
)
def test_what_only_brings_a_forecast_to_the_mean_is_no_remedy(error, named):
    """A network that learned its windows by heart: its error is 2.3, that of the mean 1.7."""
    verdict, found = judge(errors(2.3, 1.74, 1.7), (fit(error, 2.3),), None)
    assert verdict == "worse" and bool(found) is named


def test_a_weak_network_that_is_wrong_beyond_what_networks_do_is_told_of_the_remedy():
    verdict, found = judge(errors(50.0, 1.74, 1.7), (fit(1.68, 50.0),), None)
    assert verdict == "worse" and len(found) == 1


def test_no_time_that_is_less_than_a_row_ahead_is_tried(rng):
    data = of_rain(rng, 60)
    rows = data.rows()
    tried = [remedy for one in tries(data, data, rows, data.history(rows), 9)
             for remedy, _ in one.made if remedy.kind == "step"]  # fmt: skip
    assert {one.factor for one in tried} >= {0.25, 0.5, 2.0}
    assert sum(one.factor == 0.25 for one in tried) == 1  # two rows ahead, and not half a row
    assert sum(one.factor == 0.5 for one in tried) == 2  # two rows ahead, and one


# ----------------------------------------------------------------------- targets with own leads


def test_targets_with_leads_of_their_own_are_judged_and_tried_at_each_one(rng):
    import pandas as pd

    count, leads = 300, (1, 6)
    table = pd.DataFrame({
        "time": pd.Timestamp("2015-01-01") + np.arange(count) * pd.Timedelta("1h"),
        "flow": rng.normal(size=count).cumsum() + 20, "rain": rng.normal(size=count),
    })  # fmt: skip
    targets = tuple(
        Variable(f"flow_{lead}h", "m3/s", 2.0, 3.0, column=Column(of="flow"), lead=lead)
        for lead in leads
    )
    features = (Variable("flow", "m3/s", 2.0, 3.0), Variable("rain", "mm", 0.0, 1.0))
    windows = rnnlens.windows(table, Sidecar(features, 4, targets=targets, time="time", step="1h"))
    network = forecaster("gru", rng, steps=4, features=2, units=3, targets=2)
    from rnnlens.api.shared.forecast.check import _data
    from rnnlens.api.shared.given.joint.making import make_case

    case = make_case(network, windows)
    flow = dict(zip(table["time"].to_numpy(), table["flow"], strict=True))
    for place, lead in enumerate(leads):
        ahead = [flow.get(at + np.timedelta64(lead, "h"), np.nan) for at in windows.issued]
        now = np.array([flow[at] for at in windows.issued])
        season = [flow.get(at + np.timedelta64(lead - 24, "h"), np.nan) for at in windows.issued]
        both = np.isfinite(ahead) & np.isfinite(season)
        page = rnnlens.check(network, windows, target=f"flow_{lead}h")
        # the same sums in another order
        still = np.abs(now - ahead)[both].mean()
        before = np.abs(np.array(season) - ahead)[both].mean()
        np.testing.assert_allclose(page.error.values[[1, 3]], [still, before], rtol=1e-12)
        assert page.attrs["lead"] == lead

        data = _data(case, case.target(f"flow_{lead}h", None, 0), None)
        assert data.lead == lead
        rows = data.rows()
        fits = search(data, data, rows, data.history(rows), only_leads=True)
        assert {one.remedy.lead for one in fits} == set(range(25)) - {lead}
        made = rnnlens.predict(network, windows)[:, place] * 3.0 + 2.0
        for one in fits:
            hours = np.timedelta64(one.remedy.lead, "h")
            wanted = np.array([flow.get(at + hours, np.nan) for at in windows.issued])
            known = np.isfinite(wanted) & np.isfinite(ahead)
            np.testing.assert_allclose(one.error, np.abs(made - wanted)[known].mean(), rtol=1e-9)
