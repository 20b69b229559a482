"""Integrated and expected gradients: the twin, the axioms, the nodes, the declared failure."""

import numpy as np
import pytest

from naive_methods import integrated_by_midpoints, lstm_forecast
from networks import CELLS, cell, chain, equations, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods import integrated_gradients as method
from rnnlens.attribution.methods.gradient_times_input import gradient_times_input
from rnnlens.attribution.methods.integrated_gradients import integrated_gradients
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.engine.schedule import plan
from rnnlens.errors import DataError, NotAdditive, UnsupportedModel
from rnnlens.names import dimensions_of
from rnnlens.network.activations import Activation
from rnnlens.network.cells import LSTM, Gate, SimpleRNN
from rnnlens.network.layers import Activate, Dense, Embedding, Flatten, Masking, Recurrent

FIRST = ResolvedTarget((0,))


def split(network, x, baseline, target=FIRST, *, real=None, held=None, **options):
    made = make_baseline(baseline, x, real=real, held=held, count=5)
    return integrated_gradients(question(network, entries(network, x), target, made), **options)


def test_it_equals_the_definition_by_midpoints_and_differences(rng):
    layer, readout = Recurrent(cell("lstm", rng, 2, 3)), Dense(rng.normal(size=(3, 1)))
    network = chain(layer, readout, shape=(4, 2))
    x, x0 = rng.normal(size=(2, 4, 2))
    p, w = equations(layer.cell), readout.W[:, 0].tolist()
    naive = integrated_by_midpoints(
        lambda v: lstm_forecast(p, w, 0.0, v), x.tolist(), x0.tolist(), 200
    )
    found = split(network, x[None], x0).contribution[0, ::-1]
    # 200 midpoints leave 1 / 24 200^2 of the second derivative: below 1e-5
    np.testing.assert_allclose(found, naive, rtol=0, atol=1e-5)


def test_over_several_baselines_it_is_the_mean_of_each(rng):
    network = forecaster("gru_after", rng, scale=2.0)
    x, many = rng.normal(size=(2, 7, 3)), rng.normal(size=(3, 7, 3))
    many[2] = x[0] + 1e-4  # next to the first window, where few nodes are plenty
    found = split(network, x, many)
    each = [split(network, x, one) for one in many]
    for name in ("contribution", "baseline_forecast"):
        mean = np.mean([getattr(one, name) for one in each], axis=0)
        np.testing.assert_allclose(getattr(found, name), mean, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.nodes, np.max([one.nodes for one in each], axis=0))
    assert each[2].nodes[0] < found.nodes[0]


@pytest.mark.parametrize("kind", CELLS)
def test_contributions_sum_to_the_stated_tolerance(kind, rng):
    x = rng.normal(size=(4, 7, 3))
    found = split(forecaster(kind, rng, scale=2.0), x, "background", tolerance=1e-9)
    total = found.contribution.sum(axis=(1, 2)) + found.residual
    np.testing.assert_allclose(total, found.forecast - found.baseline_forecast, rtol=0, atol=1e-14)
    size = np.maximum(1, np.maximum(abs(found.forecast), abs(found.baseline_forecast)))
    # the mean over backgrounds of changes each of which sums; theirs may be larger than the mean
    assert (np.abs(found.residual) <= 4e-9 * size).all()
    assert found.tolerance == 1e-9


def test_stacked_bidirectional_networks_sum_too(rng):
    found = split(stacked_bidirectional(rng), rng.normal(size=(3, 6, 3)), "mean", tolerance=1e-10)
    assert np.abs(found.residual).max() < 1e-9


def test_the_error_falls_exponentially_with_the_number_of_nodes(monkeypatch):
    # numbers of its own: smooth enough for 8 nodes to have digits, not so smooth that 32 have all
    rng = np.random.default_rng(2)
    network = forecaster("lstm", rng, scale=1.5)
    x, x0 = rng.normal(size=(2, 7, 3))
    exact = split(network, x[None], x0, tolerance=1e-13, most_nodes=256).contribution
    errors = []
    for count in (8, 16, 32):
        monkeypatch.setattr(method, "FEWEST_NODES", count)
        found = split(network, x[None], x0, tolerance=np.inf)
        assert found.nodes.tolist() == [count]
        errors.append(np.abs(found.contribution - exact).max())
    # digits double with the nodes: an algebraic rule of order 4 would gain a factor of 16
    assert errors[1] < errors[0] / 100
    assert errors[2] < max(errors[1] / 1000, 1e-13)


def test_only_windows_that_do_not_sum_yet_go_on(rng):
    network = forecaster("lstm", rng, scale=3.0)
    x = rng.normal(size=(6, 7, 3))
    x[::2] *= 1e-3  # three windows next to the baseline, where 8 nodes are plenty
    found = split(network, x, "zero", tolerance=1e-10)
    assert (found.nodes[::2] == 8).all()
    assert (found.nodes[1::2] > 8).all()
    alone = split(network, x[3:4], "zero", tolerance=1e-10)
    np.testing.assert_array_equal(alone.nodes, found.nodes[3:4])
    np.testing.assert_allclose(alone.contribution[0], found.contribution[3], rtol=0, atol=1e-13)


