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


@pytest.fixture(scope="module")
def net():
    return rnnlens.read(scrambled(Normalised()), example=torch.rand(2, 6, 3))


@pytest.mark.parametrize("method", ["auto", "secant", "tree", "occlusion"])
def test_a_baseline_without_spread_is_refused_and_the_one_that_is_advised_works(net, method, rng):
    x = rng.normal(size=(20, 6, 3))
    for baseline in ("zero", np.array([0.5, 0.1, 0.2])):
        with pytest.raises(DataError, match="division by the window's own spread") as refused:
            rnnlens.explain(net, x, baseline=baseline, method=method)
        assert "baseline='background'" in str(refused.value)
        assert "layer 'div" in str(refused.value)
    found = rnnlens.explain(net, x, baseline="background", method=method)
    assert all(np.isfinite(values).all() for values in found.data_vars.values())


@pytest.mark.parametrize("verb", [rnnlens.interactions, rnnlens.trust])
def test_pairs_and_trust_refuse_it_alike(net, verb, rng):
    x = rng.normal(size=(20, 6, 3))
    for baseline in ("zero", "mean", None):
        with pytest.raises(DataError, match="own spread .* give baseline='background'"):
            verb(net, x, baseline=baseline)
    found = verb(net, x, baseline="background")
    assert np.isfinite(found["newest_occlusion" if verb is rnnlens.trust else "interaction"]).all()


def test_a_spread_of_rounding_alone_is_none_and_a_guard_makes_it_one(net, rng):
    x, some = rng.normal(size=(20, 6, 3)), rng.normal(size=(1, 1, 1000))
    # numbers whose mean over six equal steps is another one
    baseline = some[some.repeat(6, axis=1).mean(axis=1, keepdims=True) != some][:3]
    for method in ("secant", "tree"):
        with pytest.raises(DataError, match="is rounding alone .* give baseline='background'"):
            rnnlens.explain(net, x, baseline=baseline, method=method)
    guarded = rnnlens.read(scrambled(Normalised(1e-8)), example=torch.rand(2, 6, 3))
    found = rnnlens.explain(guarded, x, baseline=baseline, method="secant")
    assert np.isfinite(found["contribution"]).all()


class Cancelling(Normalised):
    """Adds to its forecast, for every window, what two sums of the same numbers differ by."""

    def forward(self, x):
        one, other = self.fc(x[:, :, [0, 1, 2, 0]]), x[:, :, [0, 2, 0, 1]]
        again = other @ self.fc.weight[0, [0, 2, 3, 1]][:, None] + self.fc.bias
        y, _ = self.rnn(torch.cat([x[:, :, :2], 1.0 * (one - again)], 2))
        return self.fc(y[:, -1])


def test_a_difference_that_is_always_rounding_is_no_reason_to_refuse(rng):
    """No tolerance for what the layer gives: it is a rounding, and not zero, for windows too."""
    x = rng.normal(size=(20, 6, 3))
    module = scrambled(Cancelling())
    net = rnnlens.read(module, example=torch.rand(2, 6, 3))
    found = rnnlens.explain(net, x, baseline=rng.normal(size=3), method="secant")
    total = found.baseline_forecast + found.contribution.sum(("lag", "feature"))
    np.testing.assert_allclose(total, found.forecast, rtol=0, atol=1e-8)


def test_a_comparison_names_the_baseline_to_leave_out_and_those_that_are_advised_work(net, rng):
    x = rng.normal(size=(20, 6, 3))
    with pytest.raises(DataError, match="own spread .* leave 'zero' out of baselines="):
        rnnlens.compare_baselines(net, x)
    with pytest.raises(DataError, match="leave 'last' out of baselines="):
        rnnlens.compare_baselines(net, x, baselines={"drawn": "background", "last": "persistence"})
    advised = {"drawn": "background", "own": x[0]}
    found = rnnlens.compare_baselines(net, x, baselines=advised)
    assert np.isfinite(found.contribution).all()


def test_a_network_that_guards_its_spread_is_explained_against_zeros(rng):
    x = rng.normal(size=(9, 6, 3))
    guarded = rnnlens.read(scrambled(Normalised(1e-3)), example=torch.rand(2, 6, 3))
    found = rnnlens.explain(guarded, x, baseline="zero", method="secant")
    total = found.baseline_forecast + found.contribution.sum(("lag", "feature"))
    np.testing.assert_allclose(total, found.forecast, rtol=0, atol=1e-8)
