"""The report stands alone, says what its Datasets say, and runs nothing that a file brings."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import re
from functools import cache, partial
from html.parser import HTMLParser

import altair as alt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from rnnlens.views.report import ReportParts, render_report
from rnnlens.views.report.figures import Figures
from rnnlens.views.report.pictures import drawn_here
from rnnlens.views.tables.summary import pick_window

HOSTILE = "<script>alert('x')</script>"
#: Elements that HTML never closes.
VOID = {"meta", "img", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """The tags of a page in order, and the text of each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def parts(explanation, lags, trace, weights, fidelity, description) -> ReportParts:
    window, reason = pick_window(explanation)
    return ReportParts(
        title="What weather.keras learned about temp",
        description=description,
        explanation=explanation,
        lags=lags,
        trace=trace,
        weights=weights,
        window=window,
        window_reason=reason,
        fidelity=fidelity,
        notes=("A wind speed of 1048 was set aside.",),
    )


@pytest.fixture(scope="module")
def html(parts) -> str:
    return render_report(parts)


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_the_page_loads_nothing(html, page):
    assert "http:" not in html
    assert "https:" not in html
    assert "@import" not in html
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object", "use"})
    for _, attrs in page.tags:
        for name in ("src", "href", "xlink:href"):
            target = attrs.get(name) or "#"
            assert target.startswith(("#", "data:image/png;base64,"))
    assert all(link.startswith("#") for link in re.findall(r"url\(([^)]*)\)", html))
    assert len(html.encode()) < 2_000_000


def test_the_page_is_whole_and_every_id_is_its_own(page):
    assert page.open == []
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert page.named("html") == [{"lang": "en"}]
    targets = {attrs["href"] for attrs in page.named("a")}
    sections = {f"#{attrs['id']}" for attrs in page.named("section")}
    assert targets == sections - {"#answers"}
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_sections_stand_in_the_order_in_which_a_sceptic_asks(page):
    assert [attrs["id"] for attrs in page.named("section")] == [
        "answers",
        "forecast",
        "same",
        "network",
        "uses",
        "memory",
        "explore",
        "trust",
        "made",
        "weights",
    ]


def test_every_figure_has_a_text_for_those_who_do_not_see_it(page):
    pictures = [*page.named("svg"), *page.named("img")]
    assert len(page.named("figure")) == len(page.named("figcaption")) == 9
    narrow = [a for a in page.named("div") if a.get("class") == "plot narrow"]
    assert len(pictures) == 9 + len(narrow)
    assert len(narrow) == 5
    assert all(len(a.get("aria-label") or a.get("alt") or "") > 30 for a in pictures)


def test_the_numbers_of_the_page_are_those_of_the_datasets(html, parts, lags, explanation):
    for share, low, high in zip(
        lags["share"].values, lags["share_low"].values, lags["share_high"].values, strict=True
    ):
        assert f"{100 * share:.2f}\xa0%<" in html
        assert f">{100 * low:.2f}\xa0% to {100 * high:.2f}\xa0%<" in html
    chosen = explanation.isel(sample=parts.window)
    assert f"Its forecast is {float(chosen['forecast']):.4g} F" in html
    assert f"What happened: {float(chosen['actual']):.4g} F" in html
    missed = (explanation["forecast"] - explanation["actual"]).values
    assert f"(root mean square) is {np.sqrt(np.mean(missed**2)):.4g} F" in html
    assert "3.2e\N{MINUS SIGN}13 F at most" in html
    assert "Agrees: the largest difference is 4.7e\N{MINUS SIGN}07" in html
    assert "over 256 windows" in html
    assert ">5,834<" in html
    assert "lstm/kernel[:, 32:64]" in html


def test_the_window_is_named_with_its_time_and_why_it_was_chosen(html, parts):
    when = str(parts.explanation["time"].values[parts.window])[:16].replace("T", " ")
    assert f"Shown is the window whose forecast moved furthest from its baseline: {when}" in html


