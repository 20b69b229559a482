"""Every ONNX file written is run by onnxruntime, and read back, and gives the same."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

import rnnlens
from random_graphs import random_graph
from refused.writers import chain_of_lengths, repeated_as_often
from rnnlens.checks.inputs import random_inputs
from rnnlens.engine.forward import predict
from rnnlens.readers.open import read
from rnnlens.writers.onnx.file import write
from writers_zoo import NAMES, as_float32, zoo


@pytest.fixture
def networks(rng):
    return zoo(rng)


def many(outputs):
    return list(outputs) if isinstance(outputs, tuple | list) else [outputs]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"lstm_projected", "masked"}))
def test_onnxruntime_runs_what_is_written_and_gives_the_same(name, networks, tmp_path):
    network = as_float32(networks[name])
    inputs = random_inputs(network, samples=6)
    ours = many(predict(network, inputs))
    path = tmp_path / "model.onnx"
    path.write_bytes(write(network).data)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    whole = {"tensor(int64)": np.int64, "tensor(float)": np.float32}
    types = {entry.name: whole[entry.type] for entry in session.get_inputs()}
    theirs = session.run(None, {key: x.astype(types[key]) for key, x in inputs.items()})
    back = read(path)
    again = many(predict(back, dict(zip(back.inputs, inputs.values(), strict=True))))
    assert len(ours) == len(theirs) == len(again)
    for mine, other, same in zip(ours, theirs, again, strict=True):
        scale = max(1.0, np.abs(mine).max())
        # onnxruntime computes in float32, and its sigmoid and tanh are approximations.
        np.testing.assert_allclose(other, mine, atol=1e-5 * scale)
        np.testing.assert_allclose(same, mine, atol=1e-6 * scale)


def test_peepholes_and_both_biases_are_kept(networks, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(write(networks["lstm_peephole"]).data)
    (node,) = [node for node in onnx.load(path).graph.node if node.op_type == "LSTM"]
    assert len(node.input) == 8
    path.write_bytes(write(networks["gru_before"]).data)
    after = read(path)
    (_, layer), *_ = after.recurrent()
    before = networks["gru_before"]["recurrent"].layer.cell
    np.testing.assert_allclose(layer.cell.candidate.b_r, before.candidate.b_r, rtol=1e-6)


def test_two_like_directions_are_one_operator(networks):
    model = onnx.load_from_string(write(networks["bidirectional_last"]).data)
    (node,) = [node for node in model.graph.node if node.op_type == "LSTM"]
    ways = {attribute.name: attribute for attribute in node.attribute}
    assert ways["direction"].s == b"bidirectional"


def test_double_precision_becomes_single_and_that_is_said(networks):
    assert "float64 and are written as float32" in write(networks["lstm"]).notes[0]
    assert write(as_float32(networks["lstm"])).notes == ()


@pytest.mark.parametrize("seed", range(0, 40, 4))
def test_random_forecasters_are_written_and_read_back(seed, tmp_path):
    done = rnnlens.convert(as_float32(random_graph(seed)), tmp_path / "model.onnx")
    # onnxruntime computes in float32
    assert done.library_difference is not None
    assert done.library_difference < 1e-5
    assert done.largest_difference < 1e-6


@pytest.mark.parametrize("steps", [4, 9])
def test_a_vector_is_repeated_over_any_number_of_steps(steps, rng, tmp_path):
    network = as_float32(repeated_as_often())
    done = rnnlens.convert(network, tmp_path / "model.onnx")
    assert done.library_difference is not None
    inputs = {"x": rng.normal(size=(3, steps, 3)), "z": rng.normal(size=(3, 2))}
    ours = predict(network, inputs)
    np.testing.assert_allclose(predict(done.network, inputs), ours, atol=1e-6)
    session = onnxruntime.InferenceSession(done.path, providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {key: x.astype(np.float32) for key, x in inputs.items()})
    np.testing.assert_allclose(theirs, ours, atol=1e-5)


def test_numbers_of_real_steps_are_read_back(tmp_path):
    network = as_float32(chain_of_lengths(newest=False))
    done = rnnlens.convert(network, tmp_path / "model.onnx")
    assert done.largest_difference < 1e-6
    assert done.library_difference is not None
    assert done.library_difference < 1e-5
