"""Reading a quantity off a memory: what is found where it is held, and where it is not."""

import numpy as np
import pytest
from scipy.signal import lfilter

from networks import forecaster
from rnnlens.checks.probe import PENALTIES, Controls, blocked_r2, probe, surrogates
from rnnlens.engine.forward import entries
from rnnlens.errors import DataError, InputError
from rnnlens.network.cells import LSTM, Gate
from rnnlens.network.layers import Dense, Input, Recurrent
from rnnlens.network.network import Network, Node, Origin

STEPS = 12


def smooth(rng, count, keep=0.9):
    """A series whose neighbours are alike."""
    return lfilter([1.0], [1.0, -keep], rng.normal(size=count + 100))[100:]


def windows_of(series):
    view = np.lib.stride_tricks.sliding_window_view(series, STEPS, axis=0)
    return np.ascontiguousarray(view.swapaxes(1, 2))


def gated_sum():
    """A cell that adds a value whenever the marker beside it is set, and keeps nine tenths."""
    W, shut, b = np.zeros((2, 1)), np.zeros((1, 1)), np.zeros(1)
    marked, value = W.copy(), W.copy()
    marked[1], value[0] = 40.0, 0.01
    core = LSTM(
        Gate(marked, shut, b - 20.0),
        Gate(W, shut, b + np.log(9.0)),
        Gate(value, shut, b),
        Gate(W, shut, b + 20.0),
    )
    nodes = (
        Node("x", Input((STEPS, 2))),
        Node("memory", Recurrent(core), (("x", 0),)),
        Node("out", Dense(np.full((1, 1), 100.0), np.zeros(1)), (("memory", 0),)),
    )
    return Network(nodes, (("out", 0),), Origin("made in a test"), "gated sum")


def test_what_a_memory_holds_is_found_beyond_its_controls(rng):
    x = np.stack([rng.normal(size=900), rng.random(900) < 0.3], axis=1).astype(float)
    X, network = windows_of(x), gated_sum()
    held = (X[..., 0] * X[..., 1] * 0.9 ** np.arange(STEPS)[::-1]).sum(axis=1)
    found = probe(network, entries(network, X), held, of="x", layer="memory")
    assert found.r2 > 0.99 and found.correlation[0] > 0.99
    # inputs alone give the values without their markers; random gates mix them a little
    assert max(found.untrained, found.from_inputs) < 0.7
    assert found.selectivity > 0.3 and found.p_value == 0.01


@pytest.mark.parametrize("kind", ["lstm", "gru_after"])
def test_noise_has_no_selectivity_under_any_control(kind):
    """20 smooth series that have nothing to do with the inputs: nothing is found in them."""
    selectivity, p = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = windows_of(np.stack([smooth(rng, 1500) for _ in range(3)], axis=1))
        network = forecaster(kind, rng, steps=STEPS)
        found = probe(
            network,
            entries(network, X),
            smooth(rng, len(X)),
            of="x",
            layer="recurrent",
            controls=Controls(draws=3, shifts=39),
        )
        selectivity.append(found.selectivity)
        p.append(found.p_value)
    assert np.abs(selectivity).max() < 0.15 and abs(np.mean(selectivity)) < 0.03
    # five in a hundred by chance: six or more of 20 would come once in 3,000 such tests
    assert np.sum(np.array(p) <= 0.05) <= 5


def test_blocks_with_gaps_do_not_flatter_as_the_regressions_own_samples_do(rng):
    """Smooth series that have nothing to do with each other, 20 times."""
    own, blocked = [], []
    for _ in range(20):
        columns = np.stack([smooth(rng, 400, 0.97) for _ in range(12)], axis=1)
        y = smooth(rng, 400, 0.97)
        y, Z = y - y.mean(), columns - columns.mean(axis=0)
        left = y - Z @ np.linalg.lstsq(Z, y, rcond=None)[0]
        own.append(1 - left.var() / y.var())
        blocked.append(blocked_r2(columns, y[:, None], 5, 20)[0])
    assert np.mean(own) > 0.4
    assert np.mean(blocked) < 0


