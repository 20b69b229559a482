"""Named groups of lags and features, and the sentences where they do not fit."""

import numpy as np
import pytest

from games_of_networks import lag_cells, network_game
from naive_games import owen_by_subsets
from networks import forecaster
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.games.players import PlayerGroups, make_groups
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.engine.stepwise.players import lag_players
from rnnlens.errors import DataError

FEATURES = ("t", "u", "v")


def read(given, held=()):
    return make_groups(given, steps=8, features=FEATURES, held=held)


def test_numbers_are_lags_and_texts_are_features():
    made = read({"wind": ["v", "u"], "late": range(1, 4), "one": [8]})
    assert made.features == {"wind": (1, 2)}
    assert made.lags == {"late": (1, 2, 3), "one": (8,)}
    assert read(None) == PlayerGroups()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"a": [1, 2], "b": [2, 3]}, "lag 2 is in the groups 'a' and 'b': put it in one of them"),
        ({"a": ["u"], "b": ["u", "v"]}, "feature 'u' is in the groups 'a' and 'b'"),
        ({"a": [1, 1]}, "lag 1 is in the groups 'a' and 'a'"),
        ({"a": []}, "group 'a' must hold lags .* or features .* but holds"),
        ({"a": [1, "u"]}, "of one kind, but holds"),
        ({"a": ["w"]}, "group 'a' names feature 'w', but the features are t, u, v"),
        ({"a": [9]}, "group 'a' names lag 9, but the lags are 1 to 8"),
        ({"a": [0]}, "group 'a' names lag 0, but the lags are 1 to 8"),
        ({"a": [1.5]}, "group 'a' names lag 1.5, but the lags are 1 to 8"),
        ({"a": ["t", "u"]}, "feature 't' of group 'a' is held"),
    ],
)
def test_groups_that_do_not_fit_are_refused(given, sentence):
    with pytest.raises(DataError, match=sentence):
        read(given, held=[0])


def test_every_step_has_one_player_and_players_stand_by_their_oldest_step():
    made = lag_players(9, 3, {"b": [1, 7], "a": [4, 9]})
    assert sorted(t for block in made.blocks for t in block) == list(range(9))
    firsts = [block[0] for block in made.blocks]
    assert firsts == sorted(firsts)
    assert made.titles == ("lag 2", "lag 3", "b", "lags 5 to 8", "a")
    assert made.owner.tolist() == [0, 1, 2, 1, 1, 0, 3, 4, 2]


@pytest.mark.parametrize("kind", ["lstm", "gru_before", "simple_rnn"])
def test_the_tree_over_groups_equals_brute_force(kind, rng):
    network = forecaster(kind, rng, steps=7, features=2)
    x, many = rng.normal(size=(3, 7, 2)), rng.normal(size=(2, 7, 2))
    groups = PlayerGroups(lags={"odd": (1, 3, 7), "pair": (4, 5)})
    found = shapley_tree(
        question(
            network,
            entries(network, x),
            ResolvedTarget((0,)),
            make_baseline(many, x),
            newest=2,
            groups=groups,
        )
    )
    assert found.players == ("lag 2", "pair", "lag 6", "odd")
    unions = [[2], [4, 5], [6], [1, 3, 7]]
    cells_of = {k: lag_cells(7, [0, 1], lags) for k, lags in enumerate(unions)}
    for k in range(3):
        game = network_game(network, x[k], many, cells_of)
        values = owen_by_subsets(game, [[p] for p in cells_of])
        expected = [values[p] for p in cells_of]
        np.testing.assert_allclose(found.contribution[k], expected, rtol=0, atol=1e-13)
    # odd begins at step 0, lag 6 at 1, pair at 2, lag 2 at 5: 2 + 4 + 8 + 8 + 8 + 16 + 16
    assert found.cells == 3 * 2 * 62
