"""What is put around a weight is folded into it, in state dicts, files and live modules."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, spectral_norm, weight_norm

import rnnlens
from torch_models import saved, scrambled

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning"),
]

#: Both compute in float64, so they differ by rounding alone.
CLOSE = 1e-12


class Net(nn.Module):
    """A recurrent layer, a relu and a linear layer."""

    def __init__(self, kind=nn.LSTM, *sizes, **options):
        super().__init__()
        self.rnn = kind(*(sizes or (3, 4, 2)), batch_first=True, **options)
        self.fc = nn.Linear(self.rnn.hidden_size * (1 + self.rnn.bidirectional), 2)

    def forward(self, x):
        return self.fc(torch.relu(self.rnn(x)[0][:, -1]))


def old_weight_norm(net):
    weight_norm(net.rnn, "weight_hh_l0")
    weight_norm(net.rnn, "weight_ih_l1")
    weight_norm(net.fc)


def of_another_axis(net):
    weight_norm(net.fc, dim=1)
    weight_norm(net.rnn, "weight_hh_l0", dim=None)


def new_weight_norm(net):
    parametrizations.weight_norm(net.rnn, "weight_hh_l0")
    parametrizations.weight_norm(net.fc)


def old_spectral_norm(net):
    spectral_norm(net.rnn, "weight_hh_l1")
    spectral_norm(net.fc)


def new_spectral_norm(net):
    parametrizations.spectral_norm(net.rnn, "weight_hh_l1")
    parametrizations.spectral_norm(net.fc)


AROUND = [old_weight_norm, of_another_axis, new_weight_norm, old_spectral_norm, new_spectral_norm]


@pytest.fixture(params=AROUND, ids=lambda one: one.__name__)
def wrapped(request):
    net = scrambled(Net().double())
    request.param(net)
    with torch.no_grad():  # as after training: what is kept beside the weight is not what made it
        for name, array in net.named_parameters():
            if name.endswith(("_g", "original0")):
                array.mul_(1.5)
        net.train()(torch.randn(2, 6, 3, dtype=torch.float64))
    return net.eval()


def test_a_state_dict_with_norms_around_its_weights_is_folded(wrapped, rng, tmp_path):
    x = rng.normal(size=(4, 6, 3))
    expected = wrapped(torch.as_tensor(x)).detach().numpy()
    path = saved(wrapped.state_dict(), tmp_path)
    for source in (wrapped.state_dict(), path):
        network = rnnlens.read(source, layers="LSTM > relu > Linear(fc)")
        np.testing.assert_allclose(rnnlens.predict(network, x), expected, rtol=0, atol=CLOSE)
        assert network.origin.left_out == ()


def test_a_live_module_with_norms_around_its_weights_is_folded(wrapped, rng):
    x = rng.normal(size=(4, 6, 3))
    expected = wrapped(torch.as_tensor(x)).detach().numpy()
    network = rnnlens.read(wrapped, example=x)
    np.testing.assert_allclose(rnnlens.predict(network, x), expected, rtol=0, atol=CLOSE)
    assert wrapped.state_dict().keys() != Net().state_dict().keys()  # the module itself is kept
    np.testing.assert_array_equal(wrapped(torch.as_tensor(x)).detach().numpy(), expected)


def test_a_module_that_keeps_what_it_computed_is_read(rng):
    net = Net().double()
    net.kept = net.fc.weight * 2
    x = rng.normal(size=(4, 6, 3))
    network = rnnlens.read(net, example=x)
    expected = net(torch.as_tensor(x)).detach().numpy()
    np.testing.assert_allclose(rnnlens.predict(network, x), expected, rtol=0, atol=CLOSE)


# --- layers of whole numbers --------------------------------------------------------------------


def quantised(net, dtype=torch.qint8):
    kinds = {nn.LSTM, nn.GRU, nn.LSTMCell, nn.Linear}
    return torch.ao.quantization.quantize_dynamic(net.eval(), kinds, dtype=dtype)


def plain_twin(net, quantised_net):
    """The same module in floating-point numbers, by PyTorch's own account of its weights."""
    twin = Net(type(net.rnn), *SIZES_OF[id(net)], bidirectional=net.rnn.bidirectional)
    arrays = {**quantised_net.rnn.get_weight(), **quantised_net.rnn.get_bias()}
    state = {f"rnn.{k}": v.dequantize() if v.is_quantized else v for k, v in arrays.items()}
    weight = quantised_net.fc.weight()
    state["fc.weight"] = weight.dequantize() if weight.is_quantized else weight
    twin.load_state_dict({**state, "fc.bias": quantised_net.fc.bias()})
    return twin.double().eval()


