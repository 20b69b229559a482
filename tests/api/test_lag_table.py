"""The table of lags: every column is what its own part gives, and verdicts are the ladder's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import rnnlens
from linear_networks import linear_network
from networks import forecaster
from rnnlens import Certificates, Shares, Test
from rnnlens.errors import DataError, InputError
from rnnlens.evidence.ladder import RUNGS
from rnnlens.series.arrays import windows_from_arrays
from rnnlens.series.scaling import Scaling
from rnnlens.views.report import drawn
from rnnlens.views.tables.lags import evidence_cells, evidence_summary

STEPS = 6
#: Fewer draws of an interval that is not looked at.
QUICK = Shares(draws=50)


def series(rng, count=420, noise=None):
    """Windows of two autoregressions, with normal noise or one of its own."""
    x = rng.normal(size=(count, 2)) if noise is None else noise(size=(count, 2))
    for t in range(1, count):
        x[t] += 0.5 * x[t - 1]
    return np.lib.stride_tricks.sliding_window_view(x, STEPS, axis=0).transpose(0, 2, 1).copy()


@pytest.fixture
def network():
    coefficients = np.zeros((STEPS, 2))
    coefficients[0, 0], coefficients[2, 0] = 1.0, 0.7
    return linear_network(coefficients)


@pytest.fixture
def X(rng):
    return series(rng)


@pytest.fixture
def y(network, X, rng):
    return rnnlens.predict(network, X)[:, 0] + 0.5 * rng.normal(size=len(X))


def test_every_column_of_the_table_is_what_its_own_verb_gives(network, X, y):
    table = rnnlens.lags(network, X, y, certificates=Certificates(windows=4), shares=QUICK)
    places = table.window.values
    assert places.tolist() == [0, 138, 276, 414]
    same = Certificates(tolerance=table.attrs["tolerance"])
    alone = rnnlens.certify(
        network, X[places], lag=list(range(1, STEPS + 1)), background=X, certificates=same
    )
    # two features, freed together; of lags that are refuted no bound is sought
    sought = (alone.refuted == 0).values
    np.testing.assert_array_equal(table.bound[:, sought], alone.bound[:, sought])
    assert np.isinf(table.largest_bound[~sought]).all() and not sought.all()
    np.testing.assert_array_equal(table.largest_attained, alone.largest_attained)
    for name in ("structural", "proven", "refuted", "undecided"):
        np.testing.assert_array_equal(table[name], alone[name])
    assert table.attrs["tolerance"] == pytest.approx(0.01 * rnnlens.predict(network, X).std())
    explained = rnnlens.explain(network, X, method="secant")
    size = np.abs(explained.contribution.sum("feature")).mean("sample")
    np.testing.assert_allclose(table.share, size / size.sum(), rtol=1e-12)
    own = np.abs(rnnlens.predict(network, X)[:, 0] - y).mean()
    assert table.attrs["mean_loss"] == pytest.approx(own)
    assert table.attrs["margin"] == pytest.approx(0.01 * own)
    assert table.attrs["margin_text"] == "1 % of the mean absolute error"


def test_the_verdicts_are_those_of_a_network_that_uses_lags_one_and_three(network, X, y):
    table = rnnlens.lags(network, X, y, certificates=Certificates(windows=3), shares=QUICK)
    known = np.full(STEPS, "structural", dtype="<U10")
    known[[0, 2]] = "used"
    assert table.verdict.values.tolist() == known.tolist()
    assert (table.rung.values == [RUNGS[one] for one in table.verdict.values]).all()
    assert table.attrs["looks_back"] == 3
    assert table.attrs["looks_back_p"] < 0.05
    assert float(table.older_p.sel(lag=3)) > 0.05
    # what moves the forecast: the window's own distance to an end of the range, times the weight
    ends = np.quantile(X[:, :, 0].ravel(), [0.001, 0.999])
    own = X[table.window.values, -3, 0]
    away = np.maximum(np.abs(ends[1] - own), np.abs(own - ends[0]))
    assert float(table.largest_attained.sel(lag=3)) == pytest.approx(0.7 * away.max(), rel=0.01)
    assert float(table.largest_bound.sel(lag=3)) >= 0.7 * away.max() * (1 - 1e-9)


def test_rows_may_be_features_or_features_at_lags(network, X, y):
    by_feature = rnnlens.lags(
        network, X, y, by="feature", certificates=Certificates(windows=2), shares=QUICK
    )
    assert by_feature.verdict.dims == ("feature",)
    assert by_feature.verdict.values[0] == "used"
    assert by_feature.verdict.values[1] in {"structural", "bounded", "equivalent"}
    assert by_feature.bound.dims == ("sample", "lag", "feature")
    assert float(by_feature.largest_bound[0]) == float(by_feature.bound[:, :, 0].max())
    both = rnnlens.lags(
        network, X, y, by="both", certificates=Certificates(windows=2), shares=QUICK
    )
    assert both.verdict.dims == ("lag", "feature")
    assert both.verdict.values[[0, 2], 0].tolist() == ["used", "used"]
    assert not np.isin(both.verdict.values[:, 1], ["used", "refuted"]).any()
    assert float(both.share.sum()) == pytest.approx(1.0)
    rows = evidence_summary(both)["rows"]
    assert [(row["lag"], row["feature"]) for row in rows[:3]] == [
        (1, "feature 0"), (1, "feature 1"), (2, "feature 0")
    ]  # fmt: skip


def test_features_freed_alone_prove_nothing_of_a_whole_lag(network, X, y):
    alone = rnnlens.lags(
        network,
        X,
        y,
        certificates=Certificates(windows=3, together=False),
        test=Test(replacements=0),
        shares=QUICK,
    )
    assert "proven" not in alone.verdict.values
    assert alone.attrs["free"] == "one feature of one lag at a time"
    assert (alone.proven + alone.structural).values.tolist() == [0, 3, 0, 3, 3, 3]
    assert alone.verdict.values[4] == "structural"
    assert alone.bound.dims == ("sample", "lag", "feature")
    together = rnnlens.lags(network, X, y, certificates=Certificates(windows=3), shares=QUICK)
    assert (together.largest_bound >= alone.largest_bound - 1e-12).all()


def test_without_actuals_the_test_is_about_the_forecast_and_says_so(network, X):
    table = rnnlens.lags(network, X, certificates=Certificates(windows=2), shares=QUICK)
    assert table.attrs["blind"] == 1
    assert table.attrs["question"].startswith("how far forecasts move")
    assert table.attrs["margin"] == table.attrs["tolerance"]
    assert table.attrs["margin_text"] == "1 % of the standard deviation of the forecasts"
    assert table.verdict.values[[0, 2]].tolist() == ["used", "used"]
    squared = rnnlens.lags(network, X, certificates=None, test=Test(loss="squared"), shares=QUICK)
    assert squared.attrs["margin"] == pytest.approx(table.attrs["tolerance"] ** 2)
    assert squared.attrs["margin_text"].endswith(", squared")


def test_windows_without_an_actual_are_left_out_of_the_test_alone(network, X, y):
    known = y.copy()
    known[:7] = np.nan
    table = rnnlens.lags(network, X, known, certificates=None, shares=QUICK)
    assert (table.attrs["tested"], table.attrs["samples"]) == (len(X) - 7, len(X))
    again = rnnlens.lags(network, X[7:], y[7:], background=X, certificates=None, shares=QUICK)
    assert again.attrs["mean_loss"] == table.attrs["mean_loss"]


def test_held_features_have_a_row_and_no_evidence(rng):
    made = windows_from_arrays(rng.normal(size=(60, 5, 3)), rng.normal(size=(60, 1)))
    held = replace(made, features=("a", "b", "hour"), held=("hour",), targets=("a",))
    net = forecaster("gru_after", rng, steps=5, features=3, targets=1)
    table = rnnlens.lags(
        net, held, by="feature", certificates=Certificates(windows=1), shares=QUICK
    )
    assert table.verdict.values[2] == "held"
    assert np.isnan(table.largest_bound.values[2])
    assert np.isnan(table.bound.sel(feature="hour")).all()


def test_bounds_and_changes_are_in_the_targets_own_unit(network, X, y):
    made = windows_from_arrays(X, y[:, None])
    scaled = replace(
        made, targets=("flow",), target_units=("m3/s",), target_scaling=Scaling([10.0], [100.0]),
        actual=100 * y[:, None] + 10,
    )  # fmt: skip
    bare = rnnlens.lags(network, X, y, certificates=Certificates(windows=2), shares=QUICK)
    table = rnnlens.lags(network, scaled, certificates=Certificates(windows=2), shares=QUICK)
    np.testing.assert_allclose(table.largest_bound, 100 * bare.largest_bound, rtol=1e-6)
    np.testing.assert_allclose(table.error_change, 100 * bare.error_change, rtol=1e-6, atol=1e-9)
    assert table.largest_bound.attrs["units"] == table.attrs["loss_unit"] == "m3/s"
    np.testing.assert_array_equal(table.verdict, bare.verdict)


def test_the_sampler_that_fits_is_taken_and_named(network, rng):
    steady = rnnlens.lags(network, series(rng), certificates=None, shares=QUICK)
    assert steady.attrs["sampler"].startswith("Gaussian")
    assert steady.attrs["sampler_fits"] == 1
    skewed = series(rng, 1200, rng.exponential)
    auto = rnnlens.lags(network, skewed, certificates=None, shares=QUICK)
    gaussian = rnnlens.lags(
        network, skewed, certificates=None, test=Test(sampler="gaussian"), shares=QUICK
    )
    assert gaussian.attrs["sampler_fits"] == 0
    assert auto.attrs["sampler"].startswith("residuals of the 20 nearest")
    assert "; the Gaussian one: " in auto.attrs["sampler_fit"]


def test_a_samplers_function_of_the_users_own_is_taken(network, X):
    def mean(x, hidden, rng):
        return np.where(hidden, x.mean(axis=0), x)

    table = rnnlens.lags(network, X, certificates=None, test=Test(sampler=mean), shares=QUICK)
    assert table.attrs["sampler"] == "the user's own sampler"


def test_what_cannot_be_done_is_said_and_the_rest_is_given(network, X):
    few = rnnlens.lags(network, X[:20], certificates=Certificates(windows=1), shares=QUICK)
    assert few.attrs["missing"].startswith("no test over the data set: this test needs at least 32")
    assert "error_change" not in few
    assert "largest_bound" in few
    assert set(few.verdict.values) <= {"proven", "structural", "refuted"}
    none = rnnlens.lags(network, X[:20], certificates=None, test=Test(hiding=False), shares=QUICK)
    assert none.attrs["missing"] == ""
    assert set(none.verdict.values) <= {"structural", "bounded", "refuted"}


def test_one_lags_evidence_is_the_same_whatever_is_not_asked(network, X, y):
    one = rnnlens.lags(network, X, y, certificates=Certificates(windows=2), shares=QUICK)
    other = rnnlens.lags(network, X, y, certificates=None, shares=QUICK)
    np.testing.assert_array_equal(one.error_change, other.error_change)
    again = rnnlens.lags(network, X, y, certificates=Certificates(windows=2), shares=QUICK)
    np.testing.assert_array_equal(one.bound, again.bound)


def test_lags_of_a_group_stand_together(network, X, y):
    table = rnnlens.lags(
        network,
        X,
        y,
        certificates=Certificates(windows=1),
        shares=Shares(method="tree", newest=2, draws=50),
    )
    assert table.lag_to.values.tolist() == [1, 2, STEPS]
    assert table.verdict.values[2] == "used"  # lag 3 is one of them
    assert table.attrs["whole"] == 0
    assert float(table.largest_bound[2]) == float(table.bound[:, 2].max())


REFUSED = [
    ({"margin": 0.0}, InputError, "the margin must be above zero, but is 0: no number of windows"),
    ({"by": "gate"}, InputError, "rows of the table are by one of lag, feature, both, not by 'ga"),
    (
        {"by": "feature", "certificates": Certificates(together=True)},
        InputError,
        "freed together for rows by lag, not by feat",
    ),
    ({"alpha": 0.7}, InputError, "alpha must be between 0 and 0.5, but is 0.7"),
    (
        {"test": Test(block_length=200), "certificates": None},
        DataError,
        "blocks of 200 windows need at least 800 wi",
    ),
    (
        {"certificates": Certificates(windows=1, range=(50.0, 60.0))},
        DataError,
        "the range from 50 to 60 does not hold the own value",
    ),
    (
        {"certificates": Certificates(windows=1, range=(1.0, 1.0))},
        DataError,
        "the range of feature 0 is empty: it goes from 1 to 1",
    ),
    (
        {"certificates": Certificates(windows=1, range={"rain": 1.0})},
        DataError,
        "a range is given for 'rain', which is not free",
    ),
    ({"y": np.zeros(3)}, DataError, r"actuals must have shape \(415,\), one a window, but came"),
    (
        {"shares": Shares(method="tree"), "by": "feature"},
        DataError,
        "made by 'tree', are not by feature",
    ),
]


@pytest.mark.parametrize(("options", "error", "sentence"), REFUSED)
def test_bad_input_is_one_sentence(network, X, options, error, sentence):
    given = {"certificates": Certificates(windows=1), "shares": QUICK, **options}
    with pytest.raises(error, match=sentence) as caught:
        rnnlens.lags(network, X, **given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "option", "sentence"),
    [
        (Certificates, {"tolerance": 0.0}, "tolerance must be a number above 0, not 0"),
        (Certificates, {"windows": -1}, "windows must be a whole number from 0, not -1"),
        (
            Certificates,
            {"budget": 0},
            "budget must be a number of boxes from 1, or a time such as",
        ),
        (Certificates, {"deviation": -1.0}, "deviation must be a number from 0, not -1"),
        (
            Test,
            {"sampler": "knn"},
            "sampler must be one of auto, gaussian, neighbours or a function",
        ),
        (Test, {"correction": "fdr"}, "correction must be one of holm, by, none, not 'fdr'"),
        (Test, {"loss": "log"}, "loss must be one of squared, absolute, not 'log'"),
        (Test, {"errors": "white"}, "errors must be one of cosine, newey-west, bootstrap, not"),
        (Test, {"block_length": 0}, "block_length must be a whole number from 1, not 0"),
        (
            Test,
            {"replacements": -1},
            "replacements must be a whole number from 0 to 100,000,000",
        ),
    ],
)
def test_options_that_are_none_are_refused_where_they_are_made(kind, option, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        kind(**option)
    assert "\n" not in str(caught.value)


def test_a_lag_beyond_the_window_is_one_sentence(network, X):
    with pytest.raises(DataError, match="lag 7 is beyond the window: windows of 6 steps have"):
        rnnlens.certify(network, X, lag=7)


def test_the_report_holds_the_evidence_and_its_picture(network, X, y, tmp_path):
    table = rnnlens.lags(network, X, y, certificates=Certificates(windows=2), shares=QUICK)
    page = rnnlens.report(network, X, tmp_path / "r.html", evidence=table, shares=QUICK).read_text(
        "utf-8"
    )
    for text in ("Evidence on each lag", 'id="figure-certificates"', "looks back 3 steps"):
        assert text in page
    assert "Whether any lag is irrelevant" not in page
    plain = rnnlens.report(network, X, tmp_path / "p.html", shares=QUICK).read_text(
        encoding="utf-8"
    )
    assert "Evidence on each lag" not in plain
    assert "Whether any lag is irrelevant" in plain


def test_evidence_that_is_made_while_a_page_is_drawn_gives_the_same_page(
    network, X, y, tmp_path, monkeypatch
):
    begun, told, honest = [], [], drawn.begin_figures
    monkeypatch.setattr(drawn, "begin_figures", lambda *a: begun.append(1) or honest(*a))
    options = {"certificates": Certificates(windows=2), "shares": QUICK}
    table = rnnlens.lags(network, X, y, **options)

    def evidence(progress):
        assert begun
        progress(1, 2)
        return rnnlens.lags(network, X, y, progress=progress, **options)

    pages = []
    for given in (table, evidence):
        path = tmp_path / "r.html"
        begun.clear()
        told.append(own := [])
        asked = {"evidence": given, "shares": QUICK, "progress": lambda *a, own=own: own.append(a)}
        pages.append(rnnlens.report(network, X, path, **asked).read_bytes())
    assert pages[0] == pages[1]
    for own in told:  # each ends whole, and never goes back
        assert own[-1][0] == own[-1][1]
        assert own == sorted(own)
    with pytest.raises(InputError, match="evidence must be what rnnlens.lags gives, or a function"):
        rnnlens.report(network, X, path, evidence=5)


def test_draws_of_observed_values_bound_what_weights_are_too_small_to_do(rng):
    coefficients = np.zeros((STEPS, 2))
    coefficients[0, 0], coefficients[1], coefficients[4, 1] = 1.0, 1e-4, 1e-4
    network, X = linear_network(coefficients), series(rng)
    table = rnnlens.lags(
        network,
        X,
        certificates=None,
        test=Test(hiding=False, replacements=700),
        shares=QUICK,
    )
    assert table.verdict.values[:2].tolist() == ["refuted", "bounded"]
    assert table.verdict.values[4] == "bounded"
    assert table.rung.values[4] == RUNGS["bounded"]
    assert table.observed_exceeded.values[0] > 0
    assert (table.observed_exceeded.values[1:] == 0).all()
    # of 700 draws none: 1 - 0.01^(1/700)
    np.testing.assert_allclose(table.observed_share.values[1:], 1 - 0.01 ** (1 / 700), rtol=1e-6)
    largest = 1e-4 * np.ptp(X[:, -5, 1])
    assert 0 < float(table.observed_largest.sel(lag=5)) <= largest * (1 + 1e-9)
    assert evidence_summary(table)["lags"][4]["observed_exceeded"] == 0


def test_no_draws_are_made_where_none_are_wanted(network, X):
    table = rnnlens.lags(network, X, certificates=None, test=None, shares=QUICK)
    assert "observed_largest" not in table


def test_what_never_changes_gets_no_verdict_from_draws_and_takes_no_certificate_away(rng):
    """The network reads lag 2 of ``b`` with a weight of 5, and ``b`` is 2 in all windows."""
    coefficients = np.zeros((STEPS, 2))
    coefficients[0, 0], coefficients[1, 1] = 1.0, 5.0
    network, X = linear_network(coefficients), series(rng)
    X[..., 1] = 2.0
    y = rnnlens.predict(network, X)[:, 0] + 0.5 * rng.normal(size=len(X))
    asked = {"certificates": Certificates(windows=3), "shares": QUICK}
    both = rnnlens.lags(network, X, y, by="both", **asked)
    assert both.verdict.values[1, 1] == "undecided"
    assert both.rung.values[1, 1] == "no evidence: constant"
    assert both.verdict.values[0, 0] == "used"
    assert (both.verdict.values[1:, 0] == "structural").all()
    assert (np.delete(both.verdict.values[:, 1], 1) == "structural").all()
    assert np.isnan(both.bound.values[..., 1]).all()
    assert "feature 1 never changes and was not freed" in both.attrs["range"]
    by_lag = rnnlens.lags(network, X, y, **asked)
    assert by_lag.verdict.values[1] == "proven"
    assert (by_lag.verdict.values[2:] == "structural").all()
    # a range that is stated frees it, and finds what it does
    stated = replace(asked["certificates"], range={"feature 1": 0.5})
    found = rnnlens.lags(network, X, y, by="both", certificates=stated, shares=QUICK)
    assert found.verdict.values[1, 1] == "refuted"
    assert found.largest_attained.values[1, 1] == pytest.approx(2.5, rel=1e-6)
    # zero weights are another thing
    zero = linear_network(coefficients * [1.0, 0.0])
    weightless = rnnlens.lags(zero, X, y, by="feature", certificates=None, shares=QUICK)
    assert weightless.verdict.values[1] == "structural"
    assert weightless.rung.values[1] == "zero weights"


def test_a_rare_value_keeps_a_range_of_its_own(rng):
    """Rain in one of two thousand steps: both quantiles are zero, and it has a range yet."""
    network, X = linear_network(np.ones((STEPS, 2))), series(rng)
    X[..., 1] = 0.0
    X[200, :, 1] = 3.0
    found = rnnlens.certify(network, X[:3], lag=1, background=X)
    assert found.low.values[0, 0, 1] == 0.0
    assert found.high.values[0, 0, 1] == 3.0
    X[..., 1] = 0.0
    alone = rnnlens.certify(network, X[:3], lag=1, background=X)
    assert alone.sizes["feature"] == 1
    assert "feature 1 never changes and was not freed" in alone.attrs["range"]
    with pytest.raises(DataError, match="is empty: it goes from 0 to 0"):
        rnnlens.certify(network, X[:3], lag=1, features=1, background=X)


def test_an_observed_value_that_moves_a_forecast_beyond_the_tolerance_refutes(network, X):
    """Lag 3 moves the forecast, and without the test over the data set nothing else is known."""
    table = rnnlens.lags(
        network, X, certificates=None, test=Test(hiding=False, replacements=300), shares=QUICK
    )
    assert table.verdict.values[[0, 2]].tolist() == ["refuted", "refuted"]
    assert table.rung.values[2] == "counter-example"
    assert table.observed_largest.values[2] > table.attrs["tolerance"]
    cell = evidence_cells(table)[1][2]
    assert cell[-2:] == ["refuted", f"{int(table.observed_exceeded[2]):,}/300 draws"]
