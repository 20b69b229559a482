"""What the page of memory says, and draws, of networks whose memory is known on paper."""

import json

import numpy as np
import pytest

import rnnlens
from networks import chain
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import Dense, Recurrent
from rnnlens.views import charts
from rnnlens.views.words.inside.memory import memory_sentences


def page(rho, rng, steps=12, count=60):
    """The page of one linear unit that keeps ``rho`` of what it holds."""
    cell = SimpleRNN(Gate(np.ones((1, 1)), np.array([[rho]])), Activation("linear"))
    net = chain(Recurrent(cell), Dense(np.ones((1, 1))), shape=(steps, 1))
    series = rng.normal(size=(count + steps - 1, 1))
    x = np.stack([series[t : t + steps] for t in range(count)])
    return rnnlens.memory(net, x, target=0)


def test_windows_shorter_than_what_is_remembered_are_said_to_be(rng):
    said = memory_sentences(page(0.98, rng))
    (one,) = (text for text in said if "Another window" in text)
    assert "before the newest 11 steps" in one and "shorter than what the network remembers" in one
    said = memory_sentences(page(0.3, rng))
    (one,) = (text for text in said if "Another window" in text)
    assert "at most a twentieth" in one


def test_states_that_move_apart_are_said_not_to_become_one_with_the_exponent(rng):
    (one,) = (text for text in memory_sentences(page(1.05, rng)) if "do not become one" in text)
    assert "not below zero: 0.049, 95 % interval 0.0488 to 0.0488." in one


@pytest.mark.parametrize(("rho", "beyond"), [(0.98, True), (0.5, False)])
def test_lags_far_beyond_the_window_are_drawn_at_the_edge(rho, beyond, rng):
    drawn = charts.memory(page(rho, rng)).to_dict()
    text = json.dumps(drawn)
    # 95 % of 0.98^k lies within 148 steps, of windows of 12; the axis ends at one and a half
    assert ('"domain": [0, 18]' in text) == beyond
    assert ("far beyond the window" in text) == beyond


def test_where_no_shorter_window_serves_it_is_said_to_feed_whole_windows(rng):
    found = page(0.98, rng)
    found.attrs["warm_up"] = np.inf
    (one,) = (text for text in memory_sentences(found) if text.startswith("Warm-up"))
    assert "fed with the newest 11 steps, the most that was asked, the forecast still lies" in one
    assert one.endswith("feed whole windows.")
    ends = found.dataset["within_most"].copy()
    ends.loc[{"measure": "truncation"}] = np.inf
    found.dataset = found.dataset.assign(within_most=ends)
    (one,) = (text for text in memory_sentences(found) if "forecast's error" in text)
    assert "is still more than 5 % from that of whole windows" in one
