"""Is it a forecast? References against naive twins, mistakes by name, and no false alarm."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from rnnlens.checks.forecast.data import ForecastData, Places, Series
from rnnlens.checks.forecast.leak import find_leak
from rnnlens.checks.forecast.linear import crossed, fitted
from rnnlens.checks.forecast.noise import beyond_noise
from rnnlens.checks.forecast.references import persistence, references
from rnnlens.checks.forecast.remedies import orders
from rnnlens.checks.forecast.scalings import of_data, restated
from rnnlens.checks.forecast.units import CONVERSIONS, conversions
from rnnlens.demo.weather import demo_files, weather_windows
from rnnlens.series.sidecar import Sidecar, Variable


@pytest.fixture(scope="module")
def net():
    return rnnlens.read(demo_files().network)


@pytest.fixture(scope="module")
def unseen():
    return weather_windows()


@pytest.fixture(scope="module")
def seen(unseen):
    return weather_windows(start="2013-01-01").between(None, unseen.issued[0])


def remedies(page):
    return json.loads(page.attrs["remedies"] or "[]")


# ------------------------------------------------------------------------------- sound networks


def test_the_shipped_network_is_a_forecast_and_its_references_are_those_of_a_loop(net, unseen):
    page = rnnlens.check(net, unseen, target="temp")
    assert page.attrs["verdict"] == "better" and page.attrs["caution"] == ""
    rows = np.unique(np.linspace(0, np.isfinite(unseen.actual[:, 0]).sum() - 1, 512).astype(int))
    known = np.flatnonzero(np.isfinite(unseen.actual[:, 0]))[rows]
    by_time = dict(zip(unseen.issued, unseen.original[:, -1, 0], strict=True))
    made = rnnlens.predict(net, unseen)[:, 0] * unseen.target_scaling.scale[0]
    made = made + unseen.target_scaling.mean[0]
    own, still, season = [], [], []
    for k in known:
        before = by_time.get(unseen.times[k] - np.timedelta64(24, "h"))
        if before is None:
            continue
        happened = unseen.actual[k, 0]
        own.append(abs(made[k] - happened))
        still.append(abs(unseen.original[k, -1, 0] - happened))
        season.append(abs(before - happened))
    # the same sums in another order: far below a part in 10^9
    found = page["error"].sel(reference=["forecast", "persistence", "season"]).values
    # the check knows older steps of windows after a gap as rows too, the loop does not
    np.testing.assert_allclose(found, [np.mean(own), np.mean(still), np.mean(season)], rtol=0.02)
    assert page.attrs["season_of"] == "day" and page.attrs["judged"] > 450
    assert page.attrs["forecast_check"].startswith("MAE 3.39 F; persistence 5.06, same hour the")


@pytest.mark.parametrize("target", ["humid", "wind_u", "precip", "hour_sin"])
def test_sound_forecasts_of_differing_skill_get_no_caution(net, unseen, seen, target):
    page = rnnlens.check(net, unseen, target=target, background=seen)
    assert page.attrs["caution"] == "" and page.attrs["verdict"] in {"better", "no better"}


# ------------------------------------------------------------------------------ planted mistakes


def scaled(windows, mean, scale):
    """The same series with another scaling stated, for inputs and targets alike."""
    from rnnlens.series.scaling import Scaling

    other = Scaling(mean, scale)
    return replace(
        windows,
        values=other.apply(windows.original),
        feature_scaling=other,
        target_scaling=other,
    )


def forgotten(w):
    kept = np.isin(w.features, w.held)
    return scaled(w, np.where(kept, w.feature_scaling.mean, 0), np.ones(10))


def copied(w):
    return scaled(w, w.feature_scaling.mean, 1 / w.feature_scaling.scale)


def twice(w):
    s = w.feature_scaling
    return replace(w, values=s.apply(w.values), actual=s.apply(w.actual))


def other_scaler(w):
    x = w.original.reshape(-1, 10)
    return scaled(w, x.min(axis=0), np.ptp(x, axis=0))


def ordered(w, order):
    return replace(
        w,
        values=w.values[:, :, order],
        features=tuple(w.features[k] for k in order),
        units=tuple(w.units[k] for k in order),
        feature_scaling=w.feature_scaling[order],
    )


def led(w):
    return replace(
        w,
        lead=12,
        times=w.issued[:-6] + np.timedelta64(12, "h"),
        issued=w.issued[:-6],
        values=w.values[:-6],
        actual=np.where(
            (w.issued[6:] - w.issued[:-6] == np.timedelta64(6, "h"))[:, None],
            w.actual[6:],
            np.nan,
        ),
    )


def target_forgotten(w):
    from rnnlens.series.scaling import Scaling

    return replace(w, target_scaling=Scaling(np.zeros(10), np.ones(10)))


def other_units(w):
    original, actual = w.original, w.actual.copy()
    for k in (0, 1):
        original[:, :, k] = (original[:, :, k] - 32) / 1.8
        actual[:, k] = (actual[:, k] - 32) / 1.8
    return replace(w, values=w.feature_scaling.apply(original), actual=actual)


MISTAKES = {
    "scaling forgotten": (forgotten, {"kind": "scaling", "inputs": "standard"}),
    "scale_ copied": (copied, {"kind": "scaling", "inputs": "inverse", "output": "inverse"}),
    "scaled twice": (twice, {"kind": "scaling", "inputs": "none", "output": "none"}),
    "min-max for standard": (other_scaler, {"kind": "scaling", "inputs": "standard"}),
    "columns reversed": (lambda w: ordered(w, list(range(10))[::-1]), {"kind": "columns"}),
    "columns swapped": (lambda w: ordered(w, [2, 1, 0, *range(3, 10)]), {"kind": "columns"}),
    "wrong lead": (led, {"kind": "lead", "lead": 6}),
    "target's scaling forgotten": (target_forgotten, {"kind": "scaling", "inputs": "stated"}),
    "steps reversed": (
        lambda w: replace(w, values=w.values[:, ::-1].copy()),
        {"kind": "steps reversed"},
    ),
    "other units": (other_units, {"kind": "units"}),
}


@pytest.mark.parametrize("mistake", sorted(MISTAKES))
def test_a_planted_mistake_is_called_by_its_name(net, unseen, seen, mistake):
    plant, right = MISTAKES[mistake]
    page = rnnlens.check(net, plant(unseen), target="temp", background=plant(seen))
    named = remedies(page)
    assert any(right.items() <= fact.items() for fact in named), named
    assert page.attrs["verdict"] in {"worse", "fits better"}
    assert page.attrs["caution"].startswith("CAUTION: ")
    assert "the error would be" in page.attrs["caution"]


def test_a_longer_step_is_found_where_the_forecast_suffers(net, unseen):
    """Rows every 20 minutes, as if interpolated, for a network that was trained on hours."""
    w = unseen
    rows = np.repeat(np.arange(len(w)), 1)
    newest = w.original[rows, -1]
    fine = np.concatenate([newest[:-1] + (newest[1:] - newest[:-1]) * k / 3 for k in range(3)])
    order = np.argsort(np.concatenate([np.arange(len(newest) - 1) + k / 3 for k in range(3)]))
    columns = dict(zip(w.features, fine[order].T, strict=True))
    variables = tuple(
        Variable(name, unit, float(mean), float(scale), name in w.held)
        for name, unit, mean, scale in zip(
            w.features, w.units, w.feature_scaling.mean, w.feature_scaling.scale, strict=True
        )
    )
    page = rnnlens.check(net, rnnlens.windows(columns, Sidecar(variables, 24, 18)), target="temp")
    named = [fact for fact in remedies(page) if fact["kind"] == "step"]
    assert page.attrs["verdict"] in {"better", "no better", "fits better"}
    assert all(fact["factor"] == 3.0 for fact in named)


def test_a_column_that_holds_the_future_is_named(net, unseen):
    values = unseen.original
    values[:, -1, 6] = unseen.actual[:, 0] / 7 + 1  # visib becomes the temperature to come
    values[~np.isfinite(values)] = 0
    leaky = replace(unseen, values=unseen.feature_scaling.apply(values))
    page = rnnlens.check(net, leaky, target="temp")
    assert (page.attrs["verdict"], page.attrs["leak"], page.attrs["leak_lag"]) == (
        "leak",
        "visib",
        1,
    )
    assert "visib at t-1 holds what is to be forecast" in page.attrs["caution"]


def test_forecasts_that_do_not_vary_are_said(rng):
    network = forecaster("lstm", rng, steps=4, features=2, units=2)
    head = network.nodes[-2]
    dead = replace(head, layer=replace(head.layer, W=np.zeros_like(head.layer.W)))
    still = replace(network, nodes=(*network.nodes[:-2], dead, network.nodes[-1]))
    X = rng.normal(size=(40, 4, 2))
    page = rnnlens.check(still, X, X[:, -1, 0], target=0)
    assert page.attrs["verdict"] == "constant" and "do not vary" in page.attrs["caution"]
    assert rnnlens.check(still, X, target=0).attrs["verdict"] == "constant"


# ------------------------------------------------------------------------- what nothing is known of


def test_without_actuals_inputs_that_no_scaler_gives_are_said(net, rng):
    X = rng.normal(size=(30, 24, 10))
    assert rnnlens.check(net, X, target=0).attrs["caution"] == ""
    X[:, :, 5] += 1000
    page = rnnlens.check(net, X, target=0)
    assert page.attrs["verdict"] == "misplaced" and "feature 5 lies where" in page.attrs["caution"]
    assert "no actuals are known" in page.attrs["forecast_check"]


def test_rain_with_a_long_tail_is_not_misplaced(net, rng):
    X = rng.normal(size=(30, 24, 10))
    X[:, :, 7] = np.where(rng.random((30, 24)) < 0.05, rng.exponential(15, (30, 24)), -0.1)
    assert rnnlens.check(net, X, target=0).attrs["caution"] == ""


def test_one_window_is_judged_by_its_inputs_and_with_a_background_by_that(net, unseen, seen):
    one = unseen.select(slice(-1, None))
    alone = rnnlens.check(net, one, target="temp")
    assert alone.attrs["verdict"] == "not known" and np.isnan(alone.error.values).all()
    beside = rnnlens.check(net, one, target="temp", background=seen)
    assert beside.attrs["judged_on"] == "the background" and beside.attrs["verdict"] == "better"
    assert "judged on the background" in beside.attrs["forecast_check"]


def test_actuals_that_are_given_are_taken_and_must_fit(net, unseen):
    X = unseen.values[:300]
    y = unseen.actual[:300, 0]
    given = rnnlens.check(net, X, (y - 52.6) / 17.89, target=0)
    assert given.attrs["verdict"] == "better" and given.attrs["judged"] > 200
    with pytest.raises(rnnlens.errors.DataError, match="y must hold one number for each of the"):
        rnnlens.check(net, X, y[:-1], target=0)


# ------------------------------------------------------------------------------ parts by itself


def naive_ridge(columns, wanted, others, ridges):
    """GCV by the definition: every hat matrix written out."""
    centre, spread = columns.mean(0), columns.std(0)
    z, level = (columns - centre) / spread, wanted.mean()
    n, best = len(z), (np.inf, None)
    for ridge in ridges * np.linalg.norm(z, 2) ** 2:
        hat = z @ np.linalg.inv(z.T @ z + ridge * np.eye(z.shape[1])) @ z.T
        missed = (wanted - level) - hat @ (wanted - level)
        score = missed @ missed / (n - 1 - np.trace(hat)) ** 2
        if score < best[0]:
            best = (score, ridge)
    beta = np.linalg.solve(z.T @ z + best[1] * np.eye(z.shape[1]), z.T @ (wanted - level))
    return level + (others - centre) / spread @ beta


def test_the_linear_fit_is_ridge_regression_by_generalised_cross_validation(rng):
    from rnnlens.checks.forecast.linear import RIDGES

    columns, others = rng.normal(size=(60, 5)) * [1, 2, 3, 4, 9], rng.normal(size=(7, 5))
    wanted = columns @ [1.0, 0, -2, 0, 0.1] + rng.normal(size=60)
    # the twin inverts what the fit decomposes: a part in 10^8 of the forecasts
    np.testing.assert_allclose(
        fitted(columns, wanted, others), naive_ridge(columns, wanted, others, RIDGES), rtol=1e-7
    )


def test_each_half_is_forecast_by_the_other(rng):
    columns = rng.normal(size=(50, 2))
    wanted = np.where(np.arange(50) < 25, columns[:, 0], 3 * columns[:, 0])
    late = np.arange(50) >= 25
    made = crossed(columns, wanted, columns, late)
    np.testing.assert_allclose(made[late], columns[late, 0], atol=1e-3)
    np.testing.assert_allclose(made[~late], 3 * columns[~late, 0], atol=1e-2)


def test_noise_is_measured_by_batches_and_is_larger_where_neighbours_depend(rng):
    white = rng.normal(size=4000)
    walk = np.convolve(white, np.ones(50) / np.sqrt(50), mode="same")
    sizes = [np.mean([abs(beyond_noise(np.roll(x, k)[:800])) for k in range(0, 3000, 300)])
             for x in (white, walk)]  # fmt: skip
    assert sizes[0] < 1.6 and sizes[1] < 2.5  # a t-ratio that ignored neighbours would be 7 times
    naive = abs(walk[:800].mean()) / (walk[:800].std() / np.sqrt(800))
    assert abs(beyond_noise(walk[:800])) < naive
    assert beyond_noise(np.ones(19)) == 0.0 and beyond_noise(np.ones(40)) == np.inf


def data_of(rng, own=0, **changed):
    network = forecaster("lstm", rng, steps=3, features=2, units=2)
    x = rng.normal(size=(30, 3, 2))
    case = {"actual": rng.normal(size=30), "places": Places(np.arange(30), np.arange(30) + 2)}
    from rnnlens.attribution.target import ResolvedTarget

    return ForecastData(
        network=network, inputs={next(iter(network.inputs)): x}, of=next(iter(network.inputs)),
        target=ResolvedTarget((0,)), original=x, mean=np.zeros(2), scale=np.ones(2), held=(),
        own=own, **(case | changed),
    )  # fmt: skip


def test_persistence_is_the_newest_value_or_the_last_that_is_known_when_issued(rng):
    data = data_of(rng)
    np.testing.assert_array_equal(persistence(data, None), data.original[:, -1, 0])
    other = data_of(rng, own=None)
    made = persistence(other, other.history(None))
    assert np.isnan(made[:2]).all()  # nothing had happened that was forecast by then
    np.testing.assert_array_equal(made[2:], other.actual[:-2])


def test_the_season_before_is_the_newest_that_is_known(rng):
    places = Places(np.arange(60), np.arange(60) + 5, day=4)
    data = data_of(rng, own=None, actual=np.arange(60.0), places=places)
    data = replace(data, original=None)
    data = replace(data, inputs={data.of: rng.normal(size=(60, 3, 2))})
    refs = references(data, np.arange(60), data.history(None), None)
    # two days back, for a day back is not yet known five steps ahead
    np.testing.assert_array_equal(refs.season[8:], np.arange(60.0)[:-8])
    assert refs.season_of == "day" and np.isnan(refs.season[:8]).all()


def test_values_between_rows_lie_on_a_straight_line():
    series = Series(np.array([0, 1, 3]), np.array([1.0, 2.0, 8.0]))
    made = series.between(np.array([0.0, 0.5, 1.0, 1.5, 3.0, 4.0]))
    np.testing.assert_array_equal(made, [1, 1.5, 2, np.nan, 8, np.nan])


def test_every_order_of_few_columns_is_tried_and_of_many_exchanges_and_turns():
    assert len(orders(4)) == 23
    many = orders(7)
    assert len(set(many)) == len(many) and tuple(range(7)) not in many
    assert tuple(range(7))[::-1] in many and (1, 0, 2, 3, 4, 5, 6) in many
    assert (6, 0, 1, 2, 3, 4, 5) in many and (1, 2, 3, 4, 5, 6, 0) in many


def test_restated_scalings_are_what_they_are_called(rng):
    x, mean, scale = rng.normal(size=9) * 3 + 5, np.array([5.0]), np.array([3.0])
    made = {name: (x - m[0]) / s[0] for name, (m, s) in restated(mean, scale).items()}
    stated = (x - 5) / 3
    # rounding of a division and a product
    np.testing.assert_allclose(made["none"], x, rtol=1e-12)
    np.testing.assert_allclose(made["inverse"], (x - 5) * 3, rtol=1e-12)
    np.testing.assert_allclose(made["min_"], x * 3 + 5, rtol=1e-12)
    np.testing.assert_allclose(made["twice"], (stated - 5) / 3, rtol=1e-12)
    low, width = of_data(x[:, None])["min-max"]
    assert ((x - low) / width).min() == 0 and ((x - low) / width).max() == 1


@pytest.mark.parametrize("one", CONVERSIONS, ids=lambda one: f"{one.given} to {one.wanted}")
def test_a_conversion_and_its_way_back_leave_values_as_they_were(one, rng):
    x = rng.normal(size=5) * 10
    there = x * one.factor + one.shift
    back = one.back()
    np.testing.assert_allclose(there * back.factor + back.shift, x, atol=1e-9)


def test_a_conversion_is_chosen_that_the_stated_unit_allows(rng):
    celsius = rng.normal(11, 10, size=500)
    found = conversions(celsius, 52.6, 17.89, "F")
    assert (found.given, found.wanted) == ("C", "F")
    assert conversions(celsius * 1.8 + 32, 52.6, 17.89, "F") is None
    assert conversions(celsius, 52.6, 17.89, "mbar-like") == found


def test_a_slow_series_is_no_leak_though_its_neighbours_tell_nearly_all(rng):
    walk = np.cumsum(rng.normal(size=400)) * 0.01 + np.sin(np.arange(400) / 40)
    x = np.lib.stride_tricks.sliding_window_view(walk, 3)[:300, :, None]
    data = data_of(rng)
    data = replace(data, original=np.concatenate([x, x * 1.001], axis=2), actual=walk[3:303])
    assert find_leak(replace(data, places=None)) is None
