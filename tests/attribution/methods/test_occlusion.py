"""Occlusion: the twin, additive networks, and that hiding nothing changes nothing."""

import numpy as np
import pytest

from naive_methods import lstm_forecast, occluded
from networks import CELLS, cell, chain, equations, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.occlusion import (
    occlusion_of_features,
    occlusion_of_lags,
    occlusion_of_lags_and_features,
)
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.engine.schedule import plan
from rnnlens.names import dimensions_of
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import Dense, Embedding, Masking, Recurrent

EVERY = (occlusion_of_lags, occlusion_of_features, occlusion_of_lags_and_features)


def hide(method, network, x, baseline, target=None, *, windows=None, **options):
    windows = x if windows is None else windows
    made = make_baseline(baseline, windows, **options)
    return method(question(network, entries(network, x), target or ResolvedTarget((0,)), made))


def test_each_equals_hiding_by_hand(rng):
    layer, readout = Recurrent(cell("lstm", rng, 2, 3)), Dense(rng.normal(size=(3, 1)))
    network = chain(layer, readout, shape=(4, 2))
    x, x0 = rng.normal(size=(2, 4, 2))
    p, w = equations(layer.cell), readout.W[:, 0].tolist()

    def by_hand(cells):
        return occluded(lambda v: lstm_forecast(p, w, 0.0, v), x.tolist(), x0.tolist(), cells)

    lags, features, both = (hide(method, network, x[None], x0).change[0] for method in EVERY)
    for t in range(4):
        assert lags[3 - t] == pytest.approx(by_hand([(t, 0), (t, 1)]), abs=1e-13)
        for k in range(2):
            assert both[3 - t, k] == pytest.approx(by_hand([(t, k)]), abs=1e-13)
    for k in range(2):
        assert features[k] == pytest.approx(by_hand([(t, k) for t in range(4)]), abs=1e-13)


@pytest.mark.parametrize("method", EVERY)
def test_over_several_baselines_it_is_the_mean_and_chunks_change_nothing(method, rng, monkeypatch):
    network = stacked_bidirectional(rng)
    x, many = rng.normal(size=(3, 6, 3)), rng.normal(size=(2, 6, 3))
    target = ResolvedTarget((1,), scale=2.5, offset=9.0)
    found = hide(method, network, x, many, target)
    monkeypatch.setattr(plan, "CHUNK_BYTES", 4000)
    monkeypatch.setattr(plan, "BLOCK_BYTES", 4000)
    each = [hide(method, network, x, one, target) for one in many]
    mean = np.mean([one.change for one in each], axis=0)
    np.testing.assert_allclose(found.change, mean, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.forecast, 2.5 * predict(network, x)[:, 1] + 9, rtol=1e-13)


def test_on_an_additive_network_it_equals_the_shapley_value(rng):
    leaky = SimpleRNN(Gate(np.ones((2, 1)), np.full((1, 1), 0.8)), Activation("linear"))
    network = chain(Recurrent(leaky), Dense(np.ones((1, 1))), shape=(6, 2))
    x, x0 = rng.normal(size=(2, 6, 2))
    found = hide(occlusion_of_lags, network, x[None], x0).change
    shapley = 0.8 ** np.arange(6) * (x - x0)[::-1].sum(axis=1)
    np.testing.assert_allclose(found[0], shapley, rtol=0, atol=1e-13)


def test_elsewhere_the_changes_do_not_sum(rng):
    network = forecaster(
        "lstm", rng, scale=2.0
    )  # far from linear, so that no window sums by chance
    x = rng.normal(size=(4, 7, 3))
    change = predict(network, x)[:, 0] - predict(network, np.zeros((1, 7, 3)))[0, 0]
    total = hide(occlusion_of_lags, network, x, "zero").change.sum(axis=1)
    assert np.abs(total - change).min() > 1e-3


class Rounded(ResolvedTarget):
    """A target that rounds differently at every place of a batch, as matrix products may."""

    def pick(self, outputs):
        exact = super().pick(outputs)
        return exact + 1e-15 * np.arange(len(exact))


def test_where_nothing_differs_rounding_makes_no_change(rng):
    x = np.repeat(rng.normal(size=(5, 1, 3)), 7, axis=1)
    for method in EVERY:
        found = hide(method, forecaster("lstm", rng), x, "persistence", Rounded((0,)))
        assert not found.change.any()


@pytest.mark.parametrize("kind", CELLS)
def test_a_part_that_equals_its_baseline_or_has_no_weights_changes_nothing(kind, rng):
    network = forecaster(kind, rng)
    for gate in network["recurrent"].layer.cell.gates.values():
        gate.W[1] = 0.0
    x, x0 = rng.normal(size=(2, 7, 3))
    x0[4] = x[4]
    lags, features, both = (
        hide(method, network, x[None], x0, held=np.array([2])).change[0] for method in EVERY
    )
    assert lags[2] == 0 and np.count_nonzero(lags) == 6
    assert features[2] == 0 and features[0] != 0 and abs(features[1]) < 1e-14
    assert not both[:, 2].any() and not both[2].any() and np.abs(both[:, 1]).max() < 1e-14
    assert np.count_nonzero(both[:, 0]) == 6


def test_padding_changes_nothing_and_tokens_are_hidden_whole(rng):
    network = chain(
        Embedding(rng.normal(size=(9, 4)), mask_zero=True),
        Recurrent(cell("lstm", rng, features=4)),
        head(rng, 5),
        shape=(6,),
    )
    x = rng.integers(1, 9, size=(3, 6)).astype(float)
    x[0, :3] = x[1, 5] = 0
    windows = x[..., None]
    found = hide(
        occlusion_of_lags, network, x, np.full((6, 1), 4.0), windows=windows, real=x != 0
    ).change[:, ::-1]
    assert not found[x == 0].any()
    swapped = x.copy()
    swapped[2, 1] = 4.0
    lost = predict(network, x)[2, 0] - predict(network, swapped)[2, 0]
    assert found[2, 1] == pytest.approx(lost, abs=1e-14)


def test_a_masked_window_is_hidden_under_its_own_mask(rng):
    network = chain(Masking(0.0), Recurrent(cell("gru_after", rng)), head(rng, 5), shape=(6, 3))
    x = rng.normal(size=(2, 6, 3))
    x[0, :2] = 0.0
    real = (x != 0).any(axis=2)
    # hiding by the padding value must hide the value, not make the step padding
    found = hide(occlusion_of_lags, network, x, "zero", real=real).change[0, ::-1]
    inner = chain(network["recurrent"].layer, network["dense"].layer, shape=(4, 3))
    alone = hide(occlusion_of_lags, inner, x[:1, 2:], "zero").change[0, ::-1]
    np.testing.assert_allclose(found[2:], alone, rtol=0, atol=1e-14)
    assert not found[:2].any()


@pytest.mark.parametrize("method", EVERY)
def test_the_results_declare_their_dimensions(method, rng):
    found = hide(method, forecaster("lstm", rng), rng.normal(size=(2, 7, 3)), "zero")
    assert not hasattr(found, "contribution")
    for name, dimensions in dimensions_of(found).items():
        sizes = {"sample": 2, "lag": 7, "feature": 3}
        assert getattr(found, name).shape == tuple(sizes[each] for each in dimensions)
