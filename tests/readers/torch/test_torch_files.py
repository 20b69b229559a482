"""Files of PyTorch: what they hold is found or refused in one sentence, and nothing is run."""

import json
import pickle
import struct

import numpy as np
import pytest
import torch

from naive import lstm_loop
from processes import python
from refused.torch_files import Bomb
from rnnlens.api import read
from rnnlens.engine.forward import predict
from rnnlens.network.arrays import describe_arrays
from rnnlens.network.inventory import inventory
from rnnlens.readers.open import read_or_name_arrays
from torch_models import agree, made, saved, scrambled

CLASSIC = ["zip", "container before 1.6"]


class Forecaster(torch.nn.Module):
    """An LSTM and a linear head, as most people write it."""

    def __init__(self, units=4, **options):
        super().__init__()
        self.rnn = torch.nn.LSTM(3, units, batch_first=True, dtype=torch.float64, **options)
        self.fc = torch.nn.Linear(units, 2, dtype=torch.float64)

    def forward(self, x):
        return self.fc(self.rnn(x)[0][:, -1])


@pytest.fixture
def forecaster():
    return scrambled(Forecaster())


@pytest.fixture
def x(rng):
    return rng.normal(size=(4, 6, 3))


# --- files that others made --------------------------------------------------------------------


def test_the_hydrology_network_is_read_and_its_head_taken(shared):
    path = shared / "models/torch/sugar_creek_IL_trained.pt"
    network = read(path, head="head.net.0")
    state = torch.load(path, map_location="cpu", weights_only=True)
    lstm = torch.nn.LSTM(11, 64, batch_first=True)
    lstm.load_state_dict({k.removeprefix("lstm."): v for k, v in state.items() if "lstm" in k})
    x = np.random.default_rng(0).normal(size=(3, 30, 11)).astype("float32")
    hidden = lstm(torch.as_tensor(x))[0][:, -1]
    expected = hidden @ state["head.net.0.weight"].T + state["head.net.0.bias"]
    agree(predict(network, x), expected, "float32")
    assert [node.name for node in network.nodes] == ["x", "lstm_l0", "head_net_0"]


def test_an_lstm_that_is_called_rnn_is_told_by_its_four_blocks_of_rows(shared):
    network = read(shared / "models/torch/basicmotions_lstm.pt", head="fc")
    ((name, layer),) = network.recurrent()
    assert (name, layer.cell.kind, layer.cell.features, layer.cell.units) == (
        "rnn_l0",
        "LSTM",
        6,
        10,
    )


def test_the_arrays_of_a_pickled_module_are_those_of_its_state_dict(shared):
    whole = read(shared / "models/torch/sugar_creek_IL_trained_model.pt", head="head.net.0")
    state = read(shared / "models/torch/sugar_creek_IL_trained.pt", head="head.net.0")
    x = np.random.default_rng(0).normal(size=(3, 30, 11))
    assert whole["lstm_l0"].layer.cell.features == 11
    assert predict(whole, x).shape == predict(state, x).shape
    assert any("neuralhydrology.modelzoo.oplstm.OPLSTM" in note for note in whole.origin.notes)


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_the_arrays_of_torchscript_are_read_and_its_program_is_not_run(shared):
    path = shared / "models/torch/sugar_creek_torchscript.pt"
    network = read(path, head="head")
    state = torch.jit.load(path).state_dict()
    (_, layer), *_ = network.recurrent()
    np.testing.assert_array_equal(
        layer.cell.input.W, state["lstm.weight_ih_l0"][: layer.cell.units].numpy().T
    )
    np.testing.assert_array_equal(network["head"].layer.W, state["head.weight"].numpy().T)


# --- the same kinds of files, of our own making -------------------------------------------------


class Hydrology(torch.nn.Module):
    """An LSTM and a head within a head, as neuralhydrology's CudaLSTM has them."""

    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(3, 4)
        self.head = torch.nn.Module()
        self.head.net = torch.nn.Sequential(torch.nn.Linear(4, 1))


