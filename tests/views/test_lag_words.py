"""The two sentences say what the numbers show, branch by branch, and no more."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from rnnlens.views.tables.lags import evidence_cells, evidence_summary, made_how
from rnnlens.views.words.lags import evidence_sentences, when_used

TESTED = {
    "looks_back": 2,
    "looks_back_p": 0.002,
    "steps": 4,
    "alpha": 0.05,
    "margin": 0.0336,
    "margin_text": "1 % of the mean absolute error",
    "loss": "absolute",
    "question": "how much worse this network forecasts: the change of its absolute error",
    "blind": 0,
    "loss_unit": "F",
    "mean_loss": 3.36,
    "interval": 0.9,
    "correction": "Holm (family-wise error)",
    "sampler": "a normal distribution",
    "sampler_fit": "the sampler fits",
    "sampler_fits": 1,
    "tested": 300,
    "draws_per_window": 5,
}
CERTIFIED = {
    "certified": 200,
    "certified_of": 300,
    "free": "all features of one lag that are not held, together",
    "whole": 1,
    "questions": 800,
    "questions_undecided": 0,
    "range": "0.1 to 99.9 % of the data",
    "tolerance": 0.1,
    "tolerance_text": "as given",
}
ABOUT = {
    "target": "temp",
    "unit": "F",
    "step": "1h",
    "by": "lag",
    "samples": 300,
    "method": "secant",
    "baseline": "mean",
    "confidence": 0.95,
    "max_residual": 1e-13,
}
USUAL = ["used", "used", "equivalent", "equivalent"]


DRAWN = {
    "replacements": 4603,
    "replacements_all": 0,
    "replacements_confidence": 0.99,
    "observed_windows": 5000,
    "tolerance": 0.1,
}


def table(
    verdict=tuple(USUAL), *, tested=True, certified=True, exceeded=None, dims=("lag",), **attrs
):
    """Make a result of ``lags`` with these verdicts."""
    count = len(verdict)
    if exceeded is not None:
        attrs = {**DRAWN, **attrs}
    share = np.linspace(0.4, 0.1, count)
    columns = {"share": share, "share_low": share - 0.01, "share_high": share + 0.01}
    if certified:
        columns |= {
            "largest_bound": np.array([4.0001, 0.3, 0.0901, 0.02, 0.01, 0.01])[:count],
            "largest_attained": np.array([3.999, 0.29, 0.08, 0.01, 0.0, 0.0])[:count],
            "refuted": np.full(count, 7),
        }
    if tested:
        columns |= {
            "p_used": np.full(count, 0.004),
            "p_equivalent": np.full(count, 0.03),
            "error_change": np.full(count, 0.01),
            "error_change_low": np.full(count, -0.0001),
            "error_change_high": np.full(count, 0.02),
        }
    if exceeded is not None:
        columns |= {
            "observed_largest": np.full(count, 0.2),
            "observed_exceeded": np.array(exceeded),
            "observed_share": np.where(np.array(exceeded) == 0, 0.0010000001, 0.01),
        }
    found = xr.Dataset(
        {name: (dims, values) for name, values in columns.items()},
        coords={dims[0]: np.arange(1, count + 1) if dims == ("lag",) else list("abcdef")[:count]},
        attrs={**ABOUT, **(TESTED if tested else {}), **(CERTIFIED if certified else {}), **attrs},
    )
    if dims == ("lag",):
        found = found.assign_coords(lag_to=("lag", found["lag"].values))
    found["verdict"], found["rung"] = (dims, list(verdict)), (dims, [""] * count)
    return found


def test_the_usual_answer_has_reach_use_proof_and_equivalence():
    first, second = evidence_sentences(table())
    assert first == (
        "The forecast of temp looks back 2 h: hiding everything older than t-2 together changes "
        "its mean absolute error by less than 0.034 F, at 5 % family-wise."
    )
    assert second == (
        "The input at t-2 is the oldest that is used, at most by 0.3 F (proven in all 200 windows "
        "tried); older than t-2 it is irrelevant: proven each lag within 0.0901 F in all 200 "
        "windows tried, and equivalent over the data set (p = 0.002)."
    )


def test_where_features_were_freed_alone_nothing_is_said_to_be_proven_of_a_whole_lag():
    _, second = evidence_sentences(table(whole=0))
    assert "at most by 0.3 F, one feature at a time (proven in all 200 windows tried)" in second
    assert (
        "irrelevant: equivalent over the data set (p = 0.002), where one feature of one lag moves "
        "it by at most 0.0901 F (proven in all 200 windows tried)"
    ) in second


def test_without_certificates_nothing_is_said_to_be_proven():
    text = " ".join(evidence_sentences(table(certified=False)))
    assert "proven" not in text
    assert "The input at t-2 is the oldest that is used (p = 0.004)" in text
    assert "irrelevant: equivalent over the data set (p = 0.002)." in text


@pytest.mark.parametrize("whole", [0, 1])
def test_without_a_test_only_certificates_of_whole_lags_make_a_lag_irrelevant(whole):
    verdict = ["refuted", "refuted", "proven", "proven"] if whole else ["refuted"] * 4
    first, second = evidence_sentences(table(verdict, tested=False, whole=whole))
    assert first == "How far back the forecast of temp looks was not tested."
    assert second.startswith("No lag was tested; ")
    if whole:
        assert second.endswith(
            "older than t-2 each lag is irrelevant for the windows tried: proven each lag within "
            "0.0901 F in all 200 windows tried."
        )
    else:
        assert second.endswith("no lag was shown to be irrelevant.")


def test_failing_to_find_a_use_is_no_irrelevance():
    first, second = evidence_sentences(
        table(["undecided"] * 4, looks_back=4, looks_back_p=1.0, certified=False)
    )
    assert first == (
        "How far back the forecast of temp looks is not bounded within its window of 4 h: not even "
        "for t-4 alone could the test show that hiding it changes its mean absolute error by less "
        "than 0.034 F, at 5 % family-wise."
    )
    assert second == "No lag was shown to be used by itself; no lag was shown to be irrelevant."


def test_lags_that_are_equivalent_each_are_not_said_to_be_so_together():
    _, second = evidence_sentences(table(["used", *["equivalent"] * 3], looks_back=4))
    assert second.startswith("The input at t-1 is used at most by 4.01 F")  # 4.0001, rounded up
    assert "3 of 4 lags are equivalent each by itself, which does not make them irrel" in second


def test_weights_that_are_zero_are_said_to_be_why():
    verdict = ["used", "used", "structural", "structural"]
    _, second = evidence_sentences(table(verdict))
    end = "older than t-2 it is irrelevant: no weight leads from there to the forecast."
    assert second.endswith(end)
    _, untested = evidence_sentences(table(verdict, looks_back=4))
    assert untested.endswith("each lag is irrelevant: no weight leads from there to the forecast.")


def test_a_network_that_uses_nothing_is_said_to_use_nothing():
    first, second = evidence_sentences(table(["equivalent"] * 4, looks_back=0, certified=False))
    assert first.startswith(
        "The forecast of temp uses none of its window: hiding all of it changes"
    )
    assert second == (
        "No lag was shown to be used by itself; all of it is irrelevant: equivalent over the data "
        "set (p = 0.002)."
    )


def test_a_sampler_that_does_not_fit_is_said_beside_what_rests_on_it():
    found = table(sampler_fits=0, sampler_fit="the sampler does not fit 2 of 4 parts")
    assert (
        "equivalent over the data set (p = 0.002, by a sampler that does not fit)"
        in (evidence_sentences(found)[1])
    )
    assert any(line.startswith("CAUTION: Drawn from a normal") for line in made_how(found))
    unknown = table(sampler_fits=-1)  # too few windows to tell
    assert "does not fit" not in evidence_sentences(unknown)[1]


def test_without_actuals_the_forecast_moves_and_no_error_is_spoken_of():
    first, _ = evidence_sentences(table(blind=1))
    assert "hiding everything older than t-2 together moves it by less than 0.034 F" in first
    assert "error" not in first


def test_steps_without_times_are_steps():
    first, _ = evidence_sentences(table(step="", unit="", loss_unit="", target=""))
    assert first.startswith("The forecast of the output looks back 2 steps: ")


def test_features_are_listed_by_verdict():
    verdict = ["used", "equivalent", "structural", "refuted", "undecided"]
    found = table(verdict, dims=("feature",), by="feature", whole=0)
    assert evidence_sentences(found)[1] == (
        "Of its inputs, a is used; c is irrelevant by the weights; b is equivalent over the data "
        "set; d is able to move the forecast, with no verdict over the data set; e is undecided."
    )
    held = table(["held"], dims=("feature",), by="feature", whole=0)
    assert evidence_sentences(held)[1] == "All of its inputs are held."


@pytest.fixture
def hours():
    return np.datetime64("2013-01-01T00", "ns") + np.arange(0, 8760, 7) * np.timedelta64(1, "h")


def test_a_season_and_part_of_the_day_are_named_where_changes_are_larger_there(hours, rng):
    months, day = hours.astype("datetime64[M]").astype(int) % 12, hours.astype("datetime64[h]")
    winter, early = np.isin(months, [11, 0, 1]), day.astype(int) % 24 // 6 == 1
    moved = rng.uniform(0.9, 1.1, len(hours))
    assert when_used(moved, hours) == ""
    named = when_used(np.where(winter & early, 2.0, 1.0) * moved, hours)
    assert named == "in December to February, 06 to 12 h UTC"
    assert when_used(np.where(winter, 2.0, 1.0) * moved, hours).startswith("in December to Febr")
    assert when_used(np.where(early, 2.0, 1.0) * moved, hours).startswith("from 06 to 12 h UTC")
    local = when_used(np.where(early, 2.0, 1.0) * moved, hours, "Shanghai time")
    assert local == "from 06 to 12 h Shanghai time"
    assert when_used(np.where(winter, 1.3, 1.0) * moved, hours) == ""  # not half as much again


def test_a_season_of_few_windows_is_not_named(hours):
    few = hours[:19]
    rest = hours[hours >= np.datetime64("2013-06-01")]
    issued = np.concatenate([few, rest])
    moved = np.where(np.arange(len(issued)) < len(few), 9.0, 1.0)
    assert when_used(moved, issued) == ""


def test_when_is_said_of_the_oldest_lag_that_is_used(hours):
    found = table()
    winter = np.isin(hours.astype("datetime64[M]").astype(int) % 12, [11, 0, 1])
    moved = np.ones((len(hours), 4))
    moved[:, 1] = np.where(winter, 2.0, 1.0)
    found["moved"] = (("tried", "lag"), moved)
    found = found.assign_coords(tried_issued=("tried", hours))
    second = evidence_sentences(found)[1]
    assert second.startswith(
        "The input at t-2 is the oldest that is used, most when issued in December to February"
    )
    assert ", at most by 0.3 F (proven in all 200 windows tried)" in second


def test_cells_never_claim_more_than_the_numbers(rng):
    found = table()
    headings, rows = evidence_cells(found)
    bound, attained = headings.index("proven\nat most"), headings.index("attained")
    for place, row in enumerate(rows):
        assert float(row[bound]) >= float(found["largest_bound"][place])
        assert float(row[attained]) <= float(found["largest_attained"][place])
    assert [row[-2] for row in rows] == USUAL
    assert rows[0][-1] == "p = 0.004"
    assert rows[3][-1] == "p = 0.03"
    assert rows[0][headings.index("error\nif hidden") + 1] == "+0.000 to +0.020"  # and never -0.000


def test_the_summary_is_plain_and_holds_every_column_and_sentence():
    found = evidence_summary(table())
    assert [row["lag"] for row in found["lags"]] == [1, 2, 3, 4]
    assert {"largest_bound", "error_change_low", "verdict", "rung"} <= set(found["lags"][0])
    assert tuple(found["sentences"]) == evidence_sentences(table())
    assert "features" in evidence_summary(table(["used"], dims=("feature",), by="feature"))


def test_what_is_missing_and_what_is_undecided_is_said():
    found = table(tested=False, missing="no test over the data set: 20 windows are too few",
                  questions_undecided=3)  # fmt: skip
    text = " ".join(made_how(found))
    assert "(800 questions, 3 undecided)" in text
    assert "Missing: no test over the data set: 20 windows are too few." in text
    assert "Error if hidden" not in text


def test_certificates_that_stopped_at_a_refuted_row_are_not_called_undecided():
    found = table(questions_undecided=5, questions_undecided_in_refuted_rows=3)
    said = "(800 questions, 2 undecided, 3 left, for another refutes their row)"
    assert said in " ".join(made_how(found))


@pytest.mark.parametrize("whole", [0, 1])
def test_where_no_bound_was_sought_what_was_attained_is_said(whole):
    found = table(whole=whole)
    found["largest_bound"][1:] = np.inf
    second = evidence_sentences(found)[1]
    by = "by as much as 0.289 F" if whole else "by as much as 0.289 F, one feature at a time"
    assert f"oldest that is used, {by} (200 windows tried)" in second
    what = "one lag" if whole else "one feature of one lag"
    assert f"where a value of {what} was found that moves it by 0.08 F (200 windows" in second
    assert "proven" not in second
    how = " ".join(made_how(found))
    assert "Proven at most, attained: " in how
    assert "No bound is sought of a row that a counter-example refutes; rnnlens certify" in how
    headings, cells = evidence_cells(found)
    assert [row[headings.index("proven\nat most")] for row in cells] == ["4.1", "", "", ""]


def test_a_column_of_bounds_is_not_shown_where_none_was_sought():
    found = table()
    found["largest_bound"][:] = np.inf
    headings, cells = evidence_cells(found)
    assert "proven\nat most" not in headings
    assert [row[headings.index("attained")] for row in cells] == [
        "3.999",
        "0.289",
        "0.080",
        "0.010",
    ]
    assert "Attained: " in " ".join(made_how(found))


def test_of_what_was_not_asked_nothing_is_said_to_be_refuted():
    found = table(questions_not_asked=3, certificates_ended="time")
    found["largest_bound"][1:], found["refuted"][1:] = np.inf, 0
    assert "No bound is sought" not in " ".join(made_how(found))


def test_draws_of_observed_values_are_said_where_none_exceeded():
    said = evidence_sentences(table(exceeded=[9, 2, 0, 0]))[1]
    assert (
        "equivalent over the data set (p = 0.002), in 4,603 draws of observed values of each of "
        "them none moved it by more than 0.1 F (with 99 % confidence at most 0.101 % do)"
    ) in said
    assert said.count("proven") == evidence_sentences(table())[1].count("proven")


def test_draws_are_not_said_where_some_older_lag_exceeded():
    assert "draws" not in evidence_sentences(table(exceeded=[9, 2, 1, 0]))[1]


def test_all_pairs_leave_no_share_to_bound():
    said = evidence_sentences(table(exceeded=[9, 2, 0, 0], replacements_all=1))[1]
    assert "observed values of each of them never move it by more than 0.1 F" in said
    assert "confidence" not in said


def test_bounded_lags_are_no_claim_about_all_of_them_together():
    verdicts = ["undecided", "bounded", "bounded", "undecided"]
    said = evidence_sentences(table(verdicts, tested=False, certified=False, exceeded=[1, 0, 0, 1]))
    assert "2 of 4 lags are bounded each by itself, which does not make them" in said[1]


def test_the_draws_are_described_below_the_table():
    lines = " ".join(made_how(table(exceeded=[9, 2, 0, 0])))
    assert "what 5,000 windows hold there, in 4,603 draws; in 2 rows none moved" in lines
    assert "in every row some moved" in " ".join(made_how(table(exceeded=[9, 2, 1, 1])))
    cells = evidence_cells(table(["used", "bounded", "bounded", "used"], exceeded=[9, 0, 0, 1]))[1]
    assert [row[-1] for row in cells if row[-2] == "bounded"] == ["4,603 draws"] * 2


@pytest.mark.parametrize(
    ("hour", "part"),
    [(0, "00 to 06 h"), (5, "00 to 06 h"), (6, "06 to 12 h"), (11, "06 to 12 h"),
     (17, "12 to 18 h"), (18, "18 to 24 h"), (23, "18 to 24 h")],
)  # fmt: skip
def test_a_part_of_the_day_holds_its_first_and_its_last_hour(hour, part):
    days = np.datetime64("2013-06-02T00", "ns") + np.arange(60) * np.timedelta64(24, "h")
    other = (hour + 12) % 24
    issued = np.concatenate([days + np.timedelta64(h, "h") for h in (hour, other)])
    moved = np.repeat([2.0, 1.0], len(days))
    assert when_used(moved, issued) == f"in June to August, {part} UTC"
