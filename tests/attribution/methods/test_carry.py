"""The write-time view: the twins, the sums, the recursion, and what is refused."""

import numpy as np
import pytest

from naive import gru_loop, lstm_loop
from naive_methods import lstm_forecast, straight_line_readout, written_by_gru, written_by_lstm
from networks import cell, chain, equations, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.methods.carry import carry, writes
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.engine.schedule import plan
from rnnlens.errors import UnsupportedModel
from rnnlens.names import dimensions_of
from rnnlens.network.activations import Activation
from rnnlens.network.axes import Index
from rnnlens.network.layers import (
    Bidirectional,
    Conv1D,
    Dense,
    Flatten,
    Input,
    Masking,
    Recurrent,
    RepeatVector,
)
from rnnlens.network.network import Network, Node, Origin

FIRST = ResolvedTarget((0,))


def written(network, x, target=FIRST):
    return carry(question(network, entries(network, x), target))


def test_an_lstms_writes_and_their_readout_equal_the_twins(rng):
    layer, readout = Recurrent(cell("lstm", rng, 2, 3)), Dense(rng.normal(size=(3, 1)), np.ones(1))
    x = rng.normal(size=(5, 2))
    p, w = equations(layer.cell), readout.W[:, 0].tolist()
    found = writes(layer, (x[None],))
    np.testing.assert_allclose(found.written[0], written_by_lstm(p, x.tolist()), atol=1e-14)
    np.testing.assert_allclose(found.state[0], lstm_loop(p, x)[-1]["c"], atol=1e-14)
    result = written(chain(layer, readout, shape=(5, 2)), x[None])
    naive = straight_line_readout(p, w, x.tolist())
    # 20,000 midpoints of the mean slope: 1e-10
    np.testing.assert_allclose(result.written[0, 0, ::-1], naive, rtol=0, atol=1e-9)
    assert result.constant[0] == pytest.approx(1.0, abs=1e-14)
    assert result.forecast[0] == pytest.approx(lstm_forecast(p, w, 1.0, x.tolist()), abs=1e-13)


@pytest.mark.parametrize("kind", ["gru_after", "gru_before"])
def test_a_grus_writes_and_their_readout_equal_the_twin(kind, rng):
    layer, readout = Recurrent(cell(kind, rng, 2, 3)), Dense(rng.normal(size=(3, 1)))
    x = rng.normal(size=(5, 2))
    steps = gru_loop(equations(layer.cell), x.tolist(), kind == "gru_after")
    pieces = np.array(written_by_gru(steps))
    found = writes(layer, (x[None],))
    np.testing.assert_allclose(found.written[0], pieces, rtol=0, atol=1e-14)
    result = written(chain(layer, readout, shape=(5, 2)), x[None])
    np.testing.assert_allclose(
        result.written[0, 0, ::-1], pieces @ readout.W[:, 0], rtol=0, atol=1e-13
    )


@pytest.mark.parametrize(
    "kind", ["lstm", "lstm_peephole", "lstm_projected", "gru_after", "gru_before"]
)
@pytest.mark.parametrize("scale", [0.3, 4.0])
def test_writes_and_start_sum_to_the_state_and_their_parts_to_the_forecast(kind, scale, rng):
    network = forecaster(kind, rng, scale=scale, steps=20)
    layer = network["recurrent"].layer
    x = rng.normal(size=(4, 20, 3))
    states = [rng.normal(size=(4, size)) for size in layer.cell.state_sizes]
    found = writes(layer, (x, *states))
    total = found.written.sum(axis=1) + found.start
    np.testing.assert_allclose(total, found.state, rtol=0, atol=1e-12)
    if kind == "lstm":
        p = equations(layer.cell)
        for k in range(4):
            f = [step["f"] for step in lstm_loop(p, x[k], h=states[0][k], c=states[1][k])]
            left = np.prod(f, axis=0) * states[1][k]
            np.testing.assert_allclose(found.start[k], left, rtol=1e-10, atol=0)
    assert np.abs(found.start).max() > 0
    result = written(network, x, ResolvedTarget((1,), scale=7.0, offset=-2.0))
    parts = result.written.sum(axis=(1, 2)) + result.start.sum(axis=1) + result.constant
    np.testing.assert_allclose(parts, 7 * predict(network, x)[:, 1] - 2, rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.constant, 7 * network["dense"].layer.b[1] - 2, atol=1e-12)
    assert np.abs(result.residual).max() < 1e-12


