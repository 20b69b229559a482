"""What must hold between the values of a trace, whatever the weights."""

import numpy as np
import pytest

from networks import cell, chain, head
from rnnlens.engine.forward import entries, forward
from rnnlens.engine.trace import layer_traces
from rnnlens.network.layers import Recurrent

#: Sums of 12 products of numbers below 10, in float64.
CLOSE = {"rtol": 0, "atol": 1e-12}


def lstm_trace(rng, steps=12, units=5):
    layer = Recurrent(cell("lstm", rng, units=units, scale=2.0))
    readout = head(rng, units, 1)
    network = chain(layer, readout, shape=(steps, 3))
    x = rng.normal(size=(4, steps, 3))
    run = forward(network, entries(network, x))
    return layer_traces(run)["recurrent"], run, readout, network, x


def writes(trace):
    """What each step wrote and later forget gates left of it: (prod of f after t) i_t g_t."""
    i, f, g, _ = np.moveaxis(trace.gate_value, 2, 0)
    kept = np.ones_like(f)
    for t in range(f.shape[1] - 2, -1, -1):
        kept[:, t] = kept[:, t + 1] * f[:, t + 1]
    return kept * i * g


def test_the_cell_state_is_what_was_kept_plus_what_was_written_at_every_step(rng):
    trace, *_ = lstm_trace(rng)
    i, f, g, o = np.moveaxis(trace.gate_value, 2, 0)
    before = np.concatenate([np.zeros_like(trace.cell[:, :1]), trace.cell[:, :-1]], axis=1)
    np.testing.assert_allclose(trace.cell, f * before + i * g, **CLOSE)
    np.testing.assert_allclose(trace.hidden, o * np.tanh(trace.cell), **CLOSE)


def test_kept_writes_sum_to_the_last_cell_state(rng):
    trace, *_ = lstm_trace(rng)
    np.testing.assert_allclose(writes(trace).sum(axis=1), trace.cell[:, -1], **CLOSE)


def test_straight_line_readout_of_the_writes_sums_to_the_forecast(rng):
    trace, run, readout, *_ = lstm_trace(rng)
    c = trace.cell[:, -1]
    share = trace.gate_value[:, -1, 3] * np.tanh(c) / c
    parts = (writes(trace) * share[:, None]) @ readout.W[:, 0]
    forecast = run.outputs[0][:, 0]
    np.testing.assert_allclose(parts.sum(axis=1) + readout.b[0], forecast, **CLOSE)


def test_appending_a_step_multiplies_every_write_by_its_forget_gate(rng):
    trace, _, _, network, x = lstm_trace(rng)
    longer = np.concatenate([x, rng.normal(size=(4, 1, 3))], axis=1)
    extended = chain(network["recurrent"].layer, shape=(13, 3))
    after = layer_traces(forward(extended, entries(extended, longer)))["recurrent"]
    forget = after.gate_value[:, -1, 1]
    np.testing.assert_allclose(writes(after)[:, :-1], forget[:, None] * writes(trace), **CLOSE)


@pytest.mark.parametrize("kind", ["gru_after", "gru_before"])
def test_kept_writes_of_a_gru_sum_to_its_last_hidden_state(kind, rng):
    network = chain(Recurrent(cell(kind, rng, scale=2.0)), shape=(12, 3))
    run = forward(network, entries(network, rng.normal(size=(4, 12, 3))))
    z, _, n = np.moveaxis(layer_traces(run)["recurrent"].gate_value, 2, 0)
    kept = np.ones_like(z)
    for t in range(10, -1, -1):
        kept[:, t] = kept[:, t + 1] * z[:, t + 1]
    np.testing.assert_allclose((kept * (1 - z) * n).sum(axis=1), run.outputs[0], **CLOSE)
