"""Many windows of which some steps are replaced, against each of them run by itself."""

import numpy as np
import pytest

from networks import cell, chain, stacked_bidirectional
from rnnlens.engine.forward import predict
from rnnlens.engine.kernels.products import Products
from rnnlens.engine.schedule import threads
from rnnlens.engine.schedule.context import equations as by_equations
from rnnlens.engine.stepwise import replaced, stretches
from rnnlens.engine.stepwise.replaced import Replaced, changes_by_stretch, own_run
from rnnlens.network.layers import Dense, Recurrent
from two_layers import two_layers_by_hand

STEPS, FEATURES = 11, 2


def first(outputs):
    return outputs[0][:, 0]


@pytest.fixture(autouse=True, params=[0, 10**6], ids=["products", "inputs"])
def _taken(request, monkeypatch):
    """What lowest layers take: the products of an input of few features, or the input itself."""
    monkeypatch.setattr(stretches, "FEWEST_FEATURES", request.param)


@pytest.fixture
def two_layers(rng):
    return two_layers_by_hand(rng, STEPS, FEATURES)


def replacements(x, rng, spans, times=2):
    which = np.arange(len(x)).repeat(times)
    made = []
    for begin, count in spans:
        new = rng.normal(size=(len(which), count, x.shape[2]))
        made.append(Replaced(begin, count, which, new.__getitem__))
    return made


def one_by_one(value, x, asked):
    changes = []
    for one in asked:
        new, change = one.values(np.arange(len(one.which))), []
        for w, steps in zip(one.which, new, strict=True):
            replaced = x[w].copy()
            replaced[one.first : one.first + one.count] = steps
            change.append(value(replaced) - value(x[w]))
        changes.append(np.array(change))
    return changes


@pytest.mark.parametrize("worth", [1, 30, 10**6], ids=["followed", "some", "not followed"])
@pytest.mark.parametrize(
    ("length", "whole", "together", "runs"),
    [(4, 0, 7, 9), (1, 0, 512, 1 << 13), (16, 0, 3, 1), (4, STEPS, 7, 9), (4, STEPS - 1, 7, 9)],
)
def test_replaced_steps_change_the_forecast_as_each_window_by_hand(
    length, whole, together, runs, worth, two_layers, rng, monkeypatch
):
    monkeypatch.setattr(stretches, "LENGTH", length)
    monkeypatch.setattr(stretches, "LENGTH_OF_PRODUCTS", length)
    monkeypatch.setattr(stretches, "WHOLE", whole)
    for module in (stretches, replaced):
        monkeypatch.setattr(module, "AT_ONCE", together)
    monkeypatch.setattr(replaced, "MOST_RUNS", runs)
    monkeypatch.setattr(replaced, "WORTH", worth)
    network, by_hand = two_layers
    x = rng.normal(size=(5, STEPS, FEATURES))
    spans = [(10, 1), (3, 1), (3, 1), (0, 6), (5, 4), (0, STEPS)]
    asked = replacements(x, rng, spans)
    # one of a few windows, some of which come several times
    some = np.array([1, 1, 1, 4])
    asked.append(Replaced(2, 2, some, rng.normal(size=(4, 2, FEATURES)).__getitem__))
    net = stretches.stretches(network, "x", x.dtype)
    expected = one_by_one(by_hand, x, asked)
    own = own_run(net, x, first)
    assert len(own.states) == (1 if whole >= STEPS else -(-STEPS // length))
    told = []
    for given in (None, own):
        found = changes_by_stretch(net, x, asked, first, given, lambda *done: told.append(done))
        assert told[-1] == (5, 5)
        for one, other in zip(found, expected, strict=True):
            # sums of a dozen steps in another order
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-13)


def test_runs_end_where_nothing_is_left_of_what_was_replaced(rng, monkeypatch):
    # a cell that forgets nearly all within a step: what is left of step 0 vanishes soon
    core = cell("rnn", rng, FEATURES, 4, scale=0.05)
    network = chain(Recurrent(core), Dense(rng.normal(size=(4, 1))), shape=(96, FEATURES))
    x = rng.normal(size=(3, 96, FEATURES))
    net, counts = stretches.stretches(network, "x", x.dtype), []
    advance = stretches.Stretches.advance

    def counted(self, inputs, state):
        counts.append((inputs.which if isinstance(inputs, Products) else inputs[..., 0]).size)
        return advance(self, inputs, state)

    asked = replacements(x, rng, [(t, 1) for t in range(96)], times=1)
    monkeypatch.setattr(stretches.Stretches, "advance", counted)
    found = changes_by_stretch(net, x, asked, first)
    # the stretch of the replacement, and one more, where 48 steps follow on average
    assert sum(counts) < 3 * 96 * 2 * net.length(96)
    whole = one_by_one(lambda window: predict(network, window[None])[0, 0], x, asked)
    for one, other in zip(found, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-13)
    assert (found[0] == 0).all() and (found[-1] != 0).all()


def test_threads_give_the_same_to_the_last_bit(two_layers, rng, monkeypatch):
    network, _ = two_layers
    x = rng.normal(size=(40, STEPS, FEATURES)).astype(np.float32)
    asked = replacements(x, rng, [(t, 1) for t in range(STEPS)])
    net = stretches.stretches(network, "x", x.dtype)
    monkeypatch.setattr(replaced, "MOST_RUNS", 100)
    found = []
    for count in (1, 3):
        monkeypatch.setattr(threads, "threads", lambda count=count: count)
        found.append(changes_by_stretch(net, x, asked, first, own_run(net, x, first)))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_needs_more_than_a_stretch_at_a_time_is_left_to_others(rng):
    plain = chain(Recurrent(cell("gru", rng, 3, 3)), Dense(np.ones((3, 1))), shape=(6, 3))
    dtype = np.dtype(float)
    assert stretches.stretches(stacked_bidirectional(rng), "x", dtype) is None
    assert stretches.stretches(plain, "x", dtype) is not None
    with by_equations():
        assert stretches.stretches(plain, "x", dtype) is None
