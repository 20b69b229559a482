"""Networks that divide by their own window's spread, which is zero where all steps are alike."""

import numpy as np
import pytest
import torch
from torch import nn

import rnnlens
from rnnlens.errors import DataError
from torch_models import scrambled


class Normalised(nn.Module):
    """Scales each window by its own spread, and its forecast back."""

    def __init__(self, guard=0.0):
        super().__init__()
        self.rnn, self.fc, self.guard = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 1), guard

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        spread = ((x - mean) ** 2).mean(1, keepdim=True).sqrt() + self.guard
        y, _ = self.rnn((x - mean) / spread)
        return self.fc(y[:, -1]) * spread[:, 0, :1] + mean[:, 0, :1]


def network(guard=0.0):
    return rnnlens.read(scrambled(Normalised(guard)), example=torch.rand(2, 6, 3))


@pytest.mark.parametrize("baseline", ["zero", np.array([0.5, 0.1, 0.2])])
@pytest.mark.parametrize("method", ["auto", "secant", "tree", "occlusion"])
def test_a_baseline_without_spread_is_refused_and_the_one_that_is_advised_works(
    method, baseline, rng
):
    net, x = network(), rng.normal(size=(20, 6, 3))
    with pytest.raises(DataError, match="division by the window's own spread") as refused:
        rnnlens.explain(net, x, baseline=baseline, method=method)
    assert "baseline='background'" in str(refused.value)
    assert "layer 'div" in str(refused.value)
    found = rnnlens.explain(net, x, baseline="background", method=method)
    assert all(np.isfinite(values).all() for values in found.data_vars.values())


def test_a_network_that_guards_its_spread_is_explained_against_zeros(rng):
    x = rng.normal(size=(9, 6, 3))
    found = rnnlens.explain(network(1e-3), x, baseline="zero", method="secant")
    total = found.baseline_forecast + found.contribution.sum(("lag", "feature"))
    np.testing.assert_allclose(total, found.forecast, rtol=0, atol=1e-8)
