"""`trace` shows what a network attends to."""

import numpy as np
import pytest
import torch
from torch import nn

import rnnlens
from rnnlens.errors import InputError
from torch_models import scrambled


class Attending(nn.Module):
    """An LSTM, attention by heads over its states, and a pooling by a softmax."""

    def __init__(self):
        super().__init__()
        self.rnn, self.score = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 1)
        self.mha, self.fc = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 3)

    def weighed(self, x):
        states = self.rnn(x)[0]
        mixed, weights = self.mha(states, states, states, average_attn_weights=False)
        return mixed, weights, torch.softmax(self.score(mixed), dim=1)

    def forward(self, x):
        mixed, _, pooling = self.weighed(x)
        return torch.softmax(self.fc((pooling * mixed).sum(1)), -1)


@pytest.fixture
def module():
    return scrambled(Attending().double())


def test_weights_of_attention_stand_in_a_trace_and_sum_to_one(module, rng):
    x = rng.normal(size=(4, 6, 3))
    traced = rnnlens.trace(rnnlens.read(module, example=x), x)
    shown = {name: node["weight"] for name, node in traced.children.items() if "weight" in node}
    # the softmax of the output is no attention
    assert len(shown) == 2
    with torch.no_grad():
        _, by_head, pooling = module.weighed(torch.as_tensor(x))
    heads, pooled = sorted(shown.values(), key=lambda one: -one.sizes["head"])
    assert heads.dims == pooled.dims == ("sample", "head", "query", "attended")
    # two ways to reckon the same in double precision
    np.testing.assert_allclose(heads, by_head.numpy(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(pooled[:, 0, 0], pooling[..., 0].numpy(), rtol=0, atol=1e-12)
    for one in shown.values():
        np.testing.assert_allclose(one.sum("attended"), 1.0, rtol=0, atol=1e-13)


def test_a_network_without_attention_shows_its_layers_alone(rng):
    module = scrambled(nn.Sequential(nn.Linear(3, 3), nn.Softmax(-1)).double())
    x = rng.normal(size=(4, 6, 3))
    with pytest.raises(InputError, match="no recurrent layer, so there is no cell to trace"):
        rnnlens.trace(rnnlens.read(module, example=x), x)
