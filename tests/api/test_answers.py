"""The verbs: labelled answers in the user's own units."""

import numpy as np
import pytest

import rnnlens
from networks import cell, chain, forecaster, gate, head
from rnnlens import Shares, Target
from rnnlens.errors import DataError, InputError
from rnnlens.network import layers as L
from rnnlens.network.network import Network, Node, Origin
from rnnlens.series.sidecar import Sidecar, Variable


@pytest.fixture
def river(rng):
    """A network of three features and two targets, and a series in original units."""
    network = forecaster("lstm", rng, steps=7)
    variables = (
        Variable("rain", unit="mm", mean=2.0, scale=3.0),
        Variable("flow", unit="m3/s", mean=50.0, scale=12.0),
        Variable("season", unit="-", mean=0.0, scale=1.0, held=True),
    )
    sidecar = Sidecar(variables, window=7, lead=2, targets=variables[:2])
    series = {
        "rain": rng.gamma(1.0, 2.0, size=60),
        "flow": rng.normal(50, 12, size=60),
        "season": np.sin(np.arange(60) / 5),
    }
    return network, rnnlens.windows(series, sidecar)


def test_contributions_sum_to_the_unscaled_change_of_the_forecast(river):
    network, windows = river
    found = rnnlens.explain(network, windows, target="flow")
    by_hand = rnnlens.predict(network, windows)[:, 1] * 12.0 + 50.0
    np.testing.assert_allclose(found.forecast, by_hand, rtol=1e-13)
    hidden = windows.values.copy()
    hidden[..., :2] = windows.values[..., :2].mean(axis=(0, 1))
    baseline = rnnlens.predict(network, hidden)[:, 1] * 12.0 + 50.0
    np.testing.assert_allclose(found.baseline_forecast, baseline, rtol=1e-13)
    total = found.contribution.sum(["lag", "feature"]) + found.residual
    np.testing.assert_allclose(total, by_hand - baseline, rtol=0, atol=1e-12)
    assert found.attrs["target"] == "flow" and found.attrs["unit"] == "m3/s"
    assert found.contribution.attrs["units"] == "m3/s"
    assert found.attrs["held"] == "season"
    assert not found.contribution.sel(feature="season").any()
    assert found.attrs["max_residual"] == float(np.abs(found.residual).max())
    assert found.attrs["baseline"].endswith(" explained windows)")


def test_explanations_are_labelled_by_lag_feature_and_time(river):
    network, windows = river
    found = rnnlens.explain(network, windows, target="rain")
    assert found.contribution.dims == ("sample", "lag", "feature")
    assert found.lag.values.tolist() == list(range(1, 8)) == found.lag_to.values.tolist()
    assert found.feature.values.tolist() == ["rain", "flow", "season"]
    np.testing.assert_array_equal(found.time, windows.times)
    np.testing.assert_array_equal(found.actual, windows.actual[:, 0])


def test_lag_one_is_the_newest_step(rng):
    # a network that forecasts a multiple of its newest input alone
    from rnnlens.network.activations import Activation
    from rnnlens.network.cells import Gate, SimpleRNN

    newest = SimpleRNN(Gate(np.ones((1, 1)), np.zeros((1, 1))), Activation("linear"))
    network = chain(L.Recurrent(newest), L.Dense(np.full((1, 1), 3.0)), shape=(4, 1))
    x = rng.normal(size=(2, 4, 1))
    for method in ("secant", "tree"):
        found = rnnlens.explain(network, x, baseline="zero", method=method).contribution
        found = found.sum("feature") if "feature" in found.dims else found
        np.testing.assert_allclose(found.sel(lag=1), 3 * x[:, -1, 0], rtol=1e-14)
        assert not found.sel(lag=[2, 3, 4]).any()
    slope = rnnlens.explain(network, x, method="gradient").sensitivity
    np.testing.assert_allclose(slope.sel(lag=1, feature="feature 0"), 3.0)


def test_the_tree_names_the_group_of_older_lags(river):
    network, windows = river
    found = rnnlens.explain(network, windows, target="flow", method="tree", newest=3)
    assert found.contribution.dims == ("sample", "lag")
    assert found.lag.values.tolist() == [1, 2, 3, 4]
    assert found.lag_to.values.tolist() == [1, 2, 3, 7]
    np.testing.assert_allclose(
        found.contribution.sum("lag"), found.forecast - found.baseline_forecast, atol=1e-12
    )
    assert found.attrs["cells"] == len(windows) * (2 * 4 + 2**5 - 4)


def test_gradients_are_called_sensitivities_and_not_contributions(river):
    network, windows = river
    found = rnnlens.explain(network, windows, target=1, method="gradient")
    assert "contribution" not in found and "residual" not in found
    assert found.attrs["kind"] == "sensitivity"
    with pytest.raises(InputError, match="lags needs contributions"):
        rnnlens.lags(network, windows, target=1, shares=Shares(method="gradient"))


