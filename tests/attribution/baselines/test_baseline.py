"""What stands in for hidden inputs."""

import numpy as np
import pytest

from rnnlens.attribution.baselines import baseline
from rnnlens.attribution.baselines.baseline import make_baseline, unusual
from rnnlens.errors import DataError


def test_named_baselines_are_what_they_say(rng):
    x = rng.normal(size=(6, 5, 3))
    zero = make_baseline("zero", x).stand_in(x, None, 0)
    assert zero.shape == x.shape and not zero.any()
    mean = make_baseline("mean", x).stand_in(x, None, 0)
    for feature in range(3):
        total = sum(x[n, t, feature] for n in range(6) for t in range(5)) / 30
        np.testing.assert_allclose(mean[..., feature], total, rtol=1e-12)
    held_value = make_baseline("persistence", x).stand_in(x, None, 0)
    for n in range(6):
        for t in range(5):
            np.testing.assert_array_equal(held_value[n, t], x[n, 4])


def test_persistence_holds_the_newest_step_that_is_not_padding(rng):
    x = rng.normal(size=(2, 4, 3))
    real = np.array([[True, True, True, False], [True, True, False, False]])
    baseline = make_baseline("persistence", x, real=real).stand_in(x, real, 0)
    np.testing.assert_array_equal(baseline[0, 0], x[0, 2])
    np.testing.assert_array_equal(baseline[1, 0], x[1, 1])
    np.testing.assert_array_equal(baseline[0, 3], x[0, 3])


def test_backgrounds_are_distinct_windows_of_the_data_and_the_seed_repeats_them(rng):
    x, data = rng.normal(size=(3, 4, 2)), rng.normal(size=(50, 4, 2))
    first = make_baseline("background", x, background=data, count=10, seed=4)
    again = make_baseline("background", x, background=data, count=10, seed=4)
    other = make_baseline("background", x, background=data, count=10, seed=5)
    drawn = [next(k for k in range(50) if (data[k] == w[0]).all()) for w in first.windows]
    assert len(set(drawn)) == 10
    assert all((a == b).all() for a, b in zip(first.windows, again.windows, strict=True))
    assert any((a != b).any() for a, b in zip(first.windows, other.windows, strict=True))
    assert "10 of 50 background windows, seed 4" in first.text


@pytest.mark.parametrize("shape", [(3,), (5, 3), (4, 5, 3)])
def test_arrays_of_every_allowed_shape_stand_in(shape, rng):
    x, given = rng.normal(size=(2, 5, 3)), rng.normal(size=shape)
    baseline = make_baseline(given, x)
    assert len(baseline.windows) == (4 if len(shape) == 3 else 1)
    last = baseline.stand_in(x, None, len(baseline.windows) - 1)
    np.testing.assert_array_equal(last[1], np.broadcast_to(given, (4, 5, 3))[-1])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            "average",
            "no baseline is called 'average': give one of zero, mean, persistence, background",
        ),
        (np.zeros(4), r"shape \(4,\), but must be \(3,\), \(5, 3\) or \(background, 5, 3\)"),
        (np.zeros((0, 5, 3)), r"shape \(0, 5, 3\)"),
        (np.array([1.0, np.nan, 0.0]), "holds NaN or infinity"),
    ],
)
def test_baselines_that_do_not_fit_are_refused(given, sentence, rng):
    with pytest.raises(DataError, match=sentence):
        make_baseline(given, rng.normal(size=(2, 5, 3)))


def test_background_windows_of_another_shape_are_refused(rng):
    with pytest.raises(DataError, match=r"must have shape \(window, 5, 3\)"):
        make_baseline("mean", rng.normal(size=(2, 5, 3)), background=rng.normal(size=(9, 4, 3)))


def test_a_baseline_amid_the_data_is_usual_and_one_far_out_is_not(rng):
    x = rng.normal(size=(40, 10, 3)) * [1.0, 5.0, 0.1]
    assert unusual(make_baseline("mean", x), x) < 0.01
    assert unusual(make_baseline(np.array([0.0, 0.0, 2.0]), x), x) == 1.0
    typical = unusual(make_baseline("background", x), x)
    assert 0.4 < typical < 0.6  # real windows are spread evenly over the data's ranks


def test_of_large_data_every_step_of_a_window_is_looked_at(monkeypatch):
    monkeypatch.setattr(baseline, "MOST_STEPS", 200)
    hours = np.tile(np.arange(24.0), (100, 1))[..., None]  # windows that all begin at midnight
    # 2,400 steps, of which each 12th would be midnights and noons alone; 12 is among 24 hours
    assert baseline.apart(2400, 24, most=200) == 13
    place = unusual(make_baseline(np.array([0.0]), hours), hours)
    assert 0.9 < place < 1.0  # midnight is one of two hours that lie furthest from the mean


def test_too_few_steps_give_no_verdict_on_the_baseline(rng):
    x = rng.normal(size=(1, 4, 3))
    assert np.isnan(unusual(make_baseline("mean", x), x))