def sharp_gate():
    """A gate that opens within 1/40 of the way."""
    closed = Gate(np.zeros((1, 1)), np.zeros((1, 1)), np.full(1, 0.3))
    opening = Gate(np.full((1, 1), 40.0), np.zeros((1, 1)), np.full(1, -20.0))
    return chain(
        Recurrent(LSTM(opening, closed, closed, closed)), Dense(np.full((1, 1), 9.0)), shape=(1, 1)
    )


def test_a_sharp_gate_takes_more_nodes_or_is_refused_with_the_numbers():
    x = np.array([0.2, 0.97]).reshape(2, 1, 1)
    with pytest.raises(
        NotAdditive, match=r"by -?[0-9.e-]+ in sample 1 with 16 nodes .* use method 'secant'"
    ):
        split(sharp_gate(), x, "zero", most_nodes=16, in_panels=16)
    found = split(sharp_gate(), x, "zero", most_nodes=512)
    assert 16 < found.nodes.max() <= 512
    assert np.abs(found.residual).max() <= 1e-6 * 9


def test_panels_find_a_gate_that_opens_within_a_thousandth_of_the_way():
    kernel = Gate(np.array([[3000.0]]), np.zeros((1, 1)), np.array([-1000.0]))
    network = chain(Recurrent(SimpleRNN(kernel)), Dense(np.ones((1, 1))), shape=(1, 1))
    x = np.array([0.2, 0.97]).reshape(2, 1, 1)
    with pytest.raises(NotAdditive):
        split(network, x, "zero", in_panels=0)
    found = split(network, x, "zero")
    # one number makes the whole change: tanh from -1 to 1 in the second window
    np.testing.assert_allclose(found.contribution.ravel(), [0, 2], rtol=0, atol=2e-6)
    assert 0 < found.nodes[1] < 1000


def test_panels_give_what_many_nodes_give(rng):
    network = forecaster("lstm", rng, scale=1.5)
    x, x0 = rng.normal(size=(2, 7, 3))
    many = split(network, x[None], x0, tolerance=1e-13, most_nodes=256)
    panels = split(network, x[None], x0, tolerance=1e-12, most_nodes=8)
    assert panels.nodes[0] % 16 == 0
    np.testing.assert_allclose(panels.contribution, many.contribution, rtol=0, atol=1e-12)


def test_the_window_that_is_refused_is_named_among_all(rng, monkeypatch):
    monkeypatch.setattr(plan, "CHUNK_BYTES", 1)
    monkeypatch.setattr(plan, "BLOCK_BYTES", 1)
    x = np.array([0.2, 0.2, 0.97]).reshape(3, 1, 1)
    assert len(list(plan.chunks(sharp_gate(), {"x": x}, runs=3))) == 3
    with pytest.raises(NotAdditive, match="in sample 2 with 8 nodes"):
        split(sharp_gate(), x, "zero", most_nodes=8, in_panels=8)


def test_a_chaotic_network_is_refused(rng):
    core = cell("simple_rnn", rng, features=1, units=12, scale=1.0)
    core = SimpleRNN(Gate(core.hidden.W, core.hidden.U * 6, core.hidden.b), core.activation)
    network = chain(Recurrent(core), head(rng, 12), shape=(60, 1))
    with pytest.raises(NotAdditive, match="with 64 nodes"):
        split(network, rng.normal(size=(1, 60, 1)), "zero", most_nodes=64, in_panels=256)


@pytest.mark.parametrize("kind", CELLS)
def test_in_the_linear_regime_it_agrees_with_the_other_complete_methods(kind, rng):
    network = forecaster(kind, rng)
    x, x0 = rng.normal(size=(2, 7, 3)) * 1e-5
    made = make_baseline(x0, x[None])
    found = split(network, x[None], x0).contribution
    by_secant = secant(question(network, entries(network, x[None]), FIRST, made)).contribution
    product = gradient_times_input(
        question(network, entries(network, x[None]), FIRST, made)
    ).product
    # second order: inputs of size 1e-5, contributions of size 1e-6
    np.testing.assert_allclose(found, by_secant, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found, product, rtol=0, atol=1e-9)


