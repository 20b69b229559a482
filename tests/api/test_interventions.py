"""Holding gates, units and states from the public door: labels, units, and every refusal."""

import numpy as np
import pytest

import rnnlens
from networks import SIGMOID, TANH, chain, forecaster, gate, stacked_bidirectional
from rnnlens import Intervention, Target
from rnnlens.errors import DataError, InputError
from rnnlens.network.cells import LSTM
from rnnlens.network.layers import Dense, Recurrent
from rnnlens.series.sidecar import Sidecar, Variable


@pytest.fixture
def river(rng):
    network = forecaster("lstm", rng, steps=7)
    variables = (
        Variable("rain", unit="mm", mean=2.0, scale=3.0),
        Variable("flow", unit="m3/s", mean=50.0, scale=12.0),
        Variable("season", unit="-", mean=0.0, scale=1.0, held=True),
    )
    sidecar = Sidecar(variables, window=7, lead=2, targets=variables[:2])
    series = {
        "rain": rng.gamma(1.0, 2.0, size=30),
        "flow": rng.normal(50, 12, size=30),
        "season": np.sin(np.arange(30) / 5),
    }
    return network, rnnlens.windows(series, sidecar)


def test_the_effect_is_in_the_targets_own_unit(river):
    network, windows = river
    found = rnnlens.intervene(
        network, windows, Intervention(gate="input", clamp=0.0), target="flow"
    )
    np.testing.assert_allclose(
        found.forecast, rnnlens.predict(network, windows)[:, 1] * 12 + 50, rtol=1e-12
    )
    # with nothing let in, the cell state stays zero and every forecast is the bias of the head
    bias = network["dense"].layer.b[1] * 12 + 50
    np.testing.assert_allclose(found.forecast_intervened, bias, rtol=1e-12)
    np.testing.assert_array_equal(found.effect, found.forecast_intervened - found.forecast)
    assert found.effect.attrs["units"] == "m3/s" and "time" in found.coords
    assert found.attrs["interventions"] == "recurrent: input gate clamped to 0 at all lags"
    assert found.attrs["mean_size"] == pytest.approx(float(abs(found.effect).mean()))


def test_lags_count_from_the_newest_step_and_steps_from_the_oldest(river):
    network, windows = river
    by_lag = rnnlens.intervene(
        network, windows, Intervention(gate="output", clamp=0, lags=1), target=0
    )
    by_step = rnnlens.intervene(
        network, windows, Intervention(gate="output", clamp=0, steps=[6]), target=0
    )
    np.testing.assert_array_equal(by_lag.effect, by_step.effect)
    # the output gate of the last step alone decides whether anything comes out
    assert np.ptp(by_lag.forecast_intervened.values) < 1e-12
    older = rnnlens.intervene(
        network, windows, Intervention(gate="output", clamp=0, lags=[2]), target=0
    )
    assert np.ptp(older.forecast_intervened.values) > 1e-3


def test_several_at_once_differ_from_each_alone(river):
    network, windows = river
    first = Intervention(gate="forget", clamp=1.0, lags=[1, 2])
    other = Intervention(freeze=True, units=[0, 3], lags=4)
    both = rnnlens.intervene(network, windows, [first, other], target=0)
    swapped = rnnlens.intervene(network, windows, [other, first], target=0)
    np.testing.assert_array_equal(both.effect, swapped.effect)
    for alone in (first, other):
        one = rnnlens.intervene(network, windows, alone, target=0)
        assert abs(one.effect - both.effect).max() > 1e-6
    assert both.attrs["interventions"] == (
        "recurrent: forget gate clamped to 1 at lags 1 to 2; "
        "recurrent: hidden and cell state frozen in units 0, 3 at lag 4"
    )


def test_a_state_from_a_window_of_ones_own_changes_that_window_by_nothing(river):
    network, windows = river
    found = rnnlens.intervene(network, windows, Intervention(patch_from=2, lags=3), target=0)
    assert found.effect[2] == 0
    assert (abs(np.delete(found.effect.values, 2)) > 1e-9).all()
    same = rnnlens.intervene(
        network, windows, Intervention(patch_from=windows.values[2], lags=3), target=0
    )
    np.testing.assert_allclose(same.effect, found.effect, rtol=0, atol=1e-12)


def test_clamped_to_the_mean_over_the_background(river):
    network, windows = river
    some = windows.select(slice(0, 5))
    trace = rnnlens.trace(network, some)["recurrent"].gate_value.sel(gate="forget")
    mean = trace.mean(["sample", "step"]).values
    one = rnnlens.intervene(
        network, windows, Intervention(gate="forget"), background=some, target=0
    )
    two = rnnlens.intervene(network, windows, Intervention(gate="forget", clamp=mean), target=0)
    np.testing.assert_allclose(one.effect, two.effect, rtol=0, atol=1e-10)
    assert "its mean over 5 windows" in one.attrs["interventions"]


def test_gate_effects_are_those_of_intervene(river):
    network, windows = river
    table = rnnlens.gate_effects(network, windows, target="rain")
    assert table.effect.dims == ("sample", "lag", "gate")
    assert list(zip(table.lag.values, table.lag_to.values, strict=True)) == [
        (1, 1),
        (2, 2),
        (3, 4),
        (5, 7),
    ]
    one = rnnlens.intervene(
        network, windows, Intervention(gate="cell", lags=[5, 6, 7]), target="rain"
    )
    found = table.effect.sel(lag=5, gate="cell")
    np.testing.assert_allclose(found, one.effect, rtol=0, atol=1e-12)
    every = rnnlens.intervene(network, windows, Intervention(gate="output"), target="rain")
    np.testing.assert_allclose(table.whole_effect.sel(gate="output"), every.effect, atol=1e-12)
    np.testing.assert_allclose(table.mean_size, abs(table.effect).mean("sample"))


