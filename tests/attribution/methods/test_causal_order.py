"""Shapley values in causal order: the twin, the telescope, the order."""

import numpy as np
import pytest

from naive_methods import lstm_forecast, oldest_first
from networks import CELLS, cell, chain, equations, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.causal_order import causal_order
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.engine.schedule import plan
from rnnlens.names import dimensions_of
from rnnlens.network.layers import Dense, Masking, Recurrent


def split(network, x, baseline, target=None, **options):
    made = make_baseline(baseline, x, **options)
    return causal_order(
        question(network, entries(network, x), target or ResolvedTarget((0,)), made)
    )


def test_it_equals_adding_steps_by_hand(rng):
    layer, readout = Recurrent(cell("lstm", rng, 2, 3)), Dense(rng.normal(size=(3, 1)))
    network = chain(layer, readout, shape=(5, 2))
    x, x0 = rng.normal(size=(2, 5, 2))
    p, w = equations(layer.cell), readout.W[:, 0].tolist()
    naive = oldest_first(lambda v: lstm_forecast(p, w, 0.0, v), x.tolist(), x0.tolist())
    found = split(network, x[None], x0)
    np.testing.assert_allclose(found.contribution[0, ::-1], naive, rtol=0, atol=1e-13)
    assert found.lag_from.tolist() == found.lag_to.tolist() == [1, 2, 3, 4, 5]
    assert found.cells == 6 * 5


@pytest.mark.parametrize("kind", CELLS)
def test_it_telescopes_to_the_change_whatever_the_weights(kind, rng):
    network = forecaster(kind, rng, scale=5.0, steps=30)
    x = rng.normal(size=(3, 30, 3))
    found = split(
        network, x, rng.normal(size=(2, 30, 3)), ResolvedTarget((1,), scale=3.0, offset=5.0)
    )
    total = found.contribution.sum(axis=1)
    np.testing.assert_allclose(total, found.forecast - found.baseline_forecast, rtol=0, atol=1e-12)
    assert np.abs(total).min() > 1e-3
    np.testing.assert_allclose(found.forecast, 3 * predict(network, x)[:, 1] + 5, rtol=1e-13)


def test_stacked_networks_in_chunks_give_the_same(rng, monkeypatch):
    network, x = stacked_bidirectional(rng), rng.normal(size=(4, 6, 3))
    whole = split(network, x, "mean")
    monkeypatch.setattr(plan, "CHUNK_BYTES", 4000)
    monkeypatch.setattr(plan, "BLOCK_BYTES", 4000)
    pieces = split(network, x, "mean")
    made = make_baseline("mean", x)
    each = [split(network, x[k : k + 1], made.windows[0][0, 0]).contribution[0] for k in range(4)]
    np.testing.assert_allclose(whole.contribution, each, rtol=0, atol=1e-13)
    np.testing.assert_allclose(pieces.contribution, each, rtol=0, atol=1e-13)


def test_what_two_lags_do_together_goes_to_the_newer(rng):
    network = forecaster("lstm", rng)
    x, x0 = rng.normal(size=(2, 7, 3))
    found = split(network, x[None], x0).contribution[0]
    # the newest lag gets all it changes in the full window; the oldest what it does alone
    without_newest, oldest_alone = x.copy(), x0.copy()
    without_newest[-1], oldest_alone[0] = x0[-1], x[0]
    f, f0, f1, f2 = predict(network, np.stack([x, x0, without_newest, oldest_alone]))[:, 0]
    assert found[0] == pytest.approx(f - f1, abs=1e-14)
    assert found[-1] == pytest.approx(f2 - f0, abs=1e-14)


def test_padding_and_equal_steps_add_exactly_nothing(rng):
    network = chain(Masking(0.0), Recurrent(cell("lstm", rng)), head(rng, 5), shape=(6, 3))
    x = rng.normal(size=(2, 6, 3))
    x[0, :2] = 0.0
    x0 = rng.normal(size=(6, 3))
    x0[4] = x[1, 4]
    real = (x != 0).any(axis=2)
    found = split(network, x, x0, real=real)
    by_step = found.contribution[:, ::-1]
    assert not by_step[~real].any() and by_step[1, 4] == 0
    assert np.count_nonzero(by_step) == 9
    assert np.abs(found.residual).max() < 1e-13


class Rounded(ResolvedTarget):
    """A target that rounds differently at every place of a batch, as matrix products may."""

    def pick(self, outputs):
        exact = super().pick(outputs)
        return exact + 1e-15 * np.arange(len(exact))


def test_where_nothing_differs_rounding_adds_nothing(rng):
    x = np.repeat(rng.normal(size=(5, 1, 3)), 7, axis=1)
    found = split(forecaster("lstm", rng), x, "persistence", Rounded((0,)))
    assert not found.contribution.any()


def test_the_result_declares_its_dimensions(rng):
    found = split(forecaster("lstm", rng), rng.normal(size=(2, 7, 3)), "zero")
    assert dimensions_of(found)["contribution"] == ("sample", "lag")
    assert found.contribution.shape == (2, 7)
