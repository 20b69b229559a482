"""The answers that a page opens with claim what their evidence says; its tables stop in time."""

import numpy as np
import pytest
import xarray as xr

from rnnlens.views.report.rows import ENOUGH, error_table, feature_table, lag_table
from rnnlens.views.report.text import MINUS, page_text
from rnnlens.views.words.page.answers import (
    fidelity_answer,
    forecast_answer,
    inputs_answer,
    lags_answer,
    trust_answer,
)

REFERENCES = ["forecast", "persistence", "mean", "season", "linear"]


def checked(verdict, errors=(3.0, 4.0, 9.0, 5.0, 3.5), better=(np.nan, 5.0, 9.0, 1.0, -4.0)):
    values = {"error": errors, "rmse": np.array(errors) * 1.3, "better": better}
    return xr.Dataset(
        {name: ("reference", np.array(value)) for name, value in values.items()},
        coords={"reference": REFERENCES},
        attrs={
            "verdict": verdict, "judged": 100, "measure": "MAE", "unit": "F", "season_of": "day",
            "mean_of": "what happened", "target": "temp", "cautioned": 0,
        },
    )  # fmt: skip


def shares(values, low=None):
    count = len(values)
    lags = xr.Dataset(
        {"share": ("lag", np.array(values)), "mean_contribution": ("lag", np.array(values) * 1234)},
        coords={"lag": np.arange(1, count + 1)},
        attrs={"unit": "F", "step": "1h", "target": "temp"},
    )
    if low is not None:
        lags["share_low"], lags["share_high"] = lags["share"] * 0.9, lags["share"] * 1.1
    return lags


@pytest.mark.parametrize(
    ("verdict", "start", "mood"),
    [
        ("better", "Yes", "good"),
        ("no better", "Not shown", "care"),
        ("worse", "No.", "care"),
        ("leak", "Doubtful", "care"),
        ("not known", "Not known", "open"),
    ],
)
def test_only_a_forecast_that_is_better_beyond_noise_is_called_good(verdict, start, mood):
    answer = forecast_answer(checked(verdict), "temp")
    assert answer.short.startswith(start)
    assert answer.mood == mood
    assert "errs by 3 F on average" in answer.text
    assert "nothing will change errs by 4 F" in answer.text


def test_a_straight_line_that_errs_less_is_named():
    errors = (3.0, 4.0, 9.0, 5.0, 2.5)
    assert "errs by less, 2.5 F" in forecast_answer(checked("better", errors), "temp").text
    assert "by less" not in forecast_answer(checked("better"), "temp").text


def test_without_a_check_nothing_is_said_of_the_forecast():
    answer = forecast_answer(None, "temp")
    assert (answer.short, answer.text, answer.mood) == ("Not judged.", "", "open")


def test_the_table_of_errors_tells_better_from_not_told_apart_and_worse():
    rows = {row[0]: row[-1] for row in error_table(checked("better")).rows}
    assert list(rows.values()) == ["", "better", "better", "not told apart", "worse"]


@pytest.mark.parametrize(("agrees", "short"), [(1, "Yes."), (0, "No. It does not compute")])
def test_fidelity_is_yes_only_where_both_were_run_and_agree(agrees, short):
    fidelity = xr.Dataset(
        {"largest_difference": ("output", [4e-7])},
        attrs={"agrees": agrees, "samples": 2043, "against": "Keras 3"},
    )
    answer = fidelity_answer(fidelity)
    assert answer.short.startswith(short)
    assert "In 2,043 windows its outputs differ from those of Keras 3 by 4e-07" in answer.text
    assert fidelity_answer(None).short == "Not checked."


def explained(important, features=3):
    return xr.Dataset(
        {"contribution": (("sample", "lag", "feature"), np.ones((2, 4, features)))},
        coords={"feature": [f"f{k}" for k in range(features)]},
        attrs={"important": important, "unit": "F"},
    )


def test_the_inputs_that_matter_are_named_the_first_alone_where_it_stands_out():
    two = inputs_answer(explained('[["temp", 0.5], ["dewp", 0.3]]'))
    assert two.short == "Mostly temp and dewp."
    one = inputs_answer(explained('[["temp", 0.8], ["dewp", 0.1]]'))
    assert one.short == "Mostly temp."
    assert "temp 80 %, dewp 10 %" in one.text
    assert inputs_answer(explained("[]")).short == "Nothing stands out."
    long = inputs_answer(explained(f'[["{"n" * 300}", 0.8]]'))
    assert len(long.short) < 60


def test_how_far_back_is_said_of_a_test_alone():
    lags = shares([0.6, 0.3, 0.08, 0.02])
    untested = lags_answer(lags, None)
    assert untested.short == "Mostly at what is newest."
    assert "The newest 2 h carry 90 %" in untested.text
    assert "was not tested" in untested.text
    even = lags_answer(shares([0.25, 0.25, 0.25, 0.25]), None)
    assert even.short == "Not settled within its window of 4 h."
    about = {"looks_back": 3, "steps": 4, "step": "1h", "margin": 0.0351, "loss_unit": "F"}
    tested = lags_answer(lags, xr.Dataset(attrs=about))
    assert tested.short == "3 h."
    assert "by less than 0.036 F" in tested.text  # rounded up
    open_end = lags_answer(lags, xr.Dataset(attrs={**about, "looks_back": 4}))
    assert open_end.short == "Not settled within its window of 4 h."
    assert lags_answer(lags, xr.Dataset(attrs={**about, "looks_back": 0})).short == "Nowhere."


def test_warnings_are_counted_and_a_residual_that_is_rounding_is_not_a_number():
    assert trust_answer([], 1e-14, 10.0, "F").text.endswith("sum to its forecast.")
    assert "to 0.001 F" in trust_answer([], 1e-3, 10.0, "F").text
    assert trust_answer(["A."], 0.0, 1.0, "").short == "With 1 warning."
    assert trust_answer(["A.", "B."], 0.0, 1.0, "").short == "With 2 warnings."


def test_a_table_stops_at_99_percent_of_its_sum_and_says_what_is_left():
    values = np.r_[0.7, 0.2, 0.09, np.full(10, 0.001)]
    table = lag_table(shares(values / values.sum()))
    assert len(table.rows) == 3
    assert len(table.others) == 10
    assert table.said == "10 more rows, with 1 % of the sum"
    assert sum(values[:3]) / values.sum() >= ENOUGH
    even = lag_table(shares(np.full(24, 1 / 24)))
    assert not even.others


def test_the_largest_inputs_come_first_and_no_table_is_longer_than_a_screen_or_two():
    table = feature_table(explained("[]", features=500))
    assert len(table.rows) == 40
    assert len(table.others) == 460


def test_numbers_have_thousands_and_one_minus():
    rows = lag_table(shares([0.9, 0.1])).rows
    assert rows[0][-1] == "+1,111 F"
    assert page_text("-3.5 F, +2 and -0.1e-05; t-3, 2013-10-01, 24-48") == (
        f"{MINUS}3.5 F, +2 and {MINUS}0.1e{MINUS}05; t-3, 2013-10-01, 24-48"
    )
