"""The whole page in a browser: names are text, odd data make a page, and it serves everybody."""

import base64
import html
import io
import re
from dataclasses import replace

import numpy as np
import pytest

import rnnlens
from browsing import axe_source, media, needs_browser, new_browser, width
from page_cases import HOSTILE, page_case

pytestmark = needs_browser
QUICK = rnnlens.Shares(draws=20)
#: What stands in a text where a program forgot something.
FORGOTTEN = re.compile(r"\bnan\b|\bNaN\b|\bundefined\b|\bNone\b|\bInfinity\b|\binf\b")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page of 80 windows, long enough for each of its parts."""
    network, windows = page_case(features=3, steps=24, windows=80, units="F")
    evidence = rnnlens.lags(network, windows, target=0, certificates=None, test=None, shares=QUICK)
    path = tmp_path_factory.mktemp("page") / "report.html"
    return rnnlens.report(network, windows, path, target=0, shares=QUICK, evidence=evidence)


def opened(browser, path):
    browser.get(path.as_uri())
    faults = [one["message"] for one in browser.get_log("browser") if one["level"] != "INFO"]
    assert faults == []
    return browser.execute_script("return document.body.innerText")


def wide(browser):
    width(browser, 375)
    return browser.execute_script("return document.documentElement.scrollWidth")


def test_hostile_names_are_text_and_nothing_else(browser, tmp_path):
    network, windows = page_case(names=HOSTILE)
    text = opened(browser, rnnlens.report(network, windows, tmp_path / "r.html", target=0,
                                          shares=QUICK, title=HOSTILE[1]))  # fmt: skip
    for name in HOSTILE:
        assert name in text
    assert browser.execute_script("return window.planted") is None
    assert browser.execute_script("return document.querySelectorAll('body b').length") == 0
    options = browser.execute_script(
        "return [...document.querySelectorAll('#explorer option')].map((one) => one.textContent)"
    )
    assert set(HOSTILE) <= set(options)
    assert wide(browser) <= 375


ODD = {
    "one window": {"windows": 1},
    "nine windows": {"windows": 9},
    "one feature": {"features": 1},
    "one step": {"steps": 1},
    "constants": {"values": lambda columns: {name: np.full(len(column), 2.0)
                                             for name, column in columns.items()}},
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_data_make_a_page_that_runs_and_leaves_nothing_out_in_silence(name, browser, tmp_path):
    network, windows = page_case(**ODD[name])
    windows = windows.select(slice(0, ODD[name].get("windows", 30)))
    path = rnnlens.report(network, windows, tmp_path / "r.html", target=0, shares=QUICK)
    text = opened(browser, path)
    assert FORGOTTEN.findall(text) == []
    forecasts = rnnlens.predict(network, windows)
    spoken = browser.execute_script("return document.querySelector('#explorer .found').innerText")
    number = float(re.search(r"is ([\u2212\d.]*\d)", spoken)[1].replace("\u2212", "-"))
    assert np.abs(np.asarray(forecasts.to_array() if hasattr(forecasts, "to_array") else forecasts)
                  - number).min() < 0.006  # fmt: skip
    assert ("an interval of a share needs 10" in text) == (len(windows) < 10)
    assert wide(browser) <= 375


def test_unknown_outcomes_and_five_hundred_inputs_make_a_page(browser, tmp_path):
    network, windows = page_case(features=500, windows=12)
    unknown = np.full((len(windows), 1), np.nan)
    windows = replace(windows, actual=unknown)
    path = rnnlens.report(network, windows, tmp_path / "r.html", target=0, shares=QUICK)
    text = opened(browser, path)
    assert FORGOTTEN.findall(text) == []
    assert "What happened is not known." in text
    assert "Drawn are the 30 of 500 inputs" in text
    shown = browser.execute_script(
        "return document.querySelectorAll('#uses > .scroll tbody tr').length"
    )
    assert shown == 40
    assert wide(browser) <= 375


def test_every_table_fits_a_narrow_screen_and_each_cell_says_what_it_is(browser, page):
    opened(browser, page)
    browser.execute_script("document.querySelectorAll('details').forEach((one) => one.open = true)")
    width(browser, 375)
    tables = browser.execute_script(
        """return [...document.querySelectorAll('.scroll')].map((one) =>
             [one.querySelector('thead').innerText, one.scrollWidth - one.clientWidth])"""
    )
    assert len(tables) > 6
    assert [name for name, beyond in tables if beyond > 0] == []
    # key columns stand below their headings, and all others say theirs
    told = browser.execute_script(
        """return [...document.querySelectorAll('.stack table')].map((table) => {
             const left = (one) => Math.round(one.getBoundingClientRect().left);
             const heads = [...table.querySelectorAll('thead th')];
             return [...table.querySelectorAll('tbody tr')].map((row) =>
               [...row.children].map((cell, k) => cell.matches('.more')
                 ? cell.dataset.heading === heads[k].textContent
                 : left(cell) === left(heads[k])));
           })"""
    )
    assert len(told) >= 3
    assert all(all(row) for table in told for row in table)
    roles = browser.execute_script(
        "return [...document.querySelectorAll('.stack tr, .stack th, .stack td')]"
        ".map((one) => one.getAttribute('role'))"
    )
    assert set(roles) == {"row", "columnheader", "rowheader", "cell"}
    width(browser, 1000)
    shown = browser.execute_script(
        "return getComputedStyle(document.querySelector('#memory .stack tbody tr')).display"
    )
    assert shown == "table-row"
    width(browser, None)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme, browser, page):
    media(browser, scheme=scheme)
    browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    opened(browser, page)
    browser.execute_script("document.querySelectorAll('details').forEach((one) => one.open = true)")
    browser.execute_script(axe_source())
    browser.set_script_timeout(300)
    # what is within a picture is told by its label
    asked = "axe.run({exclude: [['.plot svg g']]}).then(arguments[arguments.length - 1])"
    found = browser.execute_async_script(asked)
    browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
    assert len(found["passes"]) > 20
    grave = [one for one in found["violations"] if one["impact"] in {"serious", "critical"}]
    assert [(one["id"], one["nodes"][0]["html"]) for one in grave] == []


def test_nothing_is_white_in_the_dark(browser, page):
    media(browser, scheme="dark")
    opened(browser, page)
    white = browser.execute_script(
        """return [...document.querySelectorAll('body, body *')]
             .filter((one) => /^rgb\\(2[45]\\d, 2[45]\\d, 2[45]\\d\\)$/
               .test(getComputedStyle(one).backgroundColor)).map((one) => one.className)"""
    )
    assert white == []
    sheets = browser.execute_script(
        """return [...document.querySelectorAll('.plot svg')].filter((one) =>
             one.firstElementChild.tagName === 'rect').length"""
    )
    assert sheets == 0


def test_a_narrow_screen_has_charts_of_its_own_with_the_newest_lag_in_view(browser, page):
    opened(browser, page)
    width(browser, 375)
    seen = browser.execute_script(
        """const shown = document.querySelector('#figure-lag-shares .narrow svg');
           const text = [...shown.querySelectorAll('text')].find((one) => one.textContent === '2');
           const place = text.getBoundingClientRect();
           return [getComputedStyle(document.querySelector('#figure-lag-shares .wide')).display,
                   place.left, place.right]"""
    )
    assert seen[0] == "none"
    assert 0 < seen[1] < seen[2] < 375


def test_without_scripts_the_figures_stay(page):
    browser = new_browser(scripts=False)
    try:
        browser.get(page.as_uri())
        text = browser.find_element("tag name", "body").text
        figures = browser.find_elements("css selector", "figure .plot.wide svg")
        assert "Scripts are off or not yet run" in text
        assert len(figures) >= 5
        assert all(one.is_displayed() for one in figures)
    finally:
        browser.quit()


def test_on_paper_the_answers_have_a_page_and_no_heading_ends_one(browser, page):
    pypdf = pytest.importorskip("pypdf")
    opened(browser, page)
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    pages = pypdf.PdfReader(io.BytesIO(base64.b64decode(printed["data"]))).pages
    texts = [" ".join(one.extract_text().split()) for one in pages]
    answers = browser.execute_script(
        "return [...document.querySelectorAll('.answers .short')].map((one) => one.innerText)"
    )
    for said in answers:
        assert said in texts[0]
    assert "nothing will change (persistence)" not in texts[0]
    assert len(texts) <= 8
    headings = browser.execute_script(
        "return [...document.querySelectorAll('h2, h3')].map((one) => one.innerText)"
    )
    assert [text[-60:] for text in texts for one in headings if text.endswith(one)] == []


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    network, windows = page_case(windows=12)
    first = rnnlens.report(network, windows, tmp_path / "r.html", target=0, shares=QUICK)
    kept = first.read_bytes()
    again = rnnlens.report(network, windows, tmp_path / "r.html", target=0, shares=QUICK)
    assert again.read_bytes() == kept
    assert "SHA-256 of the windows" in html.unescape(kept.decode("utf-8"))
