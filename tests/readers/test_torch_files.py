"""Files of PyTorch: what they hold is found or refused in one sentence, and nothing is run."""

import json
import pickle
import re
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

from rnnlens.api import read
from rnnlens.engine.forward import predict
from rnnlens.errors import InputError, MissingLibrary, UnreadableFile, UnsupportedModel
from rnnlens.network.arrays import describe_arrays
from rnnlens.network.inventory import inventory
from rnnlens.readers.open import look
from torch_models import agree, made, safetensors, saved, scrambled

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


def test_a_pickled_module_is_refused_by_the_name_of_its_class(shared):
    path = shared / "models/torch/sugar_creek_IL_trained_model.pt"
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path} holds pickled Python objects (neuralhydrology.modelzoo.oplstm.OPLSTM), and "
        "opening them would run code from the file, so rnnlens does not: where the model is at "
        "home, write "
        'torch.save(model.state_dict(), "weights.pt") and give that file'
    )


def test_torchscript_is_refused_with_the_line_that_saves_its_weights(shared):
    path = shared / "models/torch/sugar_creek_torchscript.pt"
    with pytest.raises(UnsupportedModel) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path} is a TorchScript archive, a program that rnnlens does not run: save its weights "
        'with torch.save(torch.jit.load("sugar_creek_torchscript.pt").state_dict(), "weights.pt") '
        "and give that file"
    )


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
    assert "arrays not used: fc.bias, fc.weight" in said
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
    found = {array.name: array for array in inventory(network)}
    assert found["rnn_l0.W_f"].source.text == "rnn.weight_ih_l0[4:8, :] transposed"
    assert found["rnn_l0.b_rc"].source.text == "rnn.bias_hh_l0[8:12]"
    assert found["fc.W"].source.text == "fc.weight transposed"
    np.testing.assert_array_equal(found["rnn_l0.U_o"].values, state["rnn.weight_hh_l0"][12:16].T)
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
    described = describe_arrays(look(path))
    kinds = {layer["name"]: layer["kind"] for layer in described["layers"]}
    assert kinds == {
        "enc_l0": "Bidirectional LSTM", "bn": "unknown", "dec": "SimpleRNN", "fc": "Linear"
    }  # fmt: skip
    assert described["parameters"] == sum(v.numel() for v in state.values() if v.ndim)
    names = [array["name"] for layer in described["layers"] for array in layer["arrays"]]
    assert {"enc_l0.backward.W_f", "dec.U", "dec.b_r", "fc.weight", "bn.running_var"} <= set(names)
    assert "how its layers are connected" in described["notes"][-1]
    with pytest.raises(UnsupportedModel, match="2 recurrent modules"):
        read(path)


# --- what is refused ---------------------------------------------------------------------------


def two_modules():
    model = torch.nn.ModuleDict({"a": torch.nn.LSTM(3, 4), "b": torch.nn.GRU(4, 4)})
    return model.state_dict()


def without(state, *names):
    return {key: value for key, value in state.items() if key not in names}


def changed(state, **arrays):
    return {**state, **arrays}


