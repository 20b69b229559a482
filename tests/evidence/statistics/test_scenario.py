"""Observed values in the place of a lag: what was seen, where, and what it bounds."""

import math
from dataclasses import replace

import numpy as np
import pytest

from linear_networks import linear_network
from networks import cell, chain, forecaster
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.errors import DataError, InputError
from rnnlens.evidence.statistics import replacement as replacement_module
from rnnlens.evidence.statistics import scenario as scenario_module
from rnnlens.evidence.statistics.parts import group_parts, lag_feature_parts, lag_parts, older_part
from rnnlens.evidence.statistics.replacement import Replacement
from rnnlens.evidence.statistics.scenario import draws_needed, scenario, share_limit
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import Concatenate, Dense, Input, Masking, Recurrent
from rnnlens.network.network import Network, Node, Origin

OWN_UNITS = ResolvedTarget((1,), scale=3.0, offset=5.0)


def replacement(network, x, target):
    inputs = entries(network, x)
    return Replacement(Question(network=network, inputs=inputs, of="x", target=target))


def made(kind, rng, count=6, **sizes):
    network = forecaster(kind, rng, steps=4, features=2, **sizes)
    x = rng.normal(size=(count, 4, 2))
    return network, x, replacement(network, x, OWN_UNITS)


def binomial_upper(exceeded, draws, confidence):
    """Clopper and Pearson by bisection: where P(at most as many) is 1 - confidence."""
    low, high = 0.0, 1.0
    for _ in range(200):
        p = (low + high) / 2
        below = sum(
            math.comb(draws, k) * p**k * (1 - p) ** (draws - k) for k in range(exceeded + 1)
        )
        low, high = (p, high) if below > 1 - confidence else (low, p)
    return low


@pytest.mark.parametrize("kind", ["lstm", "gru_after", "simple_rnn"])
def test_all_pairs_are_tried_as_a_loop_would(kind, rng):
    network, x, windows = made(kind, rng)
    values = rng.normal(size=(5, 4, 2))
    parts = (*lag_parts((4, 2), lags=[1, 3]), *lag_feature_parts((4, 2), lags=[4])[1:])
    found = scenario(windows, parts, values=values, tolerance=0.3)
    assert found.exhaustive and found.draws == 30 and found.confidence == 1.0
    own = 3.0 * predict(network, x)[:, 1] + 5.0
    for k, places in enumerate([[(3, 0), (3, 1)], [(1, 0), (1, 1)], [(0, 1)]]):
        changes = {}
        for i in range(6):
            for j in range(5):
                mixed = x[i].copy()
                for place in places:
                    mixed[place] = values[j][place]
                changes[i, j] = 3.0 * predict(network, mixed[None])[0, 1] + 5.0 - own[i]
        i, j = max(changes, key=lambda pair: abs(changes[pair]))
        assert (found.window[k], found.value_from[k]) == (i, j)
        assert found.largest[k] == pytest.approx(changes[i, j], rel=1e-10)
        assert found.forecast_before[k] == pytest.approx(own[i], rel=1e-12)
        assert found.forecast_after[k] == pytest.approx(own[i] + changes[i, j], rel=1e-12)
        count = sum(abs(change) > 0.3 for change in changes.values())
        assert found.exceeded[k] == count
        assert found.share_limit[k] == pytest.approx(count / 30)
    assert found.title.tolist() == ["lag 1", "lag 3", "feature 1 at lag 4"]
    assert found.lag_from.tolist() == found.lag_to.tolist() == [1, 3, 4]


def test_other_inputs_and_carried_states_stay_as_they_are(rng):
    core = cell("lstm", rng, 3, 4)
    nodes = (
        Node("x", Input((4, 2))),
        Node("known", Input((4, 1))),
        Node("both", Concatenate(), (("x", 0), ("known", 0))),
        Node("lstm", Recurrent(core), (("both", 0),)),
    )
    network = Network(nodes, (("lstm", 0),), Origin("made in a test"))
    inputs = {"x": rng.normal(size=(3, 4, 2)), "known": rng.normal(size=(3, 4, 1))}
    states = {"lstm": [rng.normal(size=(3, 4)), rng.normal(size=(3, 4))]}
    question = Question(
        network=network, inputs=inputs, of="x", target=ResolvedTarget((2,)), initial_state=states
    )
    windows = Replacement(question)
    found = scenario(windows, lag_parts((4, 2), lags=[2]))
    own = predict(network, inputs, initial_state=states)[:, 2]
    changes = np.empty((3, 3))
    for j in range(3):
        x = inputs["x"].copy()
        x[:, 2] = inputs["x"][j, 2]
        mixed = predict(network, {**inputs, "x": x}, initial_state=states)[:, 2]
        changes[:, j] = mixed - own
    assert found.exhaustive
    assert abs(found.largest[0]) == pytest.approx(np.abs(changes).max(), rel=1e-10)
    place = np.unravel_index(np.abs(changes).argmax(), (3, 3))
    assert (found.window[0], found.value_from[0]) == place


