"""Decoders keep their steps as horizons, and whole cells with layers before them are layers."""

import warnings

import numpy as np
import pytest
import torch

import rnnlens
from handwritten_cells import FEATURES, UNITS, Decoder, HandDecoder, Hidden, Prepared
from rnnlens.errors import InputError


def read(module, x, how, folder):
    if how == "live":
        return rnnlens.read(module, example=x)
    path = folder / "decoder.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (x,), path, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "n"}}
        )
    return rnnlens.read(path)


@pytest.mark.parametrize("how", ["live", "onnx"])
@pytest.mark.parametrize(
    "make",
    [lambda: Decoder("LSTM"), lambda: Decoder("GRU"), HandDecoder],
    ids=["LSTM", "GRU", "by hand"],
)
def test_the_steps_of_a_decoder_are_horizons_in_its_trace(make, how, tmp_path):
    torch.manual_seed(9)
    module, x = make().eval(), torch.randn(3, 5, FEATURES)
    net = read(module, x, how, tmp_path)
    # float32 in PyTorch
    np.testing.assert_allclose(
        rnnlens.predict(net, x.numpy()), module(x).detach().numpy(), rtol=0, atol=1e-6
    )
    encoder, decoder = rnnlens.trace(net, x.numpy()).children.values()
    assert encoder["hidden"].shape == (3, 5, UNITS)
    assert decoder["hidden"].shape == (3, module.HORIZONS, UNITS)
    # the forecast of each horizon is the head's of its hidden state
    shown = torch.from_numpy(decoder["hidden"].to_numpy()).float()
    given = module.fc(shown).detach().numpy().reshape(3, -1)
    np.testing.assert_allclose(
        rnnlens.predict(net, x.numpy()).reshape(3, -1), given, rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("how", ["live", "onnx"])
def test_whole_cells_with_layers_before_them_are_layers(how, tmp_path):
    torch.manual_seed(10)
    module, x = Prepared().eval(), torch.randn(3, 5, FEATURES)
    net = read(module, x, how, tmp_path)
    assert [layer.cell.kind for _, layer in net.recurrent()] == ["LSTM", "GRU"]
    assert len(net.nodes) == 8  # x, before, relu, lstm, tanh, gru, fc, its only unit
    # float32 in PyTorch
    np.testing.assert_allclose(
        rnnlens.predict(net, x.numpy()), module(x).detach().numpy(), rtol=0, atol=1e-6
    )


def test_what_stays_written_out_is_said_in_every_result():
    torch.manual_seed(11)
    module, x = Hidden().double().eval(), torch.randn(3, 5, FEATURES, dtype=torch.float64)
    net = rnnlens.read(module, example=x)
    # the same sums in another order
    np.testing.assert_allclose(
        rnnlens.predict(net, x.numpy()), module(x).detach().numpy(), rtol=0, atol=1e-12
    )
    (clause,) = net.origin.left_out
    assert "h2h.weight" in clause
    told = rnnlens.explain(net, x.numpy(), target=0, method="gradient")
    assert clause in told.attrs["left_out"]
    with pytest.raises(InputError, match="no recurrent layer.*h2h.weight"):
        rnnlens.trace(net, x.numpy())
