"""The values of coalitions: shared beginnings against whole windows, and what they cost."""

import numpy as np
import pytest

from networks import cell, chain, forecaster, head, stacked_bidirectional
from rnnlens.engine.forward import entries, forward, predict
from rnnlens.engine.stepwise import coalitions
from rnnlens.engine.stepwise.coalitions import Game
from rnnlens.engine.stepwise.players import Players, lag_players, newest_players
from rnnlens.engine.stepwise.trees import count_prefixes, step_codes
from rnnlens.network.layers import Embedding, Masking, Recurrent


def first(outputs):
    return outputs[0][:, 0]


def game(network, x, x0, state=None):
    return Game(
        forward(network, entries(network, x), initial_state=state),
        x0,
        "x",
        first,
        initial_state=state,
    )


def masked(rng):
    core = Recurrent(cell("lstm", rng), return_sequences=True)
    top = Recurrent(cell("gru_after", rng, features=5))
    return chain(Masking(0.0), core, top, head(rng, 5), shape=(6, 3))


def one_by_one(network, x, x0, masks):
    """Every coalition of every window as a window of its own."""
    found = np.empty((len(x), len(masks)))
    for w in range(len(x)):
        for k, mask in enumerate(masks):
            shown = mask if mask.ndim == 2 else mask[:, None]
            found[w, k] = predict(network, np.where(shown, x[w], x0)[None])[0, 0]
    return found


@pytest.mark.parametrize("features", [False, True])
@pytest.mark.parametrize("rows", [4, 1 << 13])
@pytest.mark.parametrize("kind", ["lstm", "gru_before", "bidirectional"])
def test_some_coalitions_of_many_windows_equal_them_one_by_one(
    kind, rows, features, rng, monkeypatch
):
    monkeypatch.setattr(coalitions, "MOST_HISTORIES", rows)
    network = (
        stacked_bidirectional(rng) if kind == "bidirectional" else forecaster(kind, rng, steps=6)
    )
    x, x0 = rng.normal(size=(4, 6, 3)), rng.normal(size=(6, 3))
    masks = rng.random((40, 6, 3) if features else (40, 6)) < 0.5
    masks[7] = masks[3]
    made = game(network, x, x0[None])
    found = made.evaluate(masks)
    np.testing.assert_allclose(found, one_by_one(network, x, x0, masks), rtol=0, atol=1e-13)
    assert found[0, 7] == found[0, 3]
    if kind != "bidirectional":
        assert made.counter.cells == 4 * count_prefixes(masks)


