"""Contextual decomposition: the twin, what it keeps, and what is refused."""

import numpy as np
import pytest

from naive_methods import lstm_decomposition
from networks import cell, chain, equations, forecaster, head
from questions import question
from rnnlens.attribution.methods.contextual_decomposition import contextual_decomposition
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.engine.schedule import plan
from rnnlens.errors import DataError, UnsupportedModel
from rnnlens.names import dimensions_of
from rnnlens.network.layers import Bidirectional, Conv1D, Dense, Masking, Recurrent

FIRST = ResolvedTarget((0,))


def scores(network, x, target=FIRST, segments=None):
    return contextual_decomposition(
        question(network, entries(network, x), target), segments=segments
    )


def test_it_equals_the_paper_written_out_number_by_number(rng):
    layer, readout = Recurrent(cell("lstm", rng, 2, 3)), Dense(rng.normal(size=(3, 1)), np.ones(1))
    network = chain(layer, readout, shape=(5, 2))
    x = rng.normal(size=(5, 2))
    p, w = equations(layer.cell), readout.W[:, 0].tolist()
    segments = [(1, 1), (3, 3), (5, 5), (2, 4), (1, 5)]
    found = scores(network, x[None], segments=segments)
    for place, (newest, oldest) in enumerate(segments):
        naive = lstm_decomposition(p, w, x.tolist(), 5 - oldest, 5 - newest)
        mine = found.relevant[0, place], found.irrelevant[0, place]
        assert mine == pytest.approx(naive, abs=1e-13)
    assert found.lag_from.tolist() == [1, 3, 5, 2, 1]
    assert found.lag_to.tolist() == [1, 3, 5, 4, 5]


@pytest.mark.parametrize("scale", [0.5, 4.0])
def test_relevant_irrelevant_and_constant_sum_to_the_forecast(scale, rng):
    network = forecaster("lstm", rng, scale=scale)
    x = rng.normal(size=(3, 7, 3))
    found = scores(network, x, ResolvedTarget((1,), scale=3.0, offset=4.0))
    total = found.constant[:, None] + found.relevant + found.irrelevant
    forecast = 3 * predict(network, x)[:, 1] + 4
    np.testing.assert_allclose(total, np.repeat(forecast[:, None], 7, axis=1), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.constant, 3 * network["dense"].layer.b[1] + 4, atol=1e-12)
    assert np.abs(found.residual).max() < 1e-12


def test_with_every_step_asked_about_nothing_is_irrelevant(rng):
    network = forecaster("lstm", rng)
    found = scores(network, rng.normal(size=(3, 7, 3)), segments=[(1, 7)])
    assert np.abs(found.irrelevant).max() < 1e-15
    assert np.abs(found.relevant).min() > 1e-3


def test_the_bias_counts_for_the_last_step_asked_about_too(rng):
    # an input of zero: all that a single step can be credited with is its product of two biases
    network = forecaster("lstm", rng)
    for gate in network["recurrent"].layer.cell.gates.values():
        gate.U[:] = 0.0
    core = network["recurrent"].layer.cell
    found = scores(network, np.zeros((1, 7, 3)), segments=[(1, 1)]).relevant[0, 0]
    sigma = [1 / (1 + np.exp(-gate.b)) for gate in (core.input, core.forget, core.output)]
    write = sigma[0] * np.tanh(core.cell.b)
    rest = write * sum(sigma[1] ** k for k in range(1, 7))
    share = (np.tanh(write) + np.tanh(write + rest) - np.tanh(rest)) / 2
    expected = (sigma[2] * share) @ network["dense"].layer.W[:, 0]
    assert found == pytest.approx(expected, abs=1e-14)


def test_scores_of_single_lags_do_not_sum(rng):
    network = forecaster("lstm", rng)
    found = scores(network, rng.normal(size=(4, 7, 3)))
    missed = found.forecast - found.constant - found.relevant.sum(axis=1)
    assert np.abs(missed).min() > 1e-4
    assert not hasattr(found, "contribution")


