"""The equations against loops written out unit by unit."""

import math

import numpy as np
import pytest

from naive import gru_loop, lstm_loop, simple_rnn_loop
from networks import CELLS, cell, chain, equations
from rnnlens.engine.forward import entries, forward
from rnnlens.engine.trace import layer_traces
from rnnlens.network.activations import Activation
from rnnlens.network.layers import Recurrent

#: Both sides are float64 sums of fewer than 40 products of size 1, taken in another order.
CLOSE = {"rtol": 0, "atol": 1e-13}


def run_loop(kind, p, x, **options):
    if kind.startswith("lstm"):
        return lstm_loop(p, x, **options)
    if kind.startswith("gru"):
        return gru_loop(p, x, kind == "gru_after", **options)
    return simple_rnn_loop(p, x, **options)


def columns(kind):
    """Names in the loop of each gate's pre-activation and value, in the order of the trace."""
    if kind.startswith("lstm"):
        return ["a_i", "a_f", "a_g", "a_o"], ["i", "f", "g", "o"]
    if kind.startswith("gru"):
        return ["a_z", "a_r", "a_n"], ["z", "r", "n"]
    return ["a"], ["h"]


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("backwards", [False, True])
def test_every_gate_and_state_of_the_trace_equals_the_loop_at_every_step(kind, backwards, rng):
    layer = Recurrent(cell(kind, rng), go_backwards=backwards)
    network = chain(layer, shape=(6, 3))
    x = rng.normal(size=(2, 6, 3))
    trace = layer_traces(forward(network, entries(network, x)))["recurrent"]
    pre, value = columns(kind)
    for sample in range(2):
        window = x[sample][::-1] if backwards else x[sample]
        steps = run_loop(kind, equations(layer.cell), window.tolist())
        steps = steps[::-1] if backwards else steps
        for t, naive in enumerate(steps):
            for k, (a, s) in enumerate(zip(pre, value, strict=True)):
                np.testing.assert_allclose(trace.preactivation[sample, t, k], naive[a], **CLOSE)
                np.testing.assert_allclose(trace.gate_value[sample, t, k], naive[s], **CLOSE)
            np.testing.assert_allclose(trace.hidden[sample, t], naive["h"], **CLOSE)
            if kind.startswith("lstm"):
                np.testing.assert_allclose(trace.cell[sample, t], naive["c"], **CLOSE)
            if kind == "lstm_projected":
                np.testing.assert_allclose(trace.projected[sample, t], naive["r"], **CLOSE)


@pytest.mark.parametrize("kind", ["lstm", "gru_before", "simple_rnn"])
def test_activations_act_where_the_file_says_also_when_they_are_swapped(kind, rng):
    def hard(a):
        return min(1.0, max(0.0, 0.2 * a + 0.5))

    swapped = cell(
        kind, rng, phi=Activation("hard_sigmoid", {"slope": 0.2}), sigma=Activation("tanh")
    )
    network = chain(Recurrent(swapped), shape=(5, 3))
    x = rng.normal(size=(1, 5, 3))
    options = {"phi": hard} if kind == "simple_rnn" else {"phi": hard, "sigma": math.tanh}
    expected = run_loop(kind, equations(swapped), x[0].tolist(), **options)[-1]["h"]
    got = forward(network, entries(network, x)).outputs[0][0]
    np.testing.assert_allclose(got, expected, **CLOSE)


def test_a_masked_step_leaves_states_and_output_as_they_were(rng):
    from rnnlens.network.layers import Masking

    layer = Recurrent(cell("lstm", rng), return_sequences=True)
    network = chain(Masking(9.0), layer, shape=(6, 3))
    real = [True, False, True, True, False, False]
    x = rng.normal(size=(6, 3))
    x[~np.array(real)] = 9.0
    run = forward(network, entries(network, x[None]))
    naive = lstm_loop(equations(layer.cell), x.tolist(), real=real)
    np.testing.assert_allclose(run.outputs[0][0], [step["h"] for step in naive], **CLOSE)
    trace = layer_traces(run)["recurrent"]
    np.testing.assert_allclose(trace.cell[0], [step["c"] for step in naive], **CLOSE)
    assert np.isnan(trace.gate_value[0][~np.array(real)]).all()
    assert np.isfinite(trace.gate_value[0][real]).all()


def test_the_loop_tells_swapped_gates_apart(rng):
    layer = cell("lstm", rng)
    p = equations(layer)
    swapped = {**p, "W_i": p["W_f"], "W_f": p["W_i"]}
    x = rng.normal(size=(5, 3)).tolist()
    right, wrong = lstm_loop(p, x)[-1]["h"], lstm_loop(swapped, x)[-1]["h"]
    assert np.abs(np.subtract(right, wrong)).max() > 1e-3


def test_lengths_mask_the_steps_after_them_in_both_directions(rng):
    from rnnlens.network.axes import Lengths
    from rnnlens.network.layers import Bidirectional, Input
    from rnnlens.network.network import Network, Node, Origin

    forward_cell, backward_cell = cell("lstm", rng), cell("lstm", rng)
    both = Bidirectional(Recurrent(forward_cell), Recurrent(backward_cell, go_backwards=True))
    network = Network(
        (
            Node("x", Input((6, 3))),
            Node("n", Input(())),
            Node("real", Lengths(), (("x", 0), ("n", 0))),
            Node("both", both, (("real", 0),)),
        ),
        (("both", 0),),
        Origin("test"),
    )
    x = rng.normal(size=(2, 6, 3))
    got = forward(network, entries(network, {"x": x, "n": np.array([4.0, 6.0])})).outputs[0]
    for sample, length in enumerate((4, 6)):
        window = x[sample, :length].tolist()
        there = lstm_loop(equations(forward_cell), window)[-1]["h"]
        back = lstm_loop(equations(backward_cell), window[::-1])[-1]["h"]
        np.testing.assert_allclose(got[sample], [*there, *back], **CLOSE)
