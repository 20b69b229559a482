"""Cells without a name of their own are described by the graph of their step."""

import warnings

import numpy as np
import pytest
import torch

import rnnlens
from handwritten_cells import DESCRIBED, FEATURES, LayerNormed


@pytest.fixture(params=DESCRIBED, ids=lambda cell: cell.__name__, scope="module")
def read(request):
    torch.manual_seed(7)
    module = request.param().double().eval()
    net = rnnlens.read(module, example=torch.randn(5, 4, FEATURES, dtype=torch.float64))
    return request.param, module, net, torch.randn(4, 6, FEATURES, dtype=torch.float64)


def test_a_described_cell_computes_what_the_code_does_at_any_length(read):
    _, module, net, x = read
    # the same sums in another order
    given = module(x).detach().numpy()
    np.testing.assert_allclose(rnnlens.predict(net, x.numpy()), given, rtol=0, atol=1e-12)


def test_gates_are_named_by_their_part_in_the_equations(read):
    cell, _, net, x = read
    traced = rnnlens.trace(net, x.numpy())
    names = {str(name) for layer in traced.children.values() for name in layer.gate.values}
    assert names >= DESCRIBED[cell]


def test_contributions_sum_to_the_change_of_the_forecast(read):
    _, module, net, x = read
    told = rnnlens.explain(net, x.numpy(), target=0, method="secant", baseline="zero")
    change = (module(x) - module(torch.zeros_like(x))).detach().numpy()[:, 0]
    total = told["contribution"].sum(["lag", "feature"])
    np.testing.assert_allclose(total, change, rtol=0, atol=1e-12)


def test_gradients_are_those_of_the_code(read):
    _, module, net, x = read
    wanted = x.clone().requires_grad_()
    module(wanted)[:, 1].sum().backward()
    told = rnnlens.explain(net, x.numpy(), target=1, method="gradient")
    steps = told["sensitivity"].sortby("lag", ascending=False)
    np.testing.assert_allclose(steps, wanted.grad.numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", DESCRIBED, ids=lambda cell: cell.__name__)
def test_a_described_cell_is_read_from_onnx_and_kept_by_npz(cell, tmp_path):
    torch.manual_seed(12)
    module, x = cell().eval(), torch.randn(4, 5, FEATURES)
    path = tmp_path / "cell.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (x,), path, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "n"}}
        )
    net = rnnlens.read(path)
    given = rnnlens.predict(net, x.numpy())
    # float32 in PyTorch
    np.testing.assert_allclose(given, module(x).detach().numpy(), rtol=0, atol=1e-6)
    rnnlens.convert(net, tmp_path / "cell.npz")
    again = rnnlens.read(tmp_path / "cell.npz")
    np.testing.assert_array_equal(rnnlens.predict(again, x.numpy()), given)
    names = [list(layer.gate.values) for layer in rnnlens.trace(net, x.numpy()).children.values()]
    kept = [list(layer.gate.values) for layer in rnnlens.trace(again, x.numpy()).children.values()]
    assert names == kept


def test_the_trace_of_a_layer_normed_lstm_obeys_its_equation():
    torch.manual_seed(8)
    module = LayerNormed().double().eval()
    x = torch.randn(3, 4, FEATURES, dtype=torch.float64)
    traced = rnnlens.trace(rnnlens.read(module, example=x), x.numpy())["cell"]
    f, i, g = (traced["gate_value"].sel(gate=name) for name in ("forget", "input", "cell"))
    c = traced["cell"].to_numpy()
    before = np.concatenate([np.zeros_like(c[:, :1]), c[:, :-1]], axis=1)
    np.testing.assert_allclose(c, f * before + i * g, rtol=0, atol=1e-12)
