"""Charts on the command line: a name, a model, a series, a file."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import rnnlens
from joined_networks import joined
from rnnlens import plot
from rnnlens.cli.commands.recipes import RECIPES
from rnnlens.cli.options.choices import CHARTS


def test_every_public_chart_is_drawn_by_a_command(call):
    assert list(CHARTS) == list(RECIPES)
    assert sorted(CHARTS) == sorted(set(plot.__all__) - {"save"})
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


def spec_of(call, path, *typed):
    said = call("plot", *typed, "--out", path)
    assert said.code == 0, said.err
    return json.loads(path.read_text(encoding="utf-8"))


def test_points_of_rest_are_drawn_along_the_range_that_was_typed(call, model, data, tmp_path):
    typed = ("bifurcations", model, data, "--move", "temp=30:60:3", "--last", "1", "--at", "0")
    spec = spec_of(call, tmp_path / "moved.json", *typed)
    assert spec["layer"][0]["encoding"]["x"]["title"] == "temp (F)"
    values = {row["value"] for rows in spec["datasets"].values() for row in rows if "value" in row}
    assert {30.0, 45.0, 60.0} >= values and values


def test_a_concept_is_named_as_the_verb_names_it(call, model, data, tmp_path):
    out = tmp_path / "probe.json"
    typed = ("--concept", "dewp", "--draws", "1", "--shifts", "2", "--blocks", "3", "--gap", "0")
    spec = spec_of(call, out, "probe", model, data, *typed, "--state", "hidden")
    assert len(spec["vconcat"]) == 2


def test_the_other_network_stands_where_the_verb_has_it(call, model, data, tmp_path):
    alone = spec_of(call, tmp_path / "two.json", "compared_weights", model, model)
    over = spec_of(call, tmp_path / "data.json", "compared_weights", model, model, data)
    assert len(over["vconcat"]) > len(alone["vconcat"])


def test_a_record_of_a_training_stands_in_the_place_of_a_model(call, tmp_path):
    table = pd.DataFrame({"step": [0, 1, 2], "k50": [2.0, 3.0, 3.5], "k95": [6.0, 9.0, 9.5]})
    table.to_csv(tmp_path / "record.csv", index=False)
    spec = spec_of(call, tmp_path / "record.json", "record", tmp_path / "record.csv")
    assert any(len(rows) >= 6 for rows in spec["datasets"].values())
    missing = call("plot", "record", tmp_path / "none.csv")
    assert missing.code == 1 and "name the one that rnnlens.record wrote" in missing.err
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    empty = call("plot", "record", tmp_path / "empty.csv")
    assert empty.code == 1 and "empty.csv is no table" in empty.err


@pytest.mark.parametrize("kind", ["W", "U", "b"])
def test_weights_are_drawn_with_data_and_without(call, model, tmp_path, kind):
    spec = spec_of(call, tmp_path / f"{kind}.json", "weights", model, "--kind", kind)
    assert len(spec["concat"]) == (1 if kind == "b" else 4)


def test_lags_that_were_typed_are_certified_and_no_other(call, model, data, tmp_path):
    typed = ("--lag", "1-2", "--range", "0.5", "--budget", "1", "--tolerance", "5")
    spec = spec_of(call, tmp_path / "proven.json", "certificates", model, data, *typed)
    drawn = {row["label"] for rows in spec["datasets"].values() for row in rows if "label" in row}
    assert drawn == {"1", "2"}


@pytest.mark.parametrize(
    "name",
    ["forecast", "lag_contributions", "waterfall", "beeswarm", "gates", "gate_contributions",
     "fixed_points", "summarized_weights", "memory", "lag_feature"],
)  # fmt: skip
def test_of_several_inputs_the_main_one_is_drawn_or_the_one_that_is_named(
    call, tmp_path, rng, name
):
    net, inputs = joined("static after")
    rnnlens.convert(net, tmp_path / "site.npz", check=False)
    shape = (12, *inputs["x"].shape[1:])
    arrays = {"x": rng.normal(size=shape), "site": rng.normal(size=(12, 3))}
    np.savez(tmp_path / "inputs.npz", **arrays)
    out = tmp_path / "figure.json"
    typed = ("plot", name, tmp_path / "site.npz", tmp_path / "inputs.npz", "--out", out)
    said = call(*typed)
    assert said.code == 0, said.err
    told = "of the input x, while the others keep their values; --of names another" in said.err
    assert told == (name not in {"gates", "summarized_weights"})
    drawn = out.read_bytes()
    named = call(*typed, "--of", "x")
    assert named.code == 0 and "keep their values" not in named.err
    assert out.read_bytes() == drawn


def test_a_chart_refuses_what_it_would_not_look_at(call, model, data):
    for typed, reason in (
        (("waterfall", model, data, "--kind", "U"), "waterfall does not take --kind"),
        (("memory", model, data, "--method", "tree"), "memory does not take --method"),
        (("anatomy", model, "--target", "temp"), "anatomy does not take --target"),
        (("anatomy", model, "--last", "3"), "no data were given that --last could choose windows"),
        (
            ("summarized_weights", model, "--from", "5", "--to", "9"),
            "that --from, --to could choose",
        ),
        (("record", model, "--last", "3"), "that --last could choose windows of: leave it out"),
        (("anatomy", model, data), "is drawn of one file, and data were given too: leave out"),
        (("compared_weights", model), "of two networks, and one was given: name the other"),
    ):
        said = call("plot", *typed)
        assert (said.code, said.out) == (1, ""), typed
        assert reason in said.err
    for typed in (("bifurcations", model, data), ("probe", model, data)):
        said = call("plot", *typed)
        assert said.code == 2 and ("--move takes" in said.err or "--concept takes" in said.err)
    two = call("plot", "waterfall", model, data, "--of", "a,b")
    assert two.code == 2 and "a chart is of one input, and --of names a, b" in two.err


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
    unknown = call("plot", "pie", model, data)
    assert unknown.code == 2
    named = ", ".join(f"'{name}'" for name in CHARTS)
    assert f"Invalid value for 'name': 'pie' is not one of {named}." in unknown.err
    assert sorted(path.name for path in tmp_path.glob("*.pdf")) == []