LSTM = made("lstm", num_layers=2).state_dict()
STATES = {
    "holds 2 recurrent modules (a, b), and how they are connected is in the forward code": (
        two_modules(),
        {},
    ),
    "the module (l0) has no array weight_hh, which every recurrent layer": (
        without(LSTM, "weight_hh_l0"),
        {},
    ),
    "has arrays of the layers l1, but the layers of a module count from l0": (
        {key: value for key, value in LSTM.items() if "l1" in key},
        {},
    ),
    "has arrays of the reverse direction alone": (
        {f"{key}_reverse": value for key, value in LSTM.items()},
        {},
    ),
    "arrays that fit no LSTM (4 blocks of rows), GRU (3) or plain": (
        changed(LSTM, weight_ih_l0=torch.randn(20, 3), weight_hh_l0=torch.randn(20, 4)),
        {},
    ),
    "lstm_l1 takes 7 features, but 4 come to it": (
        changed(LSTM, weight_ih_l1=torch.randn(16, 7)),
        {},
    ),
    "the layers of the module differ in kind or direction": (
        changed(
            LSTM,
            weight_ih_l1=torch.randn(12, 4),
            weight_hh_l1=torch.randn(12, 4),
            bias_ih_l1=torch.randn(12),
            bias_hh_l1=torch.randn(12),
        ),
        {},
    ),
    "holds NaN or infinity": (changed(LSTM, bias_hh_l1=torch.full((16,), torch.nan)), {}),
    "array weight_ih_l0 holds torch.int64, not floating-point": (
        changed(LSTM, weight_ih_l0=torch.ones(16, 3, dtype=torch.int64)),
        {},
    ),
    "must name a linear layer that takes 4 numbers, but no such layer; those that fit: fc": (
        scrambled(Forecaster()).state_dict(),
        {"head": "out"},
    ),
    "head='fc' must name a linear layer that takes 5 numbers, but its weight has shape (2, 4)": (
        changed(made("lstm", units=5).state_dict(), **{"fc.weight": torch.randn(2, 4)}),
        {"head": "fc"},
    ),
    "head='fc' follows a bidirectional layer": (
        changed(made("lstm", bidirectional=True).state_dict(), **{"fc.weight": torch.randn(2, 8)}),
        {"head": "fc"},
    ),
    'a state dict does not say what it computes: say nonlinearity="tanh" (what torch.nn.RNN': (
        made("rnn_tanh").state_dict(),
        {},
    ),
    'nonlinearity must be "tanh" or "relu", but \'sine\' came': (
        made("rnn_tanh").state_dict(),
        {"nonlinearity": "sine"},
    ),
    'nonlinearity="relu" is for plain recurrent layers, but the module is of the kind LSTM': (
        LSTM,
        {"nonlinearity": "relu"},
    ),
}


@pytest.mark.parametrize("container", ["memory", "zip"])
@pytest.mark.parametrize("sentence", STATES)
def test_a_state_dict_that_does_not_fit_is_refused_in_one_sentence(sentence, container, tmp_path):
    state, options = STATES[sentence]
    source = state if container == "memory" else saved(state, tmp_path)
    with pytest.raises(InputError, match=re.escape(sentence)) as caught:
        read(source, **options)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_with_two_state_dicts_is_refused_and_names_them(tmp_path):
    path = saved({"model": LSTM, "ema": LSTM}, tmp_path)
    with pytest.raises(UnsupportedModel, match="2 state dicts .*'model', 'ema'"):
        read(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"weight": torch.ones(2)}, "no state dict with a recurrent layer.*a dict with weight"),
        (torch.ones(3), "no state dict with a recurrent layer.*it holds a Tensor"),
    ],
)
def test_a_file_without_recurrent_arrays_says_what_it_holds(content, words, tmp_path):
    with pytest.raises(UnsupportedModel, match=words):
        read(saved(content, tmp_path))


@pytest.mark.parametrize("container", CLASSIC)
def test_a_pickled_module_is_never_opened_whatever_its_container(container, tmp_path):
    with pytest.raises(UnreadableFile, match="holds pickled Python objects .*would run code"):
        read(saved(torch.nn.Linear(2, 2), tmp_path, container))


