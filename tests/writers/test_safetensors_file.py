"""Every state dict written is taken by the PyTorch class written with it, which gives the same."""

from __future__ import annotations

import numpy as np
import pytest

from between_layers import network as between
from random_graphs import random_graph
from refused.writers import described, repeated_as_often, sum_of_ranks, with_lengths
from rnnlens.checks.inputs import random_inputs
from rnnlens.engine.forward import predict
from rnnlens.readers.open import read
from rnnlens.readers.options import ReadOptions
from rnnlens.writers.torch.safetensors_file import head_of, restored, write
from run_by_pytorch import by_pytorch, many, state_dict
from writers_zoo import NAMES, as_float32, zoo


@pytest.fixture
def networks(rng):
    return zoo(rng)


def agrees(network):
    inputs = random_inputs(network, samples=6)
    theirs = by_pytorch(write(network), inputs)
    ours = many(predict(network, inputs))
    for own, their in zip(ours, theirs, strict=True):
        # Both compute in float64.
        np.testing.assert_allclose(their.numpy(), own, atol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_the_class_takes_the_arrays_and_gives_the_same(name, networks):
    agrees(networks[name])


@pytest.mark.parametrize("seed", range(40))
def test_random_forecasters_are_written_as_a_class_of_pytorch(seed):
    agrees(random_graph(seed))


def test_what_stands_between_layers_is_written_as_code(rng):
    agrees(between(rng))


@pytest.mark.parametrize("make", [described, with_lengths, repeated_as_often, sum_of_ranks])
def test_cells_lengths_and_repeated_vectors_are_written_as_code(make):
    agrees(make())


@pytest.mark.parametrize("name", NAMES)
def test_the_arrays_read_back_are_those_written(name, networks, tmp_path):
    network = as_float32(networks[name])
    path = tmp_path / "model.safetensors"
    path.write_bytes(write(network).data)
    inputs = random_inputs(network, samples=4)
    ours = many(predict(network, inputs))
    again = many(predict(restored(network, path), inputs))
    for own, other in zip(ours, again, strict=True):
        np.testing.assert_allclose(other, own, atol=1e-12)
    options = head_of(network)
    if options is not None:
        back = read(path, ReadOptions(**options))
        np.testing.assert_allclose(predict(back, *inputs.values()), ours[0], atol=1e-12)


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
