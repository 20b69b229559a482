"""The page of methods and baselines names those that there are, and what each gives."""

from __future__ import annotations

import re

import pytest

from rnnlens.attribution.baselines.baseline import NAMED
from rnnlens.attribution.default import FEWEST_LAGS, PER_WINDOW
from rnnlens.attribution.games.costs import BUDGET
from rnnlens.attribution.registry import METHODS, SUMMING


@pytest.fixture
def page(root):
    return (root / "docs" / "methods.md").read_text(encoding="utf-8")


def rows(page, heading):
    """The rows of the first table under a heading, cell by cell."""
    table = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_method_has_a_row_that_says_what_it_gives_and_whether_it_sums(page):
    found = {row[0].strip("`"): row for row in rows(page, "What each gives, and what it costs")}
    assert set(found) == set(METHODS)
    for name, method in METHODS.items():
        _, gives, sums, _, _ = found[name]
        assert gives.startswith(method.kind)
        assert sums.startswith("yes") == (method.kind == "contribution")


def test_what_sums_is_listed_apart_from_what_does_not(page):
    found = {row[0].strip("*"): row[2] for row in rows(page, "What sums, and what does not")}
    named = {kind: set(re.findall(r"`(\w+)`", text)) for kind, text in found.items()}
    assert named["contribution"] & set(METHODS) == set(SUMMING)
    for kind in ("write time", "relevance", "sensitivity"):
        assert named[kind] & set(METHODS) == {n for n, one in METHODS.items() if one.kind == kind}


def test_every_method_answers_a_question_and_says_how_it_fails(page):
    asked = " ".join(row[1] for row in rows(page, "Which method for which question"))
    assert set(re.findall(r"`(\w+)`", asked)) == set(METHODS)
    failing = page.split("## How each fails")[1].split("\n## ")[0]
    assert set(re.findall(r"^- \*\*`(\w+)`\*\*", failing, re.MULTILINE)) == set(METHODS) - {"auto"}


def test_every_named_baseline_has_a_row(page):
    given = " ".join(row[0] for row in rows(page, "Baselines"))
    assert set(NAMED) | {"conditional"} == {
        name for name in re.findall(r"`([^`]+)`", given) if not name.startswith("(")
    }


def test_the_numbers_of_the_default_are_those_of_the_code(page):
    said = page.split("## How the default chooses")[1].split("\n## ")[0]
    assert f"{BUDGET:,} cell" in said
    assert f"{PER_WINDOW:,} a window" in said
    assert f"{FEWEST_LAGS} to 12 newest lags" in said
