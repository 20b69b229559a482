"""Idioms of PyTorch about lengths and axes, as forecasters write them: right, or refused truly."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rnnlens import Target, explain
from rnnlens.api import read
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError, UnsupportedModel
from torch_models import Coded, agree, scrambled

pytestmark = pytest.mark.usefixtures("doubles")


class CodedOfTwo(Coded):
    """Forward code of two inputs."""

    def forward(self, x, other):
        return self.code(self, x, other)


def module(code, kind=Coded, **layers):
    usual = {"rnn": nn.LSTM(3, 4, batch_first=True), "fc": nn.Linear(4, 2)}
    return scrambled(kind(code, **{**usual, **layers}).double())


def last(m, x):
    return m.rnn(x)[0][:, -1]


def reversible_norm(m, x):
    mean, scale = x.mean(1, keepdim=True), 2.0
    return m.fc(last(m, (x - mean) / scale)) * scale + mean[:, 0, :2]


def patches(m, x):  # four steps of three features become one step of twelve
    return m.fc(last(m, x.reshape(x.size(0), x.size(1) // 4, 12)))


def seasonal_blocks(m, x):  # the last two days, hour by hour
    days = x[:, -24:].reshape(-1, 2, 12, 3).mean(1)
    return m.fc(last(m, days))


def differences(m, x):
    return m.fc(last(m, x[:, 1:] - x[:, :-1]))


def with_time_of_window(m, x):
    ramp = torch.arange(x.size(1), dtype=x.dtype) / x.size(1)
    return m.fc(last(m, torch.cat([x, ramp.view(1, -1, 1).expand(x.size(0), -1, -1)], 2)))


def convolved_channels_first(m, x):
    return m.fc(last(m, torch.relu(m.conv(x)).permute(0, 2, 1)))


def causal(m, x):
    return m.fc(last(m, m.conv(F.pad(x.mT, (2, 0))).mT))


def pooled(m, x):
    return m.fc(last(m, F.max_pool1d(x.mT, 2).mT))


def decoder_over_the_window(m, x):
    state = m.rnn(x)[1]
    return m.fc(m.rnn(x.flip(1), state)[0])


def attention_by_last(m, x):
    hidden = m.rnn(x)[0]
    return m.fc(hidden.mean(1) + hidden[:, 0] * torch.sigmoid(hidden[:, -1]))


def two_halves(m, x):
    old, new = x.chunk(2, dim=1)
    return m.fc(last(m, old) + last(m, new))


def stacked_scales(m, x):
    return m.fc(last(m, x) + last(m, x[:, ::2]) + last(m, x[:, ::4]))


def newest_of_each_feature(m, x):
    return m.fc(last(m, x)) + x[:, -1, :2]


def steps_first_inside(m, x):
    return m.fc(m.rnn(x.transpose(0, 1))[0][-1])


def state_from_the_first_step(m, x):
    start = torch.tanh(m.start(x[:, 0])).unsqueeze(0)
    return m.fc(m.rnn(x[:, 1:], (start, torch.zeros_like(start)))[0][:, -1])


#: By name: the code, its layers, shape of a window, the axis of its steps in it (from 0), and the
#: lengths that are tried; none besides the window's own where the code is tied to it.
IDIOMS = {
    "reversible norm": (reversible_norm, {}, (12, 3), 0, (5, 30)),
    "patches": (patches, {"rnn": nn.LSTM(12, 4, batch_first=True)}, (12, 3), 0, ()),
    "blocks of the newest steps": (seasonal_blocks, {}, (30, 3), 0, (24, 40)),
    "differences": (differences, {}, (12, 3), 0, (5, 30)),
    "time within the window": (
        with_time_of_window,
        {"rnn": nn.LSTM(4, 4, batch_first=True)},
        (12, 3),
        0,
        (),
    ),
    "convolution before, channels first": (
        convolved_channels_first,
        {"conv": nn.Conv1d(3, 3, 3)},
        (3, 12),
        1,
        (5, 30),
    ),
    "causal convolution": (causal, {"conv": nn.Conv1d(3, 3, 3)}, (12, 3), 0, (5, 30)),
    "pooled steps": (pooled, {}, (12, 3), 0, (6, 7, 30)),
    "decoder over the window": (decoder_over_the_window, {}, (12, 3), 0, (5, 30)),
    "gated mean of the states": (attention_by_last, {}, (12, 3), 0, (5, 30)),
    "two halves": (two_halves, {}, (12, 3), 0, ()),
    "several scales": (stacked_scales, {}, (12, 3), 0, (5, 30)),
    "residual of the newest step": (newest_of_each_feature, {}, (12, 3), 0, (5, 30)),
    "steps first inside": (steps_first_inside, {"rnn": nn.LSTM(3, 4)}, (12, 3), 0, (5, 30)),
    "state from the first step": (
        state_from_the_first_step,
        {"start": nn.Linear(3, 4)},
        (12, 3),
        0,
        (5, 30),
    ),
}


@pytest.mark.parametrize("name", IDIOMS)
def test_an_idiom_gives_what_the_module_gives_at_every_length_that_is_served(name, rng):
    code, layers, shape, axis, lengths = IDIOMS[name]
    model = module(code, **layers)
    network = read(model, example=rng.normal(size=(2, *shape)))
    assert (network.inputs["x"].shape[axis] is None) == bool(lengths)
    for length in (shape[axis], *lengths):
        sides = list(shape)
        sides[axis] = length
        x = rng.normal(size=(10, *sides))
        agree(predict(network, x), model(torch.as_tensor(x)))
    x = rng.normal(size=(10, *shape))
    target = Target(0, horizon=1) if predict(network, x).ndim == 3 else 0
    found = explain(network, x, target=target, method="secant", baseline="zero")
    assert found.sizes["lag"] == shape[axis]
    assert np.abs(found.residual).max() < 1e-9


def test_two_sequences_of_one_length_keep_any_length_and_of_two_keep_their_own(rng):
    def joined(m, x, u):
        return m.fc(last(m, torch.cat([x, u], 2)))

    def apart(m, x, u):
        return m.fc(last(m, x)) + u.mean(1)

    model = module(joined, CodedOfTwo, rnn=nn.LSTM(5, 4, batch_first=True))
    x, u = rng.normal(size=(3, 9, 3)), rng.normal(size=(3, 9, 2))
    network = read(model, example=(x, u))
    assert [entry.shape[0] for entry in network.inputs.values()] == [None, None]
    given = dict(zip(network.inputs, (x[:, :6], u[:, :6]), strict=True))
    agree(predict(network, given), model(*map(torch.as_tensor, given.values())))
    network = read(module(apart, CodedOfTwo), example=(x, u[:, :4]))
    assert [entry.shape[0] for entry in network.inputs.values()] == [9, 4]


def test_a_future_known_for_the_horizon_is_read_beside_a_window_of_its_own_length(rng):
    def code(m, x, future):
        return m.fc(torch.cat([last(m, x), future.flatten(1)], 1))

    model = module(code, CodedOfTwo, fc=nn.Linear(4 + 12, 6))
    x, future = rng.normal(size=(3, 9, 3)), rng.normal(size=(3, 6, 2))
    network = read(model, example=(x, future))
    given = dict(zip(network.inputs, (x, future), strict=True))
    agree(predict(network, given), model(torch.as_tensor(x), torch.as_tensor(future)))


def test_codes_of_place_that_are_worked_out_keep_the_length_of_the_example(rng):
    def code(m, x):
        steps = torch.arange(x.size(1), dtype=x.dtype)[:, None]
        angles = steps / torch.tensor([1.0, 10.0, 100.0])
        return m.fc(last(m, x + torch.sin(angles) * math.sqrt(0.5)))

    model = module(code)
    x = rng.normal(size=(3, 40, 3))
    network = read(model, example=x)
    assert network.inputs["x"].shape == (40, 3)
    agree(predict(network, x), model(torch.as_tensor(x)))


# --- what is refused ---------------------------------------------------------------------------


def test_a_window_without_samples_is_refused_and_the_advice_works(rng):
    for batch_first in (True, False):
        model = nn.Sequential(nn.Linear(3, 3), nn.LSTM(3, 4, batch_first=batch_first)).double()
        x = rng.normal(size=(6, 3))
        advice = "x[None]" if batch_first else "x[:, None]"
        with pytest.raises(InputError, match="one window of 6 steps") as caught:
            read(model, example=x)
        assert f"example={advice}" in str(caught.value)
        network = read(model, example=x[None] if batch_first else x[:, None])
        agree(predict(network, x[None])[0], model(torch.as_tensor(x))[0][None])


def test_samples_taken_for_steps_are_refused_before_they_are_explained(rng):
    # a vector a sample, handed to a layer that takes it for one window of as many steps as samples
    model = module(lambda m, x: m.fc(m.rnn(x[:, -1])[0]))
    with pytest.raises(InputError, match="let the code hand the layer every step"):
        read(model, example=rng.normal(size=(4, 6, 3)))


def test_a_module_that_is_another_at_each_call_is_refused_and_its_state_dict_is_read(rng):
    class Drifting(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.calls = nn.LSTM(3, 4, batch_first=True), 0

        def forward(self, x):
            self.calls += 1
            return self.rnn(x)[0][:, -1] * self.calls

    model = scrambled(Drifting().double())
    with pytest.raises(UnsupportedModel, match=r"rnnlens\.read\(model\.state_dict\(\)\)"):
        read(model, example=rng.normal(size=(4, 6, 3)))
    assert [node.name for node in read(model.state_dict()).nodes][-1] == "rnn_l0"
