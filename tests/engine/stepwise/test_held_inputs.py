"""Coalitions of one input where others join before, beside and after the recurrence."""

import numpy as np
import pytest

from joined_networks import JOINED, joined
from rnnlens.engine.forward import forward, predict
from rnnlens.engine.stepwise import coalitions
from rnnlens.engine.stepwise.coalitions import Game, cells_a_step
from rnnlens.engine.stepwise.players import newest_players
from rnnlens.engine.stepwise.split import split_by_step

SEQUENCES = [
    (name, of)
    for name in JOINED
    for of, array in joined(name)[1].items()
    if array.ndim == 3 or of == "day"
]


def first(outputs):
    return outputs[0][:, 0]


def one_by_one(network, inputs, of, x0, masks):
    """Every coalition of every window as a window of its own."""
    found = np.empty((len(x0), len(masks)))
    for w in range(len(x0)):
        for k, mask in enumerate(masks):
            shown = mask.reshape(mask.shape + (1,) * (x0.ndim - 2))
            own = {name: array[w : w + 1] for name, array in inputs.items()}
            own[of] = np.where(shown, inputs[of][w], x0[w])[None]
            found[w, k] = predict(network, own)[0, 0]
    return found


@pytest.mark.parametrize("rows", [6, 1 << 13])
@pytest.mark.parametrize(("name", "of"), SEQUENCES)
def test_coalitions_beside_held_inputs_equal_them_one_by_one(name, of, rows, rng, monkeypatch):
    monkeypatch.setattr(coalitions, "MOST_HISTORIES", rows)
    network, inputs = joined(name)
    x = inputs[of]
    x0 = x[::-1].copy() if of == "day" else rng.normal(size=x.shape)
    game = Game(forward(network, inputs), x0, of, first)
    players = newest_players(x.shape[1], 3)
    codes = np.arange(1 << players.count)[:, None] >> np.arange(players.count) & 1
    masks = codes.astype(bool)[:, players.owner]
    expected = one_by_one(network, inputs, of, x0, masks)
    # rounding of a few cells in float64
    np.testing.assert_allclose(game.evaluate_all(players).T, expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(game.evaluate(masks), expected, rtol=0, atol=1e-13)
    alone = Game(
        forward(network, {k: v[:1] for k, v in inputs.items()}), x0[:1], of, first
    ).evaluate_all(players)
    np.testing.assert_allclose(alone[:, 0], expected[0], rtol=0, atol=1e-13)


def test_held_inputs_leave_beginnings_shared():
    walked = {"tokens merged": "day", "any length": "rain"}
    others = ("static repeated", "static as a state", "everywhere", "one step again", "some steps")
    for name, of in (walked | dict.fromkeys(others, "x")).items():
        network, _ = joined(name)
        assert cells_a_step(network, of)[1], name
    assert split_by_step(joined("both ways")[0], "x") is None
    network, _ = joined("decoder")
    assert split_by_step(network, "future").held >= {"past", "encoder"}


def test_an_input_that_reaches_nothing_costs_no_cells():
    network, inputs = joined("ignored")
    game = Game(forward(network, inputs), inputs["extra"] * 0, "extra", first)
    values = game.evaluate_all(newest_players(4, 3))
    np.testing.assert_array_equal(values, np.broadcast_to(first(game.windows.outputs), (16, 4)))
    assert game.counter.cells == 0