def test_masked_steps_and_the_reading_order_are_respected(rng):
    network = chain(Masking(0.0), Recurrent(cell("lstm", rng)), head(rng, 5), shape=(None, 3))
    x = rng.normal(size=(1, 6, 3))
    x[0, 4:] = 0.0
    found, short = scores(network, x), scores(network, x[:, :4])
    np.testing.assert_allclose(found.relevant[:, 2:], short.relevant, rtol=0, atol=1e-14)
    assert not found.relevant[:, :2].any()
    core = cell("lstm", rng)
    back = chain(Recurrent(core, go_backwards=True), head(rng, 5), shape=(6, 3))
    ahead = chain(Recurrent(core), back["dense"].layer, shape=(6, 3))
    x = rng.normal(size=(2, 6, 3))
    turned = scores(ahead, x[:, ::-1]).relevant[:, ::-1]
    np.testing.assert_allclose(scores(back, x).relevant, turned, rtol=0, atol=1e-14)


def test_an_earlier_step_is_read_without_those_after_it(rng):
    core = Recurrent(cell("lstm", rng), return_sequences=True)
    network = chain(core, head(rng, 5), shape=(None, 3))
    x = rng.normal(size=(2, 7, 3))
    found = scores(network, x, ResolvedTarget((4, 1)))
    assert np.abs(found.residual).max() < 1e-13
    assert not found.relevant[:, :2].any()
    short = scores(network, x[:, :5], ResolvedTarget((4, 1)))
    np.testing.assert_allclose(found.relevant[:, 2:], short.relevant, rtol=0, atol=1e-14)


def test_chunks_change_nothing_and_dimensions_are_declared(rng, monkeypatch):
    network = forecaster("lstm", rng)
    x = rng.normal(size=(5, 7, 3))
    whole = scores(network, x, segments=[(1, 2), (3, 7)])
    monkeypatch.setattr(plan, "CHUNK_BYTES", 3000)
    monkeypatch.setattr(plan, "BLOCK_BYTES", 3000)
    pieces = scores(network, x, segments=[(1, 2), (3, 7)])
    np.testing.assert_allclose(pieces.relevant, whole.relevant, rtol=0, atol=1e-14)
    sizes = {"sample": 5, "lag": 2}
    for name, dimensions in dimensions_of(whole).items():
        assert getattr(whole, name).shape == tuple(sizes[each] for each in dimensions)


@pytest.mark.parametrize("segments", [[(0, 1)], [(2, 1)], [(1, 8)], []])
def test_segments_outside_the_window_are_refused(segments, rng):
    with pytest.raises(
        DataError, match="segments must run from a first to a last lag within 1 to 7"
    ):
        scores(forecaster("lstm", rng), rng.normal(size=(1, 7, 3)), segments=segments)


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        (lambda r: [Recurrent(cell("gru_after", r))], "'recurrent' is a GRU"),
        (lambda r: [Recurrent(cell("lstm_peephole", r))], "an LSTM with peepholes"),
        (
            lambda r: [
                Bidirectional(
                    Recurrent(cell("lstm", r)), Recurrent(cell("lstm", r), go_backwards=True), "sum"
                )
            ],
            "'bidirectional' is two directions",
        ),
        (
            lambda r: [
                Recurrent(cell("lstm", r), return_sequences=True),
                Recurrent(cell("lstm", r, features=5)),
            ],
            "'recurrent', an LSTM, stands before it",
        ),
        (
            lambda r: [Conv1D(r.normal(size=(2, 3, 3))), Recurrent(cell("lstm", r))],
            "'conv1d', a Conv1D, stands before it",
        ),
    ],
)
def test_other_networks_are_refused_by_name(layers, sentence, rng):
    network = chain(*layers(rng), head(rng, 5), shape=(7, 3))
    with pytest.raises(UnsupportedModel, match=sentence):
        scores(network, rng.normal(size=(1, 7, 3)))
