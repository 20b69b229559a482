"""Operations that write into a tensor which nothing else holds are the plain ones."""

import numpy as np
import pytest
import torch
from torch import nn

import rnnlens


class Written(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.lstm, self.fc, self.way = nn.LSTM(2, 3, batch_first=True), nn.Linear(3, 3), way

    def forward(self, x):
        return self.way(self, self.lstm(x)[0][:, -1])


def fresh(module, h):
    return module.fc(h) + h.data.new(h.shape[0], 3).zero_()


def activated(module, h):
    return module.fc(h).relu_()


def chained(module, h):
    return module.fc(h).add_(h).tanh_().mul_(2.0)


def seen_elsewhere(module, h):
    given = module.fc(h)
    before = given.tanh()
    given.relu_()
    return before + given


def viewed(module, h):
    given = module.fc(h)
    given[:, 1:].mul_(3.0)
    return given


@pytest.mark.parametrize("way", [fresh, activated, chained, seen_elsewhere, viewed])
def test_what_is_written_in_place_is_what_the_code_gives(way):
    torch.manual_seed(3)
    module, x = Written(way).double().eval(), torch.randn(4, 5, 2, dtype=torch.float64)
    net = rnnlens.read(module, example=x)
    # the same sums in another order
    np.testing.assert_allclose(
        rnnlens.predict(net, x.numpy()), module(x).detach().numpy(), rtol=0, atol=1e-12
    )