def test_on_an_additive_network_it_equals_the_secant(rng):
    # no recurrent weights, one feature, every step read: a sum of one bend of each number
    plain = SimpleRNN(Gate(np.full((1, 1), 1.7), np.zeros((1, 1)), np.full(1, 0.4)))
    network = chain(
        Recurrent(plain, return_sequences=True),
        Flatten(),
        Dense(rng.normal(size=(5, 1))),
        shape=(5, 1),
    )
    x, x0 = rng.normal(size=(2, 5, 1))
    found = split(network, x[None], x0, tolerance=1e-13).contribution
    made = make_baseline(x0, x[None])
    by_secant = secant(question(network, entries(network, x[None]), FIRST, made)).contribution
    np.testing.assert_allclose(found, by_secant, rtol=0, atol=1e-11)
    assert np.abs(found).min() > 1e-3


def test_swapping_window_and_baseline_flips_every_sign(rng):
    network = forecaster("gru_before", rng)
    x, x0 = rng.normal(size=(2, 7, 3))
    there = split(network, x[None], x0).contribution
    back = split(network, x0[None], x).contribution
    # the nodes lie symmetrically: rounding alone
    np.testing.assert_allclose(there, -back, rtol=0, atol=1e-13)


def test_equal_to_baseline_held_or_without_weights_is_exactly_zero(rng):
    network = forecaster("lstm", rng)
    for gate in network["recurrent"].layer.cell.gates.values():
        gate.W[1] = 0.0
    x, x0 = rng.normal(size=(2, 7, 3))
    x0[5] = x[5]
    found = split(network, x[None], x0, held=np.array([2])).contribution[0, ::-1]
    assert not found[:, 1].any() and not found[:, 2].any() and not found[5].any()
    assert np.count_nonzero(found) == 6


def test_padding_contributes_exactly_zero_and_keeps_its_mask(rng):
    network = chain(Masking(0.0), Recurrent(cell("lstm", rng)), head(rng, 5), shape=(None, 3))
    x = rng.normal(size=(3, 6, 3))
    x[0, :2] = x[2, 5] = 0.0
    real = (x != 0).any(axis=2)
    found = split(network, x, "persistence", real=real, tolerance=1e-11)
    assert not found.contribution[:, ::-1][~real].any()
    assert np.abs(found.residual).max() < 1e-10
    short = split(network, x[:1, 2:], "persistence", real=real[:1, 2:], tolerance=1e-11)
    np.testing.assert_allclose(found.contribution[0, :4], short.contribution[0], rtol=0, atol=1e-9)


def test_the_scaler_is_undone_and_chunks_change_nothing(rng, monkeypatch):
    network = forecaster("lstm", rng)
    x = rng.normal(size=(5, 7, 3))
    plain = split(network, x, "mean", ResolvedTarget((1,)), tolerance=1e-10)
    monkeypatch.setattr(plan, "CHUNK_BYTES", 3000)
    monkeypatch.setattr(plan, "BLOCK_BYTES", 3000)
    scaled = split(
        network, x, "mean", ResolvedTarget((1,), scale=9.3, offset=50.0), tolerance=1e-10
    )
    np.testing.assert_allclose(scaled.contribution, 9.3 * plain.contribution, rtol=0, atol=1e-7)
    np.testing.assert_allclose(scaled.forecast, 9.3 * plain.forecast + 50, rtol=1e-12)


def test_a_corner_on_the_way_is_a_declared_failure_not_a_wrong_answer(rng):
    network = chain(
        Recurrent(cell("lstm", rng)),
        Dense(rng.normal(size=(5, 4)), None, Activation("relu")),
        Dense(rng.normal(size=(4, 1))),
        Activate(Activation("linear")),
        shape=(6, 3),
    )
    x = rng.normal(size=(8, 6, 3)) * 3
    with pytest.raises(NotAdditive):
        split(network, x, "zero", tolerance=1e-11, most_nodes=64, in_panels=64)


def test_options_out_of_range_and_tokens_are_refused(rng):
    network, x = forecaster("lstm", rng), rng.normal(size=(1, 7, 3))
    with pytest.raises(DataError, match="tolerance must be above 0, but is 0"):
        split(network, x, "zero", tolerance=0)
    with pytest.raises(DataError, match="most_nodes must be at least 8, but is 7"):
        split(network, x, "zero", most_nodes=7)
    words = chain(
        Embedding(rng.normal(size=(9, 3))), Recurrent(cell("lstm", rng)), head(rng, 5), shape=(6,)
    )
    tokens = np.ones((1, 6))
    with pytest.raises(UnsupportedModel, match="input 'x' holds tokens that 'embedding' looks up"):
        integrated_gradients(
            question(
                words, entries(words, tokens), FIRST, make_baseline(np.zeros(1), tokens[..., None])
            )
        )


def test_the_result_declares_its_dimensions(rng):
    found = split(forecaster("lstm", rng), rng.normal(size=(2, 7, 3)), "zero")
    sizes = {"sample": 2, "lag": 7, "feature": 3}
    declared = dimensions_of(found)
    for name in ("contribution", "forecast", "baseline_forecast", "residual", "nodes"):
        assert getattr(found, name).shape == tuple(sizes[each] for each in declared[name])
