"""The demo's page in another language has no sentence that stays English."""

from __future__ import annotations

import json
import re

import pytest

import rnnlens
from pseudo import outside, pseudo_language, texts_of
from rnnlens.demo.weather import demo_files, weather_windows

#: What is shown in every language as it is: names of the network's layers, arrays, settings and
#: features, of files, formats, libraries and methods, units, and papers.
NAMES = frozenset({
    "Activate", "Dense", "Input", "LSTM", "Keras", "keras", "archive", "rnnlens", "NumPy", "SHA-",
    "MAE", "RMSE", "bias", "kernel", "layers", "vars", "linear", "lstm", "dense", "forecast",
    "secant", "sigmoid", "tanh", "torch", "weather", "mph", "mbar", "recurrent",
    *("temp", "dewp", "humid", "wind", "pressure", "visib", "precip", "hour", "sin", "cos"),
})  # fmt: skip
#: Settings of a layer, as its file states them; authors, years and titles.
AS_IT_IS = re.compile(r"(\w+ = [^=]+(, )?)+|layers/[\w/]+|.+ \(\d{4}\), .+")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    files, windows = demo_files(), weather_windows()
    network, unseen = rnnlens.read(files.network), windows.newest(40)
    seen = windows.select(slice(0, 200))
    evidence = rnnlens.lags(
        network, unseen, target="temp", background=seen, test=None,
        certificates=rnnlens.Certificates(windows=1, budget=1),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("page") / "page.html"
    with pytest.MonkeyPatch.context() as patched, pseudo_language(path.parent, patched) as code:
        rnnlens.report(
            network, unseen, path, target="temp", background=seen, evidence=evidence,
            title="temp", language=code,
        )  # fmt: skip
    return path.read_text(encoding="utf-8")


def unsaid(texts):
    kept = [text for text in texts if not AS_IT_IS.fullmatch(text.strip())]
    return [text for text in kept if outside(re.sub(r"[\d_/.:\[\]]", " ", text), NAMES)]


def test_no_text_of_the_page_stays_english(page):
    assert "\n".join(dict.fromkeys(unsaid(texts_of(page)))) == ""


def strings_in(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for one in value for text in strings_in(one)]
    return [value] if isinstance(value, str) and " " in value else []


def test_nothing_that_the_pages_program_says_stays_english(page):
    data = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert data is not None
    said = [re.sub(r"\{\w+\}", "", text) for text in strings_in(json.loads(data[1]))]
    assert len(said) > 20 and unsaid(said) == []
