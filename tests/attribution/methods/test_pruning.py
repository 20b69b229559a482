"""TimeSHAP's pruning value: the formula of two players, its cells, its cut."""

import numpy as np
import pytest

from games_of_networks import lag_cells, network_game
from naive_games import owen_by_subsets
from networks import forecaster, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.pruning import pruning
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries


@pytest.mark.parametrize("kind", ["lstm", "gru_after", "simple_rnn", "bidirectional"])
def test_each_value_is_the_shapley_value_of_two_players(kind, rng):
    network = (
        stacked_bidirectional(rng, steps=5)
        if kind == "bidirectional"
        else forecaster(kind, rng, steps=5)
    )
    x, many = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 3))
    found = pruning(
        question(network, entries(network, x), ResolvedTarget((0,)), make_baseline(many, x))
    )
    for k in range(2):
        for lag in range(1, 5):
            cells_of = {
                0: lag_cells(5, range(3), range(1, lag + 1)),
                1: lag_cells(5, range(3), range(lag + 1, 6)),
            }
            values = owen_by_subsets(network_game(network, x[k], many, cells_of), [[0], [1]])
            assert abs(found.older[k, lag - 1] - values[1]) < 1e-13
    assert np.abs(found.older[:, -1]).max() < 1e-15
    if kind != "bidirectional":
        assert found.cells == 2 * 2 * 5 * 6


def test_the_cut_is_the_first_lag_beyond_which_little_is_left(rng):
    network = forecaster("lstm", rng, steps=8, scale=1.5)  # whose windows look back to many lags
    x = rng.normal(size=(60, 8, 3))
    found = pruning(
        question(network, entries(network, x), ResolvedTarget((0,)), make_baseline("zero", x))
    )
    kept = found.kept(0.05)
    assert len(set(kept.tolist())) > 2
    for k, lags in enumerate(kept):
        assert abs(found.older[k, lags - 1]) <= 0.05
        assert (np.abs(found.older[k, : lags - 1]) > 0.05).all()
