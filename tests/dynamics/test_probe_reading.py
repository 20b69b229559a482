"""Reading a concept in blocks of time: the regression, its folds, and what is read by chance."""

import numpy as np
import pytest
from scipy.signal import lfilter

import naive_ridge
from rnnlens.dynamics.probes.folds import cut_in_blocks
from rnnlens.dynamics.probes.interval import selectivity
from rnnlens.dynamics.probes.recent import COLUMNS, moving_means, recent_inputs, reduced
from rnnlens.dynamics.probes.ridge import STRENGTHS, read_off, reading_of
from rnnlens.dynamics.probes.series import in_time, shifted, surrogates
from rnnlens.errors import DataError


def smooth(rng, count, keep=0.9):
    """A series whose neighbours are alike."""
    return lfilter([1.0], [1.0, -keep], rng.normal(size=count + 100))[100:]


def read(columns, y, blocks, gap):
    folds = cut_in_blocks(np.arange(len(y)), blocks, gap)
    return read_off(columns, y.reshape(len(y), -1), folds, np.arange(len(y)))


def test_the_reading_is_that_of_least_squares_fold_by_fold(rng):
    columns, y = rng.normal(size=(80, 4)) * [1, 30, 0.2, 4] + [0, 5, -2, 9], rng.normal(size=80)
    y += columns @ np.array([1.0, -0.02, 0.0, 0.2])
    expected, level = naive_ridge.read_in_blocks(columns, y, 4, 3, STRENGTHS)
    found = read(columns, y, 4, 3)
    # sums of products are added up instead of rows: 1e-8 is the least strength's part
    np.testing.assert_allclose(found.read[:, 0], expected, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.level[:, 0], level, rtol=1e-12)


def test_many_quantities_are_read_as_each_alone_and_rows_of_a_window_stay_together(rng):
    columns, y = rng.normal(size=(60, 3)), rng.normal(size=(60, 5))
    together = read(columns, y, 3, 2)
    for k in range(5):
        np.testing.assert_allclose(read(columns, y[:, k], 3, 2).read[:, 0], together.read[:, k])


def test_rows_of_a_window_are_fitted_and_read_together(rng):
    columns, y = rng.normal(size=(180, 3)), rng.normal(size=(180, 2))
    folds, samples = cut_in_blocks(np.arange(60), 3, 1), np.repeat(np.arange(60), 3)
    rows = read_off(columns, y, folds, samples)
    for number in range(3):
        own, fitted = folds.block[samples] == number, ~folds.near[number][samples]
        expected = np.tile(y[fitted].mean(axis=0), (60, 1))
        np.testing.assert_allclose(rows.level[own], expected, rtol=1e-12)


def test_a_column_that_never_changes_or_only_elsewhere_changes_nothing(rng):
    columns, y = rng.normal(size=(60, 3)), rng.normal(size=60)
    still = np.column_stack([columns, np.full(60, 1e9 + 1 / 3)])
    np.testing.assert_allclose(read(still, y, 3, 2).read, read(columns, y, 3, 2).read, rtol=1e-9)
    once = np.column_stack([columns, np.arange(60) == 0])
    assert np.isfinite(read(once, y, 3, 2).read).all()


def test_what_is_held_exactly_is_read_exactly(rng):
    columns = rng.normal(size=(90, 5))
    y = columns @ rng.normal(size=5) + 3.0
    assert read(columns, y, 3, 4).r2(y[:, None])[0] == pytest.approx(1.0, abs=1e-12)
    folds = cut_in_blocks(np.arange(90), 3, 4)
    whole = reading_of(columns, y, folds, np.arange(90))
    said = whole.level + (columns - whole.centre) @ whole.weights
    # the least strength shrinks by a part of 1e-8
    np.testing.assert_allclose(said, y, rtol=1e-6, atol=1e-6)


def test_a_direction_is_that_of_the_strongest_ridge_that_reads_as_well(rng):
    columns, blocks = rng.normal(size=(80, 4)), 4
    y = columns @ np.array([1.0, -0.2, 0.0, 0.1]) + rng.normal(size=80)
    folds = cut_in_blocks(np.arange(80), blocks, 3)
    losses = []
    for strength in STRENGTHS:
        own = []
        for number in range(blocks):
            says, _ = naive_ridge.fitted(columns, y, ~folds.near[number], strength)
            read_here = folds.block == number
            own.append(((y[read_here] - says(columns[read_here])) ** 2).sum())
        losses.append(own)
    total = np.sum(losses, axis=1)
    best = int(np.argmin(total))
    error = np.std(losses[best], ddof=1) * np.sqrt(blocks)
    chosen = max(k for k in range(len(STRENGTHS)) if total[k] <= total[best] + error)
    assert chosen > best
    scale = columns.std(axis=0)
    b = naive_ridge.ridge((columns - columns.mean(axis=0)) / scale, y - y.mean(), STRENGTHS[chosen])
    found = reading_of(columns, y, folds, np.arange(80))
    np.testing.assert_allclose(found.weights, b / scale, rtol=1e-8)


def test_blocks_with_gaps_do_not_flatter_as_the_regressions_own_samples_do():
    """Smooth series that have nothing to do with each other, 20 times."""
    own, blocked = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        columns = np.stack([smooth(rng, 400, 0.97) for _ in range(12)], axis=1)
        y = smooth(rng, 400, 0.97)
        centred, Z = y - y.mean(), columns - columns.mean(axis=0)
        left = centred - Z @ np.linalg.lstsq(Z, centred, rcond=None)[0]
        own.append(1 - left.var() / y.var())
        blocked.append(read(columns, y, 5, 20).r2(y[:, None])[0])
    assert np.mean(own) > 0.4
    assert np.mean(blocked) < 0