def test_a_head_within_a_head_is_taken_by_its_whole_name(tmp_path, x):
    state = scrambled(Hydrology().double()).state_dict()
    network = read(saved(state, tmp_path), head="head.net.0")
    assert [node.name for node in network.nodes] == ["x", "lstm_l0", "head_net_0"]
    arrays = {key: value.numpy() for key, value in state.items()}
    named = {}
    for number, gate in enumerate("ifco"):
        rows = slice(4 * number, 4 * number + 4)
        named[f"W_{gate}"] = arrays["lstm.weight_ih_l0"][rows].T
        named[f"U_{gate}"] = arrays["lstm.weight_hh_l0"][rows].T
        named[f"b_{gate}"] = arrays["lstm.bias_ih_l0"][rows] + arrays["lstm.bias_hh_l0"][rows]
    expected = [
        lstm_loop(named, window)[-1]["h"] @ arrays["head.net.0.weight"].T
        + arrays["head.net.0.bias"]
        for window in x
    ]
    np.testing.assert_allclose(predict(network, x), expected, rtol=0, atol=1e-12)


def test_an_lstm_that_is_called_rnn_is_told_by_its_shapes(forecaster, tmp_path):
    ((name, layer),) = read(saved(forecaster.state_dict(), tmp_path), head="fc").recurrent()
    assert (name, layer.cell.kind) == ("rnn_l0", "LSTM")
    assert (layer.cell.features, layer.cell.units) == (3, 4)


# --- what is found -----------------------------------------------------------------------------


@pytest.mark.parametrize("container", [*CLASSIC, "safetensors"])
def test_a_named_head_follows_the_last_hidden_state(forecaster, container, x, tmp_path):
    network = read(saved(forecaster.state_dict(), tmp_path, container), head="fc")
    agree(predict(network, x), forecaster(torch.as_tensor(x)))


def test_without_a_head_the_network_says_so_and_which_arrays_it_did_not_use(forecaster, tmp_path):
    network = read(saved(forecaster.state_dict(), tmp_path))
    assert [node.name for node in network.nodes] == ["x", "rnn_l0"]
    said = " ".join(network.origin.notes)
    assert (
        'there is no head: the network as read ends with the last hidden state of rnn; head="fc"'
        in said
    )
    assert network.origin.left_out == ("arrays that are not used: fc.bias, fc.weight",)
    assert "batch_first is not in a state dict" in said


@pytest.mark.parametrize("container", CLASSIC)
@pytest.mark.parametrize("keys", [["state_dict"], ["model_state_dict"], ["model"], ["a", "net"]])
def test_a_checkpoint_that_nests_its_state_dict_is_opened_and_says_where(
    forecaster, keys, container, x, tmp_path
):
    content = forecaster.state_dict()
    for key in reversed(keys):
        content = {key: content, "epoch": 3, "loss": [0.5, 0.25], "optimizer": {"state": {}}}
    network = read(saved(content, tmp_path, container), head="fc")
    agree(predict(network, x), forecaster(torch.as_tensor(x)))
    where = ".".join(keys)
    assert f"the state dict was found under {where!r} in the checkpoint" in network.origin.notes
    assert network["rnn_l0"].sources["W_f"].stored_at == f"{where}.rnn.weight_ih_l0"


def test_every_array_says_which_rows_of_which_array_it_was(forecaster, tmp_path):
    network = read(saved(forecaster.state_dict(), tmp_path), head="fc")
    state = forecaster.state_dict()
    named = {array.name: array for array in inventory(network)}
    assert named["rnn_l0.W_f"].source.text == "rnn.weight_ih_l0[4:8, :] transposed"
    assert named["rnn_l0.b_rc"].source.text == "rnn.bias_hh_l0[8:12]"
    assert named["fc.W"].source.text == "fc.weight transposed"
    np.testing.assert_array_equal(named["rnn_l0.U_o"].values, state["rnn.weight_hh_l0"][12:16].T)
    assert network.origin.digest and network.origin.format == "PyTorch state dict (zip)"