def test_the_limit_is_clopper_and_pearsons(rng):
    for exceeded, draws in ((0, 50), (3, 50), (49, 50), (2, 700)):
        wanted = binomial_upper(exceeded, draws, 0.99)
        assert share_limit(exceeded, draws) == pytest.approx(wanted, abs=1e-12)
    assert share_limit(50, 50) == 1.0
    assert share_limit(0, 4603) == pytest.approx(1 - 0.01 ** (1 / 4603), rel=1e-9)


def test_the_published_number_of_draws_is_the_smallest_that_does():
    assert draws_needed(0.001, 0.99) == 4603
    assert share_limit(0, 4603) <= 0.001 < share_limit(0, 4602)


def test_random_draws_bound_the_true_share_as_often_as_they_say(rng):
    """Of 200 runs with 90 % confidence, at least as many hold as chance allows (3 errors below)."""
    _, _, windows = made("lstm", rng, count=40)
    part = lag_parts((4, 2), lags=[2])
    every = scenario(windows, part, tolerance=0.6, draws=1600)
    truth = every.share_limit[0]
    assert every.exhaustive and 0.02 < truth < 0.9
    held = [
        scenario(windows, part, tolerance=0.6, draws=60, confidence=0.9, seed=s).share_limit[0]
        >= truth
        for s in range(200)
    ]
    assert np.mean(held) >= 0.9 - 3 * math.sqrt(0.9 * 0.1 / 200)
    assert np.mean(held) < 1.0  # a limit that always holds would say nothing


def test_the_sentence_says_what_was_drawn_and_never_that_it_is_proven(rng):
    _, _, windows = made("gru_after", rng, count=80)
    found = scenario(windows, lag_parts((4, 2), lags=[4]), tolerance=100.0)
    assert found.sentences == (
        "lag 4: in 4,603 draws none moved the forecast by more than 100: with 99 % confidence at "
        "most 0.1 % do",
    )
    every = scenario(windows, lag_parts((4, 2), lags=[4]), tolerance=100.0, draws=6400)
    assert every.sentences == (
        "lag 4: in all 6,400 pairs none moved the forecast by more than 100",
    )


def test_without_a_tolerance_the_largest_change_is_what_is_bounded(rng):
    _, _, windows = made("lstm", rng, count=80)
    found = scenario(windows, lag_parts((4, 2)), draws=300)
    np.testing.assert_array_equal(found.tolerance, np.abs(found.largest))
    assert (found.exceeded == 0).all()
    np.testing.assert_allclose(found.share_limit, share_limit(0, 300))


def test_a_part_has_the_same_draws_whatever_else_is_asked(rng):
    _, _, windows = made("lstm", rng, count=80)
    alone = scenario(windows, lag_parts((4, 2), lags=[3]), draws=50)
    among = scenario(windows, lag_parts((4, 2)), draws=50)
    assert alone.largest[0] == among.largest[2]


def test_a_lag_that_is_not_used_never_moves_the_forecast(rng):
    network = linear_network(np.array([[1.0], [0.0], [2.0]]))
    x = rng.normal(size=(30, 3, 1))
    windows = replacement(network, x, ResolvedTarget((0,)))
    found = scenario(windows, lag_parts((3, 1)))
    assert found.largest[1] == 0.0
    assert found.share_limit[1] == 0.0
    # lag 1 moves it by the distance of two of its values, lag 3 by twice that
    assert abs(found.largest[0]) == pytest.approx(np.ptp(x[:, 2]))
    assert abs(found.largest[2]) == pytest.approx(2 * np.ptp(x[:, 0]))


def test_parts_are_what_they_are_called():
    (day,) = group_parts((6, 3), {"day": ([2, 3], [0, 2])}, held=[2])
    assert np.argwhere(day.hidden).tolist() == [[3, 0], [4, 0]]
    assert day.lags == (2, 3)
    older = older_part((6, 3), 5, held=[1])
    assert older.title == "lags 5 to 6"
    assert np.argwhere(older.hidden).tolist() == [[0, 0], [0, 2], [1, 0], [1, 2]]
    names = [part.title for part in lag_feature_parts((6, 3), lags=[1], held=[0])]
    assert names == ["feature 1 at lag 1", "feature 2 at lag 1"]


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda: lag_parts((4, 2), lags=[5]), "lag 5 is beyond the window: windows of 4 steps"),
        (lambda: lag_feature_parts((4, 2), lags=[0]), "lag 0 is beyond the window"),
        (lambda: older_part((4, 2), 5), "lag 5 is beyond the window"),
        (lambda: group_parts((4, 2), {"a": ([1], [2])}), "there is no feature number 2"),
        (lambda: lag_parts((4, 2), held=[0, 1]), "lag 1 has nothing to replace"),
    ],
)
def test_parts_outside_the_window_are_refused(act, sentence):
    with pytest.raises(DataError, match=sentence):
        act()


