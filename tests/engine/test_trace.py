"""The trace that the kernels lay out is the one that the equations give."""

from dataclasses import fields

import numpy as np
import pytest

from networks import CELLS, cell, chain, stacked_bidirectional
from rnnlens.engine.forward import entries, forward
from rnnlens.engine.kernels import run as kernels
from rnnlens.engine.kernels.cells.lstm import LSTMWeights
from rnnlens.engine.schedule.context import equations
from rnnlens.engine.trace import layer_traces
from rnnlens.network import layers as L
from rnnlens.network.activations import Activation

#: Sums of some products of numbers of order one, seven steps deep, in float64.
CLOSE = {"rtol": 0, "atol": 1e-13}


def agree(network, x, **given):
    """Compare every array of every layer's trace; give the traces."""
    run = forward(network, entries(network, x), **given)
    fast = layer_traces(run)
    with equations():
        slow = layer_traces(run)
    assert list(fast) == list(slow)
    for name, trace in slow.items():
        assert type(fast[name]) is type(trace)
        for spec in fields(trace):
            np.testing.assert_allclose(
                getattr(fast[name], spec.name), getattr(trace, spec.name), **CLOSE
            )
    return fast


@pytest.mark.parametrize("masking", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", CELLS)
def test_kernels_trace_what_the_equations_do(kind, backwards, masking, rng):
    layer = L.Recurrent(cell(kind, rng), go_backwards=backwards)
    network = chain(*([L.Masking(0.0)] if masking else []), layer, shape=(7, 3))
    x = rng.normal(size=(35, 7, 3))
    if masking:
        x[rng.random(size=(35, 7)) < 0.4] = 0
    traces = agree(network, x)
    assert np.isnan(traces["recurrent"].gate_value).any() == masking


@pytest.mark.parametrize("kind", CELLS)
def test_a_trace_begins_at_the_state_that_was_carried_in(kind, rng):
    own = cell(kind, rng)
    network = chain(L.Recurrent(own), shape=(4, 3))
    states = [rng.normal(size=(5, size)) for size in own.state_sizes]
    agree(network, rng.normal(size=(5, 4, 3)), initial_state={"recurrent": states})


def test_layers_above_and_both_directions_are_traced(rng):
    network = stacked_bidirectional(rng)
    steps, features = network.inputs[next(iter(network.inputs))].shape
    assert len(agree(network, rng.normal(size=(3, steps, features)))) > 2


@pytest.mark.parametrize("kind", CELLS)
def test_activations_that_are_not_fused_are_traced(kind, rng):
    own = cell(kind, rng, phi=Activation("softsign"), sigma=Activation("hard_sigmoid"))
    agree(chain(L.Recurrent(own), shape=(7, 3)), rng.normal(size=(3, 7, 3)))


def test_swapped_rows_would_be_found(rng, monkeypatch):
    before, after, last = kernels.TRACED[LSTMWeights]
    swapped = {LSTMWeights: (before, [after[1], after[0], *after[2:]], last)}
    monkeypatch.setattr(kernels, "TRACED", swapped)
    network = chain(L.Recurrent(cell("lstm", rng)), shape=(7, 3))
    with pytest.raises(AssertionError, match="Not equal"):
        agree(network, rng.normal(size=(3, 7, 3)))
