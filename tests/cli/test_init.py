"""``rnnlens init`` writes a sidecar that every other command takes, and says what it guessed."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

import rnnlens
from rnnlens.demo.weather import demo_files
from rnnlens.errors import ConfigError
from rnnlens.series.sidecar import read_sidecar


@pytest.fixture
def bare(model):
    """The shipped network without its sidecar."""
    model.with_suffix(".toml").unlink()
    return model


@pytest.fixture
def scaler(tmp_path):
    """What the shipped sidecar says, as plain numbers in a pickle."""
    known = read_sidecar(demo_files().sidecar)
    numbers = {
        "mean": [v.mean for v in known.features],
        "std": [v.scale for v in known.features],
        "names": list(known.feature_names),
    }
    path = tmp_path / "scaler.pkl"
    path.write_bytes(pickle.dumps(numbers))
    return path


def test_from_init_to_an_answer_nothing_is_written_by_hand(call, bare, data, scaler):
    made = call("init", bare, data, "--scaler", scaler, "--lead", 6)
    assert made.code == 0
    assert "note: features: " in made.err and "(sure)" in made.err and "a guess" in made.err
    bare.with_suffix(".toml").write_text(made.out, encoding="utf-8")
    own, shipped = read_sidecar(bare.with_suffix(".toml")), read_sidecar(demo_files().sidecar)
    assert own.feature_names == shipped.feature_names
    assert (own.window, own.lead, own.step) == (24, 6, "1h")
    assert set(shipped.held) <= set(own.held)
    wanted = shipped.feature_scaling.scale
    np.testing.assert_array_equal(own.feature_scaling.scale, wanted)
    assert call("trace", bare, data).code == 0


def test_json_holds_the_same_text_and_the_notes(call, bare, data, scaler):
    options = ("--scaler", scaler, "--window", 12, "--features", "temp,dewp", "--json")
    refused = call("init", bare, data, *options)
    assert refused.code == 1
    assert "the network takes 10 features and 2 were found (temp, dewp)" in refused.err
    found = json.loads(call("init", bare, data, "--scaler", scaler, "--window", 12, "--json").out)
    assert "window = 12" in found["sidecar"]
    assert any(note.startswith("features: ") for note in found["notes"])


def test_a_command_that_misses_a_sidecar_ends_with_the_one_that_writes_it(call, bare, data, table):
    table.drop(columns=["temp"]).to_csv(data)
    said = call("explain", bare, data)
    assert said.code == 1
    assert said.err.rstrip().endswith(f"rnnlens init {bare} {data} > weather.toml")


def test_python_gives_the_sidecar_its_text_and_notes(bare, data, scaler):
    network = rnnlens.read(bare)
    made = rnnlens.init(network, data, scaler=scaler)
    assert str(made) == made.text and made.checks == made.text.count("# CHECK: ")
    assert made.sidecar.target_names == made.sidecar.feature_names
    assert rnnlens.windows(data, made.sidecar).targets == made.sidecar.target_names
    with pytest.raises(ConfigError, match="gives 10 outputs and 2 targets were named"):
        rnnlens.init(network, data, scaler=scaler, targets=["temp", "dewp"])


def test_several_tables_are_refused(call, bare, data):
    said = call("init", bare, data, data)
    assert (said.code, said.out) == (1, "")
    assert "init looks at one table and got 2" in said.err