def test_shares_sum_to_one_and_carry_their_settings(river):
    network, windows = river
    found = rnnlens.lags(
        network, windows, target="flow", shares=Shares(draws=100, baseline="persistence")
    )
    assert found.share.dims == ("lag",)
    assert abs(float(found.share.sum()) - 1) < 1e-12
    assert found.share.sel(lag=1) == 0  # the newest step is its own baseline
    assert found.attrs["samples"] == len(windows)
    assert found.attrs["confidence"] == 0.95 and found.attrs["unit"] == "m3/s"


def test_tree_and_secant_see_the_same_forecasts(river):
    network, windows = river
    one = rnnlens.explain(network, windows, target="flow", baseline="zero")
    two = rnnlens.explain(network, windows, target="flow", baseline="zero", method="tree")
    np.testing.assert_allclose(one.forecast, two.forecast, rtol=1e-13)
    np.testing.assert_allclose(one.baseline_forecast, two.baseline_forecast, rtol=1e-13)


def test_trace_is_a_tree_with_a_node_for_each_layer_and_direction(rng):
    from networks import stacked_bidirectional

    network = stacked_bidirectional(rng)
    tree = rnnlens.trace(network, rng.normal(size=(2, 6, 3)))
    assert tree["bidirectional/forward"].gate.values.tolist() == [
        "input",
        "forget",
        "cell",
        "output",
    ]
    assert tree["bidirectional/backward/cell"].dims == ("sample", "step", "unit")
    assert tree["recurrent"].gate.values.tolist() == ["update", "reset", "candidate"]
    assert tree["recurrent/gate_value"].dims == ("sample", "step", "gate", "unit")
    assert "cell" not in tree["recurrent"]
    assert tree["recurrent_1"].gate.values.tolist() == ["hidden"]


def test_weights_are_named_and_dimensioned_by_gate(rng):
    network = forecaster("lstm", rng)
    tree = rnnlens.weights(network)
    assert tree["recurrent.W_f"].dims == ("feature", "unit")
    assert tree["recurrent.U_c"].dims == ("from_unit", "unit")
    assert tree["recurrent.b_o"].attrs["gate"] == "output"
    np.testing.assert_array_equal(tree["recurrent.W_f"], network["recurrent"].layer.cell.forget.W)
    assert set(tree["dense"].data_vars) == {"W", "b"}


def test_results_never_share_memory_with_the_network(rng):
    network = forecaster("lstm", rng)
    tree = rnnlens.weights(network)
    before = network["recurrent"].layer.cell.forget.W.copy()
    tree["recurrent.W_f"].values[:] = 0
    np.testing.assert_array_equal(network["recurrent"].layer.cell.forget.W, before)


def sequence_to_sequence(rng):
    return chain(
        L.Recurrent(cell("lstm", rng)),
        L.RepeatVector(4),
        L.Recurrent(cell("gru_after", rng, features=5), return_sequences=True),
        L.TimeDistributed(head(rng, 5)),
        shape=(7, 3),
    )


def test_a_horizon_is_chosen_from_one_and_explained(rng):
    network, x = sequence_to_sequence(rng), rng.normal(size=(3, 7, 3))
    outputs = rnnlens.predict(network, x)
    for horizon in (1, 4):
        found = rnnlens.explain(network, x, target=Target(1, horizon=horizon))
        np.testing.assert_allclose(found.forecast, outputs[:, horizon - 1, 1], rtol=1e-14)
        assert found.attrs["max_residual"] < 1e-12
    for wrong, sentence in (
        (None, r"give a horizon from 1 to 4 with Target\(horizon=\) \(--horizon\)$"),
        (5, r"give a horizon from 1 to 4 with Target\(horizon=\) \(--horizon\), not 5$"),
        (0, "not 0$"),
    ):
        with pytest.raises(DataError, match=sentence):
            rnnlens.explain(network, x, target=Target(1, horizon=wrong))


def with_static_input(rng):
    nodes = (
        Node("series", L.Input((7, 3))),
        Node("static", L.Input((2,))),
        Node("lstm", L.Recurrent(cell("lstm", rng)), (("series", 0),)),
        Node("both", L.Concatenate(), (("lstm", 0), ("static", 0))),
        Node("out", head(rng, 7), (("both", 0),)),
    )
    return Network(nodes, (("out", 0),), Origin("test"))


def test_other_inputs_keep_their_values_while_one_is_explained(rng):
    network = with_static_input(rng)
    X = {"series": rng.normal(size=(3, 7, 3)), "static": rng.normal(size=(3, 2))}
    for method in ("secant", "tree"):
        found = rnnlens.explain(network, X, target=0, baseline="zero", method=method, of="series")
        hidden = rnnlens.predict(network, {**X, "series": np.zeros((3, 7, 3))})[:, 0]
        np.testing.assert_allclose(found.baseline_forecast, hidden, rtol=1e-13)
        assert found.attrs["max_residual"] < 1e-12