SIZES_OF: dict[int, tuple[int, ...]] = {}
NETS = {
    "two layers": (nn.LSTM, (3, 4, 2), {}),
    "both directions": (nn.LSTM, (3, 4), {"bidirectional": True}),
    "two layers of both directions": (nn.GRU, (3, 4, 2), {"bidirectional": True}),
    "as many features as units, both directions": (nn.GRU, (4, 4), {"bidirectional": True}),
    "as many features as units, two layers": (nn.LSTM, (4, 4, 2), {}),
}


@pytest.mark.parametrize("dtype", [torch.qint8, torch.float16])
@pytest.mark.parametrize("name", NETS)
def test_a_quantised_network_is_read_by_its_own_weights(name, dtype, rng, tmp_path):
    kind, sizes, options = NETS[name]
    net = scrambled(Net(kind, *sizes, **options))
    SIZES_OF[id(net)] = sizes
    whole = quantised(net, dtype)
    twin = plain_twin(net, whole)
    x = rng.normal(size=(4, 6, sizes[0]))
    expected = twin(torch.as_tensor(x)).detach().numpy()
    path = saved(whole.state_dict(), tmp_path)
    text = f"{'LSTM' if kind is nn.LSTM else 'GRU'} > last > relu > Linear(fc)"
    networks = [rnnlens.read(source, layers=text) for source in (path, whole.state_dict())]
    networks.append(rnnlens.read(whole, example=x.astype(np.float32)))
    for network in networks:
        # float32 weights, computed with in float64 by both
        np.testing.assert_allclose(rnnlens.predict(network, x), expected, rtol=0, atol=1e-6)
        # weights that are only kept in float16 are computed with in single precision
        whole_numbers = dtype is torch.qint8
        assert network.origin.rounds == ("int8" if whole_numbers else "")
        said = any("rounds within its quantised layers" in one for one in network.origin.left_out)
        assert said is whole_numbers
    doubtful = any("own shapes do not tell" in one for one in networks[0].origin.assumed)
    assert doubtful == ("as many" in name)


def test_the_arrays_of_a_quantised_network_in_memory_are_named():
    whole = quantised(Net())
    W = rnnlens.weights(whole.state_dict())["rnn_l0.W_f"]
    expected = whole.rnn.get_weight()["weight_ih_l0"].dequantize()[4:8].numpy().T
    np.testing.assert_array_equal(W, expected)


def test_a_quantised_cell_is_read_by_its_own_weights(tmp_path):
    net = nn.ModuleDict({"cell": nn.LSTMCell(3, 4)})
    whole = quantised(net)
    cell = rnnlens.read(saved(whole.state_dict(), tmp_path))["cell"].layer.cell
    expected = whole["cell"].get_weight()["weight_ih"].dequantize()[:4].numpy().T
    np.testing.assert_array_equal(cell.input.W, expected)


@pytest.mark.parametrize("container", ["zip", "container before 1.6"])
def test_weights_with_a_scale_for_each_row_are_what_pytorch_makes_of_them(container, tmp_path):
    plain = torch.randn(16, 3)
    rows = torch.quantize_per_channel(
        plain, torch.rand(16) * 0.02 + 0.01, torch.zeros(16), 0, torch.qint8
    )
    state = {"weight_ih_l0": rows, "weight_hh_l0": torch.randn(16, 4)}
    for source in (state, saved(state, tmp_path, container)):
        W = rnnlens.read(source)["lstm_l0"].layer.cell.forget.W
        np.testing.assert_array_equal(W, rows.dequantize()[4:8].numpy().T)
