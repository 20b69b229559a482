"""Checkpoints as libraries write them: tensors come out of every container, nothing else."""

import contextlib
import json
import os
import pickle
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import rnnlens
from processes import python
from rnnlens.errors import InputError, RnnlensError, UnsupportedModel
from rnnlens.network.arrays import describe_arrays
from rnnlens.readers.open import read_or_name_arrays
from rnnlens.readers.options import ReadOptions
from torch_models import agree, saved, scrambled

CLASSIC = ["zip", "container before 1.6"]


class Forecaster(nn.Module):
    """An LSTM and a linear head."""

    def __init__(self, **options):
        super().__init__()
        self.rnn = nn.LSTM(3, 4, batch_first=True, **options)
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(self.rnn(x)[0][:, -1])


@pytest.fixture
def forecaster():
    return scrambled(Forecaster().double())


@pytest.fixture
def x(rng):
    return rng.normal(size=(4, 6, 3))


class Planted:
    """Its pickle calls what leaves a mark."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


class Stateful:
    """An object of a class of its own, with a state that holds tensors and itself."""

    def __init__(self):
        self.kept = torch.ones(3)
        self.itself = self
        self.scaler = {"mean": np.arange(3.0), "when": Path("somewhere")}


def lightning(state):
    return {
        "epoch": 3,
        "state_dict": state,
        "hyper_parameters": {"loss": nn.HuberLoss(), "hidden": 4, "act": torch.relu},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": []}],
        "loops": {"fit_loop": Stateful()},
        "callbacks": {"EarlyStopping": {"best": torch.tensor(0.5)}},
    }


class Holder:
    """A forecaster of a library, pickled whole with its state dict in it."""


def holder(state):
    made = Holder()
    made.model_params, made.state = {"output": 2, "kind": Stateful()}, state
    return made


#: Checkpoints that hold more than tensors, as libraries write them.
KINDS = {
    "Lightning": lightning,
    "one object beside the weights": lambda state: {"model": state, "config": Stateful()},
    "objects among the weights": lambda state: {**state, "loss": nn.MSELoss(), "fn": len},
    "a scaler of arrays": lambda state: {"net": {"weights": state}, "scaler": np.arange(4.0)},
    "a list": lambda state: [{"epoch": 1}, state],
    "an object that holds it": holder,
}


@pytest.mark.parametrize("container", CLASSIC)
@pytest.mark.parametrize("kind", KINDS)
def test_the_tensors_of_a_checkpoint_with_other_objects_are_read(
    kind, container, forecaster, x, tmp_path
):
    path = saved(KINDS[kind](dict(forecaster.state_dict())), tmp_path, container)
    network = rnnlens.read(path, head="fc")
    agree(rnnlens.predict(network, x), forecaster(torch.as_tensor(x)))


@pytest.mark.parametrize("container", CLASSIC)
def test_a_pickled_module_gives_the_arrays_of_its_state_dict(forecaster, container, x, tmp_path):
    forecaster.bn = nn.BatchNorm1d(4).double()
    path = saved(forecaster, tmp_path, container)
    network = rnnlens.read(path, head="fc")
    agree(rnnlens.predict(network, x), forecaster(torch.as_tensor(x)))
    assert any("test_checkpoints.Forecaster, which was not run" in n for n in network.origin.notes)
    assert "bn.running_mean" in network.origin.left_out[0]


def scripted(module, path, example=None):
    """Save a module as TorchScript, which PyTorch would rather have exported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.jit.script(module) if example is None else torch.jit.trace(module, example)
        torch.jit.save(made, path)


@pytest.mark.parametrize("how", ["script", "trace"])
def test_torchscript_gives_its_arrays(forecaster, how, x, tmp_path):
    given = torch.as_tensor(x)
    scripted(forecaster, tmp_path / "m.pt", given if how == "trace" else None)
    network = rnnlens.read(tmp_path / "m.pt", head="fc")
    agree(rnnlens.predict(network, x), forecaster(given))
    assert "TorchScript" in network.origin.format


# --- nothing runs ------------------------------------------------------------------------------


def planted(mark):
    yield "beside the weights", lambda state: {"state_dict": state, "extra": Planted(mark)}
    yield "among the weights", lambda state: {**state, "extra": Planted(mark)}
    yield "as a weight", lambda state: {**state, "rnn.weight_ih_l0": Planted(mark)}
    yield "as a key", lambda state: {**state, Planted(mark): 1}
    yield "within an object", lambda state: {"state_dict": state, "a": holder(Planted(mark))}
    yield "in a list before it", lambda state: [Planted(mark), state]


