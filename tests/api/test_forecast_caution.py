"""Every answer about a forecast says how good it is, and warns where it is none."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

import rnnlens
from rnnlens.demo.weather import demo_files, weather_windows
from rnnlens.series.scaling import Scaling
from rnnlens.views.tables.certificates import certificate_sentence
from rnnlens.views.tables.lags import evidence_cells, evidence_summary, evidence_view
from rnnlens.views.words.forecast import forecast_line, verdict_sentence, with_caution
from rnnlens.views.words.lags import evidence_sentences
from rnnlens.views.words.trust import trust_findings

CLAIMS = ("irrelevant", "uses none", "proven", "equivalent", "looks back")


#: Shares by one way back, with few draws of intervals, which are not looked at.
QUICK = rnnlens.Shares(method="secant", draws=20)


@pytest.fixture(scope="module")
def net():
    return rnnlens.read(demo_files().network)


@pytest.fixture(scope="module")
def right():
    return weather_windows().select(slice(0, 400))


@pytest.fixture(scope="module")
def wrong(right):
    """The same windows with their scaling forgotten."""
    none = Scaling(np.zeros(10), np.ones(10))
    return replace(right, values=right.original.copy(), feature_scaling=none, target_scaling=none)


@pytest.fixture(scope="module")
def table(net, wrong):
    few = wrong.select(slice(0, 160))
    return rnnlens.lags(
        net, few, target="temp", certificates=None, test=rnnlens.Test(replacements=20)
    )


def test_no_verdict_of_irrelevance_is_said_without_the_caution(table):
    caution = table.attrs["caution"]
    assert caution.startswith("CAUTION: the forecast of temp is worse than knowing nothing (MAE ")
    assert "instead of" in caution
    claims = [one for one in evidence_sentences(table) if any(word in one for word in CLAIMS)]
    assert claims and all(caution in one for one in claims)
    headings, cells = evidence_cells(table)
    at = headings.index("verdict")
    sure = {"structural", "proven", "bounded", "equivalent"}
    assert not sure & {row[at] for row in cells}
    assert {row[at].removesuffix(" (CAUTION)") for row in cells} & sure


def test_the_first_sentence_says_how_good_it_is_and_what_matters_most_in_order(net, right, table):
    first = evidence_summary(table)["sentences"][0]
    assert first.startswith("The forecast of temp: MAE ") and "what moves it most is " in first
    some = right.select(slice(0, 120))
    asked = {"target": "temp", "certificates": None, "test": None, "shares": QUICK}
    sound = rnnlens.lags(net, some, **asked)
    first = evidence_summary(sound)["sentences"][0]
    assert "CAUTION" not in first and "persistence" in first
    shares = rnnlens.lags(net, some, by="feature", **asked)
    best = str(shares.feature.values[int(np.argmax(shares.share.values))])
    assert f"what moves it most is {best} (" in first


def test_trust_never_holds_what_is_no_forecast(net, wrong, right):
    def itself(page):
        (found,) = [each for each in trust_findings(page) if each.check == "the forecast itself"]
        return found

    found = itself(rnnlens.trust(net, wrong, target="temp", windows=8))
    assert found.verdict == "fails" and "CAUTION" in found.sentence
    found = itself(rnnlens.trust(net, right, target="temp", windows=8))
    assert found.verdict == "holds" and "for persistence" in found.sentence
    # without what happened there is nothing to hold
    blind = rnnlens.trust(net, right.values, target=0, windows=8)
    assert itself(blind).verdict == "not known"


def test_certificates_and_explanations_carry_it_too(net, wrong, right):
    one = wrong.select(slice(-1, None))
    quick = rnnlens.Certificates(range=0.5, budget=2)
    proof = rnnlens.certify(
        net, one, lag=1, features="temp", target="temp", background=wrong, certificates=quick
    )
    assert proof.attrs["caution"] and proof.attrs["caution"] in certificate_sentence(proof)
    explained = rnnlens.explain(net, one, target="temp", method="secant", background=wrong)
    assert explained.attrs["forecast_verdict"] == "worse"
    sound = rnnlens.explain(net, right, target="temp", method="secant")
    assert sound.attrs["caution"] == "" and sound.attrs["forecast_check"].startswith("MAE ")


def test_several_targets_are_checked_one_by_one(net, right):
    both = rnnlens.explain(net, right, target=["temp", "humid"], method="secant")
    lines = both.attrs["forecast_check"]
    assert "temp: MAE" in lines and "humid: MAE" in lines
    assert both.attrs["forecast_verdict"] in {"better", "better, no better"}


def test_the_check_writes_nothing_to_what_it_was_given(net, wrong):
    before = wrong.values.copy(), wrong.actual.copy()
    rnnlens.check(net, wrong, target="temp")
    np.testing.assert_array_equal(wrong.values, before[0])
    np.testing.assert_array_equal(wrong.actual, before[1])


def test_a_row_with_the_caution_cuts_no_other_column_short(table):
    text = StringIO()
    Console(file=text, width=100).print(evidence_view(table), markup=False)
    assert "\u2026" not in text.getvalue() and "(CAUTION)" in text.getvalue()


def test_a_forecast_is_said_to_be_better_only_than_what_it_is_better_than(net, right):
    page = rnnlens.check(net, right, target="temp")
    assert page.attrs["verdict"] == "better"
    said = verdict_sentence(page)
    assert "better than persistence" in said and said.endswith("beyond noise.")
    easy = page.assign(error=page.error.where(page.reference != "linear", 0.5))
    assert verdict_sentence(easy).endswith(
        f"but a linear fit on the same windows errs less, 0.5 against {float(page.error[0]):.3g}."
    )


def test_a_variable_without_a_unit_is_written_without_a_dash(net, right):
    bare = replace(right, units=("-",) * 10, target_units=("-",) * len(right.targets))
    page = rnnlens.check(net, bare, target="temp")
    assert page.attrs["unit"] == "-" and " -;" not in forecast_line(page)
    quick = rnnlens.Certificates(range=0.5, budget=2)
    one = bare.select(slice(-1, None))
    proof = rnnlens.certify(
        net, one, lag=1, features="temp", target="temp", background=bare, certificates=quick
    )
    assert proof.attrs["unit"] == "-" and proof.attrs["range"].endswith("own value +- 0.5")


def test_a_sentence_without_a_caution_stays_as_it_is():
    assert with_caution("It is so.", {}) == "It is so."
    assert with_caution("It is so.", {"caution": "CAUTION: x"}) == "It is so; but CAUTION: x."
