"""Gradient times input: the twin, the regime where it is exact, and that it does not sum."""

import numpy as np
import pytest

from naive_methods import gradient_by_differences, lstm_forecast
from networks import cell, chain, equations, forecaster, head
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.gradient_times_input import gradient_times_input
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.errors import UnsupportedModel
from rnnlens.names import dimensions_of
from rnnlens.network.activations import Activation
from rnnlens.network.cells import Gate, SimpleRNN
from rnnlens.network.layers import Dense, Embedding, Masking, Recurrent


def products(network, x, baseline, target=None, **options):
    return gradient_times_input(
        question(
            network,
            entries(network, x),
            target or ResolvedTarget((0,)),
            make_baseline(baseline, x, **options),
        )
    )


def test_it_equals_differences_times_changes(rng):
    layer, readout = Recurrent(cell("lstm", rng, 2, 3)), Dense(rng.normal(size=(3, 1)))
    network = chain(layer, readout, shape=(4, 2))
    x, x0 = rng.normal(size=(2, 4, 2))
    p, w = equations(layer.cell), readout.W[:, 0].tolist()
    slope = gradient_by_differences(lambda v: lstm_forecast(p, w, 0.0, v), x.tolist())
    found = products(network, x[None], x0).product[0, ::-1]
    # central differences of step 1e-5: 1e-10
    np.testing.assert_allclose(found, np.array(slope) * (x - x0), rtol=0, atol=1e-9)


def test_in_an_affine_network_it_sums_and_elsewhere_the_residual_says_by_how_much_not(rng):
    leaky = SimpleRNN(Gate(np.ones((1, 1)), np.full((1, 1), 0.8)), Activation("linear"))
    affine = chain(Recurrent(leaky), Dense(np.ones((1, 1)), np.ones(1)), shape=(9, 1))
    x, x0 = rng.normal(size=(2, 9, 1))
    found = products(affine, x[None], x0)
    np.testing.assert_allclose(
        found.product[0, :, 0], 0.8 ** np.arange(9) * (x - x0)[::-1, 0], atol=1e-14
    )
    assert abs(found.residual[0]) < 1e-13
    bent = forecaster("lstm", rng)
    many, backgrounds = rng.normal(size=(3, 7, 3)), rng.normal(size=(4, 7, 3))
    found = products(bent, many, backgrounds, ResolvedTarget((1,), scale=3.0, offset=2.0))
    forecast = 3 * predict(bent, many)[:, 1] + 2
    reference = np.mean(3 * predict(bent, backgrounds)[:, 1] + 2)
    np.testing.assert_allclose(found.forecast, forecast, rtol=1e-13)
    np.testing.assert_allclose(found.baseline_forecast, reference, rtol=1e-13)
    missed = forecast - reference - found.product.sum(axis=(1, 2))
    np.testing.assert_allclose(found.residual, missed, rtol=0, atol=1e-13)
    assert np.abs(found.residual).min() > 1e-3


def test_over_several_baselines_it_is_the_mean_of_each(rng):
    network = forecaster("gru_before", rng)
    x, many = rng.normal(size=(2, 7, 3)), rng.normal(size=(3, 7, 3))
    mean = np.mean([products(network, x, one).product for one in many], axis=0)
    np.testing.assert_allclose(products(network, x, many).product, mean, rtol=0, atol=1e-13)


def test_it_is_not_called_a_contribution(rng):
    found = products(forecaster("lstm", rng), rng.normal(size=(2, 7, 3)), "zero")
    assert not hasattr(found, "contribution")
    for name, dimensions in dimensions_of(found).items():
        assert getattr(found, name).ndim == len(dimensions)


def test_padding_and_held_features_give_exactly_zero_and_tokens_are_refused(rng):
    network = chain(Masking(0.0), Recurrent(cell("lstm", rng)), head(rng, 5), shape=(6, 3))
    x = rng.normal(size=(2, 6, 3))
    x[0, :2] = 0.0
    real = (x != 0).any(axis=2)
    found = products(network, x, np.ones(3), real=real, held=np.array([1])).product[:, ::-1]
    assert not found[~real].any() and not found[..., 1].any()
    assert found[real][:, [0, 2]].all()
    words = chain(
        Embedding(rng.normal(size=(9, 3))), Recurrent(cell("lstm", rng)), head(rng, 5), shape=(6,)
    )
    with pytest.raises(UnsupportedModel, match="gradient times input needs inputs that can change"):
        gradient_times_input(
            question(
                words,
                entries(words, np.ones((1, 6))),
                ResolvedTarget((0,)),
                make_baseline(np.zeros(1), np.ones((1, 6, 1))),
            )
        )
