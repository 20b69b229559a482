"""Fidelity knows what a source rounds to, 8 bits or half precision; what is wrong is told."""

import importlib

import numpy as np
import pytest
import torch
from torch import nn

import rnnlens
from networks import with_gates
from rnnlens.checks.fidelity import fidelity
from rnnlens.readers.open import read
from torch_models import saved, scrambled

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning"),
]


class Net(nn.Module):
    """A recurrent layer, its last step, and a linear layer."""

    def __init__(self, kind, *sizes, **options):
        super().__init__()
        self.rnn = kind(*sizes, batch_first=True, **options)
        self.fc = nn.Linear(self.rnn.hidden_size * (1 + self.rnn.bidirectional), 2)

    def forward(self, x):
        return self.fc(self.rnn(x)[0][:, -1])


NETS = {
    "LSTM": (nn.LSTM, (3, 6), {}),
    "two layers": (nn.LSTM, (3, 5, 2), {}),
    "GRU": (nn.GRU, (3, 8), {}),
    "both directions": (nn.GRU, (3, 5), {"bidirectional": True}),
}


def quantised(name, dtype=torch.qint8):
    kind, sizes, options = NETS[name]
    net = scrambled(Net(kind, *sizes, **options)).float().eval()
    return torch.ao.quantization.quantize_dynamic(net, {kind, nn.Linear}, dtype=dtype)


@pytest.mark.parametrize("name", NETS)
def test_a_source_of_whole_numbers_agrees_by_what_its_rounding_explains(name, rng, tmp_path):
    whole = quantised(name)
    x = rng.normal(size=(20, 9, 3)).astype(np.float32)
    live = rnnlens.read(whole, example=x)
    found = rnnlens.fidelity(live, whole, x)
    assert found.agrees and found.largest > 1e-5  # more than single precision explains
    assert found.rounds == "the source rounds to 8 bits within its quantised layers"
    kind = NETS[name][0].__name__
    of_file = rnnlens.read(
        saved(whole.state_dict(), tmp_path), layers=f"{kind} > last > Linear(fc)"
    )
    outputs = whole(torch.as_tensor(x)).detach().double().numpy()
    assert rnnlens.fidelity(of_file, outputs, x).agrees


def test_gates_swapped_in_a_source_of_whole_numbers_are_found_out(rng):
    whole = quantised("LSTM")
    x = rng.normal(size=(20, 9, 3)).astype(np.float32)
    network = rnnlens.read(whole, example=x)
    outputs = whole(torch.as_tensor(x)).detach().double().numpy()
    assert fidelity(network, outputs, x).agrees
    for one, other in (("input", "forget"), ("forget", "cell"), ("cell", "output")):
        wrong = fidelity(with_gates(network, one, other), outputs, x)
        assert not wrong.agrees and wrong.tolerance < 0.1 < wrong.largest, (one, other)


def test_weights_kept_in_float16_are_held_to_single_precision(rng):
    kept = quantised("LSTM", torch.float16)
    x = rng.normal(size=(20, 9, 3)).astype(np.float32)
    found = rnnlens.fidelity(rnnlens.read(kept, example=x), kept, x)
    assert found.agrees and found.rounds == "" and found.tolerance < 1e-4


def test_a_source_in_half_precision_agrees_and_its_gates_are_still_told_apart(rng):
    keras = importlib.import_module("keras")
    L = keras.layers
    entry = keras.Input((10, 3))
    state = L.LSTM(6, dtype="mixed_bfloat16")(entry)
    model = keras.Model(entry, L.Dense(2, dtype="float32")(state))
    model.set_weights([rng.normal(size=w.shape) * 0.4 for w in model.get_weights()])
    x = rng.normal(size=(9, 10, 3)).astype(np.float32)
    network = read(model)
    found = fidelity(network, model, x)
    assert found.agrees and found.largest > 1e-4
    assert found.rounds == "the source computes in bfloat16"
    wrong = fidelity(with_gates(network, "input", "output"), model, x)
    assert not wrong.agrees