def test_options_that_make_no_sense_are_refused(rng):
    _, _, windows = made("lstm", rng)
    part = lag_parts((4, 2))
    for options, sentence in (
        ({"confidence": 1.0}, "the confidence must be between 0 and 1, but is 1.0"),
        ({"draws": 0}, "the number of draws must be 1 or more, but is 0"),
        ({"tolerance": -1.0}, "the tolerance must be zero or more, but is -1.0"),
    ):
        with pytest.raises(InputError, match=sentence):
            scenario(windows, part, **options)
    with pytest.raises(InputError, match="the share must be between 0 and 1, but is 0.0"):
        draws_needed(0.0)
    with pytest.raises(InputError, match="there is no part to replace"):
        scenario(windows, ())
    with pytest.raises(DataError, match=r"must have shape \(window, 4, 2\)"):
        scenario(windows, part, values=np.zeros((3, 5, 2)))


def test_padding_is_refused(rng):
    network = forecaster("lstm", rng, steps=4, features=2)
    core, dense = network.nodes[1].layer, network.nodes[2].layer
    masked = chain(Masking(0.0), core, dense, shape=(4, 2))
    x = rng.normal(size=(3, 4, 2))
    replacement(masked, x, ResolvedTarget((0,)))
    x[1, :2] = 0.0
    with pytest.raises(DataError, match="the network masks 2 steps: leave those windows out"):
        replacement(masked, x, ResolvedTarget((0,)))


@pytest.mark.parametrize("enclosed", [True, False])
def test_a_draw_is_a_counter_example_where_more_than_rounding_is_left_of_it(
    rng, monkeypatch, enclosed
):
    """Exactly constant, and moved by rounding alone in a plain run: no counter-example."""
    if not enclosed:
        monkeypatch.setattr(scenario_module, "ENCLOSED", 0)
    a, b = 16777215.0, 16777213.0
    core = SimpleRNN(Gate(np.array([[a, b, a + b]]), np.zeros((3, 3))), Activation("linear"))
    out = Dense(np.array([[1.0], [1.0], [-1.0]]))
    network = chain(Recurrent(core), out, shape=(2, 1))
    found = scenario(
        replacement(network, rng.normal(size=(12, 2, 1)), ResolvedTarget((0,))),
        lag_parts((2, 1), lags=[1]),
        tolerance=1e-9,
    )
    assert found.exceeded[0] > 0
    assert not found.moved[0]


@pytest.mark.parametrize("masked", [False, True])
def test_what_a_draw_moves_for_certain_is_little_less_than_what_a_plain_run_shows(rng, masked):
    """Masks are not served by certificates: there a share of the size is taken off."""
    layers = [Masking(-9.0)] if masked else []
    network = chain(*layers, Recurrent(cell("lstm", rng, 2)), Dense(np.ones((5, 1))), shape=(4, 2))
    x = rng.normal(size=(20, 4, 2))
    windows = replacement(network, x, ResolvedTarget((0,), scale=3.0, offset=5.0))
    found = scenario(windows, lag_parts((4, 2)), tolerance=0.05)
    assert found.moved.all()
    for k, lag in enumerate((1, 2, 3, 4)):
        mixed = x[found.window[k]].copy()
        mixed[4 - lag] = x[found.value_from[k], 4 - lag]
        least = windows.least_move(int(found.window[k]), mixed)
        assert 0 < abs(found.largest[k]) - least < 1e-7
    tight = scenario(windows, lag_parts((4, 2)), tolerance=float(np.abs(found.largest).max()))
    assert not tight.moved.any()


def test_counter_examples_are_made_sure_of_where_asked_and_by_enclosures_where_few(
    rng, monkeypatch
):
    _, _, windows = made("lstm", rng, count=20)
    asked, begun = np.array([True, False, True, False]), []
    parts = [
        replace(part, doubtful=bool(one))
        for part, one in zip(lag_parts((4, 2)), asked, strict=True)
    ]
    start = replacement_module.start

    def counted(*given, **more):
        begun.append(1)
        return start(*given, **more)

    monkeypatch.setattr(replacement_module, "start", counted)
    found = scenario(windows, parts, tolerance=1e-4)
    np.testing.assert_array_equal(found.moved, asked)
    assert (found.exceeded > 0).all() and len(begun) == 2
    monkeypatch.setattr(scenario_module, "ENCLOSED", 2 * windows.enclosing - 1)
    again = scenario(windows, parts, tolerance=1e-4)
    np.testing.assert_array_equal(again.moved, asked)
    assert len(begun) == 2
