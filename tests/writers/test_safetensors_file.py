"""Every state dict written is taken by the PyTorch class written with it, which gives the same."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from rnnlens.checks.inputs import random_inputs
from rnnlens.engine.forward import predict
from rnnlens.readers.open import read
from rnnlens.readers.options import ReadOptions
from rnnlens.writers.torch.safetensors_file import head_of, restored, write
from writers_zoo import as_float32, zoo

CHAINS = (
    "lstm",
    "lstm_projected",
    "gru_after",
    "simple_rnn",
    "merged_concat",
    "backwards",
    "bidirectional_last",
    "stacked",
    "end",
    "start",
    "dense_steps",
    "embedded",
    "exported",
)
TYPES = {"F64": np.float64, "F32": np.float32}


@pytest.fixture
def networks(rng):
    return zoo(rng)


def state_dict(data):
    """Read a safetensors file as its format says, with no code of rnnlens."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + at for at in entry["data_offsets"])
        values = np.frombuffer(data[begin:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.tensor(values.copy())
    return tensors


@pytest.mark.parametrize("name", CHAINS)
def test_the_class_takes_the_arrays_and_gives_the_same(name, networks):
    network = networks[name]
    made = write(network)
    space: dict = {}
    exec(made.code, space)  # the code is ours and is shown to the user to be run
    module = space["Network"]().double().eval()
    module.load_state_dict(state_dict(made.data), strict=True)
    inputs = random_inputs(network, samples=6)
    with torch.no_grad():
        theirs = module(torch.tensor(*inputs.values())).numpy()
    # Both compute in float64.
    np.testing.assert_allclose(theirs, predict(network, inputs), atol=1e-12)


@pytest.mark.parametrize("name", CHAINS)
def test_the_arrays_read_back_are_those_written(name, networks, tmp_path):
    network = as_float32(networks[name])
    path = tmp_path / "model.safetensors"
    path.write_bytes(write(network).data)
    inputs = random_inputs(network, samples=4)
    ours = predict(network, inputs)
    np.testing.assert_allclose(predict(restored(network, path), inputs), ours, atol=1e-12)
    options = head_of(network)
    if options is not None:
        back = read(path, ReadOptions(**options))
        np.testing.assert_allclose(predict(back, *inputs.values()), ours, atol=1e-12)


def test_what_reading_back_needs_is_known(networks):
    assert head_of(networks["lstm"]) == {"head": "fc"}
    assert head_of(networks["simple_rnn"]) == {"head": "fc", "nonlinearity": "tanh"}
    assert head_of(networks["bidirectional_last"]) is None
    assert head_of(networks["merged_concat"]) is None


def test_equal_layers_in_a_row_become_one_stack(networks):
    made = write(networks["stacked"])
    assert "torch.nn.GRU(3, 4, batch_first=True, num_layers=3)" in made.code
    names = set(state_dict(made.data))
    assert {"gru.weight_ih_l0", "gru.weight_hh_l2", "gru.bias_hh_l1", "fc.weight"} <= names


def test_the_gates_are_in_the_order_of_pytorch(networks):
    arrays = state_dict(write(networks["lstm"]).data)
    gates = networks["lstm"]["recurrent"].layer.cell
    stacked = np.concatenate([g.W.T for g in (gates.input, gates.forget, gates.cell, gates.output)])
    assert np.array_equal(arrays["lstm.weight_ih_l0"].numpy(), stacked)


def test_arrays_start_where_their_type_can_be_read(networks):
    data = write(networks["lstm"]).data
    assert int.from_bytes(data[:8], "little") % 8 == 0