class Bomb:
    """Its pickle writes a file when it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("container", CLASSIC)
def test_code_in_a_pickle_is_not_run(container, tmp_path):
    mark = tmp_path / "ran"
    path = saved({"extra": Bomb(mark), **LSTM}, tmp_path, container)
    with pytest.raises(UnreadableFile, match=r"pickled Python objects \(io.open\)"):
        read(path)
    assert not mark.exists()


def test_the_code_that_is_not_run_would_leave_a_mark(tmp_path):
    mark = tmp_path / "ran"
    pickle.loads(pickle.dumps(Bomb(mark))).close()
    assert mark.exists()


def test_a_damaged_file_is_refused_in_one_sentence(tmp_path):
    path = saved(LSTM, tmp_path)
    whole = path.read_bytes()
    inside = whole.index(b"PK\x01\x02")
    path.write_bytes(whole[:600] + bytes(200) + whole[800:inside] + whole[inside:])
    with pytest.raises(UnreadableFile, match="is damaged|pickled") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_an_archive_that_unpacks_to_more_than_itself_is_refused(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10_000_000))
    with pytest.raises(UnreadableFile, match="1 members that unpack to 10000000 bytes.*hostile"):
        read(path)


def test_an_exported_program_is_refused_by_what_it_is(tmp_path):
    path = tmp_path / "program.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("program/archive_format", "pt2")
    with pytest.raises(UnsupportedModel, match=r"an archive of torch.export.save"):
        read(path)


SAFETENSORS = {
    "begins like a safetensors file, but its header is not JSON": b'{"a": ',
    "entry for a lacks dtype, shape or data_offsets": b'{"a": {"dtype": "F32"}}',
    "entry for b lacks dtype": b'{"b": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}',
    "array c of shape (1000000000000,) and type F32 is said to lie at bytes 0 to 4 of 8": (
        b'{"c": {"dtype": "F32", "shape": [1000000000000], "data_offsets": [0, 4]}}'
    ),
    "array d of shape (4,) and type F32 is said to lie at bytes 0 to 16 of 8": (
        b'{"d": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}'
    ),
    "holds no recurrent layer": b'{"e": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}',
    "its header is a list": b"{[]}",
}


@pytest.mark.parametrize("sentence", SAFETENSORS)
def test_a_safetensors_file_whose_header_does_not_fit_is_refused(sentence, tmp_path):
    header = SAFETENSORS[sentence]
    if sentence == "its header is a list":
        sentence = "its header is not JSON"
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    with pytest.raises(InputError, match=re.escape(sentence)):
        read(path)


def test_integers_where_weights_should_be_are_refused_in_safetensors_too(tmp_path):
    path = safetensors({"weight_hh": torch.randn(4, 4)}, tmp_path / "model.safetensors")
    text = path.read_bytes().replace(b'"F32"', b'"I32"')
    header = {"weight_ih": {"dtype": "I32", "shape": [4, 3], "data_offsets": [0, 48]}}
    header["weight_hh"] = {"dtype": "F32", "shape": [4, 4], "data_offsets": [48, 112]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(112))
    with pytest.raises(UnsupportedModel, match="has the type I32; rnnlens reads F64, F32"):
        read(path, nonlinearity="tanh")


def test_options_that_a_format_does_not_take_are_refused(forecaster, tmp_path):
    path = saved(forecaster.state_dict(), tmp_path)
    with pytest.raises(
        InputError, match="a PyTorch file, which takes head and nonlinearity, but example was given"
    ):
        read(path, example=np.zeros((1, 2, 3)))
    with pytest.raises(InputError, match="a live PyTorch module takes example, but head was given"):
        read(forecaster, head="fc")


def test_without_torch_a_pt_file_says_what_to_install(forecaster, tmp_path, monkeypatch):
    from rnnlens.readers import torch_file

    path = saved(forecaster.state_dict(), tmp_path)
    monkeypatch.setattr(torch_file, "find_spec", lambda name: None)
    with pytest.raises(
        MissingLibrary, match=r'torch is not installed: pip install "rnnlens\[torch\]"'
    ):
        read(path)


def test_safetensors_is_read_without_torch(forecaster, tmp_path):
    path = saved(forecaster.state_dict(), tmp_path, "safetensors")
    code = (
        "import sys; sys.modules['torch'] = None; import rnnlens;"
        f"print(rnnlens.read({str(path)!r}, head='fc'))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Input > LSTM > Dense" in ran.stdout


@pytest.mark.parametrize("container", ["zip", "safetensors"])
def test_fidelity_against_a_state_dict_says_that_it_cannot_be_run(
    forecaster, container, x, tmp_path
):
    from rnnlens import fidelity

    path = saved(forecaster.state_dict(), tmp_path, container)
    network = read(path, head="fc")
    with pytest.raises(InputError, match="is a state dict, without the code that would run it"):
        fidelity(network, path, x)
    stored = forecaster(torch.as_tensor(x)).detach().numpy()
    assert fidelity(network, stored, x).attrs["agrees"]
