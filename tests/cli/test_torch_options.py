"""What the command line may say about a PyTorch state dict."""

import re
import shlex

import numpy as np
import pandas as pd
import pytest
import torch

from torch_models import made, saved, scrambled


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(2, 3, batch_first=True)
        self.fc = torch.nn.Linear(3, 1)


def test_head_names_the_layer_that_makes_the_forecast(call, tmp_path):
    path = saved(scrambled(Net()).state_dict(), tmp_path)
    said = call("inspect", path, "--head", "fc")
    assert said.code == 0, said.err
    assert "Input > LSTM > Dense" in said.out
    assert "fc.W (3, 1) kernel, from fc.weight transposed" in said.out


def test_nonlinearity_says_what_a_plain_layer_computes(call, tmp_path):
    path = saved(made("rnn_relu", "float32").state_dict(), tmp_path)
    said = call("inspect", path, "--nonlinearity", "relu")
    assert said.code == 0, said.err
    assert "activation relu" in said.out
    assert call("inspect", path, "--nonlinearity", "sine").code == 2


def test_an_option_for_another_format_is_refused_in_one_sentence(call, model):
    said = call("inspect", model, "--head", "fc")
    assert said.code == 1
    assert "is a Keras archive, which takes architecture and layers" in said.err
    assert "but head was given: leave it out" in said.err


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_command_that_init_ends_with_works_as_it_is_written(call, rng, tmp_path, outputs):
    net = Net()
    net.fc = torch.nn.Linear(3, outputs)
    path = saved(scrambled(net).state_dict(), tmp_path)
    table = tmp_path / "two columns.csv"
    walk = np.cumsum(rng.normal(size=(80, 2)), axis=0)
    pd.DataFrame(walk, columns=["rain", "flow"]).to_csv(table, index=False)
    made = call("init", path, table, "--head", "fc", "--targets", "flow", "--window", 5)
    assert made.code == 0, made.err
    path.with_suffix(".toml").write_text(made.out, encoding="utf-8")
    (typed,) = re.findall(r"\(rnnlens (check .*) says whether", " ".join(made.err.split()))
    said = call(*shlex.split(typed))
    assert said.code == 0, said.err
    assert "--head fc" in typed and "Is it a forecast of flow" in said.out


def test_part_picks_one_of_several_state_dicts_which_inspect_names_all(call, rng, tmp_path):
    encoder, decoder = (torch.nn.LSTMCell(n, 4).state_dict() for n in (2, 5))
    path = saved({"encoder_state_dict": encoder, "decoder_state_dict": decoder}, tmp_path)
    said = call("inspect", path)
    assert said.code == 0 and "encoder_state_dict" in said.out and "decoder_state_dict" in said.out
    said = call("inspect", path, "--part", "decoder_state_dict")
    assert said.code == 0 and "5 in, 4 units" in said.out
    np.savez(tmp_path / "w.npz", X=rng.normal(size=(30, 6, 2)))
    said = call("trace", path, tmp_path / "w.npz", "--part", "encoder_state_dict")
    assert said.code == 0, said.err
    assert "ASSUMED, not shown: the module begins each window" in " ".join(said.out.split())


def test_a_chain_is_stated_and_every_view_says_that_it_is_assumed(call, rng, tmp_path):
    path = saved(scrambled(Net()).state_dict(), tmp_path)
    np.savez(tmp_path / "w.npz", X=rng.normal(size=(30, 6, 2)))
    for typed in (["--layers", "LSTM > relu > Linear(fc)"], ["--head", "relu > Linear(fc)"]):
        said = call("explain", path, tmp_path / "w.npz", *typed)
        assert said.code == 0, said.err
        words = " ".join(said.out.split())
        assert "ASSUMED, not shown: the layers are as stated" in words
        assert "relu > Linear(fc)" in words


@pytest.mark.parametrize("verb", ["check", "explain"])
def test_windows_in_a_file_say_how_many_steps_they_have(call, rng, tmp_path, verb):
    path = saved(scrambled(Net()).state_dict(), tmp_path)
    np.savez(tmp_path / "w.npz", X=rng.normal(size=(30, 6, 2)))
    for typed in ([], ["--features", "rain,flow"]):
        said = call(verb, path, tmp_path / "w.npz", "--head", "fc", *typed)
        assert said.code == 0, said.err
