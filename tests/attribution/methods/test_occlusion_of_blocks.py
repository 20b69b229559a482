"""Older lags are hidden in blocks where one by one would take too long: equal to hiding by hand."""

import numpy as np
import pytest

import rnnlens
from networks import cell, chain, forecaster, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.games import lag_blocks as blocks
from rnnlens.attribution.games import one_step
from rnnlens.attribution.methods.occlusion import occlusion_of_blocks_and_features
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.engine.stepwise import narrow, stretches
from rnnlens.errors import DataError
from rnnlens.network.layers import Dense, Recurrent

FEATURES, STEPS = 7, 23


def asked(network, x, x0, **options):
    baseline = make_baseline(x0, x)
    return question(network, entries(network, x), ResolvedTarget((0,)), baseline, **options)


def by_hand(network, x, x0, spans):
    """Hide each feature at the lags of each span, run whole windows, and see what is lost."""
    own = predict(network, x)[:, 0]
    change = np.zeros((len(x), len(spans), x.shape[2]))
    for k, (first, last) in enumerate(spans):
        for feature in range(x.shape[2]):
            hidden = x.copy()
            for lag in range(first, last + 1):
                hidden[:, -lag, feature] = x0[-lag, feature]
            change[:, k, feature] = own - predict(network, hidden)[:, 0]
    return change


def one_layer(kind, rng, features=FEATURES, steps=STEPS):
    layer = Recurrent(cell(kind, rng, features, 4))
    return chain(layer, Dense(rng.normal(size=(4, 1))), shape=(steps, features))


def two_layers(rng):
    first = Recurrent(cell("gru", rng, FEATURES, 4), return_sequences=True)
    second = Recurrent(cell("lstm", rng, 4, 3))
    return chain(first, second, Dense(rng.normal(size=(3, 1))), shape=(STEPS, FEATURES))


@pytest.fixture(autouse=True)
def _products(monkeypatch):
    """Take the products of an input however few features it has."""
    monkeypatch.setattr(stretches, "FEWEST_FEATURES", 0)


@pytest.mark.parametrize("narrowly", [True, False])
@pytest.mark.parametrize("kind", ["lstm", "gru", "simple_rnn", "lstm_peephole"])
def test_blocks_equal_hiding_by_hand_whatever_is_read(kind, narrowly, rng, monkeypatch):
    monkeypatch.setattr(one_step, "FEWEST_STEPS", 1)
    if narrowly:  # which networks are that no products are made for
        monkeypatch.setattr(one_step, "stretches", lambda *network: None)
    if narrowly:  # several stretches of several groups of ways, the last of each smaller
        monkeypatch.setattr(narrow, "LENGTH", 3)
        monkeypatch.setattr(narrow, "TOGETHER", 2)
        monkeypatch.setattr(narrow, "WORTH", 1.0)
    assert (narrow.narrow_share(FEATURES) < 1) == narrowly
    network, x, x0 = one_layer(kind, rng), rng.normal(size=(2, STEPS, FEATURES)), None
    x0 = rng.normal(size=(STEPS, FEATURES))
    x0[:, 2] = x[0, :, 2]  # nothing of one feature is hidden in one window
    laid = blocks.LagBlocks(blocks._spans(3, STEPS))
    found = occlusion_of_blocks_and_features(asked(network, x, x0), laid)
    wanted = by_hand(network, x, x0, laid.spans)
    np.testing.assert_allclose(found.change, wanted, rtol=0, atol=1e-13)
    assert found.lag_to.tolist() == [1, 2, 3, 6, 12, 23] and (found.change[0, :, 2] == 0).all()
    assert np.abs(wanted).max() > 1e-3


def test_layers_above_one_another_and_both_directions_take_the_same_blocks(rng, monkeypatch):
    monkeypatch.setattr(one_step, "FEWEST_STEPS", 1)
    for network, shape in (
        (two_layers(rng), (STEPS, FEATURES)),
        (stacked_bidirectional(rng), (6, 3)),
    ):
        x, x0 = rng.normal(size=(2, *shape)), rng.normal(size=shape)
        laid = blocks.LagBlocks(blocks._spans(2, shape[0]))
        found = occlusion_of_blocks_and_features(asked(network, x, x0), laid)
        wanted = by_hand(network, x, x0, laid.spans)
        np.testing.assert_allclose(found.change, wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize("newest", [1, 5, 12, 100])
def test_blocks_hold_every_lag_once(newest):
    spans = blocks._spans(newest, 100)
    assert [lag for first, last in spans for lag in range(first, last + 1)] == [*range(1, 101)]
    assert all(last - first + 1 <= first - 1 for first, last in spans[newest:])
    steps = blocks.LagBlocks(spans).of_steps(100)
    assert [t for first, end in steps for t in range(first, end)] == [*range(100)]


def test_usual_windows_keep_every_lag_and_a_budget_is_kept(rng):
    network, x = one_layer("lstm", rng, steps=150), rng.normal(size=(3, 150, FEATURES))
    whole = asked(network, x, "mean")
    assert len(blocks.lag_blocks(whole).spans) == 150 and not blocks.lag_blocks(whole).why
    every = blocks._Cost(whole)(150)
    laid = blocks.lag_blocks(whole, every // 2)
    newest = sum(first == last for first, last in laid.spans)
    cost = blocks._Cost(whole)
    assert cost(newest) <= every // 2 < cost(newest + 1) and f"{every:,}" in laid.why
    assert not blocks.lag_blocks(asked(network, x, "mean", newest=9)).why


def test_too_small_a_budget_is_refused_and_the_advice_works(rng):
    network, x = forecaster("gru", rng, steps=150), rng.normal(size=(4, 150, 3))
    cost = blocks._Cost(asked(network, x, "mean"))
    least = min(cost(newest) for newest in range(1, 151))
    effort = rnnlens.Effort(budget=least - 1)
    with pytest.raises(DataError, match="give fewer windows or a larger budget$"):
        rnnlens.explain(network, x, target=0, method="occlusion", effort=effort)
    found = rnnlens.explain(network, x[:1], target=0, method="occlusion", effort=effort)
    larger = rnnlens.Effort(budget=least)
    assert rnnlens.explain(network, x, target=0, method="occlusion", effort=larger).attrs["why"]
    assert found.lag_to[-1] == 150 and found.sizes["lag"] < 150


def test_the_newest_lags_that_are_asked_for_stand_alone(rng):
    network, x = forecaster("lstm", rng, steps=20), rng.normal(size=(3, 20, 3))
    every = rnnlens.explain(network, x, target=0, method="occlusion")
    found = rnnlens.explain(network, x, target=0, method="occlusion", newest=6)
    np.testing.assert_allclose(found.change[:, :6], every.change[:, :6], rtol=0, atol=1e-13)
    assert found.lag_to.values.tolist() == [1, 2, 3, 4, 5, 6, 12, 20] and "why" not in found.attrs
    many = rng.normal(size=(80, 20, 3))
    with pytest.raises(DataError, match="under a conditional baseline by itself, whatever"):
        rnnlens.explain(
            network, many, target=0, method="occlusion", baseline="conditional", newest=6
        )
