"""The explorer at once: below a notebook's cell, in a browser, or as a written page."""

import ast
import importlib
import json
import os
import re
import shutil
import sys
import webbrowser
from types import SimpleNamespace

import numpy as np
import pytest

import rnnlens
from networks import forecaster, stacked_bidirectional
from rnnlens.api.shared.page import browser
from rnnlens.views.notebook import explorer
from rnnlens.views.report.explorer import module_text

FEW = rnnlens.Shares(draws=20)
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    (CHROMIUM is None or DRIVER is None) and not os.environ.get("RNNLENS_BROWSER"),
    reason="Chromium and its driver are not installed",
)


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(11)
    series = rng.normal(size=(40, 3))
    x = np.stack([series[k : k + 6] for k in range(30)]).astype(np.float32).astype(float)
    return stacked_bidirectional(rng), x


@pytest.fixture(scope="module")
def written(case, tmp_path_factory):
    """A page of the case, written once."""
    page = tmp_path_factory.mktemp("written") / "page.html"
    return rnnlens.report(*case, page, target=0, shares=FEW)


@pytest.fixture
def quick(written, monkeypatch):
    """Write no other page: what `rnnlens.report` is asked to write, by its path."""
    asked = []
    module = importlib.import_module("rnnlens.api.forecast.open")
    monkeypatch.setattr(module, "report", lambda *given, **_: asked.append(given) or written)
    return asked


@pytest.fixture
def notebook(monkeypatch):
    """A shell that has a kernel, as in Jupyter, VS Code and Colab."""
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """Addresses that the browser was asked for, where it is there."""
    asked = []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("BROWSER", "a browser")
    monkeypatch.setattr(webbrowser, "open", lambda url: asked.append(url) or True)
    return asked


def test_outside_of_a_notebook_the_written_page_is_opened_in_the_browser(
    case, opened, quick, tmp_path
):
    page = rnnlens.open(*case, target=0, shares=FEW)
    assert opened == [page.as_uri()]
    [(net, x, path)] = quick
    assert net is case[0] and x is case[1]
    assert tmp_path in path.parents and path.parent.is_dir()


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_a_shell_without_a_kernel_is_no_notebook(shell, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert not explorer.in_notebook()


def test_without_a_screen_no_browser_takes_the_terminal_over(monkeypatch, tmp_path):
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail("a browser was opened"))
    assert not browser.show_page(tmp_path / "page.html")


@pytest.mark.parametrize("error", [webbrowser.Error("none"), OSError("gone")])
def test_a_browser_that_does_not_start_is_no_error(error, opened, monkeypatch, tmp_path):
    def broken(url):
        raise error

    monkeypatch.setattr(webbrowser, "open", broken)
    assert not browser.show_page(tmp_path / "page.html")


def test_in_a_notebook_the_widget_holds_what_the_page_holds(case, notebook, opened, written):
    pytest.importorskip("anywidget")
    shown = rnnlens.open(*case, target=0, shares=FEW)
    assert opened == []
    told = re.search(
        r'id="explorer-data">(.*?)</script>', written.read_text(encoding="utf-8"), re.DOTALL
    )
    state = shown.widget.get_state()
    assert json.loads(state["told"]) == json.loads(told[1])
    assert json.loads(state["told"])["network"]["layers"]
    assert module_text() in state["_esm"]
    assert ":root" not in state["style"]
    data, _ = shown._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "run this cell again" in data["text/html"]


def test_without_anywidget_the_page_stands_in_a_frame(case, notebook, opened, quick, monkeypatch):
    monkeypatch.setattr(explorer, "has_widgets", lambda: False)
    shown = rnnlens.open(*case, target=0, shares=FEW)
    assert opened == []
    frame = shown._repr_html_()
    assert 'sandbox="allow-scripts"' in frame and "<!DOCTYPE" not in frame
    assert os.fspath(shown) == str(shown.path)


def test_what_the_module_cannot_run_is_shown_as_a_page(rng, notebook, opened, quick, monkeypatch):
    from rnnlens.api.shared.page import gather

    monkeypatch.setattr(gather, "explorer_of", lambda *_, **__: "It cannot be run.")
    net, x = forecaster("gru", rng), rng.normal(size=(20, 7, 3))
    shown = rnnlens.open(net, x, target=0, shares=FEW)
    assert isinstance(shown, explorer.Framed)
    assert len(quick) == 1


NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [],
         "source": source}
        for source in (
            ["import rnnlens\n", "from rnnlens.demo.weather import demo_files, weather_windows\n",
             "net = rnnlens.read(demo_files().network)\n", "net"],
            ["windows = weather_windows().newest(40)\n", "explained = rnnlens.explain(\n",
             "    net, windows, target='temp', method='secant')\n", "explained.rnnlens"],
            ["rnnlens.lags(net, windows, target='temp', certificates=None, test=None).rnnlens"],
            ["rnnlens.open(net, windows, target='temp')"],
        )
    ],
}  # fmt: skip