def test_an_initial_state_starts_the_recurrence(rng):
    network = chain(L.Recurrent(cell("gru_after", rng), stateful=True), shape=(7, 3))
    x = rng.normal(size=(2, 7, 3))
    half = rnnlens.predict(chain(network["recurrent"].layer, shape=(4, 3)), x[:, :4])
    rest = chain(network["recurrent"].layer, shape=(3, 3))
    continued = rnnlens.predict(rest, x[:, 4:], initial_state={"recurrent": [half]})
    np.testing.assert_allclose(continued, rnnlens.predict(network, x), rtol=1e-14)


def test_networks_with_wide_layers_of_other_sizes_keep_their_own_units(rng):
    network = chain(
        L.Recurrent(cell("lstm", rng, units=4), return_sequences=True),
        L.Recurrent(cell("lstm", rng, features=4, units=9)),
        shape=(5, 3),
    )
    tree = rnnlens.trace(network, rng.normal(size=(2, 5, 3)))
    assert tree["recurrent"].sizes["unit"] == 4 and tree["recurrent_1"].sizes["unit"] == 9


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"target": "temp"}, "no target is called 'temp': give one of rain, flow"),
        ({"target": 2}, "no target is called 2"),
        ({}, "forecasts 2 targets: name one of rain, flow"),
        ({"target": Target("rain", horizon=3)}, "forecasts one step, but horizon 3"),
        ({"target": "rain", "method": "magic"}, "no method is called 'magic'"),
        ({"target": "rain", "held": ["snow"]}, "held feature 'snow' is not one of the features"),
        ({"target": "rain", "baseline": "median"}, "no baseline is called 'median'"),
        ({"target": Target("rain", output="lstm")}, "no output 'lstm': it has activate"),
        ({"target": "rain", "of": "z"}, "the network has no input 'z'.*: it has x"),
    ],
)
def test_questions_that_make_no_sense_are_refused_in_one_sentence(options, sentence, river):
    network, windows = river
    with pytest.raises(InputError, match=sentence) as caught:
        rnnlens.explain(network, windows, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (np.zeros((4, 7, 5)), r"must have shape \(sample, 7, 3\), but came with \(4, 7, 5\)"),
        (np.zeros((4, 8, 3)), r"\(sample, 7, 3\)"),
        (np.zeros((7, 3)), r"\(sample, 7, 3\)"),
        (np.full((4, 7, 3), np.nan), r"holds nan at index \(0, 0, 0\)"),
        (np.zeros((0, 7, 3)), "there are no windows"),
        ({"y": np.zeros((4, 7, 3))}, "inputs are x, but arrays came for y"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(x, sentence, rng):
    with pytest.raises(DataError, match=sentence):
        rnnlens.explain(forecaster("lstm", rng), x, target=0)


def test_windows_of_another_length_or_width_are_refused_with_both_numbers(river, rng):
    _, windows = river
    with pytest.raises(DataError, match="takes windows of 9 steps, but the data was cut into .* 7"):
        rnnlens.explain(forecaster("lstm", rng, steps=9), windows, target="flow")
    with pytest.raises(DataError, match="takes 5 features, but the data has 3"):
        rnnlens.explain(forecaster("lstm", rng, features=5), windows, target="flow")
    with pytest.raises(DataError, match="names 2 targets .* but the network gives 4"):
        rnnlens.explain(forecaster("lstm", rng, targets=4), windows, target="flow")


def test_the_report_is_one_page_about_the_target(river, tmp_path):
    network, windows = river
    quick = Shares(draws=50)
    path = rnnlens.report(network, windows, tmp_path / "page.html", target="flow", shares=quick)
    page = path.read_text()
    assert page.startswith("<!DOCTYPE html>") and "flow" in page


@pytest.mark.usefixtures("undrawn")
def test_the_gates_on_the_page_are_those_of_a_run_that_begins_with_the_carried_state(
    river, tmp_path, monkeypatch, rng
):
    network, windows = river
    seen = []

    def render(parts, _figures, _begun):
        seen.append(parts)
        return ""

    monkeypatch.setattr("rnnlens.views.report.render.render_report", render)
    states = {"recurrent": rng.normal(size=(2, len(windows), 5))}
    ask = {"target": "flow", "shares": Shares(draws=50), "initial_state": states}
    rnnlens.report(network, windows, tmp_path / "page.html", **ask)
    (parts,) = seen
    whole = rnnlens.trace(network, windows, initial_state=states)["recurrent"].hidden
    shown = parts.trace["recurrent"].hidden
    np.testing.assert_allclose(shown[0], whole[parts.window], rtol=0, atol=1e-12)
    assert "carried" in parts.explanation


def test_a_page_of_another_method_is_refused(river, tmp_path):
    network, windows = river
    with pytest.raises(InputError, match="made by 'secant', not 'tree': leave the method out"):
        rnnlens.report(network, windows, tmp_path / "x.html", shares=Shares(method="tree"))


def test_an_unused_gate_helper_keeps_arrays_distinct(rng):
    first, second = gate(rng, 3, 5), gate(rng, 3, 5)
    assert not np.isclose(first.U, second.U).any()