def test_a_gate_that_never_moves_did_nothing_and_the_one_that_does_did_it(rng):
    # all but the input gate answer to nothing, so clamping them to their mean changes nothing
    gates = [gate(rng, 2, 3) for _ in range(4)]
    for k in (1, 2, 3):
        gates[k].W[:], gates[k].U[:] = 0.0, 0.0
    layer = Recurrent(LSTM(*gates, TANH, SIGMOID))
    network = chain(layer, Dense(rng.normal(size=(3, 1))), shape=(5, 2))
    table = rnnlens.gate_effects(network, rng.normal(size=(8, 5, 2)))
    still = table.effect.sel(gate=["forget", "cell", "output"])
    # the mean of equal numbers is that number up to rounding
    assert float(abs(still).max()) < 1e-14 < 1e-3 < float(table.mean_size.sel(gate="input").min())


def test_paths_are_labelled_and_sum_to_the_explanation(river):
    network, windows = river
    found = rnnlens.paths(network, windows, target="flow", baseline="zero")
    assert found.contribution.dims == ("sample", "lag", "feature", "gate")
    whole = rnnlens.explain(network, windows, target="flow", method="secant", baseline="zero")
    np.testing.assert_allclose(
        found.contribution.sum("gate"), whole.contribution, rtol=0, atol=1e-10
    )
    assert found.feature.values.tolist() == ["rain", "flow", "season"]
    assert not found.contribution.sel(feature="season").any()
    held = found.attrs["held"], found.attrs["layer"], found.contribution.attrs["units"]
    assert held == ("season", "recurrent", "m3/s")


REFUSED = [
    ({"layer": "gru", "gate": "forget"}, InputError, "'gru': the network has recurrent"),
    ({"gate": "update"}, InputError, "no gate 'update': it has input, forget, cell, output"),
    ({"gate": "forget", "units": 5}, DataError, "units are whole numbers from 0 to 4, not 5"),
    ({"gate": "forget", "lags": [0]}, DataError, "lags are whole numbers from 1 to 7, not 0"),
    ({"gate": "forget", "lags": 8}, DataError, "from 1 to 7, not 8"),
    ({"gate": "forget", "steps": -1}, DataError, "steps are whole numbers from 0 to 6, not -1"),
    ({"gate": "forget", "steps": []}, DataError, "no steps were named"),
    ({"gate": "forget", "steps": 1, "lags": 1}, InputError, "lags or steps, not both"),
    ({"gate": "forget", "clamp": "median"}, InputError, "'mean', a number or an array"),
    ({"gate": "forget", "clamp": [1.0, 2.0]}, DataError, "each of the 5 units"),
    ({"gate": "forget", "clamp": float("nan")}, DataError, "with NaN"),
    ({"gate": "forget", "freeze": True}, InputError, "one of the three, but 2"),
    ({}, InputError, "one of the three, but 0"),
    ({"freeze": True, "clamp": 1.0}, InputError, "name the gate with gate="),
    ({"gate": "forget", "state": "cell"}, InputError, "a gate was named"),
    ({"freeze": True, "state": "memory"}, InputError, "no state 'memory': it has hidden, cell"),
    ({"patch_from": 30}, DataError, "names window 30, but the windows are 0 to"),
    ({"patch_from": np.zeros((2, 3))}, DataError, r"shape \(7, 3\) or"),
]


@pytest.mark.parametrize(("asked", "error", "words"), REFUSED)
def test_what_cannot_be_done_is_refused_in_one_sentence(river, asked, error, words):
    network, windows = river
    with pytest.raises(error, match=words) as caught:
        rnnlens.intervene(network, windows, Intervention(**asked), target=0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("target", "error", "words"),
    [
        ("snow", DataError, "no target is called 'snow'"),
        (["rain", "flow"], InputError, "its name is .'rain', 'flow'.: give one, or ask of several"),
        (Target("rain", horizon="all"), InputError, "its horizon is 'all': give one"),
        (Target("rain", logits=False), InputError, "leave logits out of the target"),
    ],
)
def test_a_target_that_is_not_one_number_of_the_output_is_refused(river, target, error, words):
    network, windows = river
    with pytest.raises(error, match=words):
        rnnlens.intervene(network, windows, Intervention(freeze=True), target=target)


@pytest.mark.parametrize("given", [[], [{"freeze": True}], "freeze"])
def test_what_is_no_intervention_is_refused_with_one_that_is(river, given):
    network, windows = river
    with pytest.raises(InputError, match="as in rnnlens.Intervention.gate='forget', clamp=1.0"):
        rnnlens.intervene(network, windows, given, target=0)
    example = Intervention(gate="forget", clamp=1.0, lags=[1, 2, 3])
    assert (rnnlens.intervene(network, windows, example, target=0).effect != 0).any()


def test_one_of_several_layers_must_be_named_and_groups_lie_in_the_window(rng):
    network = stacked_bidirectional(rng)
    x = rng.normal(size=(3, 6, 3))
    with pytest.raises(InputError, match="4 recurrent layers: name one of bidirectional.forward"):
        rnnlens.intervene(network, x, Intervention(freeze=True), target=0)
    with pytest.raises(DataError, match=r"from 1 to 6, not \(3, 9\)"):
        rnnlens.gate_effects(network, x, layer="recurrent", groups=[(3, 9)], target=0)
    found = rnnlens.intervene(
        network, x, Intervention(layer="bidirectional.backward", freeze=True), target=0
    )
    assert (found.effect != 0).all()
