"""What is refused at the command line: one sentence, and nothing that a library printed."""

import json
import warnings

import keras
import numpy as np
import pytest
import torch
from keras import layers as K
from torch import nn

import rnnlens.cli.app as command_line


def damaged_keras(folder):
    model = keras.Sequential([keras.Input((4, 2)), K.LSTM(3), K.Dense(1)])
    path = folder / "m.keras"
    model.save(path)
    path.write_bytes(path.read_bytes()[:-400])
    return ["inspect", path]


def median(folder):
    given = keras.Input((4, 2))
    output = K.Dense(1)(keras.ops.median(K.LSTM(3, return_sequences=True)(given), axis=1))
    path = folder / "m.keras"
    keras.Model(given, output).save(path)
    np.save(folder / "x.npy", np.zeros((3, 4, 2)))
    return ["explain", path, folder / "x.npy"]


def two_state_dicts(folder):
    torch.save({"a": nn.LSTM(2, 3).state_dict(), "b": nn.GRU(2, 3).state_dict()}, folder / "m.pt")
    np.save(folder / "x.npy", np.zeros((3, 4, 2)))
    return ["explain", folder / "m.pt", folder / "x.npy"]


def damaged_onnx(folder):
    with warnings.catch_warnings():  # that the exporter is old
        warnings.simplefilter("ignore")
        torch.onnx.export(
            nn.LSTM(2, 3, batch_first=True), (torch.zeros(1, 4, 2),), str(folder / "m.onnx"),
            dynamo=False,
        )  # fmt: skip
    data = (folder / "m.onnx").read_bytes()
    (folder / "m.onnx").write_bytes(data[: len(data) // 2])
    return ["inspect", folder / "m.onnx"]


def damaged_program(folder):
    module = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    program = torch.export.export(module, (torch.zeros(2, 4, 2),))
    torch.export.save(program, folder / "m.pt2")
    data = (folder / "m.pt2").read_bytes()
    (folder / "m.pt2").write_bytes(data[:200] + b"?" * 300 + data[500:])
    return ["inspect", folder / "m.pt2"]


def architecture_that_is_none(folder):
    (folder / "m.json").write_text(json.dumps({"class_name": "Sequential"}), encoding="utf-8")
    return ["inspect", folder / "m.json"]


REFUSED = [damaged_keras, median, two_state_dicts, damaged_onnx, damaged_program]
REFUSED += [architecture_that_is_none]


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_a_refused_file_leaves_one_sentence_on_the_terminal(make, tmp_path, capfd, monkeypatch):
    arguments = [str(one) for one in make(tmp_path)]
    capfd.readouterr()  # what the libraries say where the file is made
    monkeypatch.setattr("sys.argv", ["rnnlens", *arguments])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    out, err = capfd.readouterr()
    assert ended.value.code == 1
    assert out == ""
    assert err.startswith("rnnlens: ") and err.count("\n") == 1, err
