"""What the command line may say about a PyTorch state dict."""

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
    assert "is a Keras archive, which takes no option, but head was given" in said.err
