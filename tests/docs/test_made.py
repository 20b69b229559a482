"""What is said of methods, layouts and public names is what the code has."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location

import pytest

import rnnlens
import rnnlens.plot
from pages import DOCS
from rnnlens.attribution.registry import METHODS
from rnnlens.cli.app import VERBS

HEADINGS = ["Formula", "Identity", "When it fails", "Source"]


def script(name):
    """A script of the documentation, loaded."""
    spec = spec_from_file_location(name, DOCS / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def facts(name):
    """The table at the head of a method's page."""
    page = (DOCS / "methods" / f"{name}.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", page.split("## ")[0], re.MULTILINE)
    return page, dict(rows)


def test_every_method_has_a_page_and_no_page_is_of_none():
    pages = {path.stem for path in (DOCS / "methods").glob("*.md")} - {"index"}
    assert pages == set(METHODS)
    index = (DOCS / "methods" / "index.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| \[(\w+)\]\(", index, re.MULTILINE)) == pages


@pytest.mark.parametrize("name", METHODS)
def test_a_method_s_page_says_what_it_gives_as_the_registry_has_it(name):
    page, said = facts(name)
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == HEADINGS
    assert said["gives"].startswith(METHODS[name].kind)
    summing = METHODS[name].kind == "contribution"
    assert said["sums"].startswith("to forecast minus baseline forecast") == summing
    assert f'method="{name}"' in page


@pytest.mark.parametrize("name", METHODS)
def test_the_formula_of_a_method_is_set_as_one_and_its_cost_too(name):
    page, said = facts(name)
    formula = page.split("## Formula")[1].split("## Identity")[0]
    assert "```math" in formula and "```text" not in formula
    assert "`" not in said["cost in cell evaluations"]


@pytest.mark.parametrize("name", [name for name in METHODS if name != "auto"])
def test_the_cost_of_a_method_is_that_of_the_table_of_methods(name):
    table = (DOCS / "methods.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{name}` \|.*\| (.+?) \|$", table, re.MULTILINE)
    _, said = facts(name)
    assert said["cost in cell evaluations"] == row


def test_the_page_of_layouts_is_made_from_the_readers_table():
    assert (DOCS / "layouts.md").read_text(encoding="utf-8") == script("make_layouts").page()


def test_the_reference_has_every_public_name_and_every_command():
    made = script("make_reference")
    names = {path.partition("/")[2][:-3] for path in made.python_pages() if "/" in path}
    assert names == {*rnnlens.__all__, *(f"plot.{name}" for name in rnnlens.plot.__all__)}
    pages = made.command_pages()
    verbs = {f"commands/{verb.__name__.rstrip('_').replace('_', '-')}.md" for verb in VERBS}
    assert verbs <= set(pages)
    assert "--target" in pages["commands/explain.md"]