@pytest.mark.parametrize("container", CLASSIC)
@pytest.mark.parametrize("number", range(6))
def test_what_is_planted_in_a_checkpoint_never_runs(number, container, forecaster, tmp_path):
    mark = tmp_path / "ran"
    _, make = list(planted(mark))[number]
    path = saved(make(dict(forecaster.state_dict())), tmp_path, container)
    for act in (lambda: rnnlens.read(path, head="fc"), lambda: rnnlens.weights(path)):
        with contextlib.suppress(RnnlensError):
            act()
        assert not mark.exists()


def test_what_is_planted_would_have_run(tmp_path):
    mark = tmp_path / "ran"
    pickle.loads(pickle.dumps(Planted(mark)))
    assert mark.exists()


def test_what_is_planted_in_torchscript_never_runs(forecaster, tmp_path):
    mark, path = tmp_path / "ran", tmp_path / "m.pt"
    scripted(forecaster, path)
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    bomb = pickle.dumps(Planted(mark), 2)
    for name in [name for name in held if name.endswith((".pkl", ".py"))]:
        changed = {**held, name: bomb}
        with zipfile.ZipFile(path, "w") as archive:
            for member, data in changed.items():
                archive.writestr(member, data)
        with contextlib.suppress(RnnlensError):
            rnnlens.read(path, head="fc")
        assert not mark.exists(), name


def test_the_names_in_a_pickle_are_never_looked_up(forecaster, tmp_path):
    class Elsewhere:
        __module__ = "a_module_that_is_nowhere"

    sys.modules["a_module_that_is_nowhere"] = type(sys)("a_module_that_is_nowhere")
    sys.modules["a_module_that_is_nowhere"].Elsewhere = Elsewhere
    Elsewhere.__qualname__ = "Elsewhere"
    try:
        path = saved({"net": forecaster.state_dict(), "of": Elsewhere()}, tmp_path)
    finally:
        del sys.modules["a_module_that_is_nowhere"]
    rnnlens.read(path, head="fc")
    assert "a_module_that_is_nowhere" not in sys.modules


def test_files_of_pytorch_are_read_without_it(forecaster, tmp_path):
    (tmp_path / "old").mkdir()
    new = saved(lightning(forecaster.state_dict()), tmp_path)
    old = saved(forecaster.state_dict(), tmp_path / "old", "container before 1.6")
    code = "import sys; sys.modules['torch'] = None; import rnnlens;"
    code += "".join(f"print(rnnlens.read({str(path)!r}, head='fc'))\n" for path in (new, old))
    run = python("-c", code)
    assert run.stdout.count("Input > LSTM > Dense") == 2, run.stderr


def test_objects_that_hold_one_another_are_gone_through_once(forecaster, tmp_path):
    ring = Stateful()
    ring.others = [Stateful() for _ in range(50)]
    for other in ring.others:
        other.back, other.all = ring, ring.others
    path = saved({"ring": ring, "net": forecaster.state_dict()}, tmp_path)
    assert rnnlens.read(path, head="fc")["fc"]


# --- tensors of every kind ----------------------------------------------------------------------


def test_views_of_one_storage_are_read_at_their_places(tmp_path, rng):
    whole = torch.as_tensor(rng.normal(size=(400,)))
    state = {
        "weight_ih_l0": whole[7:55].reshape(16, 3),
        "weight_hh_l0": whole[60:124].reshape(4, 16).T,  # columns first
        "bias_ih_l0": whole[130:162:2],
        "bias_hh_l0": whole[200:201].expand(16),
    }
    for container in CLASSIC:
        cell = rnnlens.read(saved(state, tmp_path, container))["lstm_l0"].layer.cell
        np.testing.assert_array_equal(cell.forget.W, state["weight_ih_l0"][4:8].numpy().T)
        np.testing.assert_array_equal(cell.output.U, state["weight_hh_l0"][12:].numpy().T)
        np.testing.assert_array_equal(cell.cell.b, state["bias_ih_l0"][8:12].numpy())
        np.testing.assert_array_equal(cell.input.b_r, state["bias_hh_l0"][:4].numpy())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("container", CLASSIC)
