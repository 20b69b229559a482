"""The page in a browser: it answers as the engine does, asks nobody, and is used by keyboard."""

import json
import re

import numpy as np
import pytest

import rnnlens
from browsing import needs_browser, width
from networks import stacked_bidirectional

pytestmark = needs_browser


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(5)
    series = rng.normal(size=(40, 3))
    x = np.stack([series[k : k + 6] for k in range(30)]).astype(np.float32).astype(float)
    return stacked_bidirectional(rng), x


@pytest.fixture(scope="module")
def page(case, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    return rnnlens.report(*case, path, target=0, shares=rnnlens.Shares(draws=20))


@pytest.fixture
def opened(browser, page):
    browser.get(page.as_uri())
    return browser


def said(browser):
    """The numbers of the sentence that is said: forecast first, baseline last."""
    text = browser.execute_script(
        "return document.querySelector('#explorer [aria-live]').innerText"
    )
    return [float(one.replace("\u2212", "-")) for one in re.findall(r"[\u2212+]?\d+\.\d+", text)]


def put(browser, label, value):
    """Set the control of a label and tell the page so, as typing does."""
    browser.execute_script(
        """const labels = [...document.querySelectorAll('#explorer label')];
           const label = labels.find((one) => one.firstChild.textContent.trim() === arguments[0]);
           const control = label.querySelector('input, select');
           control.value = arguments[1];
           for (const kind of ['input', 'change']) control.dispatchEvent(new Event(kind));""",
        label, str(value),
    )  # fmt: skip


def rounded(number):
    return float(f"{number:.3g}")


def test_a_file_is_opened_without_an_error_and_without_a_request(opened, page):
    assert [one for one in opened.get_log("browser") if one["level"] != "INFO"] == []
    asked = [json.loads(one["message"])["message"] for one in opened.get_log("performance")]
    urls = [
        one["params"]["request"]["url"]
        for one in asked
        if one["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in urls if not url.startswith(("data:", page.as_uri(), "about:"))] == []


def test_another_window_a_changed_input_and_a_frozen_unit_are_answered_as_by_the_engine(
    opened, case
):
    net, x = case
    put(opened, "Any", 7)
    forecasts = rnnlens.predict(net, x[7:8])[0]
    assert said(opened)[0] == pytest.approx(float(forecasts[0]), abs=0.006)
    moved = x[7:8].copy()
    moved[0, 2, 1] += 1.5
    put(opened, "Step", 2)
    put(opened, "Feature", 1)
    put(opened, "at this step by", 1.5)
    other = float(rnnlens.predict(net, moved)[0, 0])
    assert said(opened)[0] == pytest.approx(other, abs=0.006)
    put(opened, "Layer", "recurrent")
    put(opened, "Unit frozen", 2)
    frozen = rnnlens.Intervention(layer="recurrent", freeze=True, units=[2])
    done = rnnlens.intervene(net, moved, frozen, target=0)
    assert said(opened)[0] == pytest.approx(float(done["forecast_intervened"][0]), abs=0.006)
    put(opened, "Unit frozen", 99)  # there is none: nothing is frozen
    assert said(opened)[0] == pytest.approx(other, abs=0.006)
    undo = opened.find_element("xpath", "//button[text()='Undo all changes']")
    opened.execute_script("arguments[0].click()", undo)
    assert said(opened)[0] == pytest.approx(float(forecasts[0]), abs=0.006)


def test_a_gate_is_held_within_its_range_and_what_a_change_is_in_is_said(opened, case):
    net, x = case
    put(opened, "Any", 4)
    forecast = float(rnnlens.predict(net, x[4:5])[0, 0])
    put(opened, "Layer", "recurrent")
    put(opened, "Gate", "z")
    put(opened, "held at", 1.5)  # no update gate is more than open
    assert said(opened)[0] == pytest.approx(forecast, abs=0.006)
    put(opened, "held at", 0.25)
    held = rnnlens.Intervention(layer="recurrent", gate="update", clamp=0.25)
    done = rnnlens.intervene(net, x[4:5], held, target=0)
    assert said(opened)[0] == pytest.approx(float(done["forecast_intervened"][0]), abs=0.006)


def test_a_key_says_what_the_colours_of_the_gate_map_are(opened):
    notes = opened.execute_script(
        """const map = [...document.querySelectorAll('#explorer svg')].at(-1);
           return [...map.querySelectorAll('text')].slice(0, 2).map((one) => one.textContent)"""
    )
    least, most = (float(one.replace("\u2212", "-")) for one in notes)
    assert least in {0, -most}
    assert most > 0


def test_cells_below_zero_of_the_gate_map_have_a_dash_each(opened, case):
    net, x = case
    put(opened, "Any", 5)
    put(opened, "Layer", "recurrent")
    put(opened, "Gate", "h")
    node = next(
        node.to_dataset()
        for node in rnnlens.trace(net, x[5:6]).subtree
        if node.attrs.get("layer") == "recurrent"
    )
    states = node["hidden"].to_numpy()[0]
    marks = opened.execute_script(
        """const map = [...document.querySelectorAll('#explorer svg')].at(-1);
           return [...map.querySelectorAll('rect')].map((one) => one.getAttribute('class'))"""
    )
    most = np.abs(states).max()
    below = int((states < -most / 100).sum())
    key = 4 if (states < 0).any() else 0  # nine cells from the least to the largest
    assert marks.count("point") + marks.count("bare") == below + key
    assert marks.count("bare") >= int((states < -0.7 * most).sum()) > 0


def test_to_choose_any_window_changes_nothing(opened):
    put(opened, "Any", 9)
    before = said(opened)
    put(opened, "One worth a look", "")
    assert said(opened) == before


def test_charts_and_their_tables_say_the_same_as_explain(opened, case):
    net, x = case
    put(opened, "Any", 3)
    explained = rnnlens.explain(net, x, target=0, method="secant", baseline="mean")
    by_step = explained["contribution"].isel(sample=3).sum("feature").to_numpy()[::-1]
    cells = opened.execute_script(
        """const table = document.querySelectorAll('#explorer details')[1];
           return [...table.querySelectorAll('tbody td')].map((one) => one.textContent)"""
    )
    assert [float(one.replace("\u2212", "-")) for one in cells] == [rounded(one) for one in by_step]
    bars = opened.execute_script(
        """return [...document.querySelectorAll('#explorer svg')[1].querySelectorAll('rect')]
             .map((one) => [one.getAttribute('class'), Number(one.getAttribute('height'))])"""
    )
    assert [kind.startswith("raise") for kind, _ in bars] == list(by_step >= 0)
    heights = np.array([height for _, height in bars])
    np.testing.assert_allclose(heights / heights.max(), np.abs(by_step) / np.abs(by_step).max(),
                               atol=0.01)  # fmt: skip


def test_what_has_no_unit_is_given_none(opened):
    text = opened.execute_script("return document.querySelector('#explorer .found').innerText")
    assert " ." not in text
    assert " -" not in text


def test_the_address_keeps_the_view(opened, page):
    put(opened, "Any", 11)
    put(opened, "Step", 1)
    address, before = opened.current_url, said(opened)
    opened.get("about:blank")
    opened.get(address)
    assert said(opened) == before


def test_every_control_is_reached_by_the_keyboard_and_has_a_name(opened):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    names = opened.execute_script(
        """const every = document.querySelectorAll('#explorer input, select, #explorer button');
           const named = (one) => (one.labels && one.labels.length ? one.labels[0] : one);
           return [...every].map((one) => named(one).innerText.trim())"""
    )
    assert names
    assert all(names)
    opened.execute_script("document.querySelector('#explorer select').focus()")
    ActionChains(opened).send_keys(Keys.TAB).perform()
    before = said(opened)
    ActionChains(opened).send_keys(Keys.ARROW_LEFT).perform()
    assert said(opened) != before


def test_no_width_cuts_the_page_off(opened):
    width(opened, 375)
    assert opened.execute_script("return document.documentElement.scrollWidth") <= 375


def test_a_script_or_a_request_planted_in_the_page_does_nothing(opened):
    opened.execute_script(
        """const script = document.createElement('script');
           script.textContent = 'window.planted = 1'; document.body.append(script);
           const image = document.createElement('img');
           image.src = 'http' + '://planted.invalid/x.png'; document.body.append(image);"""
    )
    assert opened.execute_script("return window.planted") is None
    refused = [one["message"] for one in opened.get_log("browser")]
    assert sum("Content Security Policy" in one for one in refused) >= 2