@pytest.mark.parametrize("rows", [4, 1 << 13])
def test_every_coalition_of_many_windows_is_every_coalition_of_each(rows, rng, monkeypatch):
    monkeypatch.setattr(coalitions, "MOST_HISTORIES", rows)
    network = masked(rng)
    x, x0 = rng.normal(size=(5, 6, 3)), rng.normal(size=(5, 6, 3))
    x[1, :2] = x0[1, :2] = x[3, 5] = x0[3, 5] = 0.0
    parts = lag_players(6, 2, {"a": [3, 6]})
    together = game(network, x, x0)
    values = together.evaluate_all(parts)
    singly = [
        game(network, x[k : k + 1], x0[k : k + 1]).evaluate_all(parts)[:, 0] for k in range(5)
    ]
    np.testing.assert_allclose(values.T, singly, rtol=0, atol=1e-14)
    np.testing.assert_allclose(values[-1], predict(network, x)[:, 0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(values[0], predict(network, x0)[:, 0], rtol=0, atol=1e-14)
    assert together.counter.cells == 2 * 5 * parts.cells()


@pytest.mark.parametrize("carried", [False, True])
def test_partial_choices_stand_as_told_whichever_way_they_are_run(carried, rng, monkeypatch):
    network = forecaster("lstm", rng, steps=5)
    x, x0 = rng.normal(size=(3, 5, 3)), rng.normal(size=(1, 5, 3))
    state = {"recurrent": rng.normal(size=(2, 3, 5))}
    parts = lag_players(5, 2, {"a": [3, 5]}, carried=carried)
    each = [np.array([[True, False, False], [False, True, True]])] * len(parts.blocks)
    tree = game(network, x, x0, state if carried else None)
    assert tree.walk is not None
    whole = game(network, x, x0, state if carried else None)
    monkeypatch.setattr(coalitions, "split_by_step", lambda *_: None)
    assert whole.walk is None
    for a, b in zip(
        tree.evaluate_partial(parts, each), whole.evaluate_partial(parts, each), strict=True
    ):
        for one, other in zip(a, b, strict=True):
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-14)
    plain, partial = tree.evaluate_partial(parts, each)
    assert plain.shape == (1 << parts.count, 3)
    assert [p.shape[:3] for p in partial] == [
        (1 << (parts.count - 1 - k - carried), 2, 1 << (k + carried)) for k in range(4)
    ]


def test_a_carried_state_is_hidden_as_zero_where_a_coalition_says_so(rng, monkeypatch):
    network = forecaster("gru_after", rng, steps=4)
    x, x0 = rng.normal(size=(3, 4, 3)), rng.normal(size=(1, 4, 3))
    state = {"recurrent": rng.normal(size=(1, 3, 5))}
    made = game(network, x, x0, state)
    masks = rng.random((10, 4)) < 0.5
    shown = np.arange(10) % 3 == 0
    found = made.evaluate(masks, shown)
    for k in range(10):
        mixed = np.where(masks[k][:, None], x, x0)
        given = {"recurrent": [s if shown[k] else 0 * s for s in state["recurrent"]]}
        expected = predict(network, mixed, initial_state=given)[:, 0]
        np.testing.assert_allclose(found[:, k], expected, rtol=0, atol=1e-14)
    assert made.counter.cells == 3 * count_prefixes(masks, shown)
    whole = game(network, x, x0, state)
    monkeypatch.setattr(coalitions, "split_by_step", lambda *_: None)
    assert whole.walk is None
    np.testing.assert_allclose(whole.evaluate(masks, shown), found, rtol=0, atol=1e-14)
    # where nothing is said, the state is there
    np.testing.assert_array_equal(made.evaluate(masks), made.evaluate(masks, np.ones(10, bool)))


def test_tokens_are_hidden_whole(rng):
    layers = (Embedding(rng.normal(size=(9, 4))), Recurrent(cell("lstm", rng, features=4)))
    network = chain(*layers, head(rng, 5), shape=(5,))
    x, x0 = rng.integers(1, 9, (2, 5)).astype(float), np.full((1, 5), 3.0)
    values = game(network, x, x0).evaluate_all(newest_players(5, 5))
    masks = (np.arange(32)[:, None] >> np.arange(5) & 1).astype(bool)
    for k in range(32):
        expected = predict(network, np.where(masks[k], x, x0))[:, 0]
        np.testing.assert_allclose(values[k], expected, rtol=0, atol=1e-14)


def test_beginnings_are_counted_as_a_set_of_prefixes_is(rng):
    for shape in ((30, 7), (30, 5, 2), (6, 3, 70)):
        masks = rng.random(shape) < 0.5
        carried = rng.random(shape[0]) < 0.5
        for own in (None, carried):
            start = carried if own is not None else np.zeros(shape[0], bool)
            prefixes = {
                (bool(start[k]), t, masks[k, : t + 1].tobytes())
                for k in range(shape[0])
                for t in range(shape[1])
            }
            assert count_prefixes(masks, own) == len(prefixes)
        codes = step_codes(masks)
        same = (codes[:, None] == codes[None]).all(axis=2)
        flat = masks.reshape(shape[0], -1)
        np.testing.assert_array_equal(same, (flat[:, None] == flat[None]).all(axis=2))


def test_steps_of_many_features_are_numbered_in_the_order_of_their_masks(rng):
    masks = rng.random((40, 6, 70)) < 0.5
    masks[20:] = masks[:20]  # coalitions that show the same
    masks[:, 3] = masks[:, 2]  # two steps of one player
    masks[0], masks[1] = False, True
    for t, codes in enumerate(step_codes(masks).T):
        expected = np.unique(masks[:, t], axis=0, return_inverse=True)[1]
        np.testing.assert_array_equal(codes, expected.ravel())


def test_cells_of_players_are_the_states_that_begin_step_by_step():
    made = Players(([0, 4], range(1, 3), [3]), carried=True)
    assert made.cells() == 4 + 8 + 8 + 16 + 16
    # choices of one player at a time: half of the states, once for each player that has begun
    assert made.cells(partial=3) == 52 + 3 * (1 * 2 + 2 * 4 + 2 * 4 + 3 * 8 + 3 * 8)
    assert made.coalitions(partial=3) == 16 + 3 * 3 * 8