@pytest.mark.parametrize("kind", ["lstm", "gru_after"])
def test_one_more_step_lets_every_write_decay_by_its_gate(kind, rng):
    layer = Recurrent(cell(kind, rng))
    x = rng.normal(size=(2, 6, 3))
    before, after = writes(layer, (x[:, :5],)), writes(layer, (x,))
    p = equations(layer.cell)
    for k in range(2):
        if kind == "lstm":
            gate = np.array(lstm_loop(p, x[k])[-1]["f"])
        else:
            gate = np.array(gru_loop(p, x[k].tolist(), True)[-1]["z"])
        np.testing.assert_allclose(
            after.written[k, :5], gate * before.written[k], rtol=0, atol=1e-14
        )
    np.testing.assert_array_equal(writes(layer, (x,), steps=5).written[:, :5], before.written)
    assert not writes(layer, (x,), steps=5).written[:, 5].any()


def test_a_memory_that_starts_full_is_shown_as_such(rng):
    core = cell("lstm", rng)
    nodes = (
        Node("x", Input((7, 3))),
        Node("h0", Input((5,))),
        Node("c0", Input((5,))),
        Node("lstm", Recurrent(core), (("x", 0), ("h0", 0), ("c0", 0))),
        Node("out", head(rng, 5), (("lstm", 0),)),
    )
    network = Network(nodes, (("out", 0),), Origin("test"))
    given = {"x": rng.normal(size=(2, 7, 3)), "h0": np.zeros((2, 5)), "c0": np.full((2, 5), 30.0)}
    found = carry(question(network, entries(network, given), FIRST))
    assert np.abs(found.start).min() > 1e-3
    assert np.abs(found.residual).max() < 1e-12
    with pytest.raises(UnsupportedModel, match="'lstm' reads, but 'h0' was asked for: ask for 'x'"):
        carry(question(network, entries(network, given), FIRST, of="h0"))


@pytest.mark.parametrize("merge", ["concat", "sum", "ave"])
@pytest.mark.parametrize("sequences", [False, True])
def test_each_direction_is_shown_apart(merge, sequences, rng):
    both = Bidirectional(
        Recurrent(cell("lstm", rng), return_sequences=sequences),
        Recurrent(cell("lstm", rng), return_sequences=sequences, go_backwards=True),
        merge,
    )
    wide = 10 if merge == "concat" else 5
    pick = [Index(-1)] if sequences else []
    network = chain(both, *pick, head(rng, wide), shape=(7, 3))
    x = rng.normal(size=(3, 7, 3))
    found = written(network, x)
    assert found.layers == ("bidirectional.forward", "bidirectional.backward")
    assert np.abs(found.residual).max() < 1e-13
    w = network["dense"].layer.W[:, 0]
    part = {"concat": w[5:], "sum": w, "ave": w / 2}[merge]
    backward = Recurrent(both.backward.cell, go_backwards=True)
    seen = x[:, -1:] if sequences else x
    alone = chain(backward, Dense(part[:, None]), shape=seen.shape[1:])
    own = written(alone, seen).written[:, 0]
    np.testing.assert_allclose(found.written[:, 1, : own.shape[1]], own, rtol=0, atol=1e-14)
    # read at the newest step, the direction that goes back has taken that step alone
    assert found.written[:, 1].any(axis=0).tolist() == [True] + [not sequences] * 6


def test_the_top_of_a_stack_is_served_at_any_step_that_is_read(rng):
    network = chain(
        Recurrent(cell("gru_after", rng), return_sequences=True),
        Recurrent(cell("lstm", rng, features=5), return_sequences=True),
        head(rng, 5),
        shape=(7, 3),
    )
    x = rng.normal(size=(2, 7, 3))
    found = written(network, x, ResolvedTarget((4, 1)))
    assert found.layers == ("recurrent_1",)
    assert np.abs(found.residual).max() < 1e-13
    assert found.written[:, 0].any(axis=0).tolist() == [False] * 2 + [True] * 5


