"""Means by hour and season, and that what never changes contributes nothing."""

import numpy as np
import pytest

from networks import forecaster
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.baselines.grouped import CALENDAR, Groups, calendar_groups, step_times
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.errors import DataError


def naive_hourly(x, issued_hours, data, data_hours):
    found = np.zeros_like(x)
    steps, features = x.shape[1:]
    for n in range(len(x)):
        for t in range(steps):
            hour = (issued_hours[n] - (steps - 1 - t)) % 24
            for f in range(features):
                same = [
                    data[w, s, f]
                    for w in range(len(data))
                    for s in range(steps)
                    if (data_hours[w] - (steps - 1 - s)) % 24 == hour
                ]
                found[n, t, f] = sum(same) / len(same)
    return found


def test_the_hourly_mean_is_the_mean_over_the_same_hour_of_all_windows(rng):
    data, x = rng.normal(size=(40, 5, 2)), rng.normal(size=(3, 5, 2))
    begin = np.datetime64("2024-02-28T22", "h")
    data_issued = begin + np.arange(40)
    issued = data_issued[[3, 17, 30]]
    hour = np.timedelta64(1, "h")
    groups = Groups(
        calendar_groups(step_times(issued, hour, 5), "hourly mean"),
        calendar_groups(step_times(data_issued, hour, 5), "hourly mean"),
    )
    found = make_baseline("hourly mean", x, background=data, groups=groups).stand_in(x, None, 0)
    hours = [(22 + k) % 24 for k in range(40)]
    wanted = naive_hourly(x, [hours[3], hours[17], hours[30]], data, hours)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_calendar_numbers_are_those_of_the_calendar():
    times = np.array(["1969-12-31T23:59", "2024-02-29T00:01", "2023-06-01T12:00"], "M8[m]")
    assert calendar_groups(times, "hourly mean").tolist() == [23, 0, 12]
    assert calendar_groups(times, "monthly mean").tolist() == [12, 2, 6]
    # December, January and February are one season
    assert calendar_groups(times, "seasonal mean").tolist() == [1, 1, 3]


def test_a_feature_that_never_changes_contributes_exactly_zero(rng):
    network = forecaster("lstm", rng)
    x = rng.normal(size=(30, 7, 3))
    x[..., 1] = 0.1  # whose mean over 210 steps is not 0.1 in floating point
    assert x.mean(axis=(0, 1))[1] != 0.1
    numbers = np.broadcast_to(np.arange(7) % 3, (30, 7))
    groups = Groups(numbers, numbers)
    for name in ("mean", "persistence", "background", *CALENDAR):
        baseline = make_baseline(name, x, groups=groups)
        found = secant(question(network, entries(network, x), ResolvedTarget((0,)), baseline))
        assert (found.contribution[..., 1] == 0.0).all(), name
        assert (found.contribution[..., 0] != 0.0).any(), name


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        (None, "'hourly mean' needs the time of every step, but none came"),
        (
            Groups(np.zeros((2, 5), int), np.zeros((3, 5), int)),
            r"group numbers must have shape \(2, 5\), but came with \(3, 5\)",
        ),
        (
            Groups(np.full((2, 5), 7), np.zeros((2, 5), int)),
            "'hourly mean' has no data for hour 7, which the explained windows have",
        ),
    ],
)
def test_groups_that_do_not_fit_are_refused(groups, sentence, rng):
    with pytest.raises(DataError, match=sentence):
        make_baseline("hourly mean", rng.normal(size=(2, 5, 1)), groups=groups)


def test_row_numbers_are_no_times():
    with pytest.raises(DataError, match="needs the time of every step, but the windows have none"):
        calendar_groups(np.arange(4), "monthly mean")


def test_background_windows_that_hold_nan_are_refused(rng):
    data = rng.normal(size=(4, 5, 1))
    data[2, 3, 0] = np.nan
    with pytest.raises(DataError, match=r"background windows hold nan at index \(2, 3, 0\)"):
        make_baseline("mean", rng.normal(size=(2, 5, 1)), background=data)