def run(book):
    """Run a notebook as Jupyter does: each cell's last value through IPython's formatters."""
    formatters = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
    namespace = {"__name__": "__main__"}
    for cell in book["cells"]:
        body = ast.parse("".join(cell["source"]))
        last = body.body.pop()
        assert isinstance(last, ast.Expr)
        exec(compile(body, "cell", "exec"), namespace)
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)
        data, metadata = formatters.format(value)
        cell["outputs"] = [
            {"output_type": "execute_result", "data": data, "metadata": metadata,
             "execution_count": 1}
        ]  # fmt: skip
    return json.loads(json.dumps(book))


def test_an_executed_notebook_holds_what_is_shown(opened, monkeypatch):
    pytest.importorskip("anywidget")
    monkeypatch.setattr(explorer, "in_notebook", lambda: True)
    outputs = [cell["outputs"][0]["data"] for cell in run(NOTEBOOK)["cells"]]
    network, explained, lags, page = (data["text/html"] for data in outputs)
    assert "lstm.W_i" in network and "5,834 parameters" in network
    assert "largest features" in explained and "data:image/svg+xml" in explained
    assert "verdict" in lags
    assert "application/vnd.jupyter.widget-view+json" in outputs[3] and "<p>" in page


@pytest.fixture(scope="module")
def chromium():
    selenium = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    options = selenium.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1100,900"):
        options.add_argument(flag)
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = selenium.Chrome(service=Service(DRIVER), options=options)
    yield driver
    driver.quit()


#: Put the control of a label and give the sentence that is said then.
PUT = """
const root = arguments[2] ? document.querySelector('#cell').firstChild.shadowRoot : document;
const labels = [...root.querySelectorAll('#explorer label')];
const control = labels.find((one) => one.firstChild.textContent.trim() === arguments[0])
  .querySelector('input, select');
control.value = arguments[1];
for (const kind of ['input', 'change']) control.dispatchEvent(new Event(kind));
return root.querySelector('#explorer [aria-live]').textContent;
"""


def forecast_in(text):
    return float(re.search(r"[\u2212+]?\d+\.\d+", text)[0].replace("\u2212", "-"))


@needs_chromium
def test_the_frame_runs_the_module_and_stays_where_it_is(case, written, chromium, tmp_path):
    net, x = case
    shown = explorer.Framed(written)
    book = tmp_path / "notebook.html"
    book.write_text(f"<!DOCTYPE html><body>{shown._repr_html_()}", encoding="utf-8")
    chromium.get(book.as_uri())
    chromium.switch_to.frame(chromium.find_element("tag name", "iframe"))
    for window in (4, 7):
        text = chromium.execute_script(PUT, "Any", str(window), False)
        expected = float(rnnlens.predict(net, x[window : window + 1])[0, 0])
        assert forecast_in(text) == pytest.approx(expected, abs=0.006)
    assert chromium.execute_script("return location.href").startswith("about:srcdoc")
    chromium.switch_to.default_content()
    assert chromium.current_url == book.as_uri()
    assert [one for one in chromium.get_log("browser") if one["level"] == "SEVERE"] == []


@needs_chromium
def test_the_widget_runs_the_module_in_a_tree_of_its_own(
    case, notebook, opened, chromium, tmp_path
):
    pytest.importorskip("anywidget")
    net, x = case
    state = rnnlens.open(net, x, target=0, shares=FEW).widget.get_state()
    told = json.dumps({name: state[name] for name in ("told", "style")}).replace("<", "\\u003c")
    module = state["_esm"].replace("export default", "const widget =")
    page = tmp_path / "cell.html"
    page.write_text(
        "<!DOCTYPE html><meta charset='utf-8'><body><p id='explorer'>another's</p>"
        f"<div id='cell'><div></div></div><script type='module'>{module}\n"
        f"const state = {told};\n"
        "widget.render({ model: { get: (name) => state[name] },"
        " el: document.querySelector('#cell').firstChild });</script>",
        encoding="utf-8",
    )
    chromium.get(page.as_uri())
    for window in (4, 7):
        text = chromium.execute_script(PUT, "Any", str(window), True)
        expected = float(rnnlens.predict(net, x[window : window + 1])[0, 0])
        assert forecast_in(text) == pytest.approx(expected, abs=0.006)
    assert chromium.current_url == page.as_uri()  # the notebook's address is its own
    assert chromium.find_element("id", "explorer").text == "another's"
    assert [one for one in chromium.get_log("browser") if one["level"] == "SEVERE"] == []
    chromium.save_screenshot(str(tmp_path / "cell.png"))
