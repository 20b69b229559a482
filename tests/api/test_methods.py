"""What `explain` promises of every method, of classes, of padding, and of several targets."""

import numpy as np
import pytest

import rnnlens
from networks import cell, chain, forecaster
from rnnlens import Effort, Target
from rnnlens.attribution.registry import METHODS, SUMMING
from rnnlens.engine.forward import predict
from rnnlens.errors import DataError, InputError
from rnnlens.network import layers as L
from rnnlens.network.activations import Activation
from rnnlens.series.sidecar import Sidecar, Variable

SINGLE = Effort(precision="float32")


@pytest.fixture
def net(rng):
    return forecaster("lstm", rng, steps=6)


@pytest.fixture
def x(rng):
    return rng.normal(size=(5, 6, 3))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_labelled_as_what_it_is(method, net, x):
    found = rnnlens.explain(net, x, target=0, method=method)
    assert found.attrs["kind"] == METHODS[method].kind
    shown = found[found.attrs["shows"]]
    assert "lag" in shown.dims
    assert np.isfinite(shown.values).all()
    np.testing.assert_allclose(found.forecast, predict(net, x)[:, 0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", [name for name, one in METHODS.items() if one.hides])
def test_a_conditional_baseline_serves_or_is_refused(method, rng):
    net = forecaster("lstm", rng, steps=4)
    x = rng.normal(size=(60, 4, 3))
    ask = {"target": 0, "method": method, "baseline": "conditional", "background": x}
    if METHODS[method].conditional:
        found = rnnlens.explain(net, x[:3], **ask)
        assert found.attrs["baseline_kind"] == "conditional"
        return
    with pytest.raises(InputError, match="^a conditional baseline depends on what is shown, but"):
        rnnlens.explain(net, x[:3], **ask)


@pytest.mark.parametrize("method", SUMMING)
def test_methods_that_sum_do(method, net, x):
    found = rnnlens.explain(net, x, target=0, method=method)
    dims = [dim for dim in ("lag", "feature") if dim in found.contribution.dims]
    change = found.forecast - found.baseline_forecast
    np.testing.assert_allclose(found.contribution.sum(dims), change, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("method", "option"),
    [
        ("secant", {"newest": 3}),
        ("gradient", {"effort": Effort(budget=9)}),
        ("lrp", {"groups": {"a": [1]}}),
        ("carry", {"baseline": "zero"}),
        ("gradient", {"held": ["feature 1"]}),
    ],
)
def test_an_option_that_a_method_does_not_take_is_refused(method, option, net, x):
    (name,) = option if "effort" not in option else ["budget"]
    with pytest.raises(DataError, match=f"^method '{method}' does not take {name}: leave it out"):
        rnnlens.explain(net, x, target=0, method=method, **option)


def test_the_default_is_exact_where_that_is_cheap(net, x):
    found = rnnlens.explain(net, x, target=0)
    assert found.attrs["method"] == "owen"
    exact = rnnlens.explain(net, x, target=0, method="owen")
    np.testing.assert_array_equal(found.contribution, exact.contribution)


def test_several_targets_share_one_audit_and_keep_it(net, x):
    many = np.concatenate([x] * 8)
    found = rnnlens.explain(net, many, target="all", effort=Effort(budget=2000))
    alone = rnnlens.explain(net, many, target=0, effort=Effort(budget=2000))
    assert found.attrs["audit_windows"] <= alone.attrs["audit_windows"] + 1
    assert "forecasts of all targets: mean difference" in found.attrs["audit"]
    assert 0 < found.attrs["audit_mean"] <= found.attrs["audit_largest"]
    assert found.attrs["audit_share"] > 0


def test_the_default_is_audited_where_it_is_not_exact(net, x):
    found = rnnlens.explain(net, x, target=0, effort=Effort(budget=2000))
    assert found.attrs["method"] == "secant"
    assert found.attrs["why"].startswith("secant: exact Owen values for 5 windows would take")
    assert found.attrs["audit"].startswith("secant against exact Shapley values of lags in")
    assert found.attrs["exact_lags"] == 3
    tree = rnnlens.explain(net, x, target=0, method="tree", baseline=x, newest=3).contribution
    plain = rnnlens.explain(net, x, target=0, method="secant", baseline=x)
    mine, plain = (
        np.column_stack([one[:, :3], one[:, 3:].sum(axis=1)])
        for one in (each.contribution.sum("feature").values for each in (found, plain))
    )
    np.testing.assert_allclose(mine, tree, rtol=0, atol=1e-13)
    # no more lags fit, so that the audit is what secant missed of these and of the older ones
    assert found.attrs["audit_windows"] == 5 and "before they took" in found.attrs["audit"]
    largest = np.abs(plain - tree.values).max()
    np.testing.assert_allclose(found.attrs["audit_largest"], largest, rtol=1e-9)
    assert found.attrs["audit_share"] > 0


def test_beyond_the_budget_values_are_sampled(net, x):
    found = rnnlens.explain(net, x, target=0, method="tree", effort=Effort(budget=600))
    assert found.attrs["method"] == "permutation"
    assert (found.standard_error >= 0).all()
    exact = rnnlens.explain(net, x, target=0, method="tree")
    away = np.abs(found.contribution - exact.contribution)
    assert (away <= 8 * found.standard_error + 1e-9).all()


def test_single_precision_agrees_with_double(net, x):
    single = rnnlens.explain(net, x, target=0, method="secant", effort=SINGLE)
    double = rnnlens.explain(net, x, target=0, method="secant")
    # float32 keeps 24 bits; secants of near points lose up to half of them
    np.testing.assert_allclose(single.contribution, double.contribution, rtol=0, atol=2e-4)
    assert float(np.abs(single.contribution - double.contribution).max()) > 0


@pytest.mark.parametrize("method", ["tree", "owen", "permutation", "occlusion", "gradient"])
@pytest.mark.parametrize("kind", ["lstm", "gru_after", "gru_before", "simple_rnn"])
def test_every_engine_path_has_single_precision(method, kind, rng):
    net = forecaster(kind, rng, steps=9)
    x = rng.normal(size=(2, 9, 3))
    options = {"target": 0, "method": method, "newest": 9} if method == "tree" else {"target": 0}
    options["method"] = method
    single = rnnlens.explain(net, x, effort=SINGLE, **options)
    double = rnnlens.explain(net, x, **options)
    shown = double.attrs["shows"]
    np.testing.assert_allclose(single[shown], double[shown], rtol=0, atol=2e-5)


def test_all_targets_at_once_are_those_one_by_one(net, x):
    found = rnnlens.explain(net, x, target="all", method="secant")
    assert found.attrs["max_residual"] < 1e-12
    assert found.contribution.dims == ("sample", "lag", "feature", "target")
    for place in range(found.sizes["target"]):
        one = rnnlens.explain(net, x, target=place, method="secant")
        np.testing.assert_array_equal(found.contribution.isel(target=place), one.contribution)


def several_steps(rng):
    return chain(
        L.Recurrent(cell("lstm", rng)),
        L.RepeatVector(4),
        L.Recurrent(cell("gru_after", rng, features=5), return_sequences=True),
        L.TimeDistributed(L.Dense(rng.normal(size=(5, 2)), rng.normal(size=2))),
        shape=(6, 3),
    )


def test_all_horizons_at_once_are_those_one_by_one(x, rng):
    net = several_steps(rng)
    found = rnnlens.explain(net, x, target=Target("all", horizon="all"), method="secant")
    assert found.contribution.dims == ("sample", "lag", "feature", "horizon", "target")
    assert found.horizon.values.tolist() == [1, 2, 3, 4]
    one = rnnlens.explain(net, x, target=Target(1, horizon=3), method="secant")
    np.testing.assert_array_equal(
        found.contribution.sel(horizon=3).isel(target=1), one.contribution
    )


def classifier(rng, activation, classes=3, *, apart=False):
    kernel, bias, last = (
        rng.normal(size=(5, classes)),
        rng.normal(size=classes),
        Activation(activation),
    )
    ends = [L.Dense(kernel, bias), L.Activate(last)] if apart else [L.Dense(kernel, bias, last)]
    return chain(L.Masking(0.0), L.Recurrent(cell("lstm", rng)), *ends, shape=(6, 3))


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_classes_are_explained_on_their_logits(activation, apart, x, rng):
    net = classifier(rng, activation, apart=apart)
    found = rnnlens.explain(net, x, target=1, method="secant")
    assert (found.attrs["explained_on"], found.attrs["unit"]) == ("logits", "logit")
    every = rnnlens.explain(net, x, target="all", method="secant").forecast.values
    p = predict(net, x)
    expected = np.log(p) if activation == "softmax" else np.log(p / (1 - p))
    if activation == "softmax":
        expected -= expected.mean(axis=1, keepdims=True)
        every = every - every.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(every, expected, rtol=0, atol=1e-10)
    plain = rnnlens.explain(net, x, target=Target(1, logits=False), method="secant")
    assert plain.attrs["explained_on"] == "output"
    np.testing.assert_allclose(plain.forecast, p[:, 1], rtol=0, atol=1e-12)


def test_logits_are_refused_where_there_are_none(net, x):
    with pytest.raises(
        DataError, match="^the network ends in linear, which makes no probabilities"
    ):
        rnnlens.explain(net, x, target=Target(0, logits=True))


@pytest.mark.parametrize("method", ["secant", "tree", "owen", "gradient", "occlusion"])
def test_padding_gets_nothing_and_lags_count_from_the_newest_real_step(method, rng):
    net = classifier(rng, "linear")
    x = rng.normal(size=(3, 6, 3))
    behind, before = x.copy(), x.copy()
    behind[0] = np.concatenate([x[0, 2:], np.zeros((2, 3))])
    before[0, :2] = 0.0
    options = {"target": 0, "method": method}
    if method not in {"gradient"}:
        options["baseline"] = np.ones(3)
    found = rnnlens.explain(net, behind, **options)
    other = rnnlens.explain(net, before, **options)
    shown = found.attrs["shows"]
    np.testing.assert_allclose(found[shown], other[shown], rtol=0, atol=1e-12)
    assert not found[shown].values[0, 4:].any()
    assert found.attrs["lags_from"] == "the newest real step of each window"
    assert other.attrs["lags_from"] == "the newest step fed in"


def test_groups_of_lags_and_features_stand_together(net, x):
    groups = {"old": [4, 5, 6], "both": ["feature 0", "feature 2"]}
    found = rnnlens.explain(net, x, target=0, method="owen", groups=groups)
    assert found.player.values.tolist() == ["lag 1", "lag 2", "lag 3", "old"]
    assert found.feature.values.tolist() == ["both", "feature 1"]
    lags = rnnlens.explain(net, x, target=0, method="tree", groups={"old": [4, 5, 6]})
    np.testing.assert_allclose(
        found.contribution.sum("feature"), lags.contribution, rtol=0, atol=1e-12
    )


def test_interactions_sum_to_contributions_and_subsets_are_the_best(net, x):
    found = rnnlens.interactions(net, x, target=0)
    np.testing.assert_allclose(
        found.interaction.sum("with_lag"), found.contribution, rtol=0, atol=1e-10
    )
    np.testing.assert_array_equal(found.closest_lags.sum("lag"), np.tile(np.arange(7), (5, 1)))
    np.testing.assert_allclose(found.closest[:, -1], found.forecast, rtol=0, atol=1e-12)


def test_baselines_stand_side_by_side(net, x):
    found = rnnlens.compare_baselines(net, x, baselines=["zero", "mean", "persistence"], target=0)
    for name in ("zero", "mean", "persistence"):
        one = rnnlens.explain(net, x, target=0, method="secant", baseline=name)
        np.testing.assert_allclose(
            found.contribution.sel(baseline=name),
            one.contribution.sum("feature"),
            rtol=0,
            atol=1e-12,
        )
    spread = np.ptp(found.contribution.values, axis=0).mean(axis=0)
    np.testing.assert_allclose(found.spread, spread, rtol=0, atol=1e-12)


def test_a_calendar_baseline_needs_times(net, x):
    with pytest.raises(DataError, match="^the baseline 'hourly mean' needs the time of every step"):
        rnnlens.explain(net, x, target=0, method="secant", baseline="hourly mean")


def test_logits_have_no_part_in_the_scaling_of_the_target(rng):
    net = classifier(rng, "softmax")
    variables = tuple(Variable(name, mean=50.0, scale=12.0) for name in "abc")
    sidecar = Sidecar(variables, window=6, targets=variables)
    series = {name: rng.normal(50.0, 12.0, size=15) for name in "abc"}
    given = rnnlens.windows(series, sidecar)
    found = rnnlens.explain(net, given, target="b", method="secant")
    assert (found.attrs["explained_on"], found.attrs["unit"]) == ("logits", "logit")
    logits = np.log(predict(net, given.values))
    every = rnnlens.explain(net, given, target="all", method="secant").forecast.values
    # what softmax gives says its logits up to one number a window
    np.testing.assert_allclose(
        every - every.mean(axis=1, keepdims=True),
        logits - logits.mean(axis=1, keepdims=True),
        rtol=0,
        atol=1e-10,
    )
