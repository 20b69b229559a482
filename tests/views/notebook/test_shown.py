"""What a notebook shows of networks and results: the numbers there are, and no name as markup."""

import importlib
import re
from html.parser import HTMLParser
from io import StringIO

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

import rnnlens
from joined_networks import JOINED, joined
from networks import forecaster, stacked_bidirectional
from page_networks import page_network_of
from rnnlens.demo.weather import demo_files
from rnnlens.plot.wanted import verb_of
from rnnlens.series.sidecar import Sidecar
from rnnlens.views.notebook.network import network_markup
from rnnlens.views.notebook.piece import STYLE, markup_of, piece
from rnnlens.views.notebook.result import VIEWS

HOSTILE = ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "\u202eevil &amp; 🌧"]


#: Tags that stay open, or close themselves.
VOID = {"img", "br", "input", "path", "symbol", "use", "svg"}


class Read(HTMLParser):
    """The tags, the attributes and the text of a piece, and what stays open."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = [], [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if not (self.open and self.open[-1] == "style"):
            self.text += data


def harmless(markup):
    """Read a piece in which nothing runs and nothing is loaded."""
    read = Read(markup)
    assert read.open == []
    assert not {"script", "iframe", "object", "link", "meta", "base"} & set(read.tags)
    assert not [name for name in read.attributes if name.startswith("on")]
    assert not re.search(r'(?:src|href)="(?!data:image/svg\+xml;base64,|#)', markup)
    return read


def test_a_network_is_shown_with_its_layers_its_arrays_by_gate_and_where_it_comes_from(rng):
    net = forecaster("lstm", rng)
    read = harmless(net._repr_html_())
    about = rnnlens.describe(net)
    for part in (f"{about['parameters']:,} parameters", about["time_steps"], about["format"]):
        assert part in read.text
    for layer in about["layers"]:
        assert f"{layer['name']}: {layer['kind']}" in read.text
        for array in layer["arrays"]:
            assert array["name"] in read.text and array["gate"] in read.text
    assert read.tags.count("details") >= 2


def test_a_file_is_shown_with_its_hash():
    net = rnnlens.read(demo_files().network)
    markup = net._repr_html_()
    assert net.origin.digest in harmless(markup).text
    assert len(markup.encode()) < 20_000


def test_networks_of_every_kind_are_shown(rng):
    every = [joined(name)[0] for name in JOINED] + [stacked_bidirectional(rng)]
    every += [page_network_of(seed)[0] for seed in range(12)]
    for net in every:
        text = harmless(net._repr_html_()).text
        for name in net.inputs:
            assert name in text


def test_arrays_alone_are_described_and_shown(rng):
    arrays = [rng.normal(size=(3, 8)), rng.normal(size=(2, 8)), rng.normal(size=8)]
    read = harmless(network_markup(rnnlens.describe(arrays)))
    assert "parameters" in read.text


def test_hundreds_of_layers_stay_small(rng):
    about = rnnlens.describe(forecaster("gru", rng))
    about["layers"] = about["layers"] * 200
    markup = network_markup(about)
    assert "more layers" in markup
    assert len(markup.encode()) < 200_000


@pytest.mark.parametrize("name", [*HOSTILE, "n" * 300])
def test_no_name_is_markup(name, rng):
    net = forecaster("gru", rng)
    about = rnnlens.describe(net)
    about |= {"name": name, "path": "", "notes": [name], "format": name}
    about["layers"][1] |= {"name": name, "options": {name: name}}
    for array in about["layers"][1]["arrays"]:
        array |= {"name": name, "source": name}
    assert harmless(network_markup(about)).text.count(name) >= 5


@pytest.fixture
def hostile(rng):
    series = rng.normal(size=(40, 3))
    data = dict(zip(HOSTILE, series.T, strict=True))
    sidecar = Sidecar.plain(HOSTILE, window=7)
    return forecaster("lstm", rng, targets=3), rnnlens.windows(data, sidecar)


def test_hostile_names_of_a_result_are_text_in_its_table_and_its_chart(hostile):
    net, windows = hostile
    explained = rnnlens.explain(net, windows, target=0, method="secant")
    explained.attrs["target"] = HOSTILE[0]
    read = harmless(explained.rnnlens._repr_html_())
    assert all(name in read.text for name in HOSTILE)
    assert "img" in read.tags


def words(text):
    return re.sub(r"[\s─]+", "", text)


def printed(view):
    text = StringIO()
    Console(width=400, file=text).print(view, highlight=False, markup=False)
    return text.getvalue()


def test_a_notebook_says_what_the_command_line_prints(rng):
    from rnnlens.views.tables.explanation import explanation_view

    net, x = forecaster("lstm", rng), rng.normal(size=(12, 7, 3))
    explained = rnnlens.explain(net, x, target=0, method="secant")
    shown = Read("".join(markup_of(explanation_view(explained)))).text
    assert words(shown) == words(printed(explanation_view(explained)))
    assert words(shown) in words(Read(explained.rnnlens._repr_html_()).text)


def test_a_table_of_lags_is_shown_with_its_sentences_and_its_chart(rng):
    from rnnlens.views.words.lags import evidence_sentences

    net, x = forecaster("gru", rng), rng.normal(size=(60, 7, 3))
    table = rnnlens.lags(net, x, target=0, certificates=None, test=None)
    read = harmless(table.rnnlens._repr_html_())
    assert "verdict" in read.text and "img" in read.tags
    for sentence in evidence_sentences(table):
        assert sentence in read.text


def test_every_verb_that_has_a_view_is_shown_by_it():
    for module, name in VIEWS.values():
        assert callable(getattr(importlib.import_module(f"rnnlens.views.tables.{module}"), name))


def test_what_has_no_view_says_what_it_is(rng):
    net = stacked_bidirectional(rng)
    weights = rnnlens.weights(net)
    assert verb_of(weights) not in VIEWS
    assert "A result of rnnlens.weights" in harmless(weights.rnnlens._repr_html_()).text
    other = xr.Dataset({"a": ("x", np.arange(3.0))})
    assert "A result of rnnlens" in harmless(other.rnnlens._repr_html_()).text


def test_ink_is_the_notebooks_own_so_that_it_is_read_in_light_and_dark():
    # what states a colour of text, or a ground that is not the picture's, fits one of them only
    rules = dict(re.findall(r"([^{}\n]+)\{([^}]*)\}", STYLE.replace("\\\n", "")))
    assert not [one for one, rule in rules.items() if re.search(r"(?:^|;)color:", rule)]
    painted = [one for one, rule in rules.items() if "background:#" in rule]
    assert painted == [".rnnlens-shown .bar", ".rnnlens-shown img"]
    assert "filter:invert(1)" in piece([])
