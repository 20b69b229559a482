"""Each verb answers on stdout, in a table or as JSON, and says everything else on stderr."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import rnnlens
from processes import running


def test_the_version_is_said(call):
    assert call("--version").out == f"rnnlens {rnnlens.__version__}\n"


@pytest.mark.parametrize(
    "verb",
    [
        "inspect",
        "init",
        "trace",
        "explain",
        "lags",
        "certify",
        "trust",
        "report",
        "compile",
        "demo",
    ],
)
def test_every_verb_has_a_help_page(call, verb):
    said = call(verb, "--help")
    assert said.code == 0
    assert "Usage:" in said.out
    assert verb in call("--help").out


def test_inspect_names_every_array_by_its_gate(call, model):
    said = call("inspect", model)
    assert said.code == 0
    assert said.err == ""
    assert "lstm.W_i (10, 32) input kernel, input gate, from lstm/kernel[:, 0:32]" in said.out
    assert "lstm.U_o (32, 32) recurrent kernel, output gate" in said.out
    assert "4 (F + H + 1) H = 4 (10 + 32 + 1) 32 = 5,504" in said.out
    assert "The window's 24 steps are in no array" in said.out
    assert "Param" not in said.out


def test_inspect_prints_every_value(call, model):
    said = call("inspect", model, "--values")
    net = rnnlens.read(model)
    assert said.out.count("\nParam ") == 12 + 2
    text = said.out.partition("Param lstm_b_f: ")[2].partition("\nParam")[0]
    shown = np.array(
        json.loads(
            " ".join(text.split()).replace(". ", ".0 ").replace(".]", ".0]").replace(".,", ".0,")
        ),
        dtype=np.float32,
    )
    np.testing.assert_array_equal(shown, net["lstm"].layer.cell.forget.b)


def test_inspect_json_has_what_was_promised(call, model):
    found = json.loads(call("inspect", model, "--json").out)
    assert {"format", "parameters", "layers", "sha256", "time_steps"} <= set(found)
    arrays = [array for layer in found["layers"] for array in layer["arrays"]]
    assert len(arrays) == 14
    assert all({"name", "gate", "shape", "source"} <= set(array) for array in arrays)
    assert sum(int(np.prod(array["shape"])) for array in arrays) == found["parameters"] == 5834


def test_lags_json_has_what_was_promised_and_sums_to_one(call, model, data, windows_in_all):
    said = call("lags", model, data, "--target", "temp", "--windows", "0",
                "--method", "secant", "--replacements", "20", "--json")  # fmt: skip
    found = json.loads(said.out)
    assert {"target", "unit", "baseline", "samples", "max_residual", "lags"} <= set(found)
    assert (found["target"], found["unit"]) == ("temp", "F")
    assert found["samples"] == windows_in_all
    assert [row["lag"] for row in found["lags"]] == list(range(1, 25))
    assert sum(row["share"] for row in found["lags"]) == pytest.approx(1, abs=1e-12)
    assert all(row["share_low"] <= row["share_high"] for row in found["lags"])
    assert 0 <= found["max_residual"] < 1e-9  # float64 sums of 240 numbers of a few degrees


def test_lags_table_has_a_row_a_lag(call, model, data):
    said = call("lags", model, data, "--baseline", "persistence", "--windows", "0",
                "--replacements", "20")  # fmt: skip
    rows = re.findall(r"^ *(\d+) +[\d.]+ %", said.out, flags=re.MULTILINE)
    assert [int(row) for row in rows] == list(range(1, 25))
    assert "persistence" in said.out
    assert "beside the model" in said.err


def test_explain_takes_the_newest_window_and_its_contributions_sum(call, model, data, by_hand):
    said = call("explain", model, data, "--target", "temp", "--json")
    found = json.loads(said.out)
    assert found["sizes"]["sample"] == 1
    variables = {name: np.array(each["values"]) for name, each in found["variables"].items()}
    change = variables["forecast"] - variables["baseline_forecast"]
    np.testing.assert_allclose(variables["contribution"].sum(axis=(1, 2)), change, atol=1e-9)
    net = rnnlens.read(model)
    unscaled = rnnlens.predict(net, by_hand[None])[0, 0]
    temp = next(v for v in _features(model) if v.name == "temp")
    assert variables["forecast"][0] == pytest.approx(temp.mean + temp.scale * unscaled, abs=1e-9)
    # A baseline made of the one window that is explained would leave nothing to explain.
    assert abs(change[0]) > 1e-3


def _features(model):
    from rnnlens.series.sidecar import read_sidecar

    return read_sidecar(model.with_suffix(".toml")).features


def test_explain_by_the_tree_gives_the_newest_lags_and_one_older_player(call, model, data):
    arguments = ("--target", "dewp", "--method", "tree", "--newest", "3", "--json")
    found = json.loads(call("explain", model, data, *arguments).out)
    assert found["coords"]["lag"]["values"] == [1, 2, 3, 4]
    assert found["coords"]["lag_to"]["values"] == [1, 2, 3, 24]
    table = call("explain", model, data, *arguments[:-1]).out
    assert "4–24" in table


def test_explain_by_gradient_speaks_of_sensitivities(call, model, data):
    said = call("explain", model, data, "--target", "temp", "--method", "gradient")
    assert said.code == 0
    assert "sensitivity" in said.out
    assert "contribution" not in said.out


def test_held_features_get_nothing(call, model, data):
    said = call("explain", model, data, "--target", "temp", "--held", "temp,dewp", "--json")
    contribution = json.loads(said.out)
    features = contribution["coords"]["feature"]["values"]
    values = np.array(contribution["variables"]["contribution"]["values"])
    assert np.all(values[..., [features.index("temp"), features.index("dewp")]] == 0)
    assert np.any(values != 0)
    assert contribution["attrs"]["held"] == "temp, dewp"


def test_limits_choose_the_windows(call, model, data):
    asked = ("explain", model, data, "--target", "temp", "--method", "secant", "--json")
    many = json.loads(call(*asked, "--last", "7").out)
    assert many["sizes"]["sample"] == 7
    limits = ("--from", "2013-10-07", "--to", "2013-10-07 06:00")
    some = json.loads(call(*asked, *limits).out)
    assert some["coords"]["time"]["values"][0].startswith("2013-10-07T00")
    assert some["sizes"]["sample"] == 6


def test_trace_gives_every_gate_and_state(call, model, data, by_hand):
    found = json.loads(call("trace", model, data, "--json").out)["layers"]["lstm"]
    hidden = np.array(found["variables"]["hidden"]["values"])
    assert hidden.shape == (1, 24, 32)
    assert found["coords"]["gate"]["values"] == ["input", "forget", "cell", "output"]
    expected = rnnlens.trace(rnnlens.read(model), by_hand[None])["lstm"]["hidden"].values
    np.testing.assert_allclose(hidden, expected, atol=1e-12)
    table = call("trace", model, data).out
    for row in ("input gate", "forget gate", "output gate", "cell state", "hidden state"):
        assert row in table


@pytest.mark.parametrize("verb", ["explain", "lags", "certify", "trace"])
def test_results_go_to_files_of_every_format(call, model, data, tmp_path, verb):
    chosen = () if verb == "trace" else ("--target", "temp")
    # how much is drawn, and how exact shares and bounds are, is nothing to a file
    few = {
        "lags": ("--windows", "1", "--replacements", "20", "--method", "secant", "--budget", "1"),
        "certify": ("--last", "1", "--budget", "1"),
    }
    chosen += few.get(verb, ())
    for suffix in ("csv", "json", "nc"):
        path = tmp_path / f"{verb}.{suffix}"
        said = call(verb, model, data, *chosen, "--out", path)
        assert said.code == 0
        assert f"wrote {path}" in said.err
        assert path.stat().st_size > 0
    printed = call(verb, model, data, *chosen, "--json").out
    written = json.loads((tmp_path / f"{verb}.json").read_text(encoding="utf-8"))
    printed = json.loads(printed)
    for each in (printed, written):
        each.pop("created", None)
        each.get("attrs", {}).pop("created", None)
    assert written == printed
    assert len(pd.read_csv(tmp_path / f"{verb}.csv")) > 20
    with xr.open_datatree(tmp_path / f"{verb}.nc", engine="h5netcdf") as tree:
        assert tree.attrs["sha256"]


def test_a_network_without_a_sidecar_is_asked_by_column_names(call, model, data):
    model.with_suffix(".toml").unlink()
    names = ",".join(pd.read_csv(data, nrows=1).columns[1:])
    said = call("explain", model, data, "--features", names, "--lead", "6", "--target", "temp")
    assert said.code == 0
    assert "no sidecar" in said.err


def test_columns_are_found_by_name_in_any_order(call, model, table, data, tmp_path):
    shuffled = tmp_path / "shuffled.csv"
    time, *names = table.columns
    table[[*reversed(names), time]].to_csv(shuffled, index=False)
    one, other = (
        json.loads(call("explain", model, path, "--target", "temp", "--json").out)
        for path in (data, shuffled)
    )
    assert one["variables"] == other["variables"]


def test_a_sidecar_elsewhere_is_taken_by_name(call, model, data, tmp_path):
    elsewhere = tmp_path / "elsewhere.toml"
    model.with_suffix(".toml").rename(elsewhere)
    said = call("explain", model, data, "--config", elsewhere, "--target", "temp")
    assert said.code == 0
    assert "beside the model" not in said.err


@pytest.mark.usefixtures("undrawn")
def test_report_runs_the_source_model_and_says_how_far_apart_they_are(call, model, data, tmp_path):
    checked, unchecked = tmp_path / "checked.html", tmp_path / "unchecked.html"
    call("report", model, data, "--target", "temp", "--out", checked)
    call("report", model, data, "--target", "temp", "--out", unchecked, "--no-check")
    assert "against Keras 3." in checked.read_text(encoding="utf-8")
    assert "against Keras 3." not in unchecked.read_text(encoding="utf-8")


def test_report_writes_one_file_that_needs_no_network(call, model, data, tmp_path):
    path = tmp_path / "report.html"
    said = call("report", model, data, "--target", "temp", "--out", path)
    assert said.code == 0
    text = path.read_text(encoding="utf-8")
    assert "temp" in text
    assert "<script src=" not in text
    # with the command that makes it again, files named without their folders
    assert f"<code>rnnlens report {model.name} {data.name} --target temp --out report.html" in text


def test_a_closed_pipe_is_quiet(model):
    with running("-m", "rnnlens", "inspect", str(model), "--values") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().strip()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_an_interrupt_is_quiet(model, tmp_path):
    pipe = tmp_path / "never-written"
    os.mkfifo(pipe)
    with running("-m", "rnnlens", "explain", str(model), str(pipe)) as process:
        end = None
        while end is None and process.poll() is None:
            time.sleep(0.01)
            with suppress(OSError):  # nobody has opened the other end yet
                end = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        # between the opening and the reading of a file it would wait for what is never written
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert end is not None, err
    os.close(end)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
