"""From format to format and back the forward run stays what it was; `convert` proves it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import rnnlens
from networks import cell, chain, head
from rnnlens.checks.inputs import random_inputs
from rnnlens.cli.app import app
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError, UnsupportedModel
from rnnlens.network.layers import Input, Recurrent
from rnnlens.network.network import Node
from rnnlens.readers.native.npz import read as read_npz
from rnnlens.writers import native as npz_file
from writers_zoo import as_float32, zoo

ROUNDS = {
    "lstm": (".keras", ".safetensors", ".onnx", ".npz", ".keras"),
    "gru_after": (".keras", ".safetensors", ".onnx", ".npz", ".keras"),
    "gru_before": (".keras", ".onnx", ".npz", ".keras"),
    "simple_rnn": (".keras", ".safetensors", ".onnx", ".npz", ".keras"),
    "merged_concat": (".keras", ".onnx", ".npz", ".keras"),
    "stacked": (".keras", ".safetensors", ".onnx", ".npz", ".keras"),
    "lstm_hard": (".keras", ".onnx", ".npz", ".keras"),
    "graph": (".keras", ".onnx", ".npz", ".keras"),
}


@pytest.fixture
def networks(rng):
    return zoo(rng)


def many(outputs):
    return list(outputs) if isinstance(outputs, tuple | list) else [outputs]


@pytest.mark.parametrize("name", ROUNDS)
def test_a_round_through_every_format_changes_no_output(name, networks, tmp_path):
    first = as_float32(networks[name])
    inputs = random_inputs(first)
    ours = many(predict(first, inputs))
    network = first
    for number, suffix in enumerate(ROUNDS[name]):
        done = rnnlens.convert(network, tmp_path / f"{number}{suffix}", check=False)
        network = done.network
        given = dict(zip(network.inputs, inputs.values(), strict=True))
        for mine, other in zip(ours, many(predict(network, given)), strict=True):
            # Every array went through float32, once, and some through a product with 1.2.
            np.testing.assert_allclose(other, mine, atol=1e-6 * max(1.0, np.abs(mine).max()))


def test_a_reset_before_the_product_is_a_loop_in_pytorch(networks, tmp_path):
    done = rnnlens.convert(networks["gru_before"], tmp_path / "gru.safetensors")
    assert done.largest_difference == 0
    assert "for step in x.unbind(1):" in done.code


def test_what_cannot_be_written_leaves_no_file(networks, tmp_path):
    with pytest.raises(UnsupportedModel, match="peephole"):
        rnnlens.convert(networks["lstm_peephole"], tmp_path / "lstm.keras")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")
def test_every_keras_1_file_becomes_a_keras_3_model(shared, tmp_path):
    count = 0
    for source in sorted((shared / "models" / "keras1").glob("*_1*.h5")):
        try:
            network = rnnlens.read(source)
        except InputError:
            continue  # weights or outputs alone
        done = rnnlens.convert(network, tmp_path / "new.keras")
        assert done.library.startswith("Keras 3")
        # Keras computes in float32; the tolerance is 1e-5 of the outputs' size.
        assert done.library_difference is not None
        assert done.library_difference < 0.2 * done.tolerance
        assert done.largest_difference < 0.1 * done.tolerance
        hard = any(layer.cell.kind == "LSTM" for _, layer in network.recurrent())
        assert hard == any("of the slope 0.2" in note for note in done.notes)
        count += 1
    assert count >= 8


@pytest.mark.parametrize("suffix", [".keras", ".onnx"])
def test_the_library_runs_what_was_written(suffix, networks, tmp_path):
    done = rnnlens.convert(networks["lstm"], tmp_path / f"model{suffix}")
    assert done.library and done.library_difference is not None
    assert 0 < done.library_difference < 1e-5
    assert done.network.origin.path == str(tmp_path / f"model{suffix}")
    assert [each.name for each in tmp_path.iterdir()] == [f"model{suffix}"]


def test_random_inputs_fit_and_reach_every_part(networks):
    masked = random_inputs(networks["masked"], samples=8)["x"]
    assert (masked == 0).all(axis=2).any(axis=1).sum() == 4
    tokens = random_inputs(networks["embedded"], samples=50)["x"]
    assert set(np.unique(tokens)) == set(range(7))
    free = random_inputs(networks["stacked"])["x"]
    assert free.shape == (16, 12, 3)
    assert np.array_equal(free, free.astype(np.float32))
    again = random_inputs(networks["stacked"])["x"]
    assert np.array_equal(free, again)


def test_an_input_that_nothing_takes_is_left_out_of_onnx_and_that_is_said(networks, tmp_path):
    network = networks["lstm"]
    wider = dataclasses.replace(network, nodes=(Node("unused", Input((2,))), *network.nodes))
    done = rnnlens.convert(wider, tmp_path / "model.onnx", check=False)
    assert "the input 'unused' is left out, for nothing takes it" in done.notes
    assert list(done.network.inputs) == ["x"]


def test_a_graph_that_hides_its_samples_is_read_back_all_the_same(rng, tmp_path):
    network = chain(head(rng, 3, activation="tanh"), shape=(4, 3))
    done = rnnlens.convert(network, tmp_path / "model.onnx")
    assert any("batch_axes={'x': 0}" in note for note in done.notes)


def said(*arguments):
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


@pytest.fixture
def source(networks, tmp_path) -> Path:
    path = tmp_path / "source.npz"
    path.write_bytes(npz_file.write(networks["lstm"]).data)
    return path


def test_the_verb_says_one_fact_a_line(source, tmp_path):
    result = said(source, tmp_path / "model.safetensors")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"wrote {tmp_path / 'model.safetensors'} (PyTorch state dict")
    assert lines[1].startswith("largest difference 0 on 16 random inputs")
    assert any(line == 'note: read it back with head="fc"' for line in lines)
    assert "self.lstm = torch.nn.LSTM(3, 5, batch_first=True)" in result.stdout


def test_the_verb_gives_json(source, tmp_path):
    result = said(source, tmp_path / "model.npz", "--json")
    given = json.loads(result.stdout)
    assert given["largest_difference"] == 0
    assert given["path"] == str(tmp_path / "model.npz")


def test_the_verb_refuses_in_one_sentence(source, tmp_path):
    result = said(source, tmp_path / "model.txt")
    assert result.exit_code == 1
    assert "must end in one of" in result.stderr
    again = said(source, source)
    assert again.exit_code == 1
    assert "is the source itself" in again.stderr


def test_a_network_of_vectors_in_a_chain_is_written_too(rng, tmp_path):
    network = chain(Recurrent(cell("gru_after", rng)), head(rng, 5), shape=(None, 3))
    done = rnnlens.convert(network, tmp_path / "model.npz")
    assert read_npz(tmp_path / "model.npz").outputs == network.outputs
    assert done.largest_difference == 0
