"""What the cells hold: found where it is learned, not where any memory or no memory has it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

import rnnlens
from linear_networks import linear_network
from networks import cell, chain, forecaster, head, stacked_bidirectional
from rnnlens.cli.output import as_json, show
from rnnlens.demo.weather import demo_files, weather_windows
from rnnlens.dynamics.probes import moving
from rnnlens.errors import DataError, InputError
from rnnlens.network.cells import LSTM, Gate
from rnnlens.network.layers import Dense, Masking, Recurrent
from rnnlens.series.sidecar import Sidecar
from rnnlens.views.charts import probe as probe_chart
from rnnlens.views.tables.inside.probe import probe_rows, probe_summary, probe_view, unit_rows
from rnnlens.views.words.inside.probe import probe_sentences, used
from small_networks import SMALL, small

STEPS, KEEP = 12, 0.9
QUICK = {"target": 0, "draws": 2, "shifts": 19}


@pytest.fixture
def few_moved(monkeypatch):
    """Move the states of as few windows as there must be, where a test is not about that."""
    monkeypatch.setattr(moving, "OPERATIONS", 0)


def smooth(rng, count, keep=0.9):
    """A series whose neighbours are alike."""
    return lfilter([1.0], [1.0, -keep], rng.normal(size=count + 100))[100:]


def windows_of(series, steps=STEPS):
    view = np.lib.stride_tricks.sliding_window_view(series, steps, axis=0)
    return np.ascontiguousarray(view.swapaxes(1, 2))


def two_integrators(read):
    """Two leaky integrators: of a value where a marker is set, and of the third feature.

    Unit 0 adds feature 0 whenever feature 1 is set, unit 1 adds feature 2; both keep nine tenths a
    step. The head reads one of them.
    """
    W, shut, b = np.zeros((3, 2)), np.zeros((2, 2)), np.zeros(2)
    marked, value = W.copy(), W.copy()
    marked[1, 0], value[0, 0], value[2, 1] = 40.0, 0.01, 0.01
    core = LSTM(
        Gate(marked, shut, np.array([-20.0, 20.0])),
        Gate(W, shut, b + np.log(KEEP / (1 - KEEP))),
        Gate(value, shut, b),
        Gate(W, shut, b + 20.0),
    )
    weights = np.zeros((2, 1))
    weights[read] = 100.0
    return chain(Recurrent(core), Dense(weights, np.zeros(1)), shape=(STEPS, 3))


def marked_values(rng, count):
    return np.stack(
        [rng.normal(size=count), rng.random(count) < 0.3, smooth(rng, count)], axis=1
    ).astype(float)


def integrated(X):
    """What unit 0 holds after each step, (sample, step), step by step."""
    c, held = np.zeros(len(X)), []
    for t in range(X.shape[1]):
        gate = 1 / (1 + np.exp(-(40 * X[:, t, 1] - 20)))
        c = KEEP * c + gate * np.tanh(0.01 * X[:, t, 0])
        held.append(c)
    return np.stack(held, axis=1)


def test_what_a_unit_holds_and_the_forecast_reads_is_found_beyond_controls_and_used(rng):
    X = windows_of(marked_values(rng, 600))
    concept = integrated(X)[:, -1]
    found = rnnlens.probe(two_integrators(read=0), X, concept, state="cell", **QUICK)
    node = found["recurrent/cell"]
    assert float(node["r2"]) == pytest.approx(1.0, abs=1e-9)
    assert abs(float(node["correlation"][0])) == pytest.approx(1.0, abs=1e-9)
    # inputs alone give values without their markers; random gates mix them a little
    assert float(node["selectivity"]) > 0.3 < float(node["selectivity_low"]) + 0.1
    assert float(node["p_value"]) == 1 / 20
    # held at its mean, the state gives one forecast for all windows
    forecast = rnnlens.predict(two_integrators(read=0), X)[:, 0]
    moved = np.abs(100 * np.tanh(concept.mean()) - forecast)
    assert node.attrs["state"] == "cell" and found.attrs["windows_moved"] == len(X)
    np.testing.assert_allclose(node["erased_change"], moved.mean(), rtol=1e-5)
    assert used(node.to_dataset()) and float(node["erased_p_value"]) == 1 / 40
    # what bends is tanh alone, of numbers that are small
    np.testing.assert_allclose(node["per_concept"], 100.0, rtol=1e-2)
    assert "uses it" in found.attrs["summary"] and "beyond every control" in found.attrs["summary"]


def test_what_a_unit_holds_and_the_forecast_does_not_read_is_held_and_not_used(rng):
    X = windows_of(marked_values(rng, 600))
    found = rnnlens.probe(two_integrators(read=1), X, integrated(X)[:, -1], state="cell", **QUICK)
    node = found["recurrent/cell"].to_dataset()
    assert float(node["r2"]) > 1 - 1e-9 and float(node["selectivity"]) > 0.3
    # the ridge leaves a part of 1e-8 of the other unit in the direction
    assert float(node["erased_change"]) < 1e-6 * node["pushed_change"].values.min()
    assert used(node) is False
    assert "moves by nothing: the forecast does not use it" in found.attrs["summary"]


def test_random_directions_leave_the_reading_and_are_as_long_as_its_own(rng):
    scale, weights = rng.uniform(0.1, 3.0, 6), rng.normal(size=6)
    scale[4] = 0.0
    pushes = moving._directions(scale, scale * weights, rng)
    assert pushes.shape == (moving.DIRECTIONS, 6) and not pushes[:, 4].any()
    np.testing.assert_allclose(pushes @ weights, 0, atol=1e-12)
    along = scale**2 * weights / ((scale * weights) @ (scale * weights))
    there = scale > 0
    length = np.linalg.norm(pushes[:, there] / scale[there], axis=1)
    np.testing.assert_allclose(length, np.linalg.norm(along[there] / scale[there]), rtol=1e-12)


def test_patching_moves_what_goes_with_the_concept_over_the_data(rng):
    """Unit 1 takes in half of what unit 0 does, and the forecast reads unit 1 alone."""
    X = windows_of(marked_values(rng, 400))
    X[..., 2] = 0.0
    net = two_integrators(read=1)
    core = net["recurrent"].layer.cell
    half = core.cell.W.copy()
    half[0, 1] = 0.005
    both = replace(core, cell=replace(core.cell, W=half), input=replace(
        core.input, W=core.input.W[:, [0, 0]], b=core.input.b[[0, 0]]))  # fmt: skip
    nodes = [replace(one, layer=Recurrent(both)) if one.name == "recurrent" else one
             for one in net.nodes]  # fmt: skip
    found = rnnlens.probe(
        replace(net, nodes=tuple(nodes)), X, integrated(X)[:, -1], state="cell", **QUICK
    )
    np.testing.assert_allclose(found["recurrent/cell"]["per_concept"], 50.0, rtol=1e-2)


def test_a_moving_mean_of_inputs_is_read_exactly_and_is_no_memory(rng, few_moved):
    """A delay line holds every input of its window, so also their mean over any width."""
    X = windows_of(smooth(rng, 500)[:, None])
    net = linear_network(rng.normal(size=(STEPS, 1)))
    for width in (1, 5, STEPS):
        found = rnnlens.probe(net, X, X[:, -width:].mean(axis=(1, 2)), **QUICK)
        node = found["recurrent/hidden"]
        assert float(node["r2"]) > 1 - 1e-6
        assert abs(float(node["selectivity"])) < 1e-6
        assert "beyond every control" not in found.attrs["summary"]


@pytest.mark.parametrize("kind", ["lstm", "gru_after"])
def test_noise_has_no_selectivity_under_any_control(kind, few_moved):
    """12 smooth series that have nothing to do with the inputs: nothing is found in them."""
    selectivity, p = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X = windows_of(np.stack([smooth(rng, 700) for _ in range(3)], axis=1))
        net = forecaster(kind, rng, steps=STEPS)
        found = rnnlens.probe(net, X, smooth(rng, len(X)), state="hidden", **QUICK)
        node = found["recurrent/hidden"]
        selectivity.append(float(node["selectivity"]))
        p.append(float(node["p_value"]))
    assert np.max(selectivity) < 0.15 and np.mean(selectivity) < 0.03
    # five in a hundred by chance: four or more of 12 would come once in 400 such tests
    assert np.sum(np.array(p) <= 0.05) <= 3


def test_a_concept_of_each_step_is_read_after_each_step(rng):
    X = windows_of(marked_values(rng, 300))
    held = integrated(X)
    found = rnnlens.probe(two_integrators(read=0), X, held, state="cell", **QUICK)
    node = found["recurrent/cell"]
    assert float(node["r2"]) > 1 - 1e-9 and node["estimate_by_step"].dims == ("sample", "step")
    np.testing.assert_allclose(node["estimate_by_step"], held, atol=1e-7)
    assert float(node["selectivity"]) > 0.2


def test_padding_is_no_part_of_what_is_read(rng):
    """Windows whose oldest steps are masked, their concept unknown there."""
    X = windows_of(marked_values(rng, 400))
    real = np.arange(STEPS) >= rng.integers(0, 6, len(X))[:, None]
    padded = np.where(real[..., None], X, -9.0)
    plain = two_integrators(read=0)
    net = chain(
        Masking(-9.0), *(plain[name].layer for name in ("recurrent", "dense")), shape=(STEPS, 3)
    )
    shown = np.where(real[..., None], X, [0.0, 0.0, 0.0])
    held = np.where(real, integrated(shown), np.nan)
    found = rnnlens.probe(net, padded, held, state="cell", **QUICK)
    node = found["recurrent/cell"]
    assert float(node["r2"]) > 1 - 1e-9
    assert np.isnan(node["estimate_by_step"].values[~real]).all()
    with pytest.raises(DataError, match="NaN or infinity"):
        rnnlens.probe(plain, X, held, state="cell", **QUICK)


def test_every_state_of_every_layer_and_direction_is_read(rng):
    X = windows_of(rng.normal(size=(120, 3)), 6)
    found = rnnlens.probe(stacked_bidirectional(rng), X, X[:, 2, 0], **QUICK)
    rows = {(row["layer"], row["state"]) for row in probe_rows(found)}
    assert rows == {
        ("bidirectional.forward", "hidden"), ("bidirectional.forward", "cell"),
        ("bidirectional.backward", "hidden"), ("bidirectional.backward", "cell"),
        ("recurrent", "hidden"), ("recurrent_1", "hidden"),
    }  # fmt: skip
    assert {row["layer"] for row in unit_rows(found)} == {
        "bidirectional.forward", "bidirectional.backward", "recurrent"
    }  # fmt: skip
    assert found["bidirectional/backward/cell"].attrs["layer"] == "bidirectional.backward"
    one = rnnlens.probe(
        stacked_bidirectional(np.random.default_rng(1)), X, X[:, 2, 0], layer="recurrent", **QUICK
    )
    assert [row["layer"] for row in probe_rows(one)] == ["recurrent"]
    core = cell("lstm_projected", rng)
    net = chain(Recurrent(core), head(rng, 2), shape=(6, 3))
    sizes = rnnlens.probe(net, X, X[:, 2, 0], **QUICK)
    assert sizes["recurrent/hidden"].sizes["unit"] == 2
    assert sizes["recurrent/cell"].sizes["unit"] == 5
    assert probe_sentences(sizes) and as_json(probe_summary(sizes))


def test_the_seed_repeats_everything_and_windows_may_come_in_any_order_of_their_times(rng):
    table = {"a": smooth(rng, 205), "b": smooth(rng, 205)}
    windows = rnnlens.windows(table, Sidecar.plain(["a", "b"], window=6))
    net, concept = forecaster("lstm", rng, steps=6, features=2), smooth(rng, len(windows))
    one, same = (rnnlens.probe(net, windows, concept, **QUICK) for _ in range(2))
    other = rnnlens.probe(net, windows, concept, seed=1, **QUICK)
    kept, name = one["recurrent/cell"].to_dataset(), "recurrent/cell"
    assert kept.equals(same[name].to_dataset())
    assert float(other[name]["r2"]) == float(kept["r2"])
    for drawn in ("shifted_r2", "control_r2", "pushed_change"):
        assert not np.allclose(other[name][drawn], kept[drawn])
    order = rng.permutation(len(windows))
    turned = rnnlens.probe(net, windows.select(order), concept[order], **QUICK)[name]
    for found in ("r2", "selectivity", "selectivity_low", "shifted_r2", "control_r2"):
        np.testing.assert_allclose(turned[found], kept[found], rtol=1e-7, err_msg=found)
    np.testing.assert_allclose(turned["estimate"], kept["estimate"][order], rtol=1e-7)


def test_times_are_said_in_hours_and_initial_weights_are_those_of_the_library():
    windows = weather_windows().newest(200)
    concept = windows.original[:, :, 0].mean(axis=1)
    ask = {"target": "temp", "state": "hidden", "draws": 1, "shifts": 9}
    found = rnnlens.probe(rnnlens.read(demo_files().network), windows, concept, **ask)
    units = found["lstm/units"]
    np.testing.assert_array_equal(units["residence_hours"], units["residence_time"])
    assert found.attrs["untrained"] == "initial weights of Keras"
    assert " h)" in found.attrs["summary"].splitlines()[-1]
    show(probe_view(found))
    drawn = probe_chart(found).to_dict()
    assert len(drawn["vconcat"]) == 2
    assert as_json(probe_summary(found))


def test_networks_before_training_may_be_given(rng):
    X = windows_of(rng.normal(size=(200, 3)), 7)
    net = forecaster("lstm", rng)
    own = rnnlens.probe(net, X, X[:, 2, 0], untrained=[net], **QUICK)
    node = own["recurrent/cell"]
    assert own.attrs["untrained"] == "as given"
    # beside itself no network is selective
    itself = float(node["control_r2"].sel(control="untrained"))
    assert itself == pytest.approx(float(node["r2"]), rel=1e-9)
    assert float(node["selectivity"]) < 1e-9
    for other in (forecaster("gru_after", rng), forecaster("lstm", rng, units=4)):
        with pytest.raises(InputError, match="untrained network 0 has no LSTM 'recurrent' of 5"):
            rnnlens.probe(net, X, X[:, 2, 0], untrained=[other], **QUICK)


@pytest.mark.parametrize("name", sorted(set(SMALL) - {"no recurrent layer", "nothing real"}))
def test_networks_of_every_form_are_probed(name, rng, few_moved):
    net, x = small(name)
    first = next(iter(x.values())) if isinstance(x, dict) else x
    chosen = rng.integers(0, len(first), 90)
    x = {key: one[chosen] for key, one in x.items()} if isinstance(x, dict) else x[chosen]
    of = "x" if name == "two sequences" else None
    target = rnnlens.Target(0, horizon=1 if name == "several steps" else None)
    ask = QUICK | {"target": target, "of": of, "gap": 0, "blocks": 3}
    found = rnnlens.probe(net, x, rng.normal(size=90), **ask)
    assert probe_rows(found) and all("\n" not in one for one in probe_sentences(found))


@pytest.mark.parametrize(
    ("concept", "options", "error", "said"),
    [
        (np.zeros(5), {}, DataError, "one number for each of 94 windows, or one for each of"),
        (np.zeros((94, 6)), {}, DataError, "each of their 7 steps, but is an array of shape"),
        (np.where(np.arange(94) == 3, np.nan, 1.0), {}, DataError, "holds NaN or infinity"),
        (np.ones(94), {}, DataError, "never changes in these windows"),
        (np.arange(94.0), {"gap": 40}, DataError, "94 windows with 40 left out on either side"),
        (np.arange(94.0), {"blocks": 2}, InputError, "blocks must be a whole number from 3"),
        (np.arange(94.0), {"layer": "gru"}, InputError, "no recurrent layer is called 'gru'"),
        (np.arange(94.0), {"state": "memory"}, InputError, "has no state 'memory': it has hidden"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(concept, options, error, said, rng):
    net, X = forecaster("lstm", rng), windows_of(rng.normal(size=(100, 3)), 7)
    with pytest.raises(error, match=said):
        rnnlens.probe(net, X, concept, **QUICK | options)


def test_the_advice_of_refusals_works(rng, few_moved):
    net, X = forecaster("lstm", rng), windows_of(rng.normal(size=(50, 3)), 7)
    with pytest.raises(DataError, match="give more windows, or a smaller gap"):
        rnnlens.probe(net, X, rng.normal(size=44), **QUICK)
    rnnlens.probe(net, X, rng.normal(size=44), gap=2, **QUICK)
    more = windows_of(rng.normal(size=(150, 3)), 7)
    rnnlens.probe(net, more, rng.normal(size=144), **QUICK)


def test_network_in_which_nothing_recurs_is_refused():
    net, x = small("no recurrent layer")
    with pytest.raises(InputError, match="nothing is carried from step to step"):
        rnnlens.probe(net, x, np.arange(float(len(x))), target=0)
