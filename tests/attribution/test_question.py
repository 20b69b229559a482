"""A question about some of the windows is the same question, and nothing of it is changed."""

from dataclasses import replace

import numpy as np
import pytest

from networks import forecaster
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.baselines.conditional import gaussian_conditional
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.registry import METHODS
from rnnlens.attribution.runners import MethodOptions, run_method
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, forward
from rnnlens.errors import InputError

FIRST = ResolvedTarget((0,))


@pytest.fixture
def asked(rng):
    network = forecaster("lstm", rng, steps=6)
    x = rng.normal(size=(7, 6, 3))
    states = {"recurrent": rng.normal(size=(2, 7, 5))}
    baseline = make_baseline("persistence", x)
    return question(network, entries(network, x), FIRST, baseline, initial_state=states)


@pytest.mark.parametrize("samples", [slice(2, 5), np.array([6, 0, 3])])
def test_a_part_is_answered_as_it_is_within_the_whole(samples, asked):
    whole, part = secant(asked), secant(asked.part(samples))
    np.testing.assert_allclose(part.contribution, whole.contribution[samples], rtol=0, atol=1e-14)
    np.testing.assert_allclose(part.carried, whole.carried[samples], rtol=0, atol=1e-14)
    assert asked.windows == 7 and asked.part(samples).windows == 3


def test_what_stands_in_comes_background_by_background(asked, rng):
    many = make_baseline(rng.normal(size=(3, 6, 3)), asked.x, held=np.array([1]))
    run = forward(asked.network, asked.inputs)
    stand_ins = list(asked.against(many).stand_ins(run))
    assert len(stand_ins) == 3
    for x0, window in zip(stand_ins, many.windows, strict=True):
        np.testing.assert_array_equal(x0[..., [0, 2]], np.broadcast_to(window, x0.shape)[..., ::2])
        np.testing.assert_array_equal(x0[..., 1], asked.x[..., 1])


def test_few_windows_stand_once_beside_each_background(asked, rng):
    """With states that are carried in, held features, and windows of a background's own."""
    held = np.array([1])
    own = make_baseline("persistence", asked.x, held=held)
    many = make_baseline(rng.normal(size=(9, 6, 3)), asked.x, held=held)
    whole = asked.against(replace(many, windows=(*many.windows, *own.windows)))
    parts = list(whole.beside_backgrounds(runs=3))
    assert [part.windows for part in parts] == [28, 28, 14]  # four backgrounds fit a block
    assert all(len(part.stand_in.windows) == 1 for part in parts)
    alone = [
        secant(asked.against(replace(many, windows=(window,)))) for window in whole.stand_in.windows
    ]
    answer = secant(whole)
    # sums of ten terms in another order
    for name in ("contribution", "baseline_forecast", "carried"):
        mean = np.mean([getattr(one, name) for one in alone], axis=0)
        np.testing.assert_allclose(getattr(answer, name), mean, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(answer.forecast, alone[0].forecast)


def test_many_windows_are_asked_about_as_they_are(asked, rng):
    many = asked.against(make_baseline(rng.normal(size=(9, 6, 3)), asked.x))
    assert next(many.part(np.arange(17) % 7).beside_backgrounds(runs=3)).windows == 17


def test_a_method_that_compares_with_whole_windows_refuses_a_conditional_baseline(asked, rng):
    given = gaussian_conditional(asked.x, background=rng.normal(size=(50, 6, 3)))
    with pytest.raises(InputError, match="but method 'causal_order' compares with one window"):
        run_method("causal_order", asked.against(given), MethodOptions())


def test_a_method_s_own_number_of_lags_stands_where_none_is_asked_for(asked):
    assert asked.newest_or(12) == 12 and asked.with_newest(3).newest_or(12) == 3
    assert asked.newest is None


def test_every_method_of_the_registry_is_run_by_its_name(asked):
    alone = question(asked.network, asked.inputs, FIRST, asked.baseline)
    for name, method in METHODS.items():
        assert hasattr(run_method(name, alone, MethodOptions()).arrays, method.variable)
