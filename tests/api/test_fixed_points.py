"""The verb holds the input that it is told to, names what it finds, and refuses in one sentence."""

from __future__ import annotations

import numpy as np
import pytest

import rnnlens
from flip_flop import flip_flop
from networks import cell, chain, forecaster, head, stacked_bidirectional
from rnnlens.errors import DataError, InputError, UnsupportedModel
from rnnlens.network.layers import Dense, Recurrent


def flip_flop_network(kind):
    core, X, readout = flip_flop(kind)
    out = Dense(readout[:16], readout[16])
    return chain(Recurrent(core, return_sequences=False), out, shape=(None, 3)), X


def test_a_flip_flop_rests_at_its_eight_answers():
    net, X = flip_flop_network("lstm")
    rest = rnnlens.fixed_points(net, X, at=np.zeros(3), target=0)
    assert rest.sizes["point"] == 27 and rest.attrs["index_sum"] == 1
    assert rest.attrs["confined"] == "true" and rest.attrs["layer"] == "recurrent"
    stable = rest.isel(point=rest.unstable.values == 0)
    np.testing.assert_allclose(np.abs(stable.forecast), 1, atol=0.1)  # as well as it learned
    assert set(rest.state_kind.values) == {"hidden", "cell"}
    # the time constants are those of the eigenvalues
    size = np.hypot(rest.eigenvalue_real, rest.eigenvalue_imag)
    np.testing.assert_allclose(np.exp(-1 / rest.time_constant), size, rtol=1e-9)


@pytest.mark.parametrize(
    "kind", ["lstm", "lstm_projected", "gru_after", "gru_before", "simple_rnn"]
)
def test_a_point_is_where_the_network_itself_stays(kind, rng):
    net = forecaster(kind, rng, scale=0.5)
    X = rng.normal(size=(6, 7, 3))
    rest = rnnlens.fixed_points(net, X, at=2, target=0)
    still = np.broadcast_to(X[2, -1], (1, 400, 3))
    # the windows' length is fixed: the same layers read a long one
    long = chain(*(node.layer for node in net.nodes[1:]), shape=(None, 3))
    settled = rnnlens.predict(long, still).ravel()[0]
    assert np.abs(rest.forecast.values - settled).min() < 1e-9


def test_values_by_name_are_held_in_place_of_the_mean(rng):
    net = forecaster("gru_after", rng, scale=0.5)
    X = rng.normal(size=(6, 7, 3))
    mean = X.mean(axis=(0, 1))
    told = rnnlens.fixed_points(net, X, at={"feature 1": 0.7})
    given = rnnlens.fixed_points(net, X, at=np.array([mean[0], 0.7, mean[2]]))
    np.testing.assert_allclose(told.location, given.location, atol=1e-12)
    assert told.attrs["at"] == "feature 1 = 0.7; other features at their mean"


def test_a_value_that_is_held_is_said_in_its_features_unit(rng, tmp_path):
    (tmp_path / "own.toml").write_text(
        'window = 7\ntargets = ["heat"]\n[features]\nrain = { unit = "mm", mean = 1, scale = 3 }\n'
        'ratio = { mean = 0, scale = 1 }\nheat = { unit = "degC", mean = 9, scale = 2 }\n',
        encoding="utf-8",
    )
    table = {name: rng.normal(size=20) for name in ("rain", "ratio", "heat")}
    windows = rnnlens.windows(table, tmp_path / "own.toml")
    net = forecaster("gru_after", rng, scale=0.5, targets=1)
    held = rnnlens.fixed_points(net, windows, at={"heat": 3, "ratio": 0.5}).attrs["at"]
    assert held == "heat = 3 degC, ratio = 0.5; other features at their mean"


def test_a_day_is_a_cycle_that_forecasts_each_hour(rng):
    net = forecaster("gru_before", rng, scale=0.5, steps=30)
    X = rng.normal(size=(4, 30, 3))
    day = rnnlens.fixed_points(net, X, at=1, period=24, target=0)
    assert day.location.dims == ("point", "phase", "state") and day.sizes["phase"] == 24
    many = chain(*(node.layer for node in net.nodes[1:]), shape=(None, 3))
    days = np.tile(X[1, -24:], (40, 1))
    for phase in (0, 7, 23):
        ends = rnnlens.predict(many, days[None, : 24 * 38 + phase + 1]).ravel()[0]
        assert day.forecast.values[0, phase] == pytest.approx(ends, abs=1e-9)


def test_a_stack_is_one_map_and_a_layer_of_it_another(rng):
    net = chain(
        Recurrent(cell("lstm", rng, 3, 4), return_sequences=True),
        Recurrent(cell("gru_after", rng, 4, 3)),
        head(rng, 3),
        shape=(None, 3),
    )
    X = rng.normal(size=(5, 9, 3))
    both = rnnlens.fixed_points(net, X)
    assert both.sizes["state"] == 4 + 4 + 3
    assert list(dict.fromkeys(both.state_layer.values)) == ["recurrent", "recurrent_1"]
    one = rnnlens.fixed_points(net, X, layer="recurrent")
    assert one.sizes["state"] == 8 and "forecast" not in one
    np.testing.assert_allclose(one.location[0], both.location[0, :, :8], atol=1e-10)


def refused(net, X, **options):
    return lambda: rnnlens.fixed_points(net, X, **options)


def test_what_cannot_be_held_or_taken_on_is_refused_in_one_sentence(rng):
    net, X = forecaster("lstm", rng), rng.normal(size=(4, 7, 3))
    relu = chain(
        Recurrent(cell("simple_rnn", rng, 3, 4, phi=rnnlens_activation("elu"))), head(rng, 4),
        shape=(None, 3),
    )  # fmt: skip
    cases = [
        (net, {"at": np.zeros(2)}, DataError, r"must have shape \(3,\) or \(phase, 3\)"),
        (net, {"at": {"rain": 1.0}}, InputError, "no feature is called 'rain'"),
        (net, {"at": "noon"}, InputError, "at must be 'mean'"),
        (net, {"at": 9}, DataError, "at=9 is no window: there are 4"),
        (net, {"at": 1, "period": 24}, DataError, "longer than the windows, which have 7"),
        (net, {"period": 5}, DataError, "needs windows with times"),
        (relu, {}, UnsupportedModel, "'?elu"),
        (stacked_bidirectional(rng, steps=7), {}, UnsupportedModel, "begin at different ends"),
        (chain(head(rng, 3), shape=(7, 3)), {}, InputError, "no recurrent layer"),
    ]
    for network, options, error, said in cases:
        with pytest.raises(error, match=said) as caught:
            rnnlens.fixed_points(network, X, **options)
        assert "\n" not in str(caught.value)


def rnnlens_activation(name):
    from rnnlens.network.activations import Activation

    return Activation(name)


def test_progress_never_goes_back_and_ends_at_the_whole(rng):
    net, told = forecaster("gru_after", rng, scale=0.5), []
    rnnlens.fixed_points(
        net, rng.normal(size=(4, 7, 3)), progress=lambda done, whole: told.append(done / whole)
    )
    assert len(told) > 2 and told == sorted(told) and told[-1] == 1 and told.count(1) == 1