def test_the_reading_is_ridge_regression_with_the_windows_around_a_block_left_out(rng):
    columns, y = rng.normal(size=(60, 4)), rng.normal(size=60)
    y += columns @ np.array([1.0, -0.5, 0.0, 0.2])
    missed = spread = 0.0
    for block in range(3):
        test = range(20 * block, 20 * block + 20)
        fit = [k for k in range(60) if all(abs(k - t) > 2 for t in test)]
        mean, scale = columns[fit].mean(axis=0), columns[fit].std(axis=0)
        Z, level = (columns[fit] - mean) / scale, y[fit].mean()
        scores = []
        for penalty in PENALTIES:
            hat = Z @ np.linalg.inv(Z.T @ Z + penalty * np.eye(4)) @ Z.T
            left = y[fit] - level - hat @ (y[fit] - level)
            scores.append(left @ left / (len(fit) - 1 - np.trace(hat)) ** 2)
        best = PENALTIES[int(np.argmin(scores))]
        slope = np.linalg.solve(Z.T @ Z + best * np.eye(4), Z.T @ (y[fit] - level))
        for t in test:
            missed += (y[t] - level - (columns[t] - mean) / scale @ slope) ** 2
            spread += (y[t] - level) ** 2
    assert blocked_r2(columns, y[:, None], 3, 2)[0] == pytest.approx(1 - missed / spread, rel=1e-10)


@pytest.mark.parametrize("count", [100, 101])
def test_surrogates_keep_mean_and_spectrum_and_nothing_else(count, rng):
    y = smooth(rng, count) + 3.0
    drawn = surrogates(y, 4, rng)
    for other in drawn.T:
        np.testing.assert_allclose(np.abs(np.fft.rfft(other)), np.abs(np.fft.rfft(y)), atol=1e-9)
        assert other.mean() == pytest.approx(y.mean())
        assert abs(np.corrcoef(other, y)[0, 1]) < 0.9
    assert len(np.unique(drawn[0])) == 4


def test_the_seed_repeats_everything(rng):
    X = windows_of(rng.normal(size=(200, 3)))
    network, y = forecaster("lstm", rng, steps=STEPS), smooth(rng, 189)
    first, second = (Controls(shifts=9, draws=2, seed=seed) for seed in (4, 5))
    ask = {"of": "x", "layer": "recurrent"}
    one, same = (probe(network, entries(network, X), y, **ask, controls=first) for _ in range(2))
    other = probe(network, entries(network, X), y, **ask, controls=second)
    assert (one.shifted, one.untrained) == (same.shifted, same.untrained)
    assert one.shifted != other.shifted and one.r2 == other.r2


@pytest.mark.parametrize(
    ("quantity", "options", "error", "sentence"),
    [
        (np.zeros(5), {}, DataError, r"one value for each of 89 windows, but has shape \(5,\)"),
        (np.full(89, np.nan), {}, DataError, "holds NaN or infinity"),
        (np.ones(89), {}, DataError, "never changes in these windows"),
        (np.arange(89.0), {"gap": 40}, DataError, "89 windows with 40 left out on either side"),
        (np.arange(89.0), {"blocks": 1}, DataError, "1 blocks of 89 windows"),
        (np.arange(89.0), {"layer": "gru"}, InputError, "no recurrent layer is called 'gru': it"),
    ],
)
def test_what_cannot_be_read_is_refused(quantity, options, error, sentence, rng):
    X = windows_of(rng.normal(size=(100, 3)))
    network = forecaster("lstm", rng, steps=STEPS)
    with pytest.raises(error, match=sentence):
        probe(network, entries(network, X), quantity, **{"of": "x", "layer": "recurrent"} | options)
