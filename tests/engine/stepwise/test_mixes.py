"""Windows mixed step by step from their own steps and stand-ins, against each run by itself."""

import numpy as np
import pytest

from rnnlens.engine.stepwise import mixes, stretches
from rnnlens.engine.stepwise.mixes import values_of_mixes
from two_layers import two_layers_by_hand

STEPS, FEATURES = 11, 2


def first(outputs):
    return outputs[0][:, 0]


@pytest.fixture
def two_layers(rng):
    return two_layers_by_hand(rng, STEPS, FEATURES)


def sets(rng, windows):
    """Nothing, everything, spans that end and begin within and between stretches, and any."""
    hidden = np.zeros((windows, 9, STEPS), bool)
    hidden[:, 1] = True
    hidden[:, 2, 4:] = True
    hidden[:, 3, :4] = True
    hidden[:, 4, 5:7] = True
    hidden[:, 5, -1] = True
    hidden[:, 6:] = rng.random((windows, 3, STEPS)) < 0.5
    return hidden


@pytest.mark.parametrize(("length", "at_once", "together"), [(4, 7, 9), (1, 512, 256), (16, 3, 1)])
def test_mixes_come_to_what_each_window_comes_to_by_hand(
    length, at_once, together, two_layers, rng, monkeypatch
):
    monkeypatch.setattr(stretches, "FEWEST_FEATURES", 0)
    monkeypatch.setattr(mixes, "LENGTH", length)
    monkeypatch.setattr(mixes, "AT_ONCE", at_once)
    monkeypatch.setattr(mixes, "TOGETHER", together)
    network, by_hand = two_layers
    x, x0 = rng.normal(size=(2, 5, STEPS, FEATURES))
    hidden = sets(rng, len(x))
    net = stretches.stretches(network, "x", x.dtype)
    assert net is not None and net.lowest is not None
    found = values_of_mixes(net, x, x0, hidden, first)
    for w, variant in np.ndindex(*found.shape):
        mixed = np.where(hidden[w, variant, :, None], x0[w], x[w])
        # float64 sums in another order
        np.testing.assert_allclose(found[w, variant], by_hand(mixed), rtol=0, atol=1e-13)


def test_a_mix_is_run_from_the_stretch_in_which_it_leaves_its_window_or_stand_in(
    two_layers, rng, monkeypatch
):
    monkeypatch.setattr(stretches, "FEWEST_FEATURES", 0)
    monkeypatch.setattr(mixes, "LENGTH", 4)
    network, _ = two_layers
    x, x0 = rng.normal(size=(2, 3, STEPS, FEATURES))
    net = stretches.stretches(network, "x", x.dtype)
    runs, advance = [], stretches.Stretches.advance

    def counted(self, given, state):
        runs.append(len(given.which))
        return advance(self, given, state)

    monkeypatch.setattr(stretches.Stretches, "advance", counted)
    hidden = sets(rng, len(x))[:, :6]
    values_of_mixes(net, x, x0, hidden, first)
    # each window and its stand-in; 4 and 5 steps in three variants of each, the last step in one
    assert runs == [6, 6 + 9, 6 + 12]
