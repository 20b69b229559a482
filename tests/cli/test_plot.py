"""Charts on the command line: a name, a model, a series, a file."""

from __future__ import annotations

import json

import pytest

from rnnlens import plot
from rnnlens.cli.commands.charts import RECIPES
from rnnlens.cli.options.choices import CHARTS


def test_every_name_has_a_recipe_and_is_a_public_chart(call):
    assert list(CHARTS) == list(RECIPES)
    assert set(CHARTS) <= set(plot.__all__)
    # what these take has no usual: a range, another network, a concept, a training
    assert set(plot.__all__) - set(CHARTS) == {
        "bifurcations",
        "compared_weights",
        "probe",
        "record",
        "save",
    }
    said = call("plot", "--help").out
    assert all(name in said for name in CHARTS)


@pytest.mark.parametrize("name", ["waterfall", "beeswarm", "gates", "weights", "fixed_points"])
def test_a_chart_is_written_with_the_numbers_of_its_verb(call, model, data, tmp_path, name):
    out = tmp_path / "figure.json"
    said = call("plot", name, model, data, "--target", "temp", "--last", "12", "--out", out)
    assert said.code == 0, said.err
    assert said.out == f"wrote {out}\n"
    spec = json.loads(out.read_text(encoding="utf-8"))
    assert any(spec["datasets"].values())


def test_of_a_network_alone_no_data_are_needed(call, model, tmp_path):
    out = tmp_path / "figure.pdf"
    said = call("plot", "anatomy", model, "--out", out, "--width", "84", "--language", "en")
    assert (said.code, said.out) == (0, f"wrote {out}\n")
    assert out.read_bytes().startswith(b"%PDF")


def test_what_is_wrong_is_said_before_anything_is_computed(call, model, data, tmp_path):
    none = call("plot", "waterfall", model)
    assert (none.code, none.out) == (1, "")
    assert "drawn of windows, and no data were given: name the series after the model" in none.err
    form = call("plot", "waterfall", model, data, "--out", tmp_path / "figure.doc")
    assert form.code == 1 and "use one of .pdf, .svg, .png, .html, .json" in form.err
    one = call("plot", "calendar", model, data, "--sample", "3")
    assert one.code == 1 and "the chart calendar is of all: leave it out, or draw one of" in one.err
    narrow = call("plot", "waterfall", model, data, "--width", "3")
    assert narrow.code == 1 and "width, in millimetres, must be a number from 40" in narrow.err
    tongue = call("plot", "waterfall", model, data, "--language", "xx")
    assert tongue.code == 1 and "language must be one of en" in tongue.err
    assert call("plot", "pie", model, data).code == 2
    assert sorted(path.name for path in tmp_path.glob("*.pdf")) == []