def test_numbers_of_every_floating_type_are_what_pytorch_says(dtype, container, tmp_path, rng):
    state = {key: value.to(dtype) for key, value in nn.GRU(3, 4).state_dict().items()}
    state = {key: nn.Parameter(value) for key, value in state.items()}
    cell = rnnlens.read(saved(state, tmp_path, container))["gru_l0"].layer.cell
    np.testing.assert_array_equal(
        cell.reset.W, state["weight_ih_l0"][:4].detach().double().numpy().T
    )


def test_a_big_endian_archive_is_read_by_its_own_order(forecaster, tmp_path):
    path = saved(forecaster.state_dict(), tmp_path)
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in held.items():
            if "/data/" in name:
                data = np.frombuffer(data, "<f8").astype(">f8").tobytes()
            archive.writestr(name, b"big" if name.endswith("byteorder") else data)
    cell = rnnlens.read(path, head="fc")["rnn_l0"].layer.cell
    expected = forecaster.state_dict()["rnn.weight_ih_l0"][:4].numpy().T
    np.testing.assert_array_equal(cell.input.W, expected)


# --- several state dicts, and parts of one ------------------------------------------------------


@pytest.fixture
def several():
    return {
        "encoder_state_dict": nn.LSTMCell(2, 4).state_dict(),
        "decoder_state_dict": nn.LSTMCell(5, 4).state_dict(),
        "epoch": 7,
    }


def test_several_state_dicts_are_all_named_and_each_can_be_picked(several, tmp_path):
    path = saved(several, tmp_path)
    described = describe_arrays(read_or_name_arrays(path))
    assert [layer["name"] for layer in described["layers"]] == [
        "encoder_state_dict", "decoder_state_dict"
    ]  # fmt: skip
    assert "'encoder_state_dict', 'decoder_state_dict'" in " ".join(described["notes"])
    with pytest.raises(UnsupportedModel, match='say which is meant, as in part="encoder_state'):
        rnnlens.read(path)
    for source in (path, several):
        network = rnnlens.read(source, part="decoder_state_dict")
        assert next(network.recurrent())[1].cell.features == 5
        with pytest.raises(InputError, match="it has encoder_state_dict, decoder_state_dict"):
            rnnlens.read(source, part="other")


def test_the_arrays_of_a_checkpoint_in_memory_are_all_named(several):
    nodes = rnnlens.weights(several)
    assert nodes["encoder_state_dict.W_f"].shape == (2, 4)
    assert nodes["decoder_state_dict.W_f"].shape == (5, 4)


def test_a_part_of_a_state_dict_is_told_by_how_its_names_begin(tmp_path, rng):
    model = nn.ModuleDict({
        "enc": nn.ModuleDict({"rnn": nn.GRU(3, 4), "fc": nn.Linear(4, 2)}),
        "dec": nn.ModuleDict({"rnn": nn.LSTM(2, 4)}),
    })
    path = saved({"model": model.state_dict()}, tmp_path)
    for part in ("enc", "model.enc", "enc.rnn"):
        network = rnnlens.read(path, part=part)
        assert [name for name, _ in network.recurrent()] == ["enc_rnn_l0"]
        assert any(
            f"outside of {part.removeprefix('model.')}" in n for n in network.origin.left_out
        )
    assert rnnlens.read(path, part="enc", head="relu > Linear(enc.fc)")["enc_fc"]
    named = read_or_name_arrays(path, ReadOptions(part="enc"))
    assert [name for name, _ in named.recurrent()] == ["enc_rnn_l0"]


# --- JSON --------------------------------------------------------------------------------------


@pytest.mark.parametrize("nested", [False, True])
def test_weights_in_json_are_read_by_pytorchs_names(forecaster, nested, x, tmp_path):
    state = {key: value.tolist() for key, value in forecaster.state_dict().items()}
    path = tmp_path / "weights.json"
    path.write_text(json.dumps({"epoch": 3, "state_dict": state} if nested else state))
    agree(rnnlens.predict(rnnlens.read(path, head="fc"), x), forecaster(torch.as_tensor(x)))


def test_json_that_names_an_array_twice_is_refused(tmp_path):
    path = tmp_path / "weights.json"
    path.write_text('{"weight_ih_l0": [[1.0]], "weight_ih_l0": [[2.0]], "weight_hh_l0": [[1.0]]}')
    with pytest.raises(RnnlensError, match="names two things alike"):
        rnnlens.read(path)
