"""Names stay as their owner wrote them, while numbers on a page have a minus of their own."""

from __future__ import annotations

import re

import pytest

import rnnlens
from page_cases import page_case
from rnnlens.views.report.text import MINUS, keeping, page_text

NAMES = ["a -5", "flow -1 % & <b>", "t"]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    network, windows = page_case(names=NAMES, windows=24, units="m -2")
    path = tmp_path_factory.mktemp("named") / "p.html"
    shares = rnnlens.Shares(draws=20)
    rnnlens.report(network, windows, path, title="Station -3", target=0, shares=shares)
    return path.read_text(encoding="utf-8").split("<script")[0]


def test_no_name_of_an_input_a_unit_or_a_title_gets_a_minus(page):
    assert "a -5" in page and "flow -1 % &amp; &lt;b&gt;" in page
    for name in ("a {}5", "flow {}1", "m {}2", "Station {}3"):
        assert name.format(MINUS) not in page


def test_names_stay_in_sentences_in_tables_and_in_pictures(page):
    assert re.search(r"<th[^>]*><bdi>a -5</bdi>", page)
    assert re.search(r"<text[^>]*>[^<]*a -5[^<]*</text>", page)
    answers = page.split('<dl class="answers">')[1].split("</dl>")[0]
    assert any(name in answers for name in ("a -5", "flow -1 % &amp; &lt;b&gt;"))


def test_numbers_beside_them_still_have_their_minus(page):
    assert re.search(rf"[>(]{MINUS}\d", page)
    assert not re.search(r">-\d", page)


def test_a_name_is_found_whole_and_within_no_longer_one():
    with keeping(["a -5", "a -55 b"]):
        said = page_text("a -5, a -55 b, xa -5, a -5.5 and -5; a -5.")
    assert said == f"a -5, a -55 b, xa {MINUS}5, a {MINUS}5.5 and {MINUS}5; a -5."
    assert page_text("a -5") == f"a {MINUS}5"  # no page is written


def test_a_name_that_holds_no_number_costs_nothing_and_changes_nothing():
    with keeping(["temp", "dew-point"]):
        assert page_text("temp fell by -3 %") == f"temp fell by {MINUS}3\N{NO-BREAK SPACE}%"
