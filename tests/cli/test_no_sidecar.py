"""Where data leave no doubt no sidecar is needed, and what is taken for granted is said."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import rnnlens
from networks import cell, chain, head
from rnnlens.network import layers as L

NAMES = ["rain", "flow", "snow"]


@pytest.fixture
def flood(rng, tmp_path):
    """A network of seven steps of three features that gives one number, in a file."""
    network = chain(L.Recurrent(cell("lstm", rng)), head(rng, 5, 1), shape=(7, 3))
    rnnlens.convert(network, tmp_path / "flood.npz", check=False)
    return tmp_path / "flood.npz"


@pytest.fixture
def river(rng, tmp_path):
    time = pd.date_range("2013-01-01", periods=30, freq="h")
    frame = pd.DataFrame({"time": time, **{name: rng.normal(size=30) for name in NAMES}})
    frame.to_csv(tmp_path / "river.csv", index=False)
    return frame


def explained(call, *arguments):
    said = call("explain", *arguments, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out), " ".join(said.err.split())


def test_a_table_of_the_networks_width_is_taken_as_it_is(call, flood, river, tmp_path):
    found, err = explained(call, flood, tmp_path / "river.csv")
    values = river[NAMES].to_numpy()[-7:]
    wanted = rnnlens.predict(rnnlens.read(flood), values[None])[0, 0]
    assert found["variables"]["forecast"]["values"][0] == pytest.approx(wanted, rel=1e-9)
    assert found["coords"]["feature"]["values"] == NAMES
    assert "time" in found["coords"]
    assert "no sidecar: the 3 columns of numbers (rain, flow, snow) go into the network" in err
    assert "times are those of time" in err
    assert "its output has no name: --targets a names it" in err


def test_one_column_is_spoken_of_as_one(call, rng, river, tmp_path):
    network = chain(L.Recurrent(cell("lstm", rng, 1)), head(rng, 5, 1), shape=(7, 1))
    rnnlens.convert(network, tmp_path / "one.npz", check=False)
    river[["time", "flow"]].to_csv(tmp_path / "flow.csv", index=False)
    _, err = explained(call, tmp_path / "one.npz", tmp_path / "flow.csv")
    assert "the one column of numbers (flow) goes into the network as it stands" in err


def test_outputs_that_are_columns_are_named_and_have_outcomes(call, flood, river, tmp_path):
    path = tmp_path / "river.csv"
    for features in ([], ["--features", "rain,flow,snow"]):
        options = [*features, "--targets", "flow", "--lead", "2", "--last", "3", "--target", "flow"]
        found, _ = explained(call, flood, path, *options)
        assert found["attrs"]["target"] == "flow"
        happened = found["variables"]["actual"]["values"]
        assert happened[0] == pytest.approx(river["flow"].iloc[-1])
        assert np.isnan(np.array(happened[1:], float)).all()


@pytest.mark.parametrize("name", ["windows.npz", "other.npz", "windows.npy"])
def test_windows_of_the_networks_shape_are_taken_as_they_are(call, flood, rng, tmp_path, name):
    x = rng.normal(size=(5, 7, 3))
    if name.endswith("npy"):
        np.save(tmp_path / name, x)
    else:
        np.savez(tmp_path / name, **{"X" if name == "windows.npz" else "x_test": x})
    found, err = explained(call, flood, tmp_path / name, "--target", "0")
    wanted = rnnlens.predict(rnnlens.read(flood), x)[-1, 0]
    assert found["variables"]["forecast"]["values"] == [pytest.approx(wanted, rel=1e-9)]
    assert found["coords"]["feature"]["values"] == ["feature 0", "feature 1", "feature 2"]
    assert f"the windows of {name} go into the network as they are" in err


def test_windows_of_other_steps_are_refused_by_the_network_itself(call, flood, rng, tmp_path):
    np.savez(tmp_path / "long.npz", X=rng.normal(size=(4, 14, 3)))
    said = call("explain", flood, tmp_path / "long.npz")
    assert said.code == 1 and "takes windows of 7 steps, but the data was cut" in said.err
    carried = chain(L.Recurrent(cell("lstm", rng), stateful=True), head(rng, 5, 1), shape=(7, 3))
    rnnlens.convert(carried, tmp_path / "carried.npz", check=False)
    said = call("explain", tmp_path / "carried.npz", tmp_path / "long.npz")
    assert said.code == 1 and "unroll=14 (--unroll 14)" in said.err


def test_two_tables_are_joined_at_the_command_line(call, flood, river, tmp_path):
    river[["time", "rain", "flow"]].to_csv(tmp_path / "a.csv", index=False)
    river[["time", "snow"]].to_csv(tmp_path / "b.csv", index=False)
    both, _ = explained(call, flood, tmp_path / "a.csv", tmp_path / "b.csv")
    one, _ = explained(call, flood, tmp_path / "river.csv")
    assert both["variables"]["forecast"] == one["variables"]["forecast"]


def test_a_table_of_another_width_is_refused_with_the_command_that_helps(
    call, flood, river, tmp_path
):
    river.drop(columns="snow").to_csv(tmp_path / "narrow.csv", index=False)
    said = call("explain", flood, tmp_path / "narrow.csv")
    assert said.code == 1
    text = " ".join(said.err.split())
    assert "it takes 3 features, and narrow.csv has 2 columns of numbers (rain, flow)" in text
    assert text.endswith("> flood.toml")
    assert "rnnlens init" in text


def test_targets_override_those_of_the_sidecar(call, model, data):
    said = call("explain", model, data, "--targets", "tmep")
    assert said.code == 1
    assert "--targets names 'tmep', whose scaling the sidecar does not say (did you mean" in (
        " ".join(said.err.split())
    )
