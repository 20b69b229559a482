"""The command line proves that a network was read right, and clears what was assumed."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import rnnlens


@dataclass(frozen=True)
class Given:
    """A state dict, its layers, windows, and what the module itself gave for them."""

    model: Path
    layers: str
    X: np.ndarray
    outputs: np.ndarray

    def saved(self, path, **arrays):
        np.savez(path, **(arrays or {"X": self.X, "outputs": self.outputs}))
        return path


@pytest.fixture
def given(tmp_path, rng):
    torch.manual_seed(0)
    rnn, head = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 1)
    path = tmp_path / "model.pt"
    torch.save(nn.ModuleDict({"rnn": rnn, "fc": head}).state_dict(), path)
    X = rng.normal(size=(6, 5, 3)).astype(np.float32)
    with torch.no_grad():
        outputs = head(torch.relu(rnn(torch.as_tensor(X))[0][:, -1])).numpy()
    return Given(path, "LSTM(rnn) > relu > Linear(fc)", X, outputs)


def test_outputs_of_the_author_agree_in_every_kind_of_file(call, given, tmp_path):
    windows = tmp_path / "windows.npy"
    np.save(windows, given.X)
    np.save(tmp_path / "gave.npy", given.outputs)
    np.savetxt(tmp_path / "gave.csv", given.outputs, header="flow", comments="", fmt="%.9g")
    only = given.saved(tmp_path / "only.npz", outputs=given.outputs)
    for name in ("gave.npy", "gave.csv", only):
        said = call("fidelity", given.model, tmp_path / name, windows, "--layers", given.layers)
        assert said.code == 0 and "agree on 6 windows" in said.out, said
    both = given.saved(tmp_path / "both.npz")
    said = call("fidelity", given.model, both, "--layers", given.layers, "--json")
    facts = json.loads(said.out)
    found = rnnlens.fidelity(rnnlens.read(given.model, layers=given.layers), given.outputs, given.X)
    assert facts["agrees"] is True and facts["samples"] == 6
    assert facts["largest"] == found.largest and facts["tolerance"] == found.tolerance


def test_another_head_does_not_agree_and_the_exit_code_says_so(call, given, tmp_path):
    both = given.saved(tmp_path / "both.npz")
    said = call("fidelity", given.model, both, "--layers", "LSTM(rnn) > tanh > Linear(fc)")
    assert said.code == 1 and "DO NOT AGREE on 6 windows" in said.out
    said = call("fidelity", given.model, both, "--head", "fc", "--json")
    assert said.code == 1 and json.loads(said.out)["agrees"] is False


def test_a_source_that_runs_is_run_on_the_windows_of_the_series(call, model, data, tmp_path):
    onnx = tmp_path / "made.onnx"
    rnnlens.convert(rnnlens.read(model), onnx, check=False)
    said = call("fidelity", model, onnx, data, "--last", "9")
    assert said.code == 0 and "onnxruntime" in said.out and "agree on 9 windows" in said.out


def test_a_source_without_windows_asks_for_them(call, given, tmp_path):
    np.save(tmp_path / "gave.npy", given.outputs)
    said = call("fidelity", given.model, tmp_path / "gave.npy", "--layers", given.layers)
    assert said.code == 1
    assert said.err.strip().endswith(
        "gave.npy holds no windows: give the series, or the windows, after it"
    )


def test_outputs_clear_what_was_assumed_from_the_view(call, given, tmp_path):
    windows = tmp_path / "windows.npy"
    np.save(windows, given.X)
    both = given.saved(tmp_path / "both.npz")
    asked = ("explain", given.model, windows, "--layers", given.layers, "--method", "secant")
    plain, shown = call(*asked), call(*asked, "--outputs", both)
    assert plain.code == shown.code == 0, (plain.err, shown.err)
    assert "ASSUMED" in plain.out and "--outputs" in " ".join(plain.out.split())
    assert "ASSUMED" not in shown.out


def test_outputs_of_another_network_are_refused(call, given, tmp_path):
    windows = tmp_path / "windows.npy"
    np.save(windows, given.X)
    asked = ("explain", given.model, windows, "--layers", given.layers, "--outputs")
    other = given.saved(tmp_path / "other.npz", X=given.X, outputs=given.outputs + 1)
    said = call(*asked, other)
    assert said.code == 1 and "does not give the outputs in other.npz" in said.err
    only = given.saved(tmp_path / "only.npz", outputs=given.outputs)
    said = call(*asked, only)
    assert said.code == 1 and "--outputs takes an .npz file with the windows" in said.err
    nameless = given.saved(tmp_path / "nameless.npz", X=given.X, gave=given.outputs)
    said = call(*asked, nameless)
    assert said.code == 1 and "name the array of what the model gave outputs" in said.err
