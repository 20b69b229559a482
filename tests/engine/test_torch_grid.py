"""PyTorch against rnnlens: every cell, depth, direction, bias, layout, precision and container."""

from itertools import permutations

import numpy as np
import pytest
import torch

from rnnlens.engine.forward import predict
from rnnlens.readers import layouts
from rnnlens.readers.layouts import GateLayout
from rnnlens.readers.open import read
from rnnlens.readers.options import ReadOptions
from torch_models import CELLS, agree, made, saved, scrambled

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

STEPS, FEATURES = 5, 3
CONTAINERS = ("zip", "container before 1.6", "safetensors")


def nonlinearity(cell):
    return ReadOptions(nonlinearity=cell.removeprefix("rnn_") if cell.startswith("rnn") else None)


def window(dtype, *, batch_first=True, seed=3):
    x = np.random.default_rng(seed).normal(size=(4, STEPS, FEATURES)).astype(dtype)
    return x, torch.as_tensor(x if batch_first else x.swapaxes(0, 1).copy())


def last_states(module, x):
    """The last layer's last hidden state, both directions side by side."""
    with torch.no_grad():
        hidden = module(x)[1]
    hidden = hidden[0] if isinstance(hidden, tuple) else hidden
    ways = 2 if module.bidirectional else 1
    return torch.cat(list(hidden[-ways:]), dim=-1)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["steps_first", "batch_first"])
@pytest.mark.parametrize("bias", [False, True], ids=["no_bias", "bias"])
@pytest.mark.parametrize("ways", [1, 2], ids=["one_way", "two_ways"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_a_state_dict_gives_what_its_module_gives(
    cell, layers, ways, bias, batch_first, dtype, container, tmp_path
):
    module = made(
        cell, dtype, num_layers=layers, bidirectional=ways == 2, bias=bias, batch_first=batch_first
    )
    x, given = window(dtype, batch_first=batch_first)
    network = read(saved(module.state_dict(), tmp_path, container), nonlinearity(cell))
    agree(predict(network, x), last_states(module, given), dtype)


@pytest.mark.parametrize("batch_first", [False, True], ids=["steps_first", "batch_first"])
@pytest.mark.parametrize("ways", [1, 2], ids=["one_way", "two_ways"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_a_live_module_gives_every_step_and_every_last_state(cell, layers, ways, batch_first):
    # bias and precision alternate, so that each meets each other option
    bias, dtype = bool((layers + ways) % 2), ("float32", "float64")[(layers + batch_first) % 2]
    module = made(
        cell, dtype, num_layers=layers, bidirectional=ways == 2, bias=bias, batch_first=batch_first
    )
    x, given = window(dtype, batch_first=batch_first)
    # an example of two samples and three steps: what is read of it serves any number of both
    example = given[:2, :3] if batch_first else given[:3, :2]
    network = read(module, ReadOptions(example=example))
    assert next(iter(network.inputs.values())).shape == (None, FEATURES)
    output, states = module(given)
    ours = predict(network, x)
    agree(ours[0], output if batch_first else output.swapaxes(0, 1), dtype)
    states = states if isinstance(states, tuple) else (states,)
    assert len(ours) == 1 + len(states)
    for mine, state in zip(ours[1:], states, strict=True):
        agree(mine, state.swapaxes(0, 1), dtype)


CELL_MODULES = {
    "lstm": (torch.nn.LSTMCell, {}),
    "gru": (torch.nn.GRUCell, {}),
    "rnn_tanh": (torch.nn.RNNCell, {"nonlinearity": "tanh"}),
    "rnn_relu": (torch.nn.RNNCell, {"nonlinearity": "relu"}),
}


class Loop(torch.nn.Module):
    """A cell called once a step by the user's own code."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x):
        state = None
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)
        return state[0] if isinstance(state, tuple) else state


@pytest.mark.parametrize("source", ["state_dict", "live"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [False, True], ids=["no_bias", "bias"])
@pytest.mark.parametrize("cell", CELL_MODULES)
def test_a_cell_in_a_loop_is_one_layer_over_the_steps(cell, bias, dtype, source):
    kind, own = CELL_MODULES[cell]
    loop = scrambled(Loop(kind(FEATURES, 4, bias=bias, dtype=getattr(torch, dtype), **own)))
    x, given = window(dtype)
    if source == "live":
        network = read(loop, ReadOptions(example=given[:, :3]))
    else:
        network = read(loop.state_dict(), nonlinearity(cell))
    assert [node.name for node in network.nodes] == ["x", "cell"]
    agree(predict(network, x), loop(given), dtype)


def test_layers_are_taken_in_the_order_of_their_numbers(tmp_path):
    module = made("lstm", num_layers=12, features=4)
    state = dict(sorted(module.state_dict().items()))  # l10 and l11 come before l2 by letters
    network = read(saved(state, tmp_path))
    assert [node.name for node in network.nodes][1:] == [f"lstm_l{k}" for k in range(12)]
    x = np.random.default_rng(0).normal(size=(2, 4, 4))
    agree(predict(network, x), last_states(module, torch.as_tensor(x.swapaxes(0, 1).copy())))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_every_other_order_of_the_gates_is_far_off(kind, monkeypatch):
    module = made(kind.lower(), batch_first=True)
    x, given = window("float64")
    expected = last_states(module, given)
    agree(predict(read(module.state_dict()), x), expected)
    right = layouts.TORCH[kind].gates
    for order in permutations(right):
        if order == right:
            continue
        monkeypatch.setitem(layouts.TORCH, kind, GateLayout(order, "wrong on purpose"))
        wrong = predict(read(module.state_dict()), x)
        assert np.abs(wrong - expected.detach().numpy()).max() > 1e-2, order


def test_a_gru_whose_reset_acts_before_the_product_is_far_off():
    from dataclasses import replace

    module = made("gru", batch_first=True)
    x, given = window("float64")
    network = read(module.state_dict())
    node = network.nodes[1]
    before = replace(node.layer, cell=replace(node.layer.cell, reset_after=False))
    wrong = replace(network, nodes=(network.nodes[0], replace(node, layer=before)))
    assert np.abs(predict(wrong, x) - last_states(module, given).detach().numpy()).max() > 1e-2
