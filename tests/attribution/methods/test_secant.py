"""Contributions by the secant method: the twin, and what must hold whatever the weights."""

import numpy as np
import pytest

from naive import lstm_secant
from networks import CELLS, cell, chain, equations, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.gradient import gradient
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.result import additive
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.errors import NotAdditive
from rnnlens.network.cells import LSTM, Gate
from rnnlens.network.layers import Dense, Embedding, Flatten, Masking, Recurrent

FIRST = ResolvedTarget((0,))


def split(network, x, baseline, target=FIRST, **options):
    return secant(
        question(network, entries(network, x), target, make_baseline(baseline, x, **options))
    )


def test_it_equals_the_rules_written_out_unit_by_unit(rng):
    layer = Recurrent(cell("lstm", rng))
    readout = Dense(rng.normal(size=(5, 1)))
    network = chain(layer, readout, shape=(6, 3))
    x, x0 = rng.normal(size=(2, 6, 3))
    x0[2] = x[2]  # where point and reference meet, the rule is the derivative
    naive = lstm_secant(equations(layer.cell), readout.W[:, 0].tolist(), x.tolist(), x0.tolist())
    found = split(network, x[None], x0).contribution[0]
    # the twin takes central differences where pre-activations meet: 1e-10
    np.testing.assert_allclose(found[::-1], naive, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("steps", [1, 24, 200])
def test_contributions_and_residual_sum_to_the_change_at_any_weight_scale(kind, scale, steps):
    # Numbers of its own: in some networks of the largest scale contributions are of hundreds, and
    # then the order in which they are summed moves the last digits of the change, which is of one.
    rng = np.random.default_rng(8)
    network = forecaster(kind, rng, steps=steps, scale=scale, units=8)
    x = rng.normal(size=(6, steps, 3))
    found = split(network, x, "background")
    total = found.contribution.sum(axis=(1, 2)) + found.residual
    change = found.forecast - found.baseline_forecast
    np.testing.assert_allclose(total, change, rtol=0, atol=1e-14)
    assert np.abs(found.residual).max() < 1e-10


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave"])
def test_stacked_bidirectional_networks_sum_too(merge, rng):
    network = stacked_bidirectional(rng, merge=merge)
    found = split(network, rng.normal(size=(5, 6, 3)), "mean")
    assert np.abs(found.residual).max() < 1e-12


@pytest.mark.parametrize("kind", CELLS)
def test_swapping_window_and_baseline_flips_every_sign(kind, rng):
    network = forecaster(kind, rng)
    x, x0 = rng.normal(size=(2, 7, 3))
    there = split(network, x[None], x0).contribution
    back = split(network, x0[None], x).contribution
    np.testing.assert_array_equal(there, -back)


@pytest.mark.parametrize("kind", CELLS)
def test_a_feature_without_weights_contributes_exactly_zero(kind, rng):
    network = forecaster(kind, rng)
    for gate in network["recurrent"].layer.cell.gates.values():
        gate.W[1] = 0.0
    found = split(network, rng.normal(size=(4, 7, 3)), "mean").contribution
    assert not found[..., 1].any()
    assert found[..., [0, 2]].all()


@pytest.mark.parametrize("kind", CELLS)
def test_an_input_equal_to_its_baseline_contributes_exactly_zero(kind, rng):
    network = forecaster(kind, rng)
    x, x0 = rng.normal(size=(2, 7, 3))
    x0[3, 1], x0[5] = x[3, 1], x[5]
    found = split(network, x[None], x0).contribution[0][::-1]
    assert found[3, 1] == 0 and not found[5].any()
    assert np.count_nonzero(found) == 7 * 3 - 4


def test_held_features_contribute_exactly_zero_and_keep_their_values(rng):
    network = forecaster("lstm", rng)
    x = rng.normal(size=(4, 7, 3))
    found = split(network, x, "zero", held=np.array([2]))
    assert not found.contribution[..., 2].any()
    hidden = x.copy()
    hidden[..., :2] = 0
    from rnnlens.engine.forward import predict

    np.testing.assert_allclose(found.baseline_forecast, predict(network, hidden)[:, 0], rtol=1e-14)


@pytest.mark.parametrize("kind", CELLS)
def test_in_the_linear_regime_every_complete_method_agrees(kind, rng):
    network = forecaster(kind, rng)
    x = rng.normal(size=(3, 7, 3)) * 1e-5
    x0 = rng.normal(size=(7, 3)) * 1e-5
    by_secant = split(network, x, x0).contribution
    slope = gradient(question(network, entries(network, x), FIRST)).sensitivity
    by_slope = slope * (x - x0)[:, ::-1]
    by_tree = shapley_tree(
        question(network, entries(network, x), FIRST, make_baseline(x0, x), newest=7)
    ).contribution
    # second order: inputs of size 1e-5, contributions of size 1e-6
    np.testing.assert_allclose(by_secant, by_slope, rtol=0, atol=1e-9)
    np.testing.assert_allclose(by_secant.sum(axis=2), by_tree, rtol=0, atol=1e-9)


def test_close_to_the_baseline_it_becomes_gradient_times_change(rng):
    network = forecaster("lstm", rng)
    x0 = rng.normal(size=(7, 3))
    previous = np.inf
    for distance in (1e-1, 1e-2, 1e-3):
        x = (x0 + distance * rng.normal(size=(7, 3)))[None]
        slope = gradient(question(network, entries(network, x), FIRST)).sensitivity
        gap = np.abs(split(network, x, x0).contribution - slope * (x - x0)[:, ::-1]).max()
        assert gap < previous / 20  # quadratic: a tenth of the distance, a hundredth of the gap
        previous = gap


def test_many_backgrounds_give_the_mean_over_single_ones(rng):
    network = forecaster("gru_after", rng)
    x, many = rng.normal(size=(4, 7, 3)), rng.normal(size=(5, 7, 3))
    together = split(network, x, many)
    singly = [split(network, x, one) for one in many]
    mean = np.mean([one.contribution for one in singly], axis=0)
    np.testing.assert_allclose(together.contribution, mean, rtol=0, atol=1e-14)
    means = np.mean([one.baseline_forecast for one in singly], axis=0)
    np.testing.assert_allclose(together.baseline_forecast, means, rtol=0, atol=1e-14)


@pytest.mark.parametrize("kind", CELLS)
def test_a_batch_gives_what_its_windows_give_one_by_one(kind, rng):
    network = forecaster(kind, rng)
    x, x0 = rng.normal(size=(5, 7, 3)), rng.normal(size=(7, 3))
    batch = split(network, x, x0).contribution
    single = np.concatenate([split(network, x[k : k + 1], x0).contribution for k in range(5)])
    # a matrix product may sum in another order for another number of rows
    np.testing.assert_allclose(batch, single, rtol=0, atol=1e-14)


def test_chunks_change_nothing(rng, monkeypatch):
    import rnnlens.engine.schedule.plan as plan

    network = forecaster("lstm", rng)
    x = rng.normal(size=(11, 7, 3))
    whole = split(network, x, "persistence")
    monkeypatch.setenv("RNNLENS_THREADS", "1")
    monkeypatch.setattr(plan, "CHUNK_BYTES", 1500)
    monkeypatch.setattr(plan, "BLOCK_BYTES", 1500)
    monkeypatch.setattr(plan, "SHORTEST_CHUNK", 0.0)
    pieces = split(network, x, "persistence")
    assert len(list(plan.chunks(network, {"x": x}, runs=3))) > 3
    np.testing.assert_allclose(pieces.contribution, whole.contribution, rtol=0, atol=1e-14)
    np.testing.assert_allclose(pieces.forecast, whole.forecast, rtol=0, atol=1e-14)


@pytest.mark.parametrize("baseline", ["zero", "mean", "persistence", "background"])
@pytest.mark.parametrize("sequences", [False, True])
def test_padding_contributes_exactly_zero_whatever_the_baseline(baseline, sequences, rng):
    layers = [Masking(0.0)]
    if sequences:
        layers.append(Recurrent(cell("gru_before", rng), return_sequences=True))
    layers.append(Recurrent(cell("lstm", rng, features=5 if sequences else 3)))
    network = chain(*layers, head(rng, 5), shape=(6, 3))
    x = rng.normal(size=(4, 6, 3))
    x[0, :2] = x[1, 4:] = x[2, 3] = 0.0
    real = (x != 0).any(axis=2)
    found = split(network, x, baseline, real=real)
    by_step = found.contribution[:, ::-1]
    assert not by_step[~real].any()
    assert np.abs(found.residual).max() < 1e-12


def test_padding_before_a_layer_that_ignores_masks_contributes_exactly_zero(rng):
    network = chain(
        Masking(0.0), Flatten(), Dense(rng.normal(size=(18, 2)), rng.normal(size=2)), shape=(6, 3)
    )
    x = rng.normal(size=(2, 6, 3))
    x[0, 2:4] = 0.0
    slope = gradient(question(network, entries(network, x), FIRST)).sensitivity[0, ::-1]
    assert not slope[2:4].any() and slope[[0, 1, 4, 5]].all()
    real = (x != 0).any(axis=2)
    found = split(network, x, np.array([1.0, 2.0, 3.0]), real=real)
    assert not found.contribution[0, ::-1][2:4].any()
    assert np.abs(found.residual).max() < 1e-12


def test_a_padding_token_contributes_exactly_zero(rng):
    network = chain(
        Embedding(rng.normal(size=(9, 4)), mask_zero=True),
        Recurrent(cell("lstm", rng, features=4)),
        head(rng, 5),
        shape=(6,),
    )
    x = rng.integers(1, 9, size=(3, 6)).astype(float)
    x[0, :3] = x[1, 5] = 0
    baseline = make_baseline(np.full((6, 1), 4.0), x[..., None])
    found = secant(question(network, entries(network, x), FIRST, baseline))
    assert not found.contribution[:, ::-1, 0][x == 0].any()
    assert np.count_nonzero(found.contribution) > 10
    assert np.abs(found.residual).max() < 1e-12


def test_the_scaler_is_undone(rng):
    network = forecaster("lstm", rng)
    x = rng.normal(size=(4, 7, 3))
    plain = split(network, x, "mean", ResolvedTarget((1,)))
    scaled = split(network, x, "mean", ResolvedTarget((1,), scale=9.3, offset=50.0))
    np.testing.assert_allclose(scaled.contribution, 9.3 * plain.contribution, rtol=1e-12)
    np.testing.assert_allclose(scaled.forecast, 9.3 * plain.forecast + 50, rtol=1e-12)
    change = 9.3 * plain.forecast - 9.3 * plain.baseline_forecast
    np.testing.assert_allclose(scaled.contribution.sum(axis=(1, 2)), change, rtol=0, atol=1e-12)


def test_permuting_hidden_units_changes_nothing(rng):
    network = forecaster("lstm", rng)
    layer, readout = network["recurrent"].layer, network["dense"].layer
    order = rng.permutation(5)
    gates = [
        Gate(g.W[:, order], g.U[order][:, order], g.b[order]) for g in layer.cell.gates.values()
    ]
    other = chain(Recurrent(LSTM(*gates)), Dense(readout.W[order], readout.b), shape=(7, 3))
    x = rng.normal(size=(3, 7, 3))
    np.testing.assert_allclose(
        split(other, x, "mean").contribution, split(network, x, "mean").contribution, atol=1e-14
    )


def test_nothing_is_written_to_the_callers_arrays(rng):
    network = forecaster("lstm", rng)
    x = rng.normal(size=(3, 7, 3))
    x.flags.writeable = False
    background = rng.normal(size=(4, 7, 3))
    background.flags.writeable = False
    split(network, x, "background", background=background)


def test_contributions_that_do_not_sum_are_refused_with_the_numbers():
    with pytest.raises(NotAdditive, match=r"miss the change of the forecast by 0\.5 in sample 1"):
        additive(np.array([1.0, 0.5]), np.array([3.0, 3.0]), np.array([2.0, 2.0]), "secant")
    with pytest.raises(NotAdditive, match="nan"):
        additive(np.array([np.nan]), np.array([3.0]), np.array([2.0]), "secant")
