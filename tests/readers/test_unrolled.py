"""Networks that carry their state from call to call, asked about over a series of calls."""

import keras
import numpy as np
import pytest
import torch
from keras import layers as L
from torch import nn

import rnnlens
import torch_models
from keras_models import scrambled
from onnx_models import FEATURES, UNITS, arrays_of, ran, saved, single
from rnnlens.network.layers import Recurrent
from rnnlens.views.words.origin import origin_sentences

#: Steps of a series: beyond what the states forget at once.
STEPS = 24

#: The frameworks compute in float32, whose rounding is 6e-8 of numbers about one.
CLOSE = 1e-6

#: Steps of a call, and the layers.
KERAS = {
    "one step": (1, lambda: [L.LSTM(8, stateful=True), L.Dense(1)]),
    "two layers": (
        1,
        lambda: [
            L.LSTM(5, stateful=True, return_sequences=True),
            L.Dense(3, activation="relu"),
            L.GRU(4, stateful=True),
            L.Dense(2),
        ],
    ),
    "a vector repeated between": (
        1,
        lambda: [
            L.LSTM(5, stateful=True),
            L.RepeatVector(1),
            L.GRU(4, stateful=True, return_sequences=True),
            L.Dense(2),
        ],
    ),
    "a convolution within a call": (
        4,
        lambda: [
            L.Conv1D(3, 2),
            L.SimpleRNN(5, stateful=True, return_sequences=True),
            L.GRU(4, stateful=True),
        ],
    ),
    "a layer that starts anew": (
        4,
        lambda: [L.LSTM(3, return_sequences=True), L.GRU(4, stateful=True), L.Dense(1)],
    ),
    "backwards within one step": (1, lambda: [L.GRU(4, stateful=True, go_backwards=True)]),
}


def stateful(name):
    keras.utils.clear_session(free_memory=False)
    call, layers = KERAS[name]
    return call, scrambled(keras.Sequential([keras.Input(batch_shape=(1, call, 4)), *layers()]))


def called(network, series, call):
    """What a stateful model of Keras gives for the last call of a series."""
    for layer in network.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()
    for first in range(0, len(series), call):
        given = network(series[None, first : first + call])
    return keras.ops.convert_to_numpy(given)


@pytest.mark.parametrize("name", KERAS)
def test_the_forecast_is_that_of_stateful_calls_one_after_the_other(name, rng):
    call, source = stateful(name)
    series = rng.normal(size=(STEPS, 4)).astype("float32")
    network = rnnlens.read(source, unroll=STEPS)
    ours, theirs = rnnlens.predict(network, series[None]), called(source, series, call)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=CLOSE)
    # the calls before the last matter, so that carrying nothing on would be seen
    assert np.abs(ours - rnnlens.predict(network, series[None] * 0)).max() > 1e-3


def test_a_recurrent_layer_stands_once_however_long_the_series_is():
    _, source = stateful("two layers")
    network = rnnlens.read(source, unroll=365)
    assert sum(isinstance(node.layer, Recurrent) for node in network.nodes) == 2
    assert network.inputs["input_layer"].shape == (365, 4)
    assert len(network.nodes) == len(rnnlens.read(source).nodes)


class Keeps(nn.Module):
    """Keeps what its layer gives."""

    def __init__(self, state=None):
        super().__init__()
        self.rnn = nn.LSTM(4, 6, num_layers=2, batch_first=True)
        self.fc = nn.Linear(6, 2)
        self.state = state

    def forward(self, x):
        y, self.state = self.rnn(x, self.state)
        return self.fc(y[:, -1])


class Cells(nn.Module):
    """Keeps the states of cells, and takes a step without an axis of steps."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.LSTMCell(4, 5), nn.GRUCell(5, 3)
        self.fc = nn.Linear(3, 1)
        self.h, self.c, self.g = (torch.full((1, n), 0.3) for n in (5, 5, 3))

    def forward(self, x):
        self.h, self.c = self.first(torch.tanh(x), (self.h, self.c))
        self.g = self.second(self.h, self.g)
        return self.fc(self.g)


class Buffers(nn.Module):
    """Keeps its state in a buffer."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 5, batch_first=True)
        self.register_buffer("h", torch.zeros(1, 1, 5))

    def forward(self, x):
        y, h = self.rnn(x, self.h)
        self.h = h
        return y