def test_no_window_that_is_fitted_shares_a_step_with_one_that_is_read(rng):
    steps = 7
    clock = rng.permutation(np.arange(0, 180, 2))
    folds = cut_in_blocks(clock, 4, steps)
    for number in range(4):
        read_here, fitted = clock[folds.block == number], clock[~folds.near[number]]
        assert np.abs(read_here[:, None] - fitted).min() > steps
        assert (np.diff(np.sort(read_here)) == 2).all()
    assert np.bincount(folds.block).max() - np.bincount(folds.block).min() <= 1
    with pytest.raises(DataError, match="4 blocks of 90 windows with 80 left out on either side"):
        cut_in_blocks(clock, 4, 80)


@pytest.mark.parametrize("count", [100, 101])
def test_surrogates_keep_mean_and_spectrum_and_how_steps_go_together(count, rng):
    y = np.stack([smooth(rng, count) + 3.0, smooth(rng, count) - 1.0], axis=1)
    y[:, 1] += y[:, 0]
    drawn = surrogates(y, [np.arange(count)], 4, rng)
    cross = np.conj(np.fft.rfft(y[:, 0])) * np.fft.rfft(y[:, 1])
    for other in drawn:
        size = np.abs(np.fft.rfft(other, axis=0))
        np.testing.assert_allclose(size, np.abs(np.fft.rfft(y, axis=0)), atol=1e-9)
        np.testing.assert_allclose(other.mean(axis=0), y.mean(axis=0))
        own = np.conj(np.fft.rfft(other[:, 0])) * np.fft.rfft(other[:, 1])
        np.testing.assert_allclose(own, cross, atol=1e-8)
        assert abs(np.corrcoef(other[:, 0], y[:, 0])[0, 1]) < 0.9
    assert len(np.unique(drawn[:, 0, 0])) == 4


def test_each_place_is_moved_round_within_itself(rng):
    clock = np.tile(np.arange(30), 2)
    groups = np.repeat(["a", "b"], 30)
    order = rng.permutation(60)
    places = in_time(clock[order], groups[order])
    y = (100 * (groups[order] == "b") + clock[order]).astype(float)[:, None]
    for moved in shifted(y, places, 9, rng)[..., 0]:
        for place, first in zip(places, (0, 100), strict=True):
            steps = np.diff(moved[place])
            assert set(moved[place]) == set(range(first, first + 30))
            assert np.sum(steps != 1) == 1 and 3 <= int(moved[place][0]) - first <= 27


def test_recent_inputs_and_moving_means_are_those_of_the_steps_up_to_the_one_asked(rng):
    x, site = rng.normal(size=(4, 12, 2)), rng.normal(size=(4, 3))
    real = np.ones((4, 12), dtype=bool)
    real[1, :8] = False
    steps = np.array([5, 11])
    recent = recent_inputs({"x": x, "site": site}, steps)
    assert recent.shape == (4, 2, 12 * 2 + 3)
    np.testing.assert_array_equal(recent[:, 1, :2], x[:, 11])
    np.testing.assert_array_equal(recent[:, 0, 10:12], x[:, 0])
    assert not recent[:, 0, 12:24].any()
    np.testing.assert_array_equal(recent[:, 0, 24:], site)
    means = moving_means({"x": x}, steps, real)
    # widths 1, 2, 4, 8 and the window
    np.testing.assert_allclose(means[0, 1, 4:6], x[0, 8:].mean(axis=0))
    np.testing.assert_allclose(means[0, 0, 8:10], x[0, :6].mean(axis=0))
    np.testing.assert_allclose(means[1, 1, 8:10], x[1, 8:].mean(axis=0))
    assert not means[1, 0].any()


def test_very_many_columns_become_their_leading_components(rng):
    few = rng.normal(size=(50, 3))
    many = few @ rng.normal(size=(3, COLUMNS + 20)) + 4.0
    kept = reduced(many)
    assert kept.shape == (50, COLUMNS)
    scaled = (many - many.mean(axis=0)) / many.std(axis=0)
    np.testing.assert_allclose((kept**2).sum(), (scaled**2).sum(), rtol=1e-9)
    assert reduced(few) is few


def test_interval_of_the_selectivity_holds_the_difference_in_most_draws():
    """Errors that depend on their neighbours, beside two controls; 60 draws."""
    inside = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        spread = np.ones(400)
        own, other, worse = (
            part + 0.05 * np.abs(smooth(rng, 400, 0.8)) for part in (0.2, 0.4, 0.6)
        )
        point, low, high = selectivity(
            own, spread, {"a": other, "b": worse, "c": 0.9 * spread}, rng, least=5
        )
        assert low <= point <= high
        inside.append(low <= 0.2 <= high)
    # 95 of 100 asked: fewer than 51 of 60 would come once in 700 such tests
    assert np.sum(inside) >= 51


def test_selectivity_counts_what_reads_worse_than_the_mean_as_nothing(rng):
    spread, bad, good = np.ones(50), np.full(50, 3.0), np.full(50, 0.25)
    assert selectivity(good, spread, {"a": bad}, rng, 1)[0] == pytest.approx(0.75)
    assert selectivity(bad, spread, {"a": bad}, rng, 1) == (0.0, 0.0, 0.0)
    assert selectivity(good, spread, {"a": 3 * spread, "b": 0.5 * spread}, rng, 1)[
        0
    ] == pytest.approx(0.25)
