"""Layer-wise relevance propagation: the twins, conservation, and what has no rule."""

import numpy as np
import pytest

from naive import gru_loop
from naive_methods import gru_lrp, lstm_lrp
from networks import CELLS, cell, chain, equations, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.methods.lrp.relevance import lrp
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.engine.schedule import plan
from rnnlens.errors import DataError, UnsupportedModel
from rnnlens.names import dimensions_of
from rnnlens.network import layers as L
from rnnlens.network.activations import Activation
from rnnlens.network.axes import Flip, Index, Mean
from rnnlens.network.cells import LSTM, Gate, SimpleRNN
from rnnlens.network.network import Network, Node, Origin

FIRST = ResolvedTarget((0,))


def relevance(network, x, target=FIRST, **options):
    return lrp(question(network, entries(network, x), target), **options)


@pytest.mark.parametrize("bias_factor", [0.0, 1.0])
def test_an_lstm_gives_what_the_paper_written_out_gives(bias_factor, rng):
    layer, readout = (
        L.Recurrent(cell("lstm", rng, 2, 3)),
        L.Dense(rng.normal(size=(3, 1)), np.ones(1)),
    )
    network = chain(layer, readout, shape=(5, 2))
    x = rng.normal(size=(5, 2))
    p, w = equations(layer.cell), readout.W[:, 0].tolist()
    naive, start = lstm_lrp(p, w, 1.0, x.tolist(), 0.01, bias_factor)
    found = relevance(network, x[None], eps=0.01, bias_factor=bias_factor)
    np.testing.assert_allclose(found.relevance[0, ::-1], naive, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(found.elsewhere[0], start, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", ["gru_after", "gru_before"])
def test_a_gru_gives_what_its_rule_written_out_gives(kind, rng):
    layer, readout = (
        L.Recurrent(cell(kind, rng, 2, 3)),
        L.Dense(rng.normal(size=(3, 1)), np.ones(1)),
    )
    network = chain(layer, readout, shape=(5, 2))
    x = rng.normal(size=(5, 2))
    p, w = equations(layer.cell), readout.W[:, 0].tolist()
    steps = gru_loop(p, x.tolist(), kind == "gru_after")
    naive = gru_lrp(p, w, 1.0, x.tolist(), steps, kind == "gru_after", 0.001)
    found = relevance(network, x[None])
    np.testing.assert_allclose(found.relevance[0, ::-1], naive, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", CELLS)
def test_with_bias_factor_one_all_is_conserved_and_with_zero_the_loss_is_shown(kind, rng):
    network = forecaster(kind, rng)
    x = rng.normal(size=(4, 7, 3))
    target = ResolvedTarget((1,), scale=3.0, offset=5.0)
    kept = relevance(network, x, target, bias_factor=1.0)
    total = kept.relevance.sum(axis=(1, 2)) + kept.elsewhere
    # shares near a sum of zero are large and cancel: relative to the largest
    size = np.abs(kept.relevance).max(axis=(1, 2)) + np.abs(kept.elsewhere) + 1
    assert (np.abs(total - kept.output) <= 1e-8 * size).all()
    np.testing.assert_allclose(kept.output, 3 * predict(network, x)[:, 1], rtol=1e-13)
    np.testing.assert_allclose(kept.forecast, kept.output + 5, rtol=1e-13)
    lost = relevance(network, x, target)
    np.testing.assert_allclose(
        lost.residual, lost.output - lost.elsewhere - lost.relevance.sum(axis=(1, 2)), atol=1e-13
    )
    assert np.abs(lost.residual).min() > 1e-3
    assert not lost.elsewhere.any()  # states of zero take no share


def every_layer(rng):
    """Every kind of layer that has a rule, in one graph."""
    both = L.Bidirectional(
        L.Recurrent(cell("lstm_projected", rng, 4), return_sequences=True),
        L.Recurrent(cell("lstm_projected", rng, 4), return_sequences=True, go_backwards=True),
        "ave",
    )
    nodes = (
        Node("x", L.Input((8, 3))),
        Node("scale", L.Rescaling(np.full(3, 0.7), np.full(3, 0.2)), (("x", 0),)),
        Node("norm", L.BatchNormalization(np.ones(3) / 3, np.ones(3) * 2), (("scale", 0),)),
        Node("conv", L.Conv1D(rng.normal(size=(2, 3, 4)), rng.normal(size=4)), (("norm", 0),)),
        Node("bend", L.Activate(Activation("tanh")), (("conv", 0),)),
        Node("each", L.TimeDistributed(head(rng, 4, 4, "relu")), (("bend", 0),)),
        Node("more", L.Add(), (("bend", 0), ("each", 0))),
        Node("both", both, (("more", 0),)),
        Node("pool", L.Pooling1D("average", 2, 2), (("both", 0),)),
        Node("best", L.Pooling1D("max", 2, 1), (("pool", 0),)),
        Node("gru", L.Recurrent(cell("gru_after", rng, 2), return_sequences=True), (("best", 0),)),
        Node("newest", Index(-1), (("gru", 0),)),
        Node("mean", L.GlobalPooling1D("average"), (("gru", 0),)),
        Node("other", Mean((1,)), (("gru", 0),)),
        Node("less", L.Subtract(), (("mean", 0), ("newest", 0))),
        Node("joined", L.Concatenate(), (("less", 0), ("newest", 0), ("other", 0))),
        Node("again", L.RepeatVector(3), (("joined", 0),)),
        Node("last", L.Recurrent(cell("simple_rnn", rng, 15)), (("again", 0),)),
        Node("out", head(rng, 5), (("last", 0),)),
    )
    return Network(nodes, (("out", 0),), Origin("test"))


@pytest.mark.parametrize("make", [every_layer, stacked_bidirectional])
def test_every_layer_that_has_a_rule_conserves_relevance_with_bias_factor_one(make, rng):
    network = make(rng)
    x = rng.normal(size=(3, *next(iter(network.inputs.values())).shape))
    # a large stabiliser keeps shares moderate, so that rounding stays small
    found = relevance(network, x, eps=0.5, bias_factor=1.0)
    assert np.abs(found.residual).max() < 1e-8 * (1 + np.abs(found.relevance).max())
    assert np.abs(found.output).min() > 1e-3
    assert np.isfinite(relevance(network, x).relevance).all()


def test_a_dense_head_and_its_bias_follow_the_rule_to_the_letter(rng):
    W, b = rng.normal(size=(4, 3)), rng.normal(size=3)
    network = chain(L.Flatten(), L.Dense(W, b), shape=(2, 2))
    x = rng.normal(size=(1, 2, 2))
    v = x.ravel()
    z = v @ W[:, 2] + b[2]
    sign = np.sign(z)
    for delta in (0.0, 0.4, 1.0):
        found = relevance(network, x, ResolvedTarget((2,)), eps=0.1, bias_factor=delta)
        share = (v * W[:, 2] + delta * (b[2] + 0.1 * sign) / 4) / (z + 0.1 * sign) * z
        np.testing.assert_allclose(found.relevance[0, ::-1].ravel(), share, rtol=0, atol=1e-13)


def test_a_leaky_integrator_without_biases_gets_the_coefficients_of_its_memory(rng):
    rho = 0.8
    leaky = SimpleRNN(Gate(np.ones((1, 1)), np.full((1, 1), rho)), Activation("linear"))
    network = chain(L.Recurrent(leaky), L.Dense(np.full((1, 1), 2.0)), shape=(9, 1))
    x = np.abs(rng.normal(size=(3, 9, 1)))
    found = relevance(network, x, eps=1e-9)
    expected = 2 * rho ** np.arange(9) * x[:, ::-1, 0]
    np.testing.assert_allclose(found.relevance[..., 0], expected, rtol=0, atol=1e-7)
    assert np.abs(found.residual).max() < 1e-7


def test_an_lstm_whose_gates_are_fixed_is_a_leaky_integrator_too(rng):
    closed = np.zeros((1, 1))
    fixed = [Gate(closed, closed, np.full(1, a)) for a in (0.3, 1.1, 0.7)]
    linear = Activation("linear")
    core = LSTM(fixed[0], fixed[1], Gate(np.ones((1, 1)), closed), fixed[2], linear)
    network = chain(L.Recurrent(core), L.Dense(np.ones((1, 1))), shape=(6, 1))
    x = np.abs(rng.normal(size=(2, 6, 1)))
    i, f, o = (1 / (1 + np.exp(-a)) for a in (0.3, 1.1, 0.7))
    found = relevance(network, x, eps=1e-10).relevance[..., 0]
    expected = o * f ** np.arange(6) * i * x[:, ::-1, 0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)


def test_relevance_is_linear_in_the_scale_of_the_head(rng):
    core = L.Recurrent(cell("lstm", rng))
    W = rng.normal(size=(5, 1))
    x = rng.normal(size=(2, 7, 3))
    one, three = (
        relevance(chain(core, L.Dense(W * factor), shape=(7, 3)), x, eps=1e-9).relevance
        for factor in (1, 3)
    )
    np.testing.assert_allclose(three, 3 * one, rtol=1e-6, atol=1e-9)


def test_gates_take_nothing(rng):
    # a feature that is read by gates alone decides the forecast and gets no relevance
    network = forecaster("lstm", rng)
    network["recurrent"].layer.cell.cell.W[1] = 0.0
    x = rng.normal(size=(2, 7, 3))
    found = relevance(network, x).relevance
    assert not found[..., 1].any() and found[..., [0, 2]].any(axis=(0, 1)).all()
    other = x.copy()
    other[..., 1] += 1.0
    assert np.abs(predict(network, other) - predict(network, x)).min() > 1e-4


def test_masked_steps_hand_on_everything_and_take_nothing(rng):
    layers = [
        L.Masking(0.0),
        L.Recurrent(cell("gru_before", rng), return_sequences=True),
        L.Recurrent(cell("lstm", rng, features=5)),
        head(rng, 5),
    ]
    network = chain(*layers, shape=(None, 3))
    x = rng.normal(size=(2, 6, 3))
    x[0, :2] = x[1, 3:5] = 0.0
    found = relevance(network, x).relevance[:, ::-1]
    assert not found[0, :2].any() and not found[1, 3:5].any()
    alone = [
        relevance(network, row[real][None]).relevance[0, ::-1]
        for row, real in zip(x, (x != 0).any(axis=2), strict=True)
    ]
    np.testing.assert_allclose(found[0, 2:], alone[0], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(found[1, [0, 1, 2, 5]], alone[1], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("zero", [False, True])
def test_an_output_that_is_repeated_at_masked_steps_takes_its_relevance_back(zero, rng):
    first = L.Recurrent(cell("lstm", rng), return_sequences=True, zero_output_for_mask=zero)
    pick, readout = Index(-1), head(rng, 5)
    network = chain(L.Masking(0.0), first, pick, readout, shape=(None, 3))
    x = rng.normal(size=(1, 6, 3))
    x[0, 4:] = 0.0
    found = relevance(network, x, bias_factor=float(zero)).relevance[:, ::-1]
    if zero:  # an output of zero came from no step, and its even share of the bias goes to none
        assert not found.any()
    else:
        alone = relevance(network, x[:, :4]).relevance[:, ::-1]
        np.testing.assert_allclose(found[:, :4], alone, rtol=1e-11, atol=1e-12)
        assert not found[:, 4:].any() and found[:, :4].all()


@pytest.mark.parametrize(
    ("mode", "merge"), [("concat", L.Concatenate()), ("sum", L.Add()), ("ave", L.Average())]
)
def test_two_directions_are_two_layers_and_a_merge(mode, merge, rng):
    ahead = L.Recurrent(cell("lstm", rng), return_sequences=True)
    back = L.Recurrent(cell("gru_after", rng), return_sequences=True, go_backwards=True)
    wide = 10 if mode == "concat" else 5
    tail = (L.Recurrent(cell("lstm", rng, wide)), head(rng, 5))
    nodes = (
        Node("x", L.Input((6, 3))),
        Node("ahead", ahead, (("x", 0),)),
        Node("back", back, (("x", 0),)),
        Node("turned", Flip(1), (("back", 0),)),
        Node("merged", merge, (("ahead", 0), ("turned", 0))),
        Node("top", tail[0], (("merged", 0),)),
        Node("out", tail[1], (("top", 0),)),
    )
    apart = Network(nodes, (("out", 0),), Origin("test"))
    network = chain(L.Bidirectional(ahead, back, mode), *tail, shape=(6, 3))
    x = rng.normal(size=(2, 6, 3))
    for bias_factor in (0.0, 1.0):
        found = relevance(network, x, bias_factor=bias_factor, eps=0.1)
        expected = relevance(apart, x, bias_factor=bias_factor, eps=0.1)
        np.testing.assert_allclose(found.relevance, expected.relevance, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(found.elsewhere, expected.elsewhere, rtol=1e-10, atol=1e-12)


def test_other_inputs_and_given_states_get_their_relevance_elsewhere(rng):
    nodes = (
        Node("x", L.Input((7, 3))),
        Node("h0", L.Input((5,))),
        Node("gru", L.Recurrent(cell("gru_after", rng)), (("x", 0), ("h0", 0))),
        Node("out", head(rng, 5), (("gru", 0),)),
    )
    network = Network(nodes, (("out", 0),), Origin("test"))
    given = {"x": rng.normal(size=(2, 7, 3)), "h0": rng.normal(size=(2, 5)) * 20}
    found = lrp(question(network, entries(network, given), FIRST), eps=0.3, bias_factor=1.0)
    assert np.abs(found.elsewhere).min() > 1e-3
    assert np.abs(found.residual).max() < 1e-9


def test_tokens_get_the_relevance_of_their_vectors(rng):
    table = rng.normal(size=(9, 4))
    core, readout = L.Recurrent(cell("lstm", rng, features=4)), head(rng, 5)
    words = chain(L.Embedding(table), core, readout, shape=(6,))
    x = rng.integers(0, 9, size=(2, 6))
    inner = relevance(chain(core, readout, shape=(6, 4)), table[x]).relevance
    found = relevance(words, x.astype(float)).relevance
    np.testing.assert_allclose(found[..., 0], inner.sum(axis=2), rtol=0, atol=1e-13)


def test_chunks_change_nothing_and_dimensions_are_declared(rng, monkeypatch):
    network, x = forecaster("gru_before", rng), rng.normal(size=(5, 7, 3))
    whole = relevance(network, x)
    monkeypatch.setattr(plan, "CHUNK_BYTES", 3000)
    monkeypatch.setattr(plan, "BLOCK_BYTES", 3000)
    np.testing.assert_allclose(relevance(network, x).relevance, whole.relevance, atol=1e-11)
    sizes = {"sample": 5, "lag": 7, "feature": 3}
    for name, dimensions in dimensions_of(whole).items():
        assert getattr(whole, name).shape == tuple(sizes[each] for each in dimensions)
    assert not hasattr(whole, "contribution")


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        (lambda r: [head(r, 5, activation="softmax")], "the activation softmax"),
        (lambda r: [L.LayerNormalization(), head(r, 5)], "LayerNormalization"),
        (lambda r: [head(r, 5), L.Activate(Activation("softmax"))], "the activation softmax"),
    ],
)
def test_layers_without_a_rule_are_refused_by_name(tail, kind, rng):
    network = chain(L.Recurrent(cell("lstm", rng)), *tail(rng), shape=(7, 3))
    with pytest.raises(UnsupportedModel, match=f"has no rule for {kind}: use method 'secant'"):
        relevance(network, rng.normal(size=(1, 7, 3)))


def test_multiplied_directions_and_options_out_of_range_are_refused(rng):
    network = stacked_bidirectional(rng, merge="mul")
    x = rng.normal(size=(1, 6, 3))
    with pytest.raises(UnsupportedModel, match="Bidirectional LSTM that multiplies its directions"):
        relevance(network, x)
    for options, sentence in (
        ({"eps": 0.0}, "eps must be above 0"),
        ({"bias_factor": 1.5}, "bias factor must be from 0 to 1, but is 1.5"),
    ):
        with pytest.raises(DataError, match=sentence):
            relevance(network, x, **options)