class Handed(nn.Module):
    """Takes and gives its states."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(4, 6, batch_first=True)
        self.fc = nn.Linear(6, 2)

    def forward(self, x, state):
        y, state = self.rnn(x, state)
        return self.fc(y[:, -1]), state


HALF = torch.full((2, 1, 6), 0.5)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (Keeps, (1, 1, 4)),
        (lambda: Keeps((HALF, -HALF)), (1, 1, 4)),
        (Cells, (1, 4)),
        (Buffers, (1, 1, 4)),
    ],
)
def test_a_module_that_keeps_its_state_is_unrolled_from_the_state_it_has(make, shape, rng):
    source = torch_models.scrambled(make())
    network = rnnlens.read(source, example=torch.zeros(shape), unroll=STEPS)
    series = rng.normal(size=(STEPS, 1, *shape[1:])).astype("float32")
    with torch.no_grad():
        for step in series:
            theirs = source(torch.tensor(step))
    ours = rnnlens.predict(network, series.reshape(1, STEPS, 4))
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=CLOSE)
    assert not network.origin.left_out


class Elsewhere(Keeps):
    """Keeps something else than its layer starts from."""

    def forward(self, x):
        y, (h, c) = self.rnn(x, self.state)
        self.state = (0.5 * h, c)
        return self.fc(y[:, -1])


class ElsewhereInSingle(Elsewhere):
    """The same, whose code takes single precision alone, so that no copy has it finer."""

    def forward(self, x):
        return super().forward(x.float())


@pytest.mark.parametrize("make", [Elsewhere, ElsewhereInSingle])
def test_what_layers_do_not_carry_on_is_left_out_and_not_unrolled(make):
    source = torch_models.scrambled(make((HALF, HALF)))
    network = rnnlens.read(source, example=torch.zeros(1, 1, 4))
    assert "keeps from one call to the next" in network.origin.left_out[0]
    with pytest.raises(rnnlens.errors.InputError, match="no recurrent layer"):
        rnnlens.read(source, example=torch.zeros(1, 1, 4), unroll=STEPS)


def test_states_that_go_in_and_out_of_a_module_are_those_before_the_series(rng):
    source = torch_models.scrambled(Handed())
    state = tuple(torch.tensor(rng.normal(size=(1, 1, 6)), dtype=torch.float32) for _ in "hc")
    network = rnnlens.read(source, example=(torch.zeros(1, 1, 4), state), unroll=STEPS)
    series = rng.normal(size=(STEPS, 4)).astype("float32")
    x, *states = network.inputs
    ours = rnnlens.predict(
        network,
        {x: series[None], **{n: s.numpy() for n, s in zip(states, state, strict=True)}},
    )
    with torch.no_grad():
        for step in series:
            theirs, state = source(torch.tensor(step[None, None]), state)
    for mine, their in zip(ours, (theirs, *state), strict=True):
        np.testing.assert_allclose(mine, their.numpy(), rtol=0, atol=CLOSE)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_a_step_model_of_onnx_is_unrolled_over_a_series(kind, rng, tmp_path):
    states = "hc" if kind == "LSTM" else "h"
    made = single(kind, arrays_of(rng, kind), states=states)
    network = rnnlens.read(saved(made, tmp_path), unroll=STEPS)
    series = rng.normal(size=(STEPS, 1, 1, FEATURES)).astype("float32")
    first = {f"{s}0": rng.normal(size=(1, 1, UNITS)).astype("float32") for s in states}
    carried = dict(first)
    for step in series:
        feed = {"X": step, **carried}
        outputs = ran(made, feed)
        carried = {f"{s}0": a.astype("float32") for s, a in zip(states, outputs[1:], strict=True)}
    ours = rnnlens.predict(network, {"X": series.reshape(1, STEPS, FEATURES), **first})
    np.testing.assert_allclose(ours[-1].ravel(), outputs[-1].ravel(), rtol=0, atol=CLOSE)
    np.testing.assert_allclose(ours[0].ravel(), outputs[0].ravel(), rtol=0, atol=CLOSE)


def test_how_far_back_is_asked_of_a_series_and_results_say_from_which_state(rng):
    _, source = stateful("one step")
    network = rnnlens.read(source, unroll=6)
    windows = rng.normal(size=(12, 6, 4))
    explained = rnnlens.explain(network, windows, method="secant")
    assert explained.attrs["starts_from"] == "lstm from zeros"
    assert explained.sizes["lag"] > 1
    total = explained.contribution.sum(("lag", "feature")) + explained.baseline_forecast
    np.testing.assert_allclose(total, explained.forecast, rtol=0, atol=1e-9)
    table = rnnlens.lags(network, windows, certificates=None, test=None)
    assert table.attrs["starts_from"] == "lstm from zeros"
    state = {"lstm": [rng.normal(size=(12, 8)) for _ in "hc"]}
    carried = rnnlens.explain(network, windows, method="secant", initial_state=state)
    assert carried.attrs["starts_from"] == "lstm from the state given"
    traced = rnnlens.trace(network, windows, initial_state=state)
    assert traced.attrs["starts_from"] == "lstm from the state given"
    words = origin_sentences(explained.attrs)
    assert any("every window starts lstm from zeros" in one for one in words)


def test_a_network_that_carries_nothing_says_nothing_of_states(rng):
    _, source = stateful("one step")
    plain = keras.Sequential([keras.Input((5, 4)), L.LSTM(3), L.Dense(1)])
    assert "starts_from" not in rnnlens.explain(plain, rng.normal(size=(9, 5, 4))).attrs
    assert "starts_from" in rnnlens.explain(source, rng.normal(size=(9, 1, 4))).attrs