@pytest.mark.usefixtures("undrawn")
def test_what_was_not_checked_is_said(parts):
    bare = dataclasses.replace(
        parts, fidelity=None, explanation=parts.explanation.drop_vars("actual")
    )
    html = render_report(bare)
    assert "Not checked: the network was not run against its source" in html
    assert "How large the forecast" in html
    assert "What happened is not known." in html
    assert "root mean square" not in html


@pytest.mark.usefixtures("undrawn")
def test_a_disagreement_is_not_softened(parts, fidelity):
    wrong = fidelity.assign_attrs(agrees=0, largest=0.31)
    html = render_report(dataclasses.replace(parts, fidelity=wrong))
    assert "DOES NOT AGREE: the largest difference is 0.31" in html


@pytest.mark.usefixtures("undrawn")
def test_an_unusual_baseline_is_told(parts):
    odd = parts.explanation.assign_attrs(unusual=1)
    html = render_report(dataclasses.replace(parts, explanation=odd))
    assert "lies unusually far from the data" in html
    assert "unusually far" not in render_report(parts)


def test_nothing_that_a_file_brings_becomes_markup(parts):
    description = copy.deepcopy(parts.description)
    description["layers"][0]["name"] = description["layers"][0]["arrays"][0]["name"] = HOSTILE
    description["notes"] = [HOSTILE]
    names = [HOSTILE, '" onload="alert(1)', *parts.explanation["feature"].values[2:]]
    attrs = {"target": HOSTILE, "unit": "<b>F", "baseline": HOSTILE}
    node = parts.trace["lstm"].to_dataset().assign_attrs(layer=HOSTILE)
    kernel = parts.weights["lstm"].to_dataset().assign_coords(feature=names)
    html = render_report(
        dataclasses.replace(
            parts,
            title=HOSTILE,
            description=description,
            explanation=parts.explanation.assign_coords(feature=names).assign_attrs(attrs),
            lags=parts.lags.assign_attrs(attrs),
            trace=xr.DataTree.from_dict({"/lstm": node}),
            weights=xr.DataTree.from_dict({"/lstm": kernel.assign_attrs(layer=HOSTILE)}),
            notes=(HOSTILE,),
        )
    )
    page = Page(html)
    assert not page.named("script")
    assert not page.named("b")
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert any(HOSTILE in words for words in page.words)


def test_a_method_by_lag_alone_has_no_heat_map_of_features(parts, tree_explanation):
    html = render_report(dataclasses.replace(parts, explanation=tree_explanation))
    assert "This method gives them by lag alone." in html
    assert 'id="figure-lag-feature"' not in html


@pytest.mark.usefixtures("undrawn")  # after the page that is shared, which is drawn
def test_sentences_that_are_given_replace_those_made_from_the_lags(html, parts):
    assert "Of all that moved the forecast of temp 6 h ahead" in html
    given = render_report(dataclasses.replace(parts, sentences=("Two lags do it all.",)))
    assert "Two lags do it all." in given
    assert "Of all that moved" not in given


def test_what_does_not_fit_the_budget_is_left_out_and_named():
    table = pd.DataFrame({"x": range(50)})
    chart = alt.Chart(table).mark_point().encode(x="x")
    whole = Figures().begin("a", chart, alt_text="points", caption="Points.")()
    figures = Figures(budget=int(1.5 * len(whole.markup)))
    begun = [figures.begin(name, chart, alt_text="points", caption="Points.") for name in "ab"]
    first, second = (one() for one in begun)
    assert first.markup.startswith('<svg role="img" aria-label="points"')
    assert (second.markup, second.caption) == ("", "Points.")


def test_a_large_network_still_makes_a_small_file(parts, trace, weights):
    nodes = {f"/layer{k}": trace["lstm"].to_dataset() for k in range(8)}
    kernels = {f"/layer{k}": weights["lstm"].to_dataset() for k in range(8)}
    drawn = cache(lambda text: drawn_here(json.loads(text))())  # layers alike are drawn once
    html = render_report(
        dataclasses.replace(
            parts,
            trace=xr.DataTree.from_dict(nodes),
            weights=xr.DataTree.from_dict(kernels),
        ),
        Figures(pictures=lambda spec: partial(drawn, json.dumps(spec))),
    )
    assert len(html.encode()) < 2_000_000
    assert "Left out, so that this file stays small" in html
