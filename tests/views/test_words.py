"""The sentences say what the numbers say, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlens.views.words.explanation import lag_sentences, percent


def test_the_two_sentences_carry_the_numbers(make_lags):
    share = np.array([0.41, 0.2, 0.12, 0.08, 0.05, 0.04, 0.013, 0.01, 0.054, 0.02, 0.003])
    lags = make_lags(share, low=np.full(11, 0.002), high=np.full(11, 0.004))
    first, second = lag_sentences(lags)
    assert first == (
        "Of all that moved the forecast of temp 6 h ahead away from its baseline, 41 % came from "
        "the newest hour (t-1), and at least 90 % came from the newest 6 hours."
    )
    assert second == (
        "The input at t-11 carries 0.3 % (95 % interval 0.2 to 0.4 %); that is a share of what the "
        "network computed, not yet a proof that it is irrelevant."
    )


def test_shares_that_make_ninety_percent_exactly_count_as_reaching_it(make_lags):
    first, _ = lag_sentences(make_lags([0.3, 0.3, 0.1, 0.1, 0.1, 0.1]))
    assert "the newest 5 hours" in first


def test_an_older_player_is_named_by_its_lags(make_lags):
    share = [0.3, 0.2, 0.2, 0.3]
    first, second = lag_sentences(make_lags(share, lag_to=[1, 2, 3, 24]))
    assert "the newest 3 hours carry 70 %, the 21 older ones together the rest" in first
    assert second.startswith("The inputs from t-4 to t-24 together carry 30 % (95 % interval 27 to")
    assert "irrelevant" not in second
    assert "not of what causes temp" in second


def test_a_largest_share_elsewhere_and_ties_are_told(make_lags):
    first, _ = lag_sentences(make_lags([0.1, 0.5, 0.2, 0.2]))
    assert "(the largest share, 50 %, came from t-2)" in first
    tied, _ = lag_sentences(make_lags([0.1, 0.4, 0.1, 0.4]))
    assert "(the largest share, 40 % each, came from t-2 and t-4)" in tied
    equal, _ = lag_sentences(make_lags([0.25, 0.25, 0.25, 0.25]))
    assert "largest" not in equal
    assert "all 4 hours are needed to reach 90 %" in equal


def test_one_lag_carries_everything_by_construction(make_lags):
    first, second = lag_sentences(make_lags([1.0]))
    assert "a single step" in first
    assert "by construction" in second
    together, _ = lag_sentences(make_lags([1.0], lag_to=[24]))
    assert "All lags were taken together" in together
    assert "(t-1 to t-24)" in together


def test_a_newest_step_that_carries_it_all_is_said_alone(make_lags):
    first, second = lag_sentences(make_lags([0.97, 0.03, 0.0]))
    assert "that hour alone carries at least 90 %" in first
    assert second.startswith("The input at t-3 carries no share at all in these samples")
    assert "not yet a proof" in second


@pytest.mark.parametrize("share", [[0.0, 0.0], [np.nan, np.nan]])
def test_a_forecast_that_nothing_moved_is_said_to_be_one(share, make_lags):
    first, second = lag_sentences(make_lags(share))
    assert first.startswith("Nothing moved the forecast of temp 6 h ahead")
    assert "No lag has a share" in second


def test_what_is_not_known_is_left_out(make_lags):
    nan = np.full(2, np.nan)
    first, second = lag_sentences(
        make_lags([0.6, 0.4], low=nan, high=nan, step="3h", lead="", target="")
    )
    assert "the forecast of the output away" in first
    assert "the newest step (t-1)" in first
    assert "interval" not in second


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100 %"),
        (0.0998, "10 %"),
        (0.0994, "9.9 %"),
        (0.00004, "0.004 %"),
        (0.995, "over 99 %"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_to_nothing(share, text):
    assert percent(share) == text
