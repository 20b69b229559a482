"""Parts of one step of long windows share what came before; single precision where it serves."""

import numpy as np
import pytest

from networks import cell, chain, stacked_bidirectional
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, predict
from rnnlens.evidence.options import Test
from rnnlens.evidence.statistics import losses as losses_module
from rnnlens.evidence.statistics import one_step, scenario
from rnnlens.evidence.statistics.losses import Losses
from rnnlens.evidence.statistics.parts import lag_feature_parts, lag_parts
from rnnlens.evidence.statistics.replacement import Replacement
from rnnlens.evidence.statistics.samplers import OwnSampler, gaussian_sampler
from rnnlens.evidence.table.affordable import DRAWS, LEAST_REPLACEMENTS, affordable
from rnnlens.evidence.table.rows import LagSpan, make_rows
from rnnlens.network.layers import Dense, Masking, Recurrent

TARGET = ResolvedTarget((0,), scale=2.0, offset=7.0)


def replacement(network, x):
    inputs = entries(network, x)
    return Replacement(Question(network=network, inputs=inputs, of="x", target=TARGET))


def two_layers(rng, steps=9, features=3):
    return chain(
        Recurrent(cell("lstm", rng, features, 5), return_sequences=True),
        Recurrent(cell("gru", rng, 5, 4)),
        Dense(rng.normal(size=(4, 1))),
        shape=(steps, features),
    )


@pytest.fixture
def shared(monkeypatch):
    """Say from how many steps on what came before is shared."""

    def from_steps(steps):
        monkeypatch.setattr(one_step, "FEWEST_STEPS", steps)

    return from_steps


@pytest.mark.parametrize("parts_of", [lag_parts, lag_feature_parts])
def test_observed_values_move_forecasts_as_whole_windows_say(parts_of, shared, rng):
    # two orders of the same sums: rounding alone, a few units in the last place of 10
    network, x = two_layers(rng), rng.normal(size=(6, 9, 3))
    windows, parts = replacement(network, x), parts_of((9, 3))
    for draws in (40, None):
        found = []
        for steps in (100, 1):
            shared(steps)
            asked = {"tolerance": 1e-3, "draws": draws, "seed": 3}
            found.append(scenario.scenario(windows, parts, **asked))
        whole, by_step = found
        np.testing.assert_allclose(by_step.largest, whole.largest, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(by_step.exceeded, whole.exceeded)
        np.testing.assert_array_equal(by_step.window, whole.window)
        np.testing.assert_array_equal(by_step.value_from, whole.value_from)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("blind", [False, True])
def test_hiding_a_step_changes_the_loss_as_whole_windows_say(blind, own, shared, monkeypatch, rng):
    network, x = two_layers(rng), rng.normal(size=(12, 9, 3)).cumsum(axis=1)
    windows, parts = replacement(network, x), lag_parts((9, 3), held=[1])

    def noise(taken, hidden, generator):
        return np.where(hidden, generator.normal(size=taken.shape), taken)

    sampler = OwnSampler(noise) if own else gaussian_sampler(rng.normal(size=(60, 9, 3)))
    y = None if blind else windows.own + rng.normal(size=12)
    losses = Losses(windows, sampler, y, loss="squared", draws=3, seed=5)
    shared(100)
    whole = losses.changes(parts)
    shared(1)
    monkeypatch.setattr(losses_module, "DRAWN", 2 * 12 * 3 * 3)  # two parts at once
    told = []
    by_step = losses.changes(parts, lambda done, of: told.append((done, of)))
    assert told[-1] == (9, 9) and told == sorted(told)
    for one, other in zip(by_step, whole, strict=True):
        np.testing.assert_allclose(one.change, other.change, rtol=0, atol=1e-11)
        np.testing.assert_allclose(one.moved, other.moved, rtol=0, atol=1e-11)
        assert one.variance_left == pytest.approx(other.variance_left, rel=1e-12)


def test_whole_windows_are_run_where_steps_cannot_be_shared(shared, rng):
    shared(1)
    both_ways = replacement(stacked_bidirectional(rng), rng.normal(size=(2, 6, 3)))
    masked = chain(
        Masking(0.0), Recurrent(cell("gru", rng, 3, 3)), Dense(np.ones((3, 1))), shape=(6, 3)
    )
    padded = replacement(masked, rng.normal(size=(2, 6, 3)))
    plain = replacement(two_layers(rng, 6), rng.normal(size=(2, 6, 3)))
    parts = lag_parts((6, 3))
    found = [one_step.worth_sharing(one, parts) for one in (both_ways, padded, plain)]
    assert found == [False, False, True]


def test_single_precision_is_taken_where_it_resolves_what_matters_and_agrees(rng):
    # 1e-3 of what is resolved, which is what the measured error may be at the most
    network, x = two_layers(rng), rng.normal(size=(300, 9, 3))
    windows, parts = replacement(network, x), lag_parts((9, 3))
    matters = 0.01 * windows.own.std()
    assert windows.resolving(matters).single
    assert not windows.resolving(1e-7 * matters).single
    single = scenario.scenario(windows, parts, tolerance=matters, draws=500)
    with pytest.MonkeyPatch().context() as patched:
        patched.setattr(Replacement, "resolving", lambda self, *_: self)
        double = scenario.scenario(windows, parts, tolerance=matters, draws=500)
    assert single.single and not double.single
    np.testing.assert_allclose(single.largest, double.largest, rtol=1e-12)  # run again in double
    assert np.abs(single.exceeded - double.exceeded).max() <= 1
    losses = Losses(windows, gaussian_sampler(x), windows.own + rng.normal(size=300))
    margin = 0.01 * losses.own.mean()
    resolved = losses.resolving(margin)
    assert resolved.replaced.single and not losses.replaced.single
    for part in parts:
        apart = resolved.change(part).change - losses.change(part).change
        assert abs(apart.mean()) < 1e-3 * margin


def test_single_precision_forecasts_are_single(rng):
    network, x = two_layers(rng), rng.normal(size=(5, 9, 3))
    single = replacement(network, x).resolving(1.0)
    expected = predict(network, x.astype(np.float32), precision="float32")[:, 0].astype(float)
    np.testing.assert_allclose(single.own, 2.0 * expected + 7.0, rtol=1e-12)
    assert single.double.own.dtype == single.own.dtype == np.float64


def test_what_is_gathered_shrinks_with_the_square_of_long_windows(rng):
    def chosen(steps, count, **options):
        network = chain(
            Recurrent(cell("lstm", rng, 2, 3)), Dense(np.ones((3, 1))), shape=(steps, 2)
        )
        x = np.zeros((1, steps, 2))
        question = replacement(network, x).question
        spans = [LagSpan(lag, lag) for lag in range(1, steps + 1)]
        rows = make_rows("lag", (steps, 2), spans, ("a", "b"), [])
        return affordable(question, rows, Test(**options), count)

    short = chosen(24, 2000)
    assert (len(short.windows), short.draws, short.lags) == (2000, DRAWS, None)
    assert short.replacements == scenario.draws_needed()
    long = chosen(400, 5000)
    assert long.draws == 1 and 200 <= len(long.windows) < 5000 and long.windows[-1] == 4999
    assert long.lags[0] == 1 and long.lags[-1] == 400 and len(long.lags) < 400
    assert LEAST_REPLACEMENTS <= long.replacements < scenario.draws_needed()
    stated = chosen(400, 5000, block_length=10, replacements=7)
    assert len(stated.windows) == 5000 and stated.replacements == 7
