"""A state moved along a direction, before anything reads it: as the equations say, step by step."""

import numpy as np
import pytest

from networks import forecaster
from rnnlens.engine import step
from rnnlens.engine.cells import ready
from rnnlens.engine.forward import entries, forward
from rnnlens.engine.interventions.intervention import intervene, states_after
from rnnlens.engine.interventions.move import Move, Push
from rnnlens.engine.recurrent_layers import locate_layer

CASES = [("lstm", 0), ("lstm", 1), ("lstm_peephole", 1), ("lstm_projected", 0),
         ("gru_after", 0), ("gru_before", 0), ("simple_rnn", 0)]  # fmt: skip


def question(kind, rng):
    network = forecaster(kind, rng)
    place = locate_layer(network, None)
    X = rng.normal(size=(6, 7, 3))
    return forward(network, entries(network, X)), place


def direction(place, state, rng):
    size = place.layer.cell.state_sizes[state]
    reading, along = rng.normal(size=(2, size))
    return rng.normal(size=size), reading, along / (along @ reading)


@pytest.mark.parametrize(("kind", "state"), CASES)
def test_what_is_read_is_as_it_is_told_after_every_step_that_is_named(kind, state, rng):
    clean, place = question(kind, rng)
    centre, reading, along = direction(place, state, rng)
    steps, units = np.arange(7) % 2 == 0, np.ones(len(along), bool)
    to, moved = rng.normal(size=(6, 7)), np.full((6, 7), np.nan)
    move = Move(place, steps, units, state, centre, reading, along, to, moved)
    states = states_after_of(clean, place, [move])
    told = (states[state] - centre) @ reading
    np.testing.assert_allclose(told[:, steps], to[:, steps], rtol=1e-10)
    assert np.isnan(moved[:, ~steps]).all() and not np.isnan(moved[:, steps]).any()
    # as far along the same direction is the same run; in parts of the samples too
    push = Push(place, steps, units, state, along, moved)
    for one, other in zip(states, states_after_of(clean, place, [push]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)
    half = moved.copy()
    part = Move(place, steps, units, state, centre, reading, along, to, half).of_samples(
        slice(2, 4)
    )
    half[2:4] = 0
    few = forward(clean.network, {"x": clean.value(("x", 0))[2:4]})
    states_after_of(few, place, [part])
    np.testing.assert_allclose(half[:, steps], moved[:, steps], rtol=1e-10)


def states_after_of(clean, place, acts):
    done = intervene(clean, {place.name: acts})
    return states_after_run(done, place)


def states_after_run(done, place):
    return done.tapes[place.node.name].saved.states_after(backwards=False)


def test_a_cell_state_is_moved_before_the_output_gate_lets_it_out(rng):
    clean, place = question("lstm", rng)
    centre, reading, along = direction(place, 1, rng)
    every, units = np.ones(7, bool), np.ones(5, bool)
    move = Move(place, every, units, 1, centre, reading, along, np.zeros((1, 7)), np.empty((6, 7)))
    hidden, cell = states_after_of(clean, place, [move])
    ready_cell, x = ready(place.layer.cell), clean.value(("x", 0))
    h, c = np.zeros((2, 6, 5))
    for t in range(7):
        _, saved = ready_cell.advance(ready_cell.project(x)[:, t], (h, c))
        assert isinstance(saved.values, step.LSTMStep)
        s = saved.values
        c = s.f * c + s.i * s.g
        c = c - np.outer((c - centre) @ reading, along)
        h = s.o * np.tanh(c)
        np.testing.assert_allclose(cell[:, t], c, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(hidden[:, t], h, rtol=1e-10, atol=1e-12)
    natural = states_after(clean, place)
    assert not np.allclose(natural[0][:, 0], hidden[:, 0])