def test_bfloat16_and_float16_are_read_as_the_numbers_they_are(tmp_path):
    state = made("gru", "float32").state_dict()
    for dtype, kept in ((torch.bfloat16, "float32"), (torch.float16, "float16")):
        half = {name: array.to(dtype) for name, array in state.items()}
        network = read(saved(half, tmp_path))
        W = network["gru_l0"].layer.cell.update.W
        assert W.dtype == kept
        np.testing.assert_array_equal(W, half["weight_ih_l0"][4:8].float().numpy().T.astype(kept))


def test_bfloat16_of_safetensors_is_read_as_the_numbers_it_is(tmp_path):
    values = torch.randn(4, 3).to(torch.bfloat16)
    raw = {"weight_ih": values, "weight_hh": torch.randn(4, 4).to(torch.bfloat16)}
    header, data = {}, b""
    for name, tensor in raw.items():
        part = tensor.view(torch.int16).numpy().tobytes()
        place = [len(data), len(data) + len(part)]
        header[name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": place}
        data += part
    text = json.dumps(header).encode()
    path = tmp_path / "half.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    W = read(path, nonlinearity="tanh")["simplernn"].layer.cell.hidden.W
    np.testing.assert_array_equal(W, values.float().numpy().T)


def test_later_training_does_not_change_a_network_that_was_read(forecaster, x):
    network = read(forecaster.state_dict(), head="fc")
    before = predict(network, x)
    with torch.no_grad():
        for array in forecaster.parameters():
            array.mul_(2)
    np.testing.assert_array_equal(predict(network, x), before)


@pytest.mark.parametrize("container", ["zip", "safetensors"])
def test_inspect_names_the_arrays_of_two_modules_whose_connection_is_not_known(container, tmp_path):
    model = torch.nn.ModuleDict({
        "enc": torch.nn.LSTM(3, 4, bidirectional=True),
        "bn": torch.nn.BatchNorm1d(8),
        "dec": torch.nn.RNNCell(8, 4),
        "fc": torch.nn.Linear(4, 2),
    })
    state = {k: v for k, v in model.state_dict().items() if container == "zip" or "num" not in k}
    path = saved(state, tmp_path, container)
    described = describe_arrays(read_or_name_arrays(path))
    kinds = {layer["name"]: layer["kind"] for layer in described["layers"]}
    assert kinds == {
        "enc_l0": "Bidirectional LSTM", "bn": "unknown", "dec": "SimpleRNN", "fc": "Linear"
    }  # fmt: skip
    assert described["parameters"] == sum(v.numel() for v in state.values() if v.ndim)
    names = [array["name"] for layer in described["layers"] for array in layer["arrays"]]
    assert {"enc_l0.backward.W_f", "dec.U", "dec.b_r", "fc.weight", "bn.running_var"} <= set(names)
    assert "how its layers are connected" in described["notes"][-1]


# --- what is refused ---------------------------------------------------------------------------


def test_the_code_that_is_not_run_would_leave_a_mark(tmp_path):
    mark = tmp_path / "ran"
    pickle.loads(pickle.dumps(Bomb(mark))).close()
    assert mark.exists()


def test_safetensors_is_read_without_torch(forecaster, tmp_path):
    path = saved(forecaster.state_dict(), tmp_path, "safetensors")
    code = (
        "import sys; sys.modules['torch'] = None; import rnnlens;"
        f"print(rnnlens.read({str(path)!r}, head='fc'))"
    )
    run = python("-c", code)
    assert "Input > LSTM > Dense" in run.stdout, run.stderr


@pytest.mark.parametrize("container", ["zip", "safetensors"])
def test_fidelity_against_a_state_dict_says_that_it_cannot_be_run(
    forecaster, container, x, tmp_path
):
    from rnnlens import fidelity

    path = saved(forecaster.state_dict(), tmp_path, container)
    network = read(path, head="fc")
    stored = forecaster(torch.as_tensor(x)).detach().numpy()
    assert fidelity(network, stored, x).attrs["agrees"]