def test_masked_steps_write_nothing_and_keep_everything(rng):
    network = chain(Masking(0.0), Recurrent(cell("lstm", rng)), head(rng, 5), shape=(None, 3))
    x = rng.normal(size=(2, 6, 3))
    x[0, :2] = x[1, 4:] = 0.0
    found = written(network, x)
    assert not found.written[0, 0, 4:].any() and not found.written[1, 0, :2].any()
    assert np.abs(found.residual).max() < 1e-13
    front, back = written(network, x[:1, 2:]), written(network, x[1:, :4])
    np.testing.assert_allclose(found.written[0, 0, :4], front.written[0, 0], atol=1e-14)
    np.testing.assert_allclose(found.written[1, 0, 2:], back.written[0, 0], atol=1e-14)


def test_an_activation_that_is_not_zero_at_zero_goes_to_the_constant(rng):
    core = cell("lstm", rng, phi=Activation("sigmoid"))
    network = chain(Recurrent(core), head(rng, 5), shape=(7, 3))
    found = written(network, rng.normal(size=(3, 7, 3)))
    assert np.abs(found.residual).max() < 1e-13
    assert np.ptp(found.constant) > 1e-3


def test_chunks_change_nothing_and_dimensions_are_declared(rng, monkeypatch):
    network = forecaster("lstm", rng)
    x = rng.normal(size=(5, 7, 3))
    whole = written(network, x)
    monkeypatch.setattr(plan, "CHUNK_BYTES", 3000)
    monkeypatch.setattr(plan, "BLOCK_BYTES", 3000)
    np.testing.assert_allclose(written(network, x).written, whole.written, rtol=0, atol=1e-14)
    sizes = {"sample": 5, "layer": 1, "lag": 7}
    for name, dimensions in dimensions_of(whole).items():
        assert getattr(whole, name).shape == tuple(sizes[each] for each in dimensions)
    assert not hasattr(whole, "contribution")


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        (
            lambda r: [Recurrent(cell("simple_rnn", r)), head(r, 5)],
            "a SimpleRNN overwrites its own",
        ),
        (
            lambda r: [Recurrent(cell("lstm", r)), head(r, 5, activation="tanh")],
            "a linear head after the last .* but 'dense' is a Dense with activation 'tanh'",
        ),
        (
            lambda r: [
                Recurrent(cell("lstm", r), return_sequences=True),
                Flatten(),
                head(r, 35),
            ],
            "reads one step of 'recurrent', but it reads 7",
        ),
        (
            lambda r: [
                Conv1D(r.normal(size=(2, 3, 3)), padding="causal"),
                Recurrent(cell("lstm", r)),
                head(r, 5),
            ],
            "'conv1d', a Conv1D, stands before it",
        ),
        (
            lambda r: [
                Recurrent(cell("lstm", r)),
                RepeatVector(4),
                Recurrent(cell("lstm", r, features=5)),
                head(r, 5),
            ],
            "'repeatvector', a RepeatVector, stands before it",
        ),
        (
            lambda r: [
                Masking(0.0),
                Recurrent(cell("lstm", r), zero_output_for_mask=True),
                head(r, 5),
            ],
            "output is zero at masked steps",
        ),
        (lambda r: [Flatten(), head(r, 21)], "but none stands before the output"),
    ],
)
def test_what_it_cannot_serve_is_refused_by_name(layers, sentence, rng):
    network = chain(*layers(rng), shape=(7, 3))
    with pytest.raises(UnsupportedModel, match=sentence):
        written(network, rng.normal(size=(2, 7, 3)))


def test_multiplied_directions_are_refused(rng):
    network = stacked_bidirectional(rng, merge="mul")
    nodes = (*network.nodes[:2], Node("pick", Index(-1), (("bidirectional", 0),)))
    nodes = (*nodes, Node("out", head(rng, 4), (("pick", 0),)))
    other = Network(nodes, (("out", 0),), Origin("test"))
    with pytest.raises(UnsupportedModel, match="they are multiplied or apart"):
        written(other, rng.normal(size=(2, 6, 3)))
