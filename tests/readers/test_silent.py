"""Nothing of another library reaches the terminal: no warning, traceback or graph."""

import warnings

import keras
import numpy as np
import pytest
import torch
from keras import layers as K
from torch import nn

import rnnlens
from onnx_models import arrays_of, saved, single
from torch_models import Coded, scrambled

X = np.random.default_rng(0).normal(size=(4, 30, 3)).astype("float32")


def module(code):
    layers = {"rnn": nn.LSTM(3, 5, batch_first=True), "fc": nn.Linear(5, 1)}
    return scrambled(Coded(code, **layers))


def last(m, x):
    return m.fc(m.rnn(x)[0][:, -1])


#: Forward code that PyTorch's exporter follows, in part, and not at all.
CODES = {
    "plain": last,
    "steps from the front": lambda m, x: m.fc(m.rnn(x[:, :24])[0][:, -1]) + x[:, 24:, 0],
    "a branch on the data": lambda m, x: last(m, x) if x.mean() > 0 else -last(m, x),
    "random numbers": lambda m, x: last(m, x + torch.randn(3)),
    "an operation of its own": lambda m, x: last(m, x.sort(1).values),
}


def files(folder, rng):
    """Give files of every format, whole."""
    model = keras.Sequential([keras.Input((6, 3)), K.LSTM(4), K.Dense(1)])
    for name in ("m.keras", "m.h5"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # HDF5 is called a legacy by Keras as it is written
            model.save(folder / name)
    model.save_weights(folder / "m.weights.h5")
    torch.save(module(last).state_dict(), folder / "m.pt")
    saved(single("LSTM", arrays_of(rng, "LSTM")), folder, "m.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter speaks of the flat weights of an LSTM
        program = torch.export.export(module(last), (torch.as_tensor(X),))
    torch.export.save(program, folder / "m.pt2")
    (folder / "saved").mkdir()
    (folder / "saved" / "saved_model.pb").write_bytes(rng.bytes(300))
    return [*sorted(one for one in folder.iterdir() if one.is_file()), folder / "saved"]


def asked(*act):
    """Give what a verb says; nothing where it refuses."""
    verb, *given = act
    try:
        return verb(*given)
    except rnnlens.errors.RnnlensError:
        return None


def read_by_all(source, **options):
    """Read, and ask of what was read whatever needs nothing else."""
    network = asked(lambda: rnnlens.read(source, **options))
    if network is not None:
        asked(rnnlens.weights, network)
        asked(rnnlens.describe, network)
        asked(rnnlens.trace, network, X)
        asked(rnnlens.predict, network, X)
        asked(rnnlens.fidelity, network, source, X)


def silent(capfd):
    said = capfd.readouterr()
    return (said.out, said.err) == ("", "")


@pytest.mark.parametrize("name", CODES)
def test_reading_a_module_says_nothing_on_the_terminal(name, capfd):
    made = module(CODES[name])
    capfd.readouterr()
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        read_by_all(made, example=X)
    assert silent(capfd)
    assert [str(one.message) for one in given] == []


def test_reading_files_says_nothing_on_the_terminal_whole_or_damaged(tmp_path, rng, capfd):
    whole = files(tmp_path, rng)
    capfd.readouterr()
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        for path in whole:
            read_by_all(path)
            if path.is_file():
                content = path.read_bytes()
                for number, broken in enumerate((content[: len(content) // 2], content[50:], b"")):
                    damaged = tmp_path / f"damaged_{number}_{path.name}"
                    damaged.write_bytes(broken)
                    read_by_all(damaged)
    assert silent(capfd)
    assert [str(one.message) for one in given] == []
